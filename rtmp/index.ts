// All that other folders may import from rtmp/.
export { PREVIEW_SID, recordingSid } from './hls/access.js';
export { FreeEpochs } from './hls/free-epochs.js';
export { type LiveStreamRow, StreamDirectory } from './directory.js';
export { StreamOptions, type StreamSettings } from './stream-options.js';
export type { StreamHealth } from './stream-health.js';
export { createRtmpControl, type FleetClient } from './control/fleet-client.js';
export { RecordingDirectory, type RecordingRow } from './recording/recording-directory.js';
// For benchmarks, and for nodes that pull or push streams.
export { RtmpClient, RtmpStatusError } from './client.js';
export { INGEST_DEFAULTS, type IngestOptions } from './ingest-options.js';
export { createIngestMetrics } from './metrics.js';
export { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO, FlvTag } from './protocol/flv.js';
export { RtmpServer } from './server.js';
