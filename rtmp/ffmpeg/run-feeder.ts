// Carries one publish into one ffmpeg run: looks at the source until a plan can be made, then
// writes FLV to the child's stdin. Used by StreamPipeline; one feeder per run.
// Invariants: at most `BUFFER_BYTES_MAX` wait in memory, before and after the start; a run never
// sees a change of tracks or codec configuration, because the feeder asks for a new run instead.
import type { Writable } from 'node:stream';
import type { FlvSink, LiveStream } from '../live-stream.js';
import {
  FLV_SCRIPT,
  type FlvTag,
  flvFileHeader,
  frameFlvTag,
  timestampDiff,
} from '../protocol/flv.js';
import { FlvRetimer } from './flv-retimer.js';
import { KEY_FRAME_INTERVAL_MAX_MS, type Source } from './plan.js';

export interface FeederEvents {
  /** Enough is known. `startMs`: wall time at which the first buffered frame was taken. */
  ready(source: Source, startMs: number): void;
  /** This run cannot go on with what comes now; a new one is wanted. */
  changed(change: SourceChange): void;
  ended(reason: string): void;
}

/** `key-frames`: they came further apart than the playlists of this run allow. */
export type SourceChange = 'tracks' | 'configuration' | 'key-frames';

interface Tracks {
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
}

const BUFFER_BYTES_MAX = 24 * 1024 * 1024;
/** Reading is resumed below this, so that a slow child gets whole groups of pictures. */
const BUFFER_BYTES_RESUME = 4 * 1024 * 1024;
/** Encoders send their first sound within this of the first picture. */
const AUDIO_WAIT_MS = 500;
const VIDEO_WAIT_MS = 1_500;

export class RunFeeder implements FlvSink {
  readonly #stream: LiveStream;
  readonly #events: FeederEvents;
  readonly #nowMs: () => number;
  readonly #retimer = new FlvRetimer();
  #phase: 'probing' | 'waiting' | 'feeding' | 'closed' = 'probing';
  #buffer: FlvTag[] = [];
  #bufferBytes = 0;
  #keyFrames = 0;
  #stdin: Writable | undefined;
  #tracks: Tracks = { hasVideo: false, hasAudio: false };
  #headers = new Map<number, Buffer>();
  #lastKeyMs: number | undefined;
  #keyFrameGapMaxMs = Infinity;
  #unsubscribe: (() => void) | undefined;
  #isDropping = false;
  #droppedBytes = 0;
  #writtenMs = 0;

  constructor(options: { stream: LiveStream; events: FeederEvents; nowMs: () => number }) {
    this.#stream = options.stream;
    this.#events = options.events;
    this.#nowMs = options.nowMs;
  }

  start(): void {
    this.#unsubscribe = this.#stream.subscribe(this);
  }

  /** Nothing is read or written after this. Leaves stdin open: whoever stops the child ends it. */
  close(): void {
    this.#phase = 'closed';
    this.#buffer = [];
    this.#unsubscribe?.();
  }

  /** Bytes that the child has not taken yet. */
  get backlogBytes(): number {
    return this.#stdin?.writableLength ?? 0;
  }

  /** Media time given to the child, ms. */
  get fedMs(): number {
    return this.#writtenMs;
  }

  /** Media time of a timestamp of the source, ms; it may be one that is still to come. */
  positionOf(sourceMs: number): number {
    return this.#retimer.positionOf(sourceMs);
  }

