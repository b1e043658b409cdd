// Settings of recordings. One row per variable; see config.ts.
import { bool, int, list, text } from '../setting.js';

/** 1 PiB: a limit that no disk reaches. */
const BYTES_MAX = 2 ** 50;
const MS_MAX = 100 * 365 * 86_400_000;

export const recordingSettings = {
  recorders: list('RECORDERS', {
    doc: 'Recorders of every stream: <name>:<all|audio|video|keyframes>[:manual]; empty = none.',
    fallback: [],
    item: /^[a-z0-9_-]{1,32}:(?:all|audio|video|keyframes)(?::manual)?$/,
  }),
  dir: text('RECORD_DIR', {
    doc: 'Directory of recordings; only this process may use it; empty = inside of MEDIA_DIR.',
    fallback: '',
  }),
  path: text('RECORD_PATH', {
    doc: 'File name below it: {stream} {recorder} {unix} {unique} %Y %m %d %H %M %S (UTC).',
    fallback: '{stream}/%Y-%m-%d/%H%M%S-{recorder}',
  }),
  sizeMaxBytes: int(
    'RECORD_MAX_SIZE_BYTES',
    { min: 0, max: BYTES_MAX },
    { doc: 'A recording stops at this size; 0 = no limit.', fallback: 0, unit: 'bytes' },
  ),
  framesMax: int(
    'RECORD_MAX_FRAMES',
    { min: 0, max: 1_000_000_000 },
    { doc: 'A recording stops after this many frames; 0 = no limit.', fallback: 0 },
  ),
  durationMaxMs: int(
    'RECORD_MAX_DURATION_MS',
    { min: 0, max: MS_MAX },
    { doc: 'A recording stops after this time; 0 = no limit.', fallback: 0, unit: 'ms' },
  ),
  intervalMs: int(
    'RECORD_INTERVAL_MS',
    { min: 0, max: MS_MAX },
    { doc: 'A recording goes on in a new file after this; 0 = never.', fallback: 0, unit: 'ms' },
  ),
  isAppending: bool('RECORD_APPEND', {
    doc: 'Whether a file that RECORD_PATH names again is appended to; else a number is added.',
    fallback: false,
  }),
  freeMinBytes: int(
    'RECORD_FREE_MIN_BYTES',
    { min: 0, max: BYTES_MAX },
    {
      doc: 'Nothing is recorded while the disk has less room than this.',
      fallback: 500_000_000,
      unit: 'bytes',
    },
  ),
  hasMp4: bool('RECORD_MP4', {
    doc: 'Whether finished recordings become MP4 files that can be played from the HLS server.',
    fallback: true,
  }),
  isFlvKept: bool('RECORD_KEEP_FLV', {
    doc: 'Whether the FLV file stays beside its MP4.',
    fallback: true,
  }),
  keepMs: int(
    'RECORD_KEEP_MS',
    { min: 0, max: MS_MAX },
    { doc: 'Recordings are removed at this age; 0 = never.', fallback: 0, unit: 'ms' },
  ),
  totalMaxBytes: int(
    'RECORD_TOTAL_MAX_BYTES',
    { min: 0, max: BYTES_MAX },
    {
      doc: 'The oldest recordings are removed above this; 0 = no limit.',
      fallback: 0,
      unit: 'bytes',
    },
  ),
} as const;
