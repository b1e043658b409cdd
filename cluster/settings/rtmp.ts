// Settings of RTMP ingest, transcoding and HLS. One row per variable; see config.ts.
import { bool, CIDR, choice, int, list, port, text, url } from '../setting.js';

export const rtmpSettings = {
  port: port('RTMP_PORT', { doc: 'RTMP ingest and play.', fallback: 8083 }),
  hlsPort: port('HLS_PORT', { doc: 'HLS over HTTP.', fallback: 8082 }),
  mediaDir: text('MEDIA_DIR', {
    doc: 'Directory for segments; only this process may use it.',
    fallback: 'var/media',
  }),
  hookUrl: url('RTMP_HOOK_URL', ['http', 'https'], {
    doc: 'Base address of the hooks; empty = a billing process from the member list.',
    fallback: '',
  }),
  updateIntervalMs: int(
    'RTMP_UPDATE_INTERVAL_MS',
    { min: 200, max: 600_000 },
    {
      doc: 'Period of on_update for each session.',
      fallback: 30_000,
      unit: 'ms',
    },
  ),
  publishPolicy: choice('RTMP_PUBLISH_POLICY', ['replace', 'refuse'], {
    doc: 'What happens when the same key publishes while a publisher is live.',
    fallback: 'replace',
  }),
  flapsMax: int(
    'RTMP_FLAPS_MAX',
    { min: 0, max: 10_000 },
    {
      doc: 'Publishes of one key or stream that may begin within a minute; 0 = no limit.',
      fallback: 20,
    },
  ),
  overloadPercent: int(
    'RTMP_OVERLOAD_PERCENT',
    { min: 0, max: 100 },
    {
      doc: 'Percent of all CPUs in use that costs encodings, then refuses publishers; 0 = never.',
      fallback: 0,
    },
  ),
  gracePolicy: choice('RTMP_GRACE_POLICY', ['lost', 'always'], {
    doc: 'Whom RTMP_RECONNECT_GRACE_MS waits for: lost links, or also publishers that said goodbye.',
    fallback: 'lost',
  }),
  idleTimeoutMs: int(
    'RTMP_IDLE_TIMEOUT_MS',
    { min: 500, max: 600_000 },
    {
      doc: 'A publisher without media for this long is dropped.',
      fallback: 15_000,
      unit: 'ms',
    },
  ),
  connectionsMax: int(
    'RTMP_CONNECTIONS_MAX',
    { min: 1, max: 100_000 },
    {
      doc: 'Further RTMP connections are refused.',
      fallback: 5_000,
    },
  ),
  connectionsPerAddressMax: int(
    'RTMP_CONNECTIONS_PER_ADDRESS_MAX',
    { min: 1, max: 100_000 },
    {
      doc: 'Further RTMP connections from the same address are refused.',
      fallback: 1_000,
    },
  ),
  controlPort: port('RTMP_CONTROL_PORT', {
    doc: 'Control and statistics over HTTP, bound to OPS_HOST; 0 = none.',
    fallback: 0,
  }),
  tlsPort: port('RTMP_TLS_PORT', { doc: 'RTMPS ingest and play; 0 = none.', fallback: 0 }),
  tlsCertFile: text('RTMP_TLS_CERT_FILE', {
    doc: 'Certificate chain for RTMPS, PEM.',
    fallback: '',
  }),
  tlsKeyFile: text('RTMP_TLS_KEY_FILE', {
    doc: 'Private key for RTMPS, PEM.',
    fallback: '',
  }),
  proxies: list('RTMP_TRUSTED_PROXIES', {
    doc: 'Networks whose RTMP connections begin with a PROXY protocol header (version 1 or 2).',
    fallback: [],
    item: CIDR,
  }),
  publishAllow: list('RTMP_PUBLISH_ALLOW', {
    doc: 'Networks that may publish; empty = all.',
    fallback: [],
    item: CIDR,
  }),
  publishDeny: list('RTMP_PUBLISH_DENY', {
    doc: 'Networks that may not publish, also when allowed above.',
    fallback: [],
    item: CIDR,
  }),
  playAllow: list('RTMP_PLAY_ALLOW', {
    doc: 'Networks that may play over RTMP; empty = all.',
    fallback: [],
    item: CIDR,
  }),
  playDeny: list('RTMP_PLAY_DENY', {
    doc: 'Networks that may not play over RTMP, also when allowed above.',
    fallback: [],
    item: CIDR,
  }),
  bitrateMaxBps: int(
    'RTMP_BITRATE_MAX_BPS',
    { min: 0, max: 1_000_000_000 },
    {
      doc: 'A publisher that sends more than this for ten seconds is dropped; 0 = no limit.',
      fallback: 20_000_000,
      unit: 'bit/s',
    },
  ),
  durationMaxMs: int(
    'RTMP_DURATION_MAX_MS',
    { min: 0, max: 2_147_483_647 },
    {
      doc: 'A publish that lasts longer is ended; 0 = no limit.',
      fallback: 86_400_000,
      unit: 'ms',
    },
  ),
  segmentMs: int(
    'HLS_SEGMENT_MS',
    { min: 500, max: 10_000 },
    {
      doc: 'Wanted length of a segment; cuts fall on key frames.',
      fallback: 2_000,
      unit: 'ms',
    },
  ),
  windowSegments: int(
    'HLS_WINDOW_SEGMENTS',
    { min: 3, max: 10_000 },
    {
      doc: 'Segments listed in a live playlist.',
      fallback: 8,
    },
  ),
  dvrMs: int(
    'HLS_DVR_MS',
    { min: 0, max: 86_400_000 },
    {
      doc: 'How far back viewers can go in a live show (dvr.m3u8); 0 = not at all.',
      fallback: 0,
      unit: 'ms',
    },
  ),
  partMs: int(
    'HLS_PART_MS',
    { min: 0, max: 1_000 },
    {
      doc: 'Length of the parts of low-latency HLS, at least 200; 0 = MPEG-TS without parts.',
      fallback: 0,
      unit: 'ms',
    },
  ),
  reconnectGraceMs: int(
    'RTMP_RECONNECT_GRACE_MS',
    { min: 0, max: 600_000 },
    {
      doc: 'A publisher that returns within this time continues its show.',
      fallback: 10_000,
      unit: 'ms',
    },
  ),
  disposeMs: int(
    'HLS_DISPOSE_MS',
    { min: 0, max: 86_400_000 },
    {
      doc: 'Files of an ended show are removed after this time.',
      fallback: 60_000,
      unit: 'ms',
    },
  ),
  hlsOrigins: list('HLS_ALLOWED_ORIGINS', {
    doc: 'Origins that may read HLS across sites; * = all (paths are signed).',
    fallback: ['*'],
  }),
  cpuBudgetPercent: int(
    'TRANSCODE_CPU_BUDGET_PERCENT',
    { min: 0, max: 100_000 },
    {
      doc: 'CPU that transcodes may use together; 100 = one core. Copies are nearly free.',
      fallback: 150,
      unit: '% of a core',
    },
  ),
  encoder: choice(
    'HLS_ENCODER',
    ['off', 'auto', 'h264_nvenc', 'h264_vaapi', 'h264_qsv', 'h264_v4l2m2m'],
    {
      doc: 'Hardware encoder, tried at boot; auto = the first that works; libx264 where none does.',
      fallback: 'off',
    },
  ),
  renditionsMax: int(
    'HLS_RENDITIONS_MAX',
    { min: 1, max: 5 },
    {
      doc: "Picture sizes per stream, the source's own included, as far as the CPU budget allows.",
      fallback: 3,
    },
  ),
  encryption: choice('HLS_ENCRYPTION', ['none', 'aes-128'], {
    doc: 'Whether segments are encrypted; players fetch the keys with their signed path.',
    fallback: 'none',
  }),
  pictureEveryMs: int(
    'HLS_PICTURE_EVERY_MS',
    { min: 0, max: 600_000 },
    {
      doc: 'How often a live stream gets a new still picture; 0 = never.',
      fallback: 10_000,
      unit: 'ms',
    },
  ),
  hasAudioOnly: bool('HLS_AUDIO_ONLY', {
    doc: 'Offers the sound alone as one more rendition.',
    fallback: false,
  }),
} as const;
