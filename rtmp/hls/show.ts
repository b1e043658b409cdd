// One show: the public HLS timeline of a stream from its first segment to ENDLIST, over any number
// of ffmpeg runs, publisher reconnects and nodes. Knows no process, no file and no Redis; its state
// is a plain value.
// Invariants: target duration and rendition names never change; all renditions number their
// discontinuities alike; a segment that would break the playlist is left out and becomes a
// discontinuity.
import type { FinishedSegment } from '../ffmpeg/segment-list.js';
import type { Rendition, RunPlan } from '../ffmpeg/plan.js';
import { renderMasterPlaylist, type Variant } from './master-playlist.js';
import { type MediaPlaylistInput, renderMediaPlaylist } from './media-playlist.js';
import { type Segment, Timeline } from './timeline.js';

/** What survives in Redis, so that another node can go on. */
export interface ShowState {
  readonly showId: string;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
  readonly isEnded: boolean;
  readonly targetSec: number;
  readonly nextEpoch: number;
  readonly renditions: readonly RenditionState[];
}

export interface RenditionState {
  readonly name: string;
  readonly codecs: string;
  readonly size: Rendition['size'] | null;
  readonly declaredBps: number | null;
  readonly peakBps: number;
  readonly bits: number;
  readonly seconds: number;
  readonly nextSequence: number;
  readonly listed: readonly Segment[];
}

export interface ShowOptions {
  readonly showId: string;
  readonly nodeId: string;
  /** Where this node serves. */
  readonly base: string;
  readonly startedAtMs: number;
  readonly windowSegments: number;
  readonly lateSegments: number;
  /** How far back the DVR playlists reach, ms; 0 = as far as the live ones. */
  readonly dvrMs: number;
  /** First media sequence; at least one more than any number that this stream ever had. */
  readonly firstSequence: number;
}

/** One ffmpeg run as its show sees it. */
export interface ShowRun {
  readonly name: string;
  readonly plan: RunPlan;
  /** Wall time of media time zero, Unix ms. */
  readonly startMs: number;
  epoch: number | undefined;
}

interface ShowRendition {
  readonly name: string;
  timeline: Timeline;
  codecs: string;
  size: Rendition['size'];
  declaredBps: number | undefined;
  peakBps: number;
  bits: number;
  seconds: number;
}

/** Shorter ones are remainders of a run without a whole frame. */
const SEGMENT_SEC_MIN = 0.03;
/** What MPEG-TS adds to the elementary streams, and what an encoder may exceed for an instant. */
const TRANSPORT_OVERHEAD = 1.15;

/** What the address of a DVR playlist has before the rendition's name. */
export const DVR_PREFIX = 'dvr-';

export class Show {
  readonly #options: ShowOptions;
  readonly #renditions: ShowRendition[] = [];
  #targetSec: number | undefined;
  #nextEpoch = 0;
  #isEnded = false;
  #lastEndMs = 0;
  #refused = 0;

  constructor(options: ShowOptions, state?: ShowState) {
    this.#options = options;
    if (state === undefined) return;
    this.#targetSec = state.targetSec;
    this.#nextEpoch = state.nextEpoch;
    this.#isEnded = state.isEnded;
    this.#renditions = state.renditions.map((one) => this.#restore(one));
    this.#lastEndMs = Math.max(0, ...this.#renditions.map(endMsOf));
  }

  get showId(): string {
    return this.#options.showId;
  }

  get startedAtMs(): number {
    return this.#options.startedAtMs;
  }

