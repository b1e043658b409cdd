// What an AVC sequence header says about the pictures: profile, level, size, format, nominal frame
// rate.
// Reference: ISO/IEC 14496-15, 5.2.4.1 (configuration record); H.264, 7.3.2.1.1 and E.1.1 (SPS,
// VUI).

import { BitReader } from './bit-reader.js';
import type { FlvTag } from './flv.js';

export interface AvcConfig {
  readonly profileIdc: number;
  readonly levelIdc: number;
  /** RFC 6381, such as `avc1.64001f`. */
  readonly codecString: string;
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly chroma: string;
  /** From the VUI timing, 0 when it has none. */
  readonly fps: number;
}

const CHROMA_NAMES = ['4:0:0', '4:2:0', '4:2:2', '4:4:4'] as const;
/** Profiles whose SPS carries chroma format and scaling lists. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const FLV_VIDEO_HEADER_BYTES = 5;
const ASPECT_EXTENDED = 255;

/** Reads the configuration of an AVC sequence header tag; undefined when it is not a valid one. */
export function parseAvcConfig(tag: FlvTag): AvcConfig | undefined {
  const record = tag.payload.subarray(FLV_VIDEO_HEADER_BYTES);
  if (record.length < 8 || record[0] !== 1) return undefined;
  if ((record.readUInt8(5) & 0x1f) === 0) return undefined;
  const spsBytes = record.readUInt16BE(6);
  const sps = record.subarray(8, 8 + spsBytes);
  if (sps.length < spsBytes || sps.length < 4) return undefined;
  const codecString = `avc1.${record.toString('hex', 1, 4)}`;
  const parsed = parseSps(unescape(sps.subarray(1)));
  return parsed && { codecString, ...parsed };
}

/** Takes the emulation prevention bytes (00 00 03) out. */
function unescape(nal: Buffer): Buffer {
  const out = Buffer.allocUnsafe(nal.length);
  let zeros = 0;
  let length = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

function parseSps(sps: Buffer): Omit<AvcConfig, 'codecString'> | undefined {
  const reader = new BitReader(sps);
  const profileIdc = reader.bits(8);
  reader.bits(8);
  const levelIdc = reader.bits(8);
  reader.unsigned();
  const format = HIGH_PROFILES.has(profileIdc) ? readFormat(reader) : { chroma: 1, bitDepth: 8 };
  reader.unsigned();
  skipPictureOrder(reader);
  reader.unsigned();
  reader.bits(1);
  const widthInBlocks = reader.unsigned() + 1;
  const heightInUnits = reader.unsigned() + 1;
  const isFrameOnly = reader.flag();
  if (!isFrameOnly) reader.bits(1);
  reader.bits(1);
  const crop = reader.flag()
    ? [reader.unsigned(), reader.unsigned(), reader.unsigned(), reader.unsigned()]
    : [0, 0, 0, 0];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const fieldFactor = isFrameOnly ? 1 : 2;
  const cropX = format.chroma === 1 || format.chroma === 2 ? 2 : 1;
  const cropY = (format.chroma === 1 ? 2 : 1) * fieldFactor;
  const width = widthInBlocks * 16 - (left + right) * cropX;
  const height = heightInUnits * 16 * fieldFactor - (top + bottom) * cropY;
  const fps = reader.flag() ? readFrameRate(reader) : 0;
  if (width <= 0 || height <= 0 || width > 16384 || height > 16384) return undefined;
  const chroma = CHROMA_NAMES[format.chroma] ?? '4:2:0';
  return { profileIdc, levelIdc, width, height, bitDepth: format.bitDepth, chroma, fps };
}

function readFormat(reader: BitReader): { chroma: number; bitDepth: number } {
  const chroma = reader.unsigned();
  if (chroma === 3) reader.bits(1);
  const bitDepth = reader.unsigned() + 8;
  reader.unsigned();
  reader.bits(1);
  if (reader.flag()) {
    for (let list = 0; list < (chroma === 3 ? 12 : 8); list++) {
      if (reader.flag()) skipScalingList(reader, list < 6 ? 16 : 64);
    }
  }
  return { chroma, bitDepth };
}

function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + reader.signed() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function skipPictureOrder(reader: BitReader): void {
  const type = reader.unsigned();
  if (type === 0) {
    reader.unsigned();
  } else if (type === 1) {
    reader.bits(1);
    reader.signed();
    reader.signed();
    const count = Math.min(reader.unsigned(), 255);
    for (let i = 0; i < count; i++) reader.signed();
  }
}

/** Reads the VUI up to its timing (E.1.1); one frame is two ticks. */
function readFrameRate(reader: BitReader): number {
  if (reader.flag() && reader.bits(8) === ASPECT_EXTENDED) reader.bits(32);
  if (reader.flag()) reader.bits(1);
  if (reader.flag()) {
    reader.bits(4);
    if (reader.flag()) reader.bits(24);
  }
  if (reader.flag()) {
    reader.unsigned();
    reader.unsigned();
  }
  if (!reader.flag()) return 0;
  const ticks = reader.bits(32);
  const scale = reader.bits(32);
  if (ticks === 0 || reader.isPastEnd) return 0;
  const fps = scale / (2 * ticks);
  return fps > 0 && fps <= 300 ? fps : 0;
}
