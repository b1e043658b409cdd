// Measures what a publisher really sends: codecs from the sequence headers, frame rate and
// key-frame distance from timestamps, bit rate from arrival. Owned by a PublishedStream, read
// through LiveStream.info.

import type { AudioInfo, StreamInfo, VideoInfo } from './live-stream.js';
import { parseAacConfig, parseMp3Config } from './protocol/aac.js';
import type { AmfObject } from './protocol/amf0.js';
import { parseAvcConfig, type AvcConfig } from './protocol/avc.js';
import { codecName, type FlvTag, timestampDiff } from './protocol/flv.js';

/** Frames over which the frame rate is measured: two seconds at 30/s. */
const FPS_WINDOW = 60;
const FPS_FRAMES_MIN = 10;
const KEY_INTERVALS = 5;
/** A step of this many usual ones is a hole; a longer pause than this is not counted in frames. */
const HOLE_STEPS = 1.8;
const HOLE_MS_MAX = 10_000;
const JUMP_FORWARD_MS = 1_000;
/** Encoders without sorting step back by a few frames; more is a fault. */
const JUMP_BACK_MS = -200;

export class StreamMeter implements StreamInfo {
  readonly #nowMs: () => number;
  readonly #rateWindowMs: number;
  #avc: AvcConfig | undefined;
  #audio: AudioInfo | undefined;
  #metadata: AmfObject = {};
  #frameTimes: number[] = [];
  #keyIntervals: number[] = [];
  #lastKeyMs: number | undefined;
  #lastByType = new Map<number, number>();
  #jumps = 0;
  #lostFrames = 0;
  #rate = { sinceMs: 0, bytes: 0, bps: 0, previousBps: 0 };

  constructor(nowMs: () => number, rateWindowMs: number) {
    this.#nowMs = nowMs;
    this.#rateWindowMs = rateWindowMs;
    this.#rate.sinceMs = nowMs();
  }

  get video(): VideoInfo | undefined {
    const avc = this.#avc;
    if (avc === undefined) return undefined;
    return {
      ...avc,
      codec: 'h264',
      fps: this.#fps(),
      keyFrameIntervalMs: Math.max(0, ...this.#keyIntervals),
    };
  }

  get audio(): AudioInfo | undefined {
    return this.#audio;
  }

  get encoder(): string | undefined {
    const { encoder } = this.#metadata;
    return typeof encoder === 'string' ? encoder.slice(0, 128) : undefined;
  }

  get bitrateBps(): number {
    return this.#rate.bps;
  }

  /** True when the last two windows were both above the rate. */
  isAbove(bps: number): boolean {
    return Math.min(this.#rate.bps, this.#rate.previousBps) > bps;
  }

  get timestampJumps(): number {
    return this.#jumps;
  }

  get lostFrames(): number {
    return this.#lostFrames;
  }

  /** What onMetaData said last. */
  get metadata(): AmfObject {
    return this.#metadata;
  }

  /** Members of onMetaData. */
  describe(metadata: AmfObject): void {
    this.#metadata = metadata;
  }

  /** Counts one audio or video tag. */
  observe(tag: FlvTag): void {
    this.#measureRate(tag.payload.length);
    if (tag.isSequenceHeader) this.#configure(tag);
    else if (tag.isVideo) this.#observeFrame(tag);
    else if (tag.isAudio && this.#audio === undefined && codecName(tag) === 'mp3') {
      this.#audio = { codec: 'mp3', ...parseMp3Config(tag) };
    }
    if (!tag.isSequenceHeader) this.#watchJumps(tag);
  }

  #configure(tag: FlvTag): void {
    if (tag.isVideo) {
      this.#avc = parseAvcConfig(tag) ?? this.#avc;
      return;
    }
    const config = parseAacConfig(tag);
    if (config !== undefined) this.#audio = { codec: 'aac', ...config };
  }

  #observeFrame(tag: FlvTag): void {
    this.#countHole(tag.timestampMs);
    this.#frameTimes.push(tag.timestampMs);
    if (this.#frameTimes.length > FPS_WINDOW) this.#frameTimes.shift();
    if (!tag.isKeyFrame) return;
    if (this.#lastKeyMs !== undefined) {
      this.#keyIntervals.push(timestampDiff(tag.timestampMs, this.#lastKeyMs));
      if (this.#keyIntervals.length > KEY_INTERVALS) this.#keyIntervals.shift();
    }
    this.#lastKeyMs = tag.timestampMs;
  }

  #countHole(timestampMs: number): void {
    const times = this.#frameTimes;
    const [first, last] = [times[0], times.at(-1)];
    if (times.length < FPS_FRAMES_MIN || first === undefined || last === undefined) return;
    const usualMs = timestampDiff(last, first) / (times.length - 1);
    const stepMs = timestampDiff(timestampMs, last);
    if (usualMs <= 0 || stepMs > HOLE_MS_MAX || stepMs < HOLE_STEPS * usualMs) return;
    this.#lostFrames += Math.round(stepMs / usualMs) - 1;
  }

  #fps(): number {
    const times = this.#frameTimes;
    const [first, last] = [times[0], times.at(-1)];
    if (times.length >= FPS_FRAMES_MIN && first !== undefined && last !== undefined) {
      const spanMs = timestampDiff(last, first);
      if (spanMs > 0) return Math.round((((times.length - 1) * 1000) / spanMs) * 100) / 100;
    }
    const declared = this.#metadata['framerate'];
    if (typeof declared === 'number' && declared > 0 && declared <= 300) return declared;
    return this.#avc?.fps ?? 0;
  }

  #watchJumps(tag: FlvTag): void {
    const last = this.#lastByType.get(tag.type);
    this.#lastByType.set(tag.type, tag.timestampMs);
    if (last === undefined) return;
    const step = timestampDiff(tag.timestampMs, last);
    if (step > JUMP_FORWARD_MS || step < JUMP_BACK_MS) this.#jumps++;
  }

  #measureRate(bytes: number): void {
    const rate = this.#rate;
    rate.bytes += bytes;
    const spanMs = this.#nowMs() - rate.sinceMs;
    if (spanMs < this.#rateWindowMs) return;
    this.#rate = {
      sinceMs: rate.sinceMs + spanMs,
      bytes: 0,
      bps: Math.round((rate.bytes * 8000) / spanMs),
      previousBps: rate.bps,
    };
  }
}
