// FLV tags: the unit of media between an RTMP session, the GOP cache, players and ffmpeg. A tag
// owns its payload, is immutable and is shared by all readers, so nobody may write into its
// buffers.
// Reference: Adobe Flash Video File Format 10.1, annex E; Enhanced RTMP v2 for the extended
// headers.

import { encodeChunks } from './chunk-writer.js';
import { CSID_AUDIO, CSID_DATA, CSID_VIDEO } from './message.js';

/** FLV tag types; the numbers equal the RTMP message types of the same media. */
export const FLV_AUDIO = 8;
export const FLV_VIDEO = 9;
export const FLV_SCRIPT = 18;

export type FlvTagType = typeof FLV_AUDIO | typeof FLV_VIDEO | typeof FLV_SCRIPT;

export const VIDEO_CODEC_AVC = 7;
export const AUDIO_CODEC_MP3 = 2;
export const AUDIO_CODEC_AAC = 10;

/**
 * Chunk size and message stream of `FlvTag.chunks`; a player's connection must be set up for them.
 */
export const PLAY_CHUNK_SIZE = 65_536;
export const PLAY_STREAM_ID = 1;

const FRAME_TYPE_KEY = 1;
const VIDEO_EX_HEADER = 0x80;
const AUDIO_EX_HEADER = 9;
const TAG_HEADER_BYTES = 11;

const VIDEO_CODEC_NAMES: Readonly<Record<number, string>> = {
  2: 'sorenson-h263',
  3: 'screen-video',
  4: 'vp6',
  5: 'vp6-alpha',
  6: 'screen-video-2',
  7: 'h264',
  12: 'hevc',
};

const AUDIO_CODEC_NAMES: Readonly<Record<number, string>> = {
  0: 'pcm',
  1: 'adpcm',
  2: 'mp3',
  3: 'pcm-le',
  4: 'nellymoser-16k',
  5: 'nellymoser-8k',
  6: 'nellymoser',
  7: 'g711-alaw',
  8: 'g711-mulaw',
  10: 'aac',
  11: 'speex',
  14: 'mp3-8k',
};

/** One immutable FLV tag. `timestampMs` is the 32-bit wire value, which wraps after 49.7 days. */
export class FlvTag {
  readonly type: FlvTagType;
  /** Unsigned 32 bit, ms. Compare two of them with `timestampDiff` only. */
  readonly timestampMs: number;
  /** Everything after the FLV tag header; shared, never to be written to. */
  readonly payload: Buffer;
  /** True for a video tag that starts a decodable picture (never for a sequence header). */
  readonly isKeyFrame: boolean;
  /** True for an AVC/AAC decoder configuration; every decoder needs the newest one before media. */
  readonly isSequenceHeader: boolean;
  #encoded: Buffer | undefined;
  #chunks: { readonly offsetMs: number; readonly bytes: Buffer } | undefined;

  constructor(type: FlvTagType, timestampMs: number, payload: Buffer) {
    this.type = type;
    this.timestampMs = timestampMs >>> 0;
    this.payload = payload;
    const isVideo = type === FLV_VIDEO;
    const first = payload.length > 0 ? (payload[0] ?? 0) : 0;
    const second = payload.length > 1 ? (payload[1] ?? 0) : -1;
    const isAvc = isVideo && (first & 0x8f) === VIDEO_CODEC_AVC;
    const isAac = type === FLV_AUDIO && first >> 4 === AUDIO_CODEC_AAC;
    this.isSequenceHeader = (isAvc || isAac) && second === 0;
    // AVC packet type 1 is the only one with pictures; 2 marks the end of the sequence.
    this.isKeyFrame =
      isVideo &&
      ((first >> 4) & 0x07) === FRAME_TYPE_KEY &&
      (!isAvc || second === 1) &&
      payload.length > 1;
  }

  get isVideo(): boolean {
    return this.type === FLV_VIDEO;
  }

  get isAudio(): boolean {
    return this.type === FLV_AUDIO;
  }

  /** The tag as it stands in an FLV file, with its trailing tag size. Built once, shared by all. */
  get encoded(): Buffer {
    return (this.#encoded ??= encodeFlvTag(this));
  }

  /**
   * The tag as RTMP chunks for players, its timestamp moved by `offsetMs`. Built once per offset
   * (all players of a stream have the same one) and shared.
   */
  chunks(offsetMs: number): Buffer {
    if (this.#chunks?.offsetMs !== offsetMs) {
      const { type, payload } = this;
      const timestampMs = (this.timestampMs + offsetMs) >>> 0;
      const csid = type === FLV_VIDEO ? CSID_VIDEO : type === FLV_AUDIO ? CSID_AUDIO : CSID_DATA;
      const message = { type, timestampMs, streamId: PLAY_STREAM_ID, payload };
      this.#chunks = { offsetMs, bytes: encodeChunks(csid, message, PLAY_CHUNK_SIZE) };
    }
    return this.#chunks.bytes;
  }
}

/** The nine-byte FLV file header plus the first (zero) tag size. */
export function flvFileHeader(has: { audio: boolean; video: boolean }): Buffer {
  const flags = (has.audio ? 4 : 0) | (has.video ? 1 : 0);
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
}

/** A tag with a time of its own as three pieces of an FLV file; the payload is not copied. */
export function frameFlvTag(tag: FlvTag, timeMs: number): readonly [Buffer, Buffer, Buffer] {
  const { type, payload } = tag;
  const head = Buffer.allocUnsafe(TAG_HEADER_BYTES);
  head[0] = type;
  head.writeUIntBE(payload.length, 1, 3);
  head.writeUIntBE(timeMs & 0xffffff, 4, 3);
  head[7] = (timeMs >>> 24) & 0xff;
  head.writeUIntBE(0, 8, 3);
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32BE(TAG_HEADER_BYTES + payload.length);
  return [head, payload, size];
}

/** Signed distance `later - earlier` in ms of two 32-bit timestamps, right across the wrap. */
export function timestampDiff(later: number, earlier: number): number {
  return (later - earlier) | 0;
}

/** True when the tag carries an Enhanced RTMP header, which older decoders cannot read. */
export function hasExtendedHeader(tag: FlvTag): boolean {
  const first = tag.payload[0];
  if (first === undefined) return false;
  if (tag.type === FLV_VIDEO) return (first & VIDEO_EX_HEADER) !== 0;
  return tag.type === FLV_AUDIO && first >> 4 === AUDIO_EX_HEADER;
}

/** Codec of a media tag: `h264`, `aac`, a FourCC such as `hvc1`, or `unknown-<id>`. */
export function codecName(tag: FlvTag): string {
  const first = tag.payload[0];
  if (first === undefined || tag.type === FLV_SCRIPT) return 'none';
  if (hasExtendedHeader(tag)) {
    const fourCc = tag.payload.toString('latin1', 1, 5);
    return /^[\x20-\x7e]{4}$/.test(fourCc) ? fourCc.trim() : 'unknown-extended';
  }
  const id = tag.type === FLV_VIDEO ? first & 0x0f : first >> 4;
  const names = tag.type === FLV_VIDEO ? VIDEO_CODEC_NAMES : AUDIO_CODEC_NAMES;
  return names[id] ?? `unknown-${id}`;
}

function encodeFlvTag(tag: FlvTag): Buffer {
  return Buffer.concat(frameFlvTag(tag, tag.timestampMs));
}
