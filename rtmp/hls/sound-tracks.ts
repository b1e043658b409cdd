// The further languages of one publish: follows who speaks, keeps the last seconds of the stream's
// own sound for pauses, and drives the tracks. Owned by LiveShow, one per publish.
// Invariant: a language that a show has listed goes on until the publish ends, so that nobody who
// listens to it is left without sound.
import type { Clock, Logger } from '../../cluster/index.js';
import type { FlvSink, LiveStream } from '../live-stream.js';
import type { FlvTag } from '../protocol/flv.js';
import type { MediaFiles } from './media-files.js';
import { type AacShape, aacShapeOf } from './packed-audio.js';
import type { Show } from './show.js';
import { type OwnFrame, type RunClock, SoundTrack } from './sound-track.js';

/** Somebody who publishes a language. */
export interface Voice {
  readonly stream: LiveStream;
  readonly isSameClock: boolean;
}

export interface SoundTracksOptions {
  readonly stream: LiveStream;
  readonly show: Show;
  readonly files: MediaFiles;
  readonly segmentSec: number;
  /** How long a language is offered without its publisher, ms. */
  readonly graceMs: number;
  /** By language tag. */
  readonly voices: () => ReadonlyMap<string, Voice>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Speaker {
  readonly track: SoundTrack;
  voice: Voice | undefined;
  unsubscribe: () => void;
  silentSinceMs: number | undefined;
}

const TICK_MS = 250;
/** Longer than what is waited for a publisher that is late. */
const OWN_FRAMES_MAX = 400;
export const LANGUAGES_MAX = 8;

export class SoundTracks {
  readonly #options: SoundTracksOptions;
  readonly #speakers = new Map<string, Speaker>();
  #own: OwnFrame[] = [];
  #ownShape: AacShape | undefined;
  #clock: RunClock | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopOwn: () => void = () => undefined;

  constructor(options: SoundTracksOptions) {
    this.#options = options;
  }

  /** A show with parts has none: they would be seconds behind its pictures. */
  start(): void {
    const { show, stream } = this.#options;
    if (show.partMs > 0) return;
    for (const tag of show.languages.tags) this.#speakerOf(tag);
    this.#stopOwn = stream.subscribe(audioSink((tag) => this.#hear(tag)));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.refresh();
  }

  /** Somebody has begun or ended to speak. */
  refresh(): void {
    if (this.#timer === undefined) return;
    const voices = this.#options.voices();
    for (const tag of voices.keys()) this.#speakerOf(tag);
    for (const [tag, speaker] of this.#speakers) this.#turn(speaker, voices.get(tag));
  }

  begin(clock: RunClock): void {
    this.#clock = clock;
    for (const { track } of this.#speakers.values()) track.begin(clock);
  }

  /** The run is over; resolves when nothing of it is being written. */
  async over(): Promise<void> {
    this.#clock = undefined;
    this.#own = [];
    for (const { track } of this.#speakers.values()) await track.over();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stopOwn();
    for (const speaker of this.#speakers.values()) speaker.unsubscribe();
  }

  #speakerOf(tag: string): void {
    if (this.#speakers.has(tag) || this.#speakers.size >= LANGUAGES_MAX) return;
    const { stream, show, files, segmentSec, log } = this.#options;
    const track = new SoundTrack({
      ...{ tag, streamId: stream.streamId, show, files, segmentSec, log },
      own: () => this.#own,
    });
    if (this.#clock !== undefined) track.begin(this.#clock);
    const silentSinceMs = this.#options.clock.monotonicMs();
    this.#speakers.set(tag, {
      track,
      voice: undefined,
      unsubscribe: () => undefined,
      silentSinceMs,
    });
  }

  #turn(speaker: Speaker, voice: Voice | undefined): void {
    if (speaker.voice?.stream === voice?.stream) return;
    speaker.unsubscribe();
    speaker.voice = voice;
    if (voice === undefined) {
      speaker.silentSinceMs = this.#options.clock.monotonicMs();
      speaker.unsubscribe = () => undefined;
      return;
    }
    const { track } = speaker;
    const { stream, isSameClock } = voice;
    speaker.silentSinceMs = undefined;
    track.speak(isSameClock);
    speaker.unsubscribe = stream.subscribe(
      audioSink((tag) => {
        if (track.take(tag)) return;
        // Not from within the stream's own call.
        const reason = 'a language needs AAC-LC sound with one or two channels';
        queueMicrotask(() => stream.kick(reason));
      }),
    );
  }

  #hear(tag: FlvTag): void {
    if (tag.isSequenceHeader) {
      this.#ownShape = aacShapeOf(tag.payload);
      return;
    }
    const [shape, clock] = [this.#ownShape, this.#clock];
    if (shape === undefined || clock === undefined) return;
    const timeMs = clock.feeder.positionOf(tag.timestampMs);
    this.#own.push({ shape, timeMs, bytes: tag.payload.subarray(2) });
    if (this.#own.length > OWN_FRAMES_MAX) this.#own.shift();
  }

  #tick(): void {
    const { show, graceMs, clock } = this.#options;
    const now = clock.monotonicMs();
    for (const [tag, { track, silentSinceMs }] of this.#speakers) {
      track.tick();
      show.languages.offer(tag, silentSinceMs === undefined || now - silentSinceMs < graceMs);
    }
  }
}

/** Live sound only: the pictures that a subscriber begins with are seconds old. */
function audioSink(onSound: (tag: FlvTag) => void): FlvSink {
  let isLive = false;
  queueMicrotask(() => {
    isLive = true;
  });
  return {
    header: () => undefined,
    tag: (tag) => {
      if (tag.isAudio && (isLive || tag.isSequenceHeader)) onSound(tag);
      return true;
    },
    end: () => undefined,
  };
}
