// Joins the recordings of a node from its configuration: directory, catalog, MP4 maker, and the
// done hook. Used by main.ts.
import { join } from 'node:path';
import { type Config, type Logger, type RedisClient, systemClock } from '../cluster/index.js';
import type { DoneLedger, OwedEvents } from './done-ledger.js';
import type { CpuBudget } from './ffmpeg/cpu-budget.js';
import { sweepOrphans } from './ffmpeg/orphans.js';
import { DirectoryLock } from './directory-lock.js';
import type { HookRequest } from './hooks.js';
import type { RecordingMetrics } from './metrics.js';
import { Catalog } from './recording/catalog.js';
import { Mp4Maker } from './recording/mp4-maker.js';
import { PathTemplate } from './recording/path-template.js';
import { parseRecorder, type RecordingEntry } from './recording/recording.js';
import { RecordingRows } from './recording/recording-directory.js';
import { Recordings } from './recording/recordings.js';

export interface RecordingParts {
  readonly config: Config;
  readonly redis: RedisClient;
  readonly log: Logger;
  readonly budget: CpuBudget;
  readonly metrics: RecordingMetrics;
  readonly ledger: DoneLedger;
  /** Sends done events; called after `start` only. */
  readonly settle: (owed: readonly OwedEvents[]) => void;
}

/** Names are hidden from the media sweep by their dot. */
const FOLDER = '.recordings';

/** @throws Error that names RECORD_PATH when the template is broken */
export function createRecordings(parts: RecordingParts): {
  readonly recordings: Recordings;
  /** To be started before anything is published, and stopped before the done queue is. */
  readonly part: { start(): Promise<void>; stop(): Promise<void> };
} {
  const { config, redis, log, budget, metrics, ledger, settle } = parts;
  const { recording, rtmp, node } = config;
  const dir = recording.dir === '' ? join(rtmp.mediaDir, FOLDER) : recording.dir;
  const lock = new DirectoryLock(dir, 'RECORD_DIR');
  const catalog = new Catalog({
    ...{ dir: lock.root, nodeId: node.id, urlBase: `http://${node.host}:${rtmp.hlsPort}` },
    ...{ rows: new RecordingRows(redis), log },
  });
  const recordings = new Recordings({
    ...recording,
    nodeId: node.id,
    recorders: recording.recorders.map(parseRecorder),
    template: new PathTemplate(recording.path),
    limits: recording,
    ...{ catalog, maker: new Mp4Maker({ budget, log }), clock: systemClock, log, metrics },
    onDone: (entry, file) => {
      const owed = { session: `record:${entry.id}`, requests: [doneRequest(entry, file, node.id)] };
      // Noted before it is sent: another node sends it should this one die now.
      ledger.owe(owed.session, owed.requests);
      settle([owed]);
    },
  });
  return {
    recordings,
    part: {
      async start() {
        await lock.lock();
        await sweepOrphans({ mediaDir: lock.root });
        await recordings.start();
      },
      async stop() {
        await recordings.stop();
        await lock.unlock();
      },
    },
  };
}

/** nginx-rtmp's members, then ours. The name is the public stream id, as after a redirect there. */
function doneRequest(entry: RecordingEntry, path: string, node: string): HookRequest {
  const { id, streamId: name, sessionId: session, recorder, kind, client } = entry;
  const { durationMs, bytes: size, end: reason = 'stopped', startedAtMs } = entry;
  const call = 'record_done';
  return {
    call,
    members: {
      ...{ ...client, call, recorder, name, path },
      ...{ duration: (durationMs / 1_000).toFixed(3), size, reason, kind },
      ...{ recording: id, started: startedAtMs, session, node },
    },
    args: '',
  };
}
