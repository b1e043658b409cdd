// The head of a recorded FLV file: file header and an onMetaData tag of fixed size, written once
// when the file begins and again, with duration and an index of key frames, when it is complete.
import { EcmaArray, encodeAmf0 } from '../protocol/amf0.js';
import { FLV_SCRIPT, FlvTag, flvFileHeader } from '../protocol/flv.js';

export interface KeyFrameEntry {
  readonly timeMs: number;
  /** Of its tag in the file. */
  readonly position: number;
}

/** What is known of a file, at its begin or at its end. */
export interface FlvSummary {
  readonly durationMs: number;
  readonly bytes: number;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly keyFrames: readonly KeyFrameEntry[];
}

export const NOTHING_YET: FlvSummary = {
  ...{ durationMs: 0, bytes: 0, hasVideo: true, hasAudio: true },
  ...{ width: 0, height: 0, fps: 0, keyFrames: [] },
};

/** Room for an index of about 1,700 key frames; longer ones are thinned out. */
const BODY_BYTES = 32 * 1_024;
const ENTRY_BYTES = 18;
const STRING_HEAD_BYTES = 3;
const PADDING_STRING_MAX = 1_000;
const INDEX_ENTRIES_MAX = Math.floor((BODY_BYTES - 512) / ENTRY_BYTES);
/** Everything before the first media tag. */
export const FLV_HEAD_BYTES = 13 + 11 + BODY_BYTES + 4;

/** Exactly FLV_HEAD_BYTES. */
export function flvHead(summary: FlvSummary): Buffer {
  const { hasAudio, hasVideo } = summary;
  const body = (padding: readonly string[]): Buffer =>
    encodeAmf0('onMetaData', new EcmaArray({ ...membersOf(summary), padding }));
  const payload = body(paddingOf(BODY_BYTES - body([]).length));
  const tag = new FlvTag(FLV_SCRIPT, 0, payload);
  return Buffer.concat([flvFileHeader({ audio: hasAudio, video: hasVideo }), tag.encoded]);
}

function membersOf(summary: FlvSummary) {
  const { durationMs, bytes, hasVideo, hasAudio, width, height, fps } = summary;
  const index = thinned(summary.keyFrames);
  return {
    duration: durationMs / 1_000,
    filesize: bytes,
    ...(hasVideo && width > 0 ? { width, height, framerate: fps } : {}),
    ...{ hasVideo, hasAudio, hasKeyframes: index.length > 0, encoder: 'showbill' },
    ...(index.length === 0
      ? {}
      : {
          keyframes: {
            times: index.map((one) => one.timeMs / 1_000),
            filepositions: index.map((one) => one.position),
          },
        }),
  };
}

/** Strings that take exactly so many bytes, at least 3; ffmpeg reads none above 1,023 bytes. */
function paddingOf(bytes: number): string[] {
  const strings: string[] = [];
  for (let left = bytes; left > 0;) {
    const longest = Math.min(PADDING_STRING_MAX, left - STRING_HEAD_BYTES);
    const rest = left - STRING_HEAD_BYTES - longest;
    // What is left over must have room for the head of a string.
    const length = rest > 0 && rest < STRING_HEAD_BYTES ? longest - STRING_HEAD_BYTES : longest;
    strings.push(' '.repeat(length));
    left -= STRING_HEAD_BYTES + length;
  }
  return strings;
}

function thinned(entries: readonly KeyFrameEntry[]): readonly KeyFrameEntry[] {
  const step = Math.ceil(entries.length / INDEX_ENTRIES_MAX);
  return step <= 1 ? entries : entries.filter((_, at) => at % step === 0);
}