  /** EXT-X-TARGETDURATION; undefined before the first run. */
  get targetSec(): number | undefined {
    return this.#targetSec;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Something can be played. */
  get isPlayable(): boolean {
    return this.#renditions.some((one) => one.timeline.listed.length > 0);
  }

  /** Segments that were left out because they would have broken the playlist. */
  get refusedSegments(): number {
    return this.#refused;
  }

  get renditionNames(): readonly string[] {
    return this.#renditions.map((one) => one.name);
  }

  /** The tallest rendition's picture. */
  get size(): Rendition['size'] {
    return this.#renditions[0]?.size;
  }

  get codecs(): string {
    return this.#renditions[0]?.codecs ?? '';
  }

  /**
   * @param startMs wall time of the run's media time zero; moved forward when it would overlap the
   * past
   */
  openRun(name: string, plan: RunPlan, startMs: number): ShowRun {
    this.#targetSec ??= plan.targetSec;
    for (const rendition of plan.renditions) this.#describe(rendition);
    return { name, plan, startMs: Math.max(startMs, this.#lastEndMs), epoch: undefined };
  }

  /**
   * Lists a finished segment of output `output`. @returns segments whose files may be removed now
   */
  append(
    run: ShowRun,
    output: number,
    { file, startSec, endSec, bytes }: FinishedSegment & { readonly bytes: number },
  ): readonly Segment[] {
    const durationSec = endSec - startSec;
    if (durationSec < SEGMENT_SEC_MIN || Math.round(durationSec) > (this.#targetSec ?? 0)) {
      this.#refused += 1;
      run.epoch = undefined;
      return [];
    }
    const epoch = (run.epoch ??= this.#nextEpoch++);
    const startMs = Math.round(run.startMs + startSec * 1_000);
    const segment = {
      ...{ epoch, run: run.name, folder: run.plan.renditions[output]?.name ?? '', file },
      ...{ durationSec, startMs, bytes },
      ...{ nodeId: this.#options.nodeId, base: this.#options.base },
    };
    this.#lastEndMs = Math.max(this.#lastEndMs, startMs + durationSec * 1_000);
    const removable = this.#renditions
      .filter(({ name }) => outputFor(name, run.plan) === output)
      .flatMap((rendition) => {
        measure(rendition, bytes * 8, durationSec);
        return rendition.timeline.append(segment);
      });
    return removable.filter((one) => !this.has(one.run, one.folder, one.file));
  }

  /** Whether the file is finished and a player may still ask for it. */
  has(run: string, folder: string, file: string): boolean {
    return this.#renditions.some(({ timeline }) => timeline.has(run, folder, file));
  }

  end(): void {
    this.#isEnded = true;
  }

  get dvrMs(): number {
    return this.#options.dvrMs;
  }

  /** @param isDvr names the playlists of the DVR window, which are much longer */
  renderMaster(isDvr = false): string {
    const variants = this.#renditions.filter((one) => one.timeline.listed.length > 0);
    const prefix = isDvr ? DVR_PREFIX : '';
    return renderMasterPlaylist(variants.map(variantOf), ({ name }) => `${prefix}${name}.m3u8`);
  }

  /** @returns undefined when there is no such rendition */
  renderMedia(
    name: string,
    uriOf: MediaPlaylistInput['uriOf'],
    keyOf: MediaPlaylistInput['keyOf'] = () => undefined,
    isDvr = false,
  ): string | undefined {
    const rendition = this.#renditions.find((one) => one.name === name);
    if (rendition === undefined || this.#targetSec === undefined) return undefined;
    return renderMediaPlaylist({
      segments: isDvr ? rendition.timeline.dvr : rendition.timeline.listed,
      targetSec: this.#targetSec,
      isEnded: this.#isEnded,
      nextSequence: rendition.timeline.nextSequence,
      uriOf,
      keyOf,
    });
  }

  /** @param nowMs kept as the time of the last sign of life */
  state(nowMs: number): ShowState {
    return {
      showId: this.#options.showId,
      startedAtMs: this.#options.startedAtMs,
      updatedAtMs: nowMs,
      isEnded: this.#isEnded,
      targetSec: this.#targetSec ?? 0,
      nextEpoch: this.#nextEpoch,
      renditions: this.#renditions.map(stateOf),
    };
  }

  #describe({ name, codecs, size, declaredBps }: Rendition): void {
    const existing = this.#renditions.find((one) => one.name === name);
    if (existing !== undefined) {
      Object.assign(existing, { codecs, size, declaredBps });
      return;
    }
    const firstSequence = Math.max(
      this.#options.firstSequence,
      ...this.#renditions.map((one) => one.timeline.nextSequence),
    );
    const timeline = new Timeline({ ...this.#options, firstSequence });
    const measured = { peakBps: 0, bits: 0, seconds: 0 };
    this.#renditions.push({ name, codecs, size, declaredBps, timeline, ...measured });
  }

  #restore(state: RenditionState): ShowRendition {
    const { name, codecs, size, declaredBps, peakBps, bits, seconds, nextSequence, listed } = state;
    const firstSequence = Math.max(this.#options.firstSequence, nextSequence);
    const timeline = new Timeline({ ...this.#options, firstSequence }, listed);
    const rates = { declaredBps: declaredBps ?? undefined, peakBps, bits, seconds };
    return { name, codecs, size: size ?? undefined, timeline, ...rates };
  }
}

/**
 * A rendition that a later run no longer makes is served the last picture that it makes: its
 * playlist goes on.
 */
function outputFor(name: string, plan: RunPlan): number {
  const own = plan.renditions.findIndex((one) => one.name === name);
  if (own >= 0) return own;
  const pictures = plan.renditions.filter((one) => one.video !== undefined).length;
  return Math.max(0, pictures - 1);
}

function endMsOf({ timeline }: ShowRendition): number {
  const last = timeline.listed.at(-1);
  return last === undefined ? 0 : last.startMs + last.durationSec * 1_000;
}

function measure(rendition: ShowRendition, bits: number, seconds: number): void {
  // A remainder of less than half a second is all key frame: its rate says nothing.
  if (seconds < 0.5) return;
  rendition.peakBps = Math.max(rendition.peakBps, bits / seconds);
  rendition.bits += bits;
  rendition.seconds += seconds;
}

function variantOf({ name, codecs, size, declaredBps, ...rate }: ShowRendition): Variant {
  const averageBps = rate.seconds > 0 ? rate.bits / rate.seconds : (declaredBps ?? 0);
  const declared = (declaredBps ?? 0) * TRANSPORT_OVERHEAD;
  return {
    name,
    codecs,
    averageBps: Math.max(averageBps, 1),
    bandwidthBps: Math.max(declared, rate.peakBps, averageBps, 1),
    video: size,
  };
}

function stateOf(rendition: ShowRendition): RenditionState {
  const { name, codecs, size, declaredBps, peakBps, bits, seconds, timeline } = rendition;
  const { nextSequence, listed } = timeline;
  const rates = { declaredBps: declaredBps ?? null, peakBps, bits, seconds };
  return { name, codecs, size: size ?? null, ...rates, nextSequence, listed };
}
