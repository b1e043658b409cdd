// What an AAC sequence header or an MP3 tag says about the sound.
// Reference: ISO/IEC 14496-3, 1.6.2.1 (AudioSpecificConfig); FLV specification, E.4.2.1.

import { BitReader } from './bit-reader.js';
import type { FlvTag } from './flv.js';

export interface AudioConfig {
  /** RFC 6381, such as `mp4a.40.2`. */
  readonly codecString: string;
  readonly sampleRateHz: number;
  readonly channels: number;
}

const SAMPLE_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
] as const;
const FLV_RATES = [5512, 11025, 22050, 44100] as const;
const TYPE_ESCAPE = 31;
const RATE_EXPLICIT = 15;
const CHANNELS_7_1 = 7;

/** Reads an AAC sequence header tag; undefined when it is truncated or names no known rate. */
export function parseAacConfig(tag: FlvTag): AudioConfig | undefined {
  const reader = new BitReader(tag.payload.subarray(2));
  let objectType = reader.bits(5);
  if (objectType === TYPE_ESCAPE) objectType = 32 + reader.bits(6);
  const rateIndex = reader.bits(4);
  const sampleRateHz = rateIndex === RATE_EXPLICIT ? reader.bits(24) : SAMPLE_RATES[rateIndex];
  const layout = reader.bits(4);
  if (reader.isPastEnd || sampleRateHz === undefined || objectType === 0) return undefined;
  const channels = layout === CHANNELS_7_1 ? 8 : layout;
  return { codecString: `mp4a.40.${objectType}`, sampleRateHz, channels };
}

/** Reads the flags of an MP3 tag. */
export function parseMp3Config(tag: FlvTag): AudioConfig {
  const flags = tag.payload[0] ?? 0;
  return {
    codecString: 'mp4a.40.34',
    sampleRateHz: FLV_RATES[(flags >> 2) & 3] ?? 44100,
    channels: (flags & 1) + 1,
  };
}