  get isDropping(): boolean {
    return this.#isDropping;
  }

  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** Starts writing: what was buffered first, at once. */
  attach(stdin: Writable, keyFrameGapMaxMs: number): void {
    if (this.#phase !== 'waiting') return;
    this.#phase = 'feeding';
    this.#stdin = stdin;
    this.#keyFrameGapMaxMs = keyFrameGapMaxMs;
    const { hasVideo, hasAudio } = this.#tracks;
    stdin.write(flvFileHeader({ video: hasVideo, audio: hasAudio }));
    const buffered = this.#buffer;
    this.#buffer = [];
    this.#bufferBytes = 0;
    for (const tag of buffered) this.tag(tag);
  }

  header(): void {
    // Written by attach, when the tracks are known.
  }

  tag(tag: FlvTag): boolean {
    if (this.#phase === 'closed') return true;
    if (this.#phase === 'feeding') return this.#feed(tag);
    this.#buffer.push(tag);
    this.#bufferBytes += tag.payload.length;
    if (tag.isKeyFrame) this.#keyFrames += 1;
    if (this.#phase === 'probing' && this.#isEnoughKnown()) this.#decide();
    return true;
  }

  end(reason: string): void {
    if (this.#phase === 'closed') return;
    // A publish that ended before a plan was made leaves nothing to show.
    this.#phase = this.#phase === 'feeding' ? 'feeding' : 'closed';
    this.#events.ended(reason);
  }

  #isEnoughKnown(): boolean {
    const spanMs = this.#bufferedMs();
    const { video, audio } = this.#stream.info;
    if (this.#bufferBytes > BUFFER_BYTES_MAX) return true;
    if (video === undefined) return audio !== undefined && spanMs >= VIDEO_WAIT_MS;
    if (this.#keyFrames === 0) return false;
    if (audio === undefined && spanMs < AUDIO_WAIT_MS) return false;
    return video.keyFrameIntervalMs > 0 || spanMs > KEY_FRAME_INTERVAL_MAX_MS + 100;
  }

  #bufferedMs(): number {
    const media = this.#buffer.filter((tag) => !tag.isSequenceHeader && tag.type !== FLV_SCRIPT);
    const [first, last] = [media[0], media.at(-1)];
    if (first === undefined || last === undefined) return 0;
    return Math.max(0, timestampDiff(last.timestampMs, first.timestampMs));
  }

  #decide(): void {
    const { video, audio, timestampJumps } = this.#stream.info;
    this.#phase = 'waiting';
    this.#tracks = { hasVideo: video !== undefined, hasAudio: audio !== undefined };
    const measured = video?.keyFrameIntervalMs ?? 0;
    const keyFrameIntervalMs = measured > 0 ? measured : Infinity;
    const source: Source = { video, audio, keyFrameIntervalMs, timestampJumps };
    this.#events.ready(source, this.#nowMs() - this.#bufferedMs());
  }

  #feed(tag: FlvTag): boolean {
    const change = this.#changeIn(tag);
    if (change !== undefined) {
      this.#phase = 'closed';
      this.#events.changed(change);
      return true;
    }
    if (this.#isOverfull()) {
      this.#droppedBytes += tag.payload.length;
      return false;
    }
    this.#write(tag);
    return true;
  }

  #changeIn(tag: FlvTag): SourceChange | undefined {
    const { hasAudio, hasVideo } = this.#tracks;
    if ((tag.isAudio && !hasAudio) || (tag.isVideo && !hasVideo)) return 'tracks';
    if (tag.isSequenceHeader) {
      const before = this.#headers.get(tag.type);
      this.#headers.set(tag.type, tag.payload);
      if (before !== undefined && !before.equals(tag.payload)) return 'configuration';
    }
    if (!tag.isVideo || tag.isSequenceHeader) return undefined;
    if (tag.isKeyFrame) this.#lastKeyMs = tag.timestampMs;
    const gapMs =
      this.#lastKeyMs === undefined ? 0 : timestampDiff(tag.timestampMs, this.#lastKeyMs);
    return gapMs > this.#keyFrameGapMaxMs ? 'key-frames' : undefined;
  }

  /** A child that does not read fast enough gets whole groups of pictures less, not more memory. */
  #isOverfull(): boolean {
    const limit = this.#isDropping ? BUFFER_BYTES_RESUME : BUFFER_BYTES_MAX;
    this.#isDropping = this.backlogBytes > limit;
    return this.#isDropping;
  }

  #write(tag: FlvTag): void {
    const stdin = this.#stdin;
    if (stdin === undefined || stdin.destroyed || stdin.writableEnded) return;
    const timeMs = this.#retimer.retime(tag);
    this.#writtenMs = this.#retimer.positionMs;
    stdin.cork();
    for (const part of frameFlvTag(tag, timeMs)) stdin.write(part);
    process.nextTick(() => stdin.uncork());
  }
}
