// One further language of a show: puts the sound of its publisher on the clock of the run that
// makes the pictures, and writes it as segments of packed audio. Used by SoundTracks.
// Invariants: the sound has no hole, because what the publisher does not send is taken from the
// stream's own sound, or is silence; what waits in memory is bounded.
import { writeFile } from 'node:fs/promises';
import { coerceError, type Logger } from '../../cluster/index.js';
import type { RunFeeder } from '../ffmpeg/run-feeder.js';
import type { FlvTag } from '../protocol/flv.js';
import type { MediaFiles } from './media-files.js';
import {
  type AacShape,
  aacShapeOf,
  FRAME_SAMPLES,
  packAudio,
  silentFrame,
} from './packed-audio.js';
import type { Show, ShowRun } from './show.js';
import { languageFolder } from './show-languages.js';

/** The run that makes the pictures, and where its media time stands. */
export interface RunClock {
  readonly run: ShowRun;
  readonly feeder: Pick<RunFeeder, 'fedMs' | 'positionOf'>;
}

/** A frame of the stream's own sound. */
export interface OwnFrame {
  readonly shape: AacShape;
  /** In the run, ms. */
  readonly timeMs: number;
  readonly bytes: Buffer;
}

export interface SoundTrackOptions {
  readonly tag: string;
  readonly streamId: string;
  readonly show: Show;
  readonly files: MediaFiles;
  readonly segmentSec: number;
  /** The stream's own sound of the last seconds, oldest first. */
  readonly own: () => readonly OwnFrame[];
  readonly log: Logger;
}

/** What ffmpeg's MPEG-TS muxer puts before media time zero, s. */
const TRANSPORT_START_SEC = 1.4;
/** Sound that is further from its place than this is moved there. */
const TOLERANCE_MS = 250;
/** Sound that is later than this is not waited for. */
const PATIENCE_MS = 2_500;
/** Share of a new measurement in the distance of two clocks: bursts of some seconds pass by. */
const CLOCK_SHARE = 0.002;
const JUMP_MS = 3_000;
const PENDING_MAX = 8;

interface PendingSegment {
  readonly file: string;
  readonly startMs: number;
  readonly durationSec: number;
  readonly bytes: number;
  readonly channels: number;
}

