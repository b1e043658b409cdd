// Decides what one ffmpeg run makes of a source: copied when every player can decode it and cut at
// its key frames, encoded anew otherwise, never larger than the source and never beyond the CPU
// budget. Pure.
import type { AudioInfo, VideoInfo } from '../live-stream.js';
import type { EncoderName } from './encoders.js';
import { codecsOf, type Encoding, fittingRungs } from './rungs.js';

export interface Source {
  readonly video: VideoInfo | undefined;
  readonly audio: AudioInfo | undefined;
  /** Longest distance of key frames seen, ms; Infinity when none came within the limit. */
  readonly keyFrameIntervalMs: number;
  readonly timestampJumps: number;
}

export interface PlanLimits {
  /** Wanted length of a segment, s. */
  readonly segmentSec: number;
  /** Target duration of the show so far; undefined for its first run, which sets it. */
  readonly targetSec: number | undefined;
  /** CPU that may be used, percent of a core. */
  readonly budgetPercent: number;
  /** Renditions at most, the source's own included. */
  readonly renditionsMax: number;
  /** Tallest picture that may be encoded; lowered when the machine is overloaded. */
  readonly heightMax: number;
  /** A rendition with the sound alone, for viewers whose line carries no picture. */
  readonly hasAudioOnly: boolean;
  /** Length of the parts of a low-latency show, ms; 0 or absent = no parts. */
  readonly partMs?: number;
  /** Default: libx264. */
  readonly encoder?: EncoderName;
}

export interface Rendition {
  /** Also the name of its folder and playlist. */
  readonly name: string;
  readonly video: 'copy' | Encoding | undefined;
  readonly audio: 'copy' | { readonly bitrateBps: number } | undefined;
  /** RFC 6381 list for the master playlist. */
  readonly codecs: string;
  readonly size:
    { readonly width: number; readonly height: number; readonly fps: number } | undefined;
  /** What the encoders are told, bits per second; undefined for a copy, which is measured. */
  readonly declaredBps: number | undefined;
}

export interface RunPlan {
  readonly renditions: readonly Rendition[];
  readonly segmentSec: number;
  readonly targetSec: number;
  /** Why the source is not copied; empty when it is. Shown to the publisher. */
  readonly reasons: readonly string[];
  readonly costPercent: number;
  /** Longest distance of key frames that the run stands, ms; Infinity when it makes its own. */
  readonly keyFrameGapMaxMs: number;
  /** Of what is not copied; default: libx264. */
  readonly encoder?: EncoderName;
  /** Fragmented MP4 with parts; undefined = segments of MPEG-TS. */
  readonly parts?: PartPlan | undefined;
}

export interface PartPlan {
  /** When a part is cut, s. */
  readonly sec: number;
  /** Longest that this makes, s: PART-TARGET. */
  readonly targetSec: number;
}

/** Key frames further apart make segments that nobody wants to wait for. */
export const KEY_FRAME_INTERVAL_MAX_MS = 4_000;
const LEVEL_MAX = 42;
const COPYABLE_PROFILES: ReadonlySet<number> = new Set([66, 77, 100]);
const JUMPS_MAX = 2;
/** Shorter parts cost more requests than they save delay (RFC 8216bis advises no less). */
const PART_MS_MIN = 200;
/** Of 1,024 samples at 48 kHz. */
const AUDIO_FPS = 46;
const AUDIO_BPS = 128_000;
/** Measured: 720p30 costs 0.9 % for a copy, 5–10 % for decoding, 40–54 % for encoding, veryfast. */
const COPY_COST_PERCENT = 3;
const DECODE_PERCENT_PER_MEGAPIXEL = 0.3;
const ENCODE_PERCENT_PER_MEGAPIXEL = 1.6;
/** With hardware the CPU scales and copies pictures; an estimate on the safe side, not measured. */
const HARDWARE_SHARE = 0.3;

/** @returns undefined when even the smallest encoding is beyond the budget */
export function planRun(source: Source, limits: PlanLimits): RunPlan | undefined {
  const { video } = source;
  const reasons = video === undefined ? [] : obstacles(source, limits);
  const isCopy = reasons.length === 0;
  const { encoder = 'libx264' } = limits;
  const share = encoder === 'libx264' ? 1 : HARDWARE_SHARE;
  const renditions: Rendition[] = [];
  let cost = COPY_COST_PERCENT;
  if (video === undefined || isCopy) renditions.push(copyOf(source));
  if (video !== undefined) {
    const decode = megapixels(video) * DECODE_PERCENT_PER_MEGAPIXEL;
    for (const encoding of fittingRungs(video, limits.heightMax, isCopy)) {
      const decodeOnce = cost === COPY_COST_PERCENT ? decode : 0;
      const more = decodeOnce + megapixels(encoding) * ENCODE_PERCENT_PER_MEGAPIXEL * share;
      if (renditions.length >= limits.renditionsMax || cost + more > limits.budgetPercent) continue;
      renditions.push(encoded(`v${renditions.length}`, encoding, source.audio));
      cost += more;
    }
  }
  if (renditions.length === 0) return undefined;
  if (limits.hasAudioOnly && video !== undefined && source.audio !== undefined) {
    renditions.push({ ...copyOf({ ...source, video: undefined }), name: 'a0' });
  }
  return {
    renditions,
    segmentSec: limits.segmentSec,
    targetSec: limits.targetSec ?? targetFor(source, limits.segmentSec, isCopy),
    reasons,
    costPercent: Math.round(cost),
    encoder,
    parts: partPlanFor(renditions, limits.partMs ?? 0),
    keyFrameGapMaxMs:
      isCopy && video !== undefined
        ? keyFrameGapMax(limits.targetSec ?? targetFor(source, limits.segmentSec, true))
        : Infinity,
  };
}

