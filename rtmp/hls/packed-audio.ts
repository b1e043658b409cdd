// AAC frames as segments without a container ("packed audio", RFC 8216, section 3.4): an ID3 tag
// with the time of the first frame, then frames with ADTS headers (ISO/IEC 13818-7, 6.2). Pure;
// used for further languages, which need no ffmpeg that way.

/** AAC-LC with one or two channels, as a decoder configuration names it. */
export interface AacShape {
  /** Of the AudioSpecificConfig: index of the sampling rate. */
  readonly rateIndex: number;
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
}

export const FRAME_SAMPLES = 1_024;
const RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000];
const OBJECT_LC = 2;
const ADTS_BYTES = 7;
const CLOCK_HZ = 90_000;
const OWNER = 'com.apple.streaming.transportStreamTimestamp\0';

/** A frame of silence, whatever the sampling rate. */
const SILENCE: Readonly<Record<AacShape['channels'], Buffer>> = {
  1: Buffer.from('00c800802380', 'hex'),
  2: Buffer.from('210049900219002380', 'hex'),
};

/** @param payload of an AAC sequence header tag @returns undefined for what cannot be packed */
export function aacShapeOf(payload: Buffer): AacShape | undefined {
  const [first, second] = [payload[2], payload[3]];
  if (first === undefined || second === undefined) return undefined;
  const rateIndex = ((first & 7) << 1) | (second >> 7);
  const layout = (second >> 3) & 15;
  const sampleRateHz = RATES[rateIndex];
  if (first >> 3 !== OBJECT_LC || sampleRateHz === undefined) return undefined;
  return layout === 1 || layout === 2 ? { rateIndex, sampleRateHz, channels: layout } : undefined;
}

export function silentFrame({ channels }: AacShape): Buffer {
  return SILENCE[channels];
}

/** @param startSec time of the first frame on the transport stream's clock, s */
export function packAudio(shape: AacShape, startSec: number, frames: readonly Buffer[]): Buffer {
  const packed = frames.flatMap((frame) => [adtsHeader(shape, frame.length), frame]);
  return Buffer.concat([timeTag(startSec), ...packed]);
}

function adtsHeader({ rateIndex, channels }: AacShape, bytes: number): Buffer {
  const length = bytes + ADTS_BYTES;
  return Buffer.from([
    // MPEG-4, no checksum.
    ...[0xff, 0xf1],
    ((OBJECT_LC - 1) << 6) | (rateIndex << 2) | (channels >> 2),
    ((channels & 3) << 6) | (length >> 11),
    (length >> 3) & 0xff,
    // Variable bit rate.
    ((length & 7) << 5) | 0x1f,
    0xfc,
  ]);
}

/** ID3 2.4 with one PRIV frame: 33 bits of a 90 kHz clock. */
function timeTag(startSec: number): Buffer {
  const ticks = Buffer.alloc(8);
  ticks.writeBigUInt64BE(BigInt(Math.round(startSec * CLOCK_HZ)) & 0x1_ffff_ffffn);
  const content = Buffer.concat([Buffer.from(OWNER, 'latin1'), ticks]);
  // Below 128, so that a size is one byte in ID3's 7-bit numbers, too.
  const frame = Buffer.concat([Buffer.from(`PRIV\0\0\0`, 'latin1'), sized(content.length)]);
  const body = Buffer.concat([frame, Buffer.alloc(2), content]);
  return Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0', 'latin1'), sized(body.length), body]);
}

function sized(bytes: number): Buffer {
  return Buffer.from([bytes]);
}
