// One show: the public HLS timeline of a stream from its first segment to ENDLIST, over any number
// of ffmpeg runs, publisher reconnects and nodes. Knows no process, no file and no Redis; its state
// is a plain value.
// Invariants: target duration and rendition names never change; all renditions number their
// discontinuities alike; a segment that would break the playlist is left out and becomes a
// discontinuity.
import type { FinishedSegment } from '../ffmpeg/segment-list.js';
import type { Rendition, RunPlan } from '../ffmpeg/plan.js';
import { renderMasterPlaylist, type Variant } from './master-playlist.js';
import type { DvrPast } from './dvr-log.js';
import { type MediaPlaylistInput, renderMediaPlaylist } from './media-playlist.js';
import { type Part, PartTrack } from './part-track.js';
import { INIT_FILE, type WrittenPart } from './part-writer.js';
import { type LanguageState, ShowLanguages } from './show-languages.js';
import { type NewSegment, pastFrom, type Segment, Timeline } from './timeline.js';

/** What survives in Redis, so that another node can go on. */
export interface ShowState {
  readonly showId: string;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
  readonly isEnded: boolean;
  readonly targetSec: number;
  readonly nextEpoch: number;
  readonly renditions: readonly RenditionState[];
  /** Absent for a show without parts. */
  readonly parts?: { readonly ms: number; readonly targetSec: number };
  /** Like the target duration, the same for the whole show; 0 or absent = no DVR window. */
  readonly dvrMs?: number;
  readonly languages?: readonly LanguageState[];
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
  /** First number of the DVR playlist. */
  readonly dvrFrom?: number;
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
  /** Length of parts for low latency, ms; 0 or absent = no parts. */
  readonly partMs?: number;
  /** Whole segments are shown when `reveal` says so; default, and with parts: at once. */
  readonly isHeld?: boolean;
}

/** What a viewer's addresses look like. */
export interface PlaylistAddresses {
  /** Of a file of a run's rendition; what names no node is on this one. */
  readonly fileUri: (place: Place, file: string) => string;
  readonly keyOf?: NonNullable<MediaPlaylistInput['keyOf']>;
}