/**
 * A part is cut at the first frame behind its length. Players want all but the last of a segment to
 * have 85 % of the longest, so that one is no longer than needed.
 */
function partPlanFor(renditions: readonly Rendition[], partMs: number): PartPlan | undefined {
  if (partMs === 0) return undefined;
  const sec = Math.max(partMs, PART_MS_MIN) / 1_000;
  const rates = renditions.map(({ size }) => (size === undefined ? AUDIO_FPS : size.fps || 25));
  const longest = rates.map((fps) => {
    // Times are whole milliseconds: a frame more may fit. Slow pictures are cut by their sound.
    const frames = Math.ceil(sec * fps - 0.01) + (fps >= 20 ? 1 : 0);
    return Math.ceil((frames / fps) * 1_000 + 1) / 1_000;
  });
  return { sec, targetSec: Math.max(...longest) };
}

/** Sentences for the publisher: what has to change so that the source can be copied. */
function obstacles(source: Source, { segmentSec, targetSec }: PlanLimits): string[] {
  const { video, keyFrameIntervalMs } = source;
  const found: string[] = [];
  if (video === undefined) return found;
  if (video.codec !== 'h264') found.push(`video codec is ${video.codec}, wanted is h264`);
  if (!COPYABLE_PROFILES.has(video.profileIdc)) {
    found.push(`H.264 profile is ${video.profileIdc}, wanted is baseline, main or high`);
  }
  if (video.levelIdc > LEVEL_MAX)
    found.push(`H.264 level is ${video.levelIdc / 10}, wanted is ≤ 4.2`);
  if (video.bitDepth !== 8 || video.chroma !== '4:2:0') {
    found.push(`pixels are ${video.bitDepth} bit ${video.chroma}, wanted is 8 bit 4:2:0`);
  }
  if (keyFrameIntervalMs > KEY_FRAME_INTERVAL_MAX_MS) {
    found.push('key frames are more than 4 s apart, wanted is 2 s');
  } else if (
    targetSec !== undefined &&
    cutLength(keyFrameIntervalMs, segmentSec) > targetSec + 0.4
  ) {
    found.push(`key frames are ${keyFrameIntervalMs} ms apart, further than when the show began`);
  }
  if (source.timestampJumps > JUMPS_MAX) found.push('timestamps jump');
  return found;
}

/**
 * Length of the longest segment, s, when cuts fall on the first key frame after each `segmentSec`.
 */
function cutLength(keyFrameIntervalMs: number, segmentSec: number): number {
  const interval = Math.max(keyFrameIntervalMs, 1) / 1_000;
  return Math.ceil(segmentSec / interval - 0.03) * interval;
}

function targetFor({ keyFrameIntervalMs, video }: Source, segmentSec: number, isCopy: boolean) {
  const longest =
    isCopy && video !== undefined ? cutLength(keyFrameIntervalMs, segmentSec) : segmentSec;
  return Math.max(Math.ceil(segmentSec), Math.round(longest + 0.1));
}

/** A segment may round to the target and no higher. */
function keyFrameGapMax(targetSec: number): number {
  return targetSec * 1_000 + 400;
}

function copyOf({ video, audio }: Source): Rendition {
  const isAudioCopied = isCopyable(audio);
  const codecs = codecsOf(
    video?.codecString,
    audio && (isAudioCopied ? audio.codecString : 'mp4a.40.2'),
  );
  const size = video && { width: video.width, height: video.height, fps: video.fps };
  return {
    name: 'v0',
    video: video && 'copy',
    audio: audio && (isAudioCopied ? 'copy' : { bitrateBps: AUDIO_BPS }),
    codecs,
    size,
    declaredBps: undefined,
  };
}

function encoded(name: string, encoding: Encoding, audio: AudioInfo | undefined): Rendition {
  const bitrateBps = encoding.height > 480 ? AUDIO_BPS : 96_000;
  const { width, height, fps, codecString } = encoding;
  return {
    name,
    video: encoding,
    audio: audio && (isCopyable(audio) ? 'copy' : { bitrateBps }),
    codecs: codecsOf(codecString, audio && 'mp4a.40.2'),
    size: { width, height, fps },
    declaredBps: encoding.bitrateBps + (audio === undefined ? 0 : bitrateBps),
  };
}

function isCopyable(audio: AudioInfo | undefined): boolean {
  return audio?.codecString === 'mp4a.40.2' && audio.channels >= 1 && audio.channels <= 2;
}

/** What decoding and encoding one picture of this size takes, percent of a core. */
export function encodingCost(picture: { width: number; height: number; fps: number }): number {
  const perMegapixel = DECODE_PERCENT_PER_MEGAPIXEL + ENCODE_PERCENT_PER_MEGAPIXEL;
  return Math.round(megapixels(picture) * perMegapixel);
}

/** Millions of pixels per second; an unknown rate counts as 30 frames. */
function megapixels({
  width,
  height,
  fps,
}: {
  width: number;
  height: number;
  fps: number;
}): number {
  return (width * height * (fps > 0 ? fps : 30)) / 1e6;
}