export class SoundTrack {
  readonly #options: SoundTrackOptions;
  #clock: RunClock | undefined;
  #folder = '';
  #shape: AacShape | undefined;
  #isSameClock = false;
  /** Media time of the run minus the publisher's timestamp, ms. */
  #offsetMs: number | undefined;
  /** In samples since the start of the run. */
  #position = 0;
  #start = 0;
  #frames: Buffer[] = [];
  #isPlaced = false;
  #count = 0;
  #pending: PendingSegment[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SoundTrackOptions) {
    this.#options = options;
  }

  begin(clock: RunClock): void {
    this.#clock = clock;
    this.#isPlaced = false;
    this.#offsetMs = undefined;
    this.#count = 0;
    const { files, streamId, tag } = this.#options;
    const [folder = ''] = files.makeFolders(streamId, clock.run.name, [languageFolder(tag)]);
    this.#folder = folder;
  }

  /** The run is over: what is open is listed, if it can be. */
  async over(): Promise<void> {
    this.#cut();
    await this.#writing;
    this.#clock = undefined;
    this.#pending = [];
  }

  /** Another publisher speaks. */
  speak(isSameClock: boolean): void {
    this.#isSameClock = isSameClock;
    this.#offsetMs = undefined;
  }

  /** @returns false for sound that cannot be used */
  take(tag: FlvTag): boolean {
    if (tag.isSequenceHeader) return this.#configure(aacShapeOf(tag.payload));
    const shape = this.#shape;
    if (shape === undefined) return tag.payload[0] !== undefined && tag.payload[0] >> 4 === 10;
    if (this.#clock === undefined) return true;
    const timeMs = this.#timeOf(tag, this.#clock);
    if (!this.#isPlaced) this.#place(timeMs, shape);
    const lateMs = timeMs - this.#positionMs(shape);
    if (lateMs < -TOLERANCE_MS) return true;
    if (lateMs > TOLERANCE_MS) this.#fill(timeMs, shape);
    this.#append(tag.payload.subarray(2), shape);
    return true;
  }

  /** Goes on without the publisher where it is late, and lists what waited for a picture. */
  tick(): void {
    const clock = this.#clock;
    const shape = (this.#shape ??= this.#options.own().at(-1)?.shape);
    if (clock === undefined || shape === undefined) return;
    const dueMs = clock.feeder.fedMs - PATIENCE_MS;
    if (!this.#isPlaced && dueMs > 0) this.#place(dueMs, shape);
    if (this.#isPlaced) this.#fill(dueMs, shape);
    this.#list(clock.run);
  }

  #configure(shape: AacShape | undefined): boolean {
    if (shape === undefined) return false;
    const before = this.#shape;
    if (before !== undefined && areAlike(before, shape)) return true;
    this.#cut();
    if (before !== undefined && this.#isPlaced) this.#place(this.#positionMs(before), shape);
    this.#shape = shape;
    return true;
  }

  #timeOf({ timestampMs }: FlvTag, { feeder }: RunClock): number {
    if (this.#isSameClock) return feeder.positionOf(timestampMs);
    const distance = feeder.fedMs - timestampMs;
    const known = this.#offsetMs;
    const isNew = known === undefined || Math.abs(distance - known) > JUMP_MS;
    this.#offsetMs = isNew ? distance : known + (distance - known) * CLOCK_SHARE;
    return timestampMs + this.#offsetMs;
  }

  #positionMs({ sampleRateHz }: AacShape): number {
    return (this.#position * 1_000) / sampleRateHz;
  }

  #place(timeMs: number, { sampleRateHz }: AacShape): void {
    this.#isPlaced = true;
    this.#position = this.#start = Math.max(0, Math.round((timeMs * sampleRateHz) / 1_000));
  }

  #fill(untilMs: number, shape: AacShape): void {
    const frameMs = (FRAME_SAMPLES * 1_000) / shape.sampleRateHz;
    const own = this.#options.own();
    let at = 0;
    for (let nowMs = this.#positionMs(shape); nowMs + frameMs <= untilMs; nowMs += frameMs) {
      while ((own[at]?.timeMs ?? Infinity) < nowMs - frameMs / 2) at += 1;
      const found = own[at];
      const isFit = found !== undefined && Math.abs(found.timeMs - nowMs) <= frameMs;
      const isAlike = isFit && areAlike(found.shape, shape);
      this.#append(isAlike ? found.bytes : silentFrame(shape), shape);
    }
  }

  #append(frame: Buffer, { sampleRateHz }: AacShape): void {
    this.#frames.push(frame);
    this.#position += FRAME_SAMPLES;
    const segment = this.#options.segmentSec * sampleRateHz;
    const isDue = Math.floor(this.#position / segment) > Math.floor(this.#start / segment);
    if (isDue) this.#cut();
  }

  #cut(): void {
    const [shape, clock, frames] = [this.#shape, this.#clock, this.#frames];
    if (shape === undefined || clock === undefined || frames.length === 0) return;
    const { sampleRateHz, channels } = shape;
    const startSec = this.#start / sampleRateHz;
    const bytes = packAudio(shape, startSec + TRANSPORT_START_SEC, frames);
    const file = `${this.#count}.aac`;
    this.#count += 1;
    this.#frames = [];
    this.#start = this.#position;
    const segment: PendingSegment = {
      ...{ file, channels, bytes: bytes.length },
      startMs: Math.round(clock.run.startMs + startSec * 1_000),
      durationSec: (frames.length * FRAME_SAMPLES) / sampleRateHz,
    };
    const path = `${this.#folder}/${file}`;
    this.#writing = this.#writing.then(async () => {
      try {
        await writeFile(path, bytes);
        this.#pending.push(segment);
        this.#list(clock.run);
      } catch (thrown) {
        this.#options.log.error({ event: 'hls.write_failed', err: coerceError(thrown) });
      }
    });
  }

  #list(run: ShowRun): void {
    const { show, tag, files, streamId } = this.#options;
    for (;;) {
      const [next] = this.#pending;
      if (next === undefined) return;
      const { channels, ...segment } = next;
      const whole = { ...segment, folder: languageFolder(tag) };
      const removable = show.appendSound(run, { tag, channels }, whole);
      if (removable === undefined) break;
      this.#pending.shift();
      void files.removeSegments(streamId, removable);
    }
    // The pictures do not come: their sound is not waited for any longer.
    if (this.#pending.length > PENDING_MAX) this.#pending.shift();
  }
}

function areAlike(one: AacShape, other: AacShape): boolean {
  return one.rateIndex === other.rateIndex && one.channels === other.channels;
}