export type Place = Pick<Segment, 'run' | 'folder'> & Partial<Pick<Segment, 'nodeId' | 'base'>>;

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
  readonly parts: PartTrack;
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
  /** Sound besides that of the renditions. */
  readonly languages: ShowLanguages;
  readonly #options: ShowOptions;
  readonly #renditions: ShowRendition[] = [];
  #targetSec: number | undefined;
  #nextEpoch = 0;
  #isEnded = false;
  #lastEndMs = 0;
  #refused = 0;
  /** Like the target duration, the same for the whole show. */
  #partMs: number;
  #partTargetSec: number | undefined;

  /** @param past of the DVR window, as far as it is known here */
  constructor(options: ShowOptions, state?: ShowState, past: DvrPast = new Map()) {
    this.#options = { ...options, dvrMs: state?.dvrMs ?? options.dvrMs };
    const sound = { ...this.#options, isHeld: false };
    this.languages = new ShowLanguages(sound, state?.languages, past);
    this.#partMs = options.partMs ?? 0;
    if (state === undefined) return;
    this.#partMs = state.parts?.ms ?? 0;
    this.#partTargetSec = state.parts?.targetSec;
    this.#targetSec = state.targetSec;
    this.#nextEpoch = state.nextEpoch;
    this.#isEnded = state.isEnded;
    this.#renditions = state.renditions.map((one) => this.#restore(one, past.get(one.name)));
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

  /** Length of its parts, ms; 0 = it has none. */
  get partMs(): number {
    return this.#partMs;
  }

  /** Segments that were left out because they would have broken the playlist. */
  get refusedSegments(): number {
    return this.#refused;
  }

  /** Shows what a saved state has. @returns whether there is more to see now */
  reveal({ renditions }: ShowState): boolean {
    const isMore = this.#renditions.map(({ name, timeline }) => {
      const saved = renditions.find((one) => one.name === name);
      return saved !== undefined && timeline.reveal(saved.nextSequence);
    });
    return isMore.includes(true);
  }

  /** Whether viewers of the other have seen numbers that this one does not have yet. */
  isBehind(other: Show): boolean {
    return this.#renditions.some(({ name, timeline }) => {
      const theirs = other.#renditions.find((one) => one.name === name);
      return theirs !== undefined && timeline.shownBefore < theirs.timeline.shownBefore;
    });
  }

  /** All its playlists, by name. */
  get tracks(): readonly (readonly [string, Timeline])[] {
    const pictures = this.#renditions.map(({ name, timeline }) => [name, timeline] as const);
    return [...pictures, ...this.languages.tracks];
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
    this.#partTargetSec ??= plan.parts?.targetSec;
    for (const rendition of plan.renditions) this.#describe(rendition);
    return { name, plan, startMs: Math.max(startMs, this.#lastEndMs), epoch: undefined };
  }

  /**
   * Lists a finished segment of output `output`; one of no bytes is left out.
   * @returns segments whose files may be removed now
   */
  append(
    run: ShowRun,
    output: number,
    { file, startSec, endSec, bytes }: FinishedSegment & { readonly bytes: number },
  ): readonly Segment[] {
    const durationSec = endSec - startSec;
    const served = this.#servedBy(run.plan, output);
    const isOdd = durationSec < SEGMENT_SEC_MIN || bytes === 0;
    if (isOdd || Math.round(durationSec) > (this.#targetSec ?? 0)) {
      this.#refused += 1;
      for (const { parts } of served) parts.abandon();
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
    const removable = served.flatMap((rendition) => {
      measure(rendition, bytes * 8, durationSec);
      rendition.parts.finish(rendition.timeline.nextSequence);
      return rendition.timeline.append(segment);
    });
    return removable.filter((one) => !this.has(one.run, one.folder, one.file));
  }

  /**
   * Lists a segment of a further language. @returns segments whose files may be removed now;
   * undefined while the run has no picture listed, whose discontinuity number it takes
   */
  appendSound(
    run: ShowRun,
    { tag, channels }: { readonly tag: string; readonly channels: number },
    segment: Omit<NewSegment, 'epoch' | 'run' | 'nodeId' | 'base'>,
  ): readonly Segment[] | undefined {
    if (run.epoch === undefined) return undefined;
    const { nodeId, base } = this.#options;
    const whole = { ...segment, epoch: run.epoch, run: run.name, nodeId, base };
    return this.languages.append(tag, channels, whole);
  }

  /** A part of the segment that output `output` is writing. */
  appendPart(run: ShowRun, output: number, { startSec, ...part }: WrittenPart): void {
    const epoch = (run.epoch ??= this.#nextEpoch++);
    const folder = run.plan.renditions[output]?.name ?? '';
    const startMs = Math.round(run.startMs + startSec * 1_000);
    this.#lastEndMs = Math.max(this.#lastEndMs, startMs + part.durationSec * 1_000);
    for (const { parts } of this.#servedBy(run.plan, output)) {
      parts.add({ ...part, run: run.name, folder, epoch, startMs }, this.#partTargetSec ?? 0);
    }
  }

  /** Where a part is that has been listed, or is about to be. */
  findPart(run: string, folder: string, index: number): Part | undefined {
    for (const { parts } of this.#renditions) {
      const found = parts.find(run, folder, index);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether this is the part that comes next: EXT-X-PRELOAD-HINT has named it. */
  isHinted(run: string, folder: string, index: number): boolean {
    return this.#renditions.some(({ parts: { newest } }) => {
      return newest?.run === run && newest.folder === folder && newest.index + 1 === index;
    });
  }

  /**
   * For blocking playlist reload (RFC 8216bis, section 6.2.5.2).
   * @param part counts from 0; undefined = the whole segment
   * @returns `too-far`: it is no use to wait; undefined when there is no such rendition
   */
  reach(name: string, sequence: number, part?: number): 'there' | 'soon' | 'too-far' | undefined {
    const rendition = this.#renditions.find((one) => one.name === name);
    if (rendition === undefined) return undefined;
    const { nextSequence } = rendition.timeline;
    const hasPart =
      sequence === nextSequence && part !== undefined && part < rendition.parts.open.length;
    if (sequence < nextSequence || hasPart || this.#isEnded) return 'there';
    return sequence > nextSequence + 1 ? 'too-far' : 'soon';
  }

  /** Whether the file is finished and a player may still ask for it. */
  has(run: string, folder: string, file: string): boolean {
    if (file === INIT_FILE) {
      return this.#renditions.some(({ timeline }) => timeline.hasSome(run, folder));
    }
    const isListed = this.#renditions.some(({ timeline }) => timeline.has(run, folder, file));
    return isListed || this.languages.has(run, folder, file);
  }

  end(): void {
    this.#isEnded = true;
  }

  /** Parts are shown at once, and so are the segments that they become. */
  get #holding(): { readonly isHeld: boolean } {
    return { isHeld: this.#options.isHeld === true && this.#partMs === 0 };
  }

  get dvrMs(): number {
    return this.#options.dvrMs;
  }

  /** @param isDvr names the playlists of the DVR window, which are much longer */
  renderMaster(isDvr = false): string {
    const variants = this.#renditions.filter((one) => one.timeline.listed.length > 0);
    const prefix = isDvr ? DVR_PREFIX : '';
    const uriOf = ({ name }: { readonly name: string }): string => `${prefix}${name}.m3u8`;
    return renderMasterPlaylist(variants.map(variantOf), uriOf, this.languages.offered);
  }

  /** @returns undefined when there is no such rendition */
  renderMedia(
    name: string,
    { fileUri, keyOf }: PlaylistAddresses,
    isDvr = false,
  ): string | undefined {
    const rendition = this.#renditions.find((one) => one.name === name);
    const timeline = rendition?.timeline ?? this.languages.timeline(name);
    if (timeline === undefined || this.#targetSec === undefined) return undefined;
    return renderMediaPlaylist({
      segments: isDvr ? timeline.dvr : timeline.shown,
      targetSec: this.#targetSec,
      isEnded: this.#isEnded,
      nextSequence: timeline.shownBefore,
      uriOf: (segment) => fileUri(segment, segment.file),
      ...(keyOf === undefined ? {} : { keyOf }),
      mapOf: (media) => (isFragmented(media) ? fileUri(media, INIT_FILE) : undefined),
      ...(isDvr || rendition === undefined ? {} : this.#partsInput(rendition, fileUri)),
    });
  }

  /** Nothing while this node has no parts: it is not the one that has the publisher. */
  #partsInput(
    { parts, name }: ShowRendition,
    fileUri: PlaylistAddresses['fileUri'],
  ): Pick<MediaPlaylistInput, 'parts'> {
    const { newest } = parts;
    if (newest === undefined || this.#partTargetSec === undefined) return {};
    return {
      parts: {
        targetSec: this.#partTargetSec,
        of: ({ sequence }) => parts.of(sequence),
        open: parts.open,
        uriOf: (part) => fileUri(part, partFile(part.index)),
        hintUri: fileUri(newest, partFile(newest.index + 1)),
        reports: this.#renditions.filter((one) => one.name !== name).map(reportOf),
      },
    };
  }

  /** Renditions whose next segment is what the output makes. */
  #servedBy(plan: RunPlan, output: number): readonly ShowRendition[] {
    return this.#renditions.filter(({ name }) => outputFor(name, plan) === output);
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
      ...this.languages.states,
      ...(this.dvrMs === 0 ? {} : { dvrMs: this.dvrMs }),
      ...(this.#partTargetSec === undefined
        ? {}
        : { parts: { ms: this.#partMs, targetSec: this.#partTargetSec } }),
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
    const timeline = new Timeline({ ...this.#options, ...this.#holding, firstSequence });
    const measured = { peakBps: 0, bits: 0, seconds: 0 };
    const parts = new PartTrack();
    this.#renditions.push({ name, codecs, size, declaredBps, timeline, parts, ...measured });
  }

  #restore(state: RenditionState, past: readonly Segment[] = []): ShowRendition {
    const { name, codecs, size, declaredBps, peakBps, bits, seconds, nextSequence, listed } = state;
    const firstSequence = Math.max(this.#options.firstSequence, nextSequence);
    const options = { ...this.#options, ...this.#holding, firstSequence };
    const timeline = new Timeline(options, listed, pastFrom(past, state.dvrFrom));
    const rates = { declaredBps: declaredBps ?? undefined, peakBps, bits, seconds };
    const parts = new PartTrack();
    return { name, codecs, size: size ?? undefined, timeline, parts, ...rates };
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

/** Name of a part in the folder of its segments. */
function partFile(index: number): string {
  return `p${index}.m4s`;
}

function isFragmented({ file }: Pick<Part, 'file'>): boolean {
  return file.endsWith('.m4s');
}

function reportOf({ name, parts, timeline }: ShowRendition) {
  const { nextSequence } = timeline;
  const isOpen = parts.open.length > 0;
  const lastSequence = isOpen ? nextSequence : nextSequence - 1;
  const lastPart = (isOpen ? parts.open : parts.of(lastSequence)).length - 1;
  return { uri: `${name}.m3u8`, lastSequence, lastPart };
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
  const { nextSequence, dvrFrom, window: listed } = timeline;
  const rates = { declaredBps: declaredBps ?? null, peakBps, bits, seconds };
  return { name, codecs, size: size ?? null, ...rates, nextSequence, dvrFrom, listed };
}
