// One stream's show on this node: takes publishes one after the other, keeps the timeline over the
// grace between them, writes state and lease to Redis, and cleans up when it is over. Owned by
// ShowManager.
// Invariants: events of a stream are handled strictly one after the other; `live` and `ended` are
// announced in turn; a node that lost the ownership writes nothing any more.
import { coerceError, type Clock, type Logger } from '../../cluster/index.js';
import type { LiveLeases, LiveStreamRow } from '../directory.js';
import type { CpuBudget } from '../ffmpeg/cpu-budget.js';
import type { EncoderName } from '../ffmpeg/encoders.js';
import type { HealthRules } from '../ffmpeg/health-watch.js';
import { Thumbnailer, type Turns } from '../ffmpeg/thumbnailer.js';
import type { LiveStream } from '../live-stream.js';
import type { HlsMetrics } from '../metrics.js';
import { healthOf } from '../stream-health.js';
import { REDIRECTED } from '../streams.js';
import { DvrKeeper, keepMs } from './dvr-keeper.js';
import type { MediaFiles } from './media-files.js';
import type { Part } from './part-track.js';
import { INIT_FILE } from './part-writer.js';
import { StreamPipeline } from './pipeline.js';
import { Show, type ShowState } from './show.js';
import { continuationOf, isGoingOn, nextSequenceOf, sequenceAt } from './show-continuation.js';
import type { Ownership, ShowStore } from './show-store.js';
import { SoundTracks, type Voice } from './sound-tracks.js';
import type { ViewerCounter } from './viewer-counter.js';

export interface ShowShape {
  /** DVR window, ms. */
  readonly dvrMs: number;
  /** Length of the parts for low latency, ms; 0 = none. */
  readonly partMs: number;
}

export interface LiveShowDeps {
  readonly nodeId: string;
  readonly hlsUrlBase: string;
  readonly segmentSec: number;
  readonly windowSegments: number;
  /** What a stream's next show is like. Never rejects. */
  readonly shapeOf: (streamId: string) => Promise<ShowShape>;
  readonly renditionsMax: number;
  readonly hasAudioOnly: boolean;
  readonly isEncrypted: boolean;
  readonly encoder?: EncoderName;
  readonly health?: HealthRules;
  /** 0 = no pictures. */
  readonly pictureEveryMs: number;
  readonly turns: Turns;
  readonly graceMs: number;
  /** `lost`: a publisher that said goodbye, or was dropped for a reason, is not waited for. */
  readonly gracePolicy: 'lost' | 'always';
  readonly disposeMs: number;
  readonly leaseTtlMs: number;
  readonly store: ShowStore;
  readonly leases: LiveLeases;
  readonly files: MediaFiles;
  readonly budget: CpuBudget;
  readonly viewers: ViewerCounter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: HlsMetrics;
  /** Whether the node still serves what it has. */
  readonly isNodeAlive: (nodeId: string) => boolean;
  /** Tells the fleet. Never rejects. */
  readonly announce: (streamId: string, state: 'live' | 'ended') => Promise<void>;
  /** Another node's publisher of the stream has to go. Never rejects. */
  readonly kickElsewhere: (streamId: string, sessionId: string) => Promise<void>;
}

/** What a show needs of the manager. */
export interface ShowOwner {
  /** Who publishes further languages of the stream. */
  readonly voices: () => ReadonlyMap<string, Voice>;
  /** Nothing is left of it. */
  readonly onGone: () => void;
}

/** How a publish ends when nobody is to be waited for; the others are lost links and restarts. */
const FINAL_ENDS: ReadonlySet<string> = new Set([
  ...['unpublished', 'kicked', 'bitrate', 'duration', 'refused', REDIRECTED],
]);

export class LiveShow {
  readonly streamId: string;
  readonly #deps: LiveShowDeps;
  readonly #log: Logger;
  readonly #owner: ShowOwner;
  readonly #listeners = new Set<() => void>();
  readonly #dvr: DvrKeeper;
  #show: Show | undefined;
  #stream: LiveStream | undefined;
  #pipeline: StreamPipeline | undefined;
  #sounds: SoundTracks | undefined;
  #thumbnailer: Thumbnailer | undefined;
  #pictureAtMs: number | undefined;
  #fence: number | undefined;
  #isLive = false;
  /** The fleet has not been told yet that this node has the show. */
  #isUntold = true;
  #timer: NodeJS.Timeout | undefined;
  #tail: Promise<void> = Promise.resolve();
  #saving: Promise<void> | undefined;
  #isDirty = false;
  #isClosing = false;
  #isLost = false;
  /** Redis has heard of the show, or is away: another node would go on with it. */
  #isKnown = false;

  constructor(streamId: string, deps: LiveShowDeps, owner: ShowOwner) {
    this.streamId = streamId;
    this.#deps = deps;
    this.#log = deps.log.child({ streamId });
    this.#owner = owner;
    this.#dvr = new DvrKeeper(streamId, { ...deps, log: this.#log });
  }

  /**
   * The timeline to serve; undefined before anything can be played, and once another node has it.
   */
  get show(): Show | undefined {
    const isOurs = this.#isKnown && !this.#isLost;
    return this.#show?.isPlayable === true && isOurs ? this.#show : undefined;
  }

  /** What viewers have seen here before another node took the show. */
  get lostShow(): Show | undefined {
    return this.#isLost && this.#show?.isPlayable === true ? this.#show : undefined;
  }

  /** While its publisher is here. */
  get publishedShow(): Show | undefined {
    return this.#stream === undefined ? undefined : this.#show;
  }

  /** A part that was listed here, also before the show was lost. */
  findPart(run: string, folder: string, index: number): Part | undefined {
    return this.#show?.findPart(run, folder, index);
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  get pid(): number | undefined {
    return this.#pipeline?.pid;
  }

  /** Whether the file is finished: listed, late, or of a run that is over. */
  isServable(run: string, folder: string, file: string): boolean {
    if (file === INIT_FILE || this.#pipeline?.openRun !== run) return true;
    return this.#show?.has(run, folder, file) === true;
  }

  /** Work that it can do without, pixels per second. */
  get spareWork(): number {
    return this.#pipeline?.spareWork ?? 0;
  }

  /** Gives up its dearest encoding. */
  shed(): void {
    void this.#pipeline?.shed();
  }

  /** Somebody has begun or ended to publish a further language. */
  voicesChanged(): void {
    this.#sounds?.refresh();
  }

  /** Calls back when the playlists have changed. @returns how to unsubscribe */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  published(stream: LiveStream): void {
    this.#enqueue('publish', () => this.#begin(stream));
  }

  unpublished(stream: LiveStream, reason: string): void {
    this.#enqueue('unpublish', () => this.#pause(stream, reason));
  }

  /**
   * Ends the processes and keeps the show for whoever goes on with it. Resolves when all is
   * written.
   */
  stop(): Promise<void> {
    this.#enqueue('stop', async () => {
      this.#isClosing = true;
      clearTimeout(this.#timer);
      await this.#stopRuns();
      await this.#removePictures();
      await this.#save();
      if (this.#isLive) await this.#renewLease(this.#deps.graceMs + this.#deps.leaseTtlMs);
      this.#isLive = false;
    });
    return this.#tail;
  }

  /** Keeps the stream in the directory; called every third of a lease. Never rejects. */
  async renew(): Promise<void> {
    if (!this.#isLive) return;
    if (this.#dvr.retract(this.#show)) {
      this.#changed();
      void this.#save();
    }
    await this.#renewLease(this.#deps.leaseTtlMs);
  }

  async #begin(stream: LiveStream): Promise<void> {
    clearTimeout(this.#timer);
    const { clock } = this.#deps;
    const owned = await this.#acquire(stream);
    // A Redis that is away, or has forgotten, does not end the show that we have.
    const before = owned?.nodeBefore ?? '';
    const isLast = before === '' || before === this.#deps.nodeId;
    const isOurs = this.#show?.isEnded === false && !this.#isLost && isLast;
    if (!isOurs || this.#show === undefined) {
      await this.#forgetOldRuns();
      this.#isUntold = true;
      this.#isKnown = false;
      const shape = await this.#deps.shapeOf(this.streamId);
      this.#show = await this.#showFor(owned?.state, shape, clock.nowMs());
      this.#dvr.begin(this.#show);
    }
    this.#isLost = false;
    this.#stream = stream;
    const parts = { stream, show: this.#show, log: this.#log };
    this.#sounds = new SoundTracks({ ...this.#deps, ...parts, voices: this.#owner.voices });
    this.#sounds.start();
    this.#pipeline = new StreamPipeline({
      ...{ ...this.#deps, ...parts, sounds: this.#sounds },
      onSegment: () => this.#advanced(),
      onPart: () => this.#changed(),
    });
    this.#pipeline.start();
    this.#startPictures(stream);
  }

  #startPictures(stream: LiveStream): void {
    const { pictureEveryMs: intervalMs, turns, files, clock } = this.#deps;
    if (intervalMs === 0) return;
    const file = files.pictureOf(this.streamId);
    const onPicture = (): void => {
      this.#pictureAtMs = clock.nowMs();
    };
    this.#thumbnailer = new Thumbnailer({
      ...{ stream, file, intervalMs, turns, log: this.#log, onPicture },
    });
    this.#thumbnailer.start();
  }

  async #stopRuns(): Promise<void> {
    await this.#pipeline?.stop();
    this.#pipeline = undefined;
    this.#sounds?.close();
    this.#sounds = undefined;
  }

  async #removePictures(): Promise<void> {
    await this.#thumbnailer?.close();
    this.#thumbnailer = undefined;
    this.#pictureAtMs = undefined;
  }

  /** Redis may be away: the show goes on without a fence, and the next save asks again. */
  async #acquire(stream: LiveStream): Promise<Ownership | undefined> {
    const { store, nodeId, kickElsewhere } = this.#deps;
    try {
      const owner = { streamId: this.streamId, nodeId, sessionId: stream.sessionId };
      const owned = await store.acquire(owner);
      this.#fence = owned.fence;
      const { nodeBefore, sessionBefore, state } = owned;
      if (nodeBefore !== '' && nodeBefore !== nodeId && state?.isEnded === false) {
        this.#log.info({ event: 'show.taken_over', from: nodeBefore });
        await kickElsewhere(this.streamId, sessionBefore);
      }
      return owned;
    } catch (thrown) {
      this.#log.warn({ event: 'show.unowned', err: coerceError(thrown) });
      this.#fence = undefined;
      return undefined;
    }
  }

  /** The show to go on with, or a new one whose sequence numbers are above all earlier ones. */
  async #showFor(
    state: ShowState | undefined,
    { dvrMs, partMs }: ShowShape,
    nowMs: number,
  ): Promise<Show> {
    const { nodeId, hlsUrlBase: base, windowSegments, graceMs, isEncrypted } = this.#deps;
    const options = {
      ...{ nodeId, base, windowSegments, lateSegments: windowSegments + 2, dvrMs },
      firstSequence: Math.max(nextSequenceOf(state), sequenceAt(nowMs)),
      // Encrypted on their way out are whole files, and parts are none.
      partMs: isEncrypted ? 0 : partMs,
      // What another node would not know of, viewers must not have seen.
      isHeld: true,
    };
    const isFresh = state !== undefined && isGoingOn(state, { nowMs, graceMs });
    if (isFresh && state.renditions.length > 0) {
      const { showId, startedAtMs } = state;
      this.#isLive = this.#isKnown = true;
      const present = await this.#dvr.restore(state);
      const before = continuationOf(present.state);
      return new Show(
        { ...options, showId, startedAtMs, firstSequence: before.firstSequence },
        before.state,
        present.past,
      );
    }
    const showId = `${nowMs.toString(36)}-${nodeId}`;
    return new Show({ ...options, showId, startedAtMs: nowMs });
  }

  /** A segment was listed: the first makes the show live, each is saved. */
  #advanced(): void {
    this.#isLive = true;
    this.#changed();
    if (this.#isUntold) {
      this.#isUntold = false;
      this.#enqueue('live', async () => {
        await this.#save();
        await this.#renewLease(this.#deps.leaseTtlMs);
        await this.#deps.announce(this.streamId, 'live');
        this.#log.info({ event: 'show.live', targetSec: this.#show?.targetSec });
      });
      return;
    }
    void this.#save();
  }

  async #pause(stream: LiveStream, reason: string): Promise<void> {
    if (this.#stream !== stream) return;
    await this.#stopRuns();
    this.#stream = undefined;
    await this.#save();
    const { graceMs, gracePolicy } = this.#deps;
    const isFinal = gracePolicy === 'lost' && FINAL_ENDS.has(reason);
    const waitMs = this.show === undefined || isFinal ? 0 : graceMs;
    this.#log.info({ event: 'show.paused', reason, graceMs: waitMs });
    this.#timer = setTimeout(() => this.#enqueue('end', () => this.#finish()), waitMs);
  }

  /** The publisher did not come back: ENDLIST, then, after a while, nothing. */
  async #finish(): Promise<void> {
    if (this.#stream !== undefined) return;
    await this.#removePictures();
    this.#show?.end();
    this.#changed();
    await this.#save();
    if (this.#isLive) {
      this.#isLive = false;
      const fence = this.#fence ?? 0;
      await this.#deps.leases.remove(this.streamId, fence).catch((thrown: unknown) => {
        this.#log.warn({ event: 'show.lease_kept', err: coerceError(thrown) });
      });
      await this.#deps.announce(this.streamId, 'ended');
      this.#log.info({ event: 'show.ended' });
    }
    this.#timer = setTimeout(
      () => this.#enqueue('dispose', () => this.#dispose()),
      this.#deps.disposeMs,
    );
  }

  async #dispose(): Promise<void> {
    if (this.#stream !== undefined) return;
    await this.#deps.files.removeStream(this.streamId);
    this.#deps.viewers.forget(this.streamId);
    this.#owner.onGone();
  }

  /** Another node owns the show: stop without a word, its files stay for late viewers. */
  #lost(): void {
    if (this.#fence === undefined) return;
    this.#fence = undefined;
    this.#isLive = false;
    this.#isLost = true;
    this.#changed();
    this.#log.warn({ event: 'show.lost' });
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.kick('a newer connection with the same stream key took over');
    if (this.#isClosing) return;
    this.#enqueue('lost', async () => {
      await this.#removePictures();
      await this.#stopRuns();
      this.#timer = setTimeout(
        () => this.#enqueue('dispose', () => this.#dispose()),
        keepMs(this.#show?.dvrMs ?? 0, this.#deps),
      );
    });
  }

  async #forgetOldRuns(): Promise<void> {
    const { files, disposeMs } = this.#deps;
    const runs = this.#show === undefined ? [] : await files.runsOf(this.streamId);
    if (runs.length === 0) return;
    // Late viewers of the show before still read its last segments; one that goes on lists them.
    const isKept = (run: string, folder: string, file: string): boolean =>
      this.#show?.has(run, folder, file) === true;
    const removeRuns = async (): Promise<void> => {
      for (const run of runs) {
        await files.tidyRun(this.streamId, run, (folder, file) => isKept(run, folder, file));
      }
    };
    setTimeout(() => void removeRuns(), disposeMs).unref();
  }

  /** Saves go one at a time, and the last state is always saved. Never rejects. */
  #save(): Promise<void> {
    this.#isDirty = true;
    this.#saving ??= this.#saveLatest().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #saveLatest(): Promise<void> {
    const { store, clock } = this.#deps;
    while (this.#isDirty && this.#show !== undefined && !this.#isLost) {
      this.#isDirty = false;
      const show = this.#show;
      const state = show.state(clock.nowMs());
      const news = this.#dvr.newsOf(show);
      try {
        const fence = this.#fence ?? (await this.#reacquire());
        if (fence !== undefined) {
          if (!(await store.save(this.streamId, fence, state, news))) {
            this.#lost();
            return;
          }
          this.#dvr.told(show, news);
        }
      } catch (thrown) {
        this.#log.warn({ event: 'show.unsaved', err: coerceError(thrown) });
      }
      // While Redis is away, nobody can take over from it.
      const isNews = show.reveal(state) || !this.#isKnown;
      this.#isKnown = true;
      if (isNews) this.#changed();
    }
  }

  async #reacquire(): Promise<number | undefined> {
    return this.#stream === undefined ? undefined : (await this.#acquire(this.#stream))?.fence;
  }

  async #renewLease(ttlMs: number): Promise<void> {
    if (this.#fence === undefined) return;
    try {
      const request = { fence: this.#fence, ttlMs, row: this.row() };
      if (!(await this.#deps.leases.renew(request))) this.#lost();
    } catch (thrown) {
      this.#log.warn({ event: 'show.lease_late', err: coerceError(thrown) });
    }
  }

  /** The stream's row in the directory. */
  row(): LiveStreamRow {
    const { nodeId, hlsUrlBase } = this.#deps;
    const audio = this.#stream?.info.audio;
    const size = this.#show?.size;
    const codec = this.#show?.codecs.split(',')[0] ?? '';
    return {
      ...{ streamId: this.streamId, nodeId, hlsUrlBase },
      startedAtMs: this.#show?.startedAtMs ?? 0,
      viewers: this.viewers(),
      notes: this.#pipeline?.notes ?? [],
      ...((this.#show?.dvrMs ?? 0) > 0 ? { dvrMs: this.#show?.dvrMs ?? 0 } : {}),
      ...((this.#show?.partMs ?? 0) > 0 ? { partMs: this.#show?.partMs ?? 0 } : {}),
      ...(size === undefined ? {} : { video: { ...size, codec } }),
      ...(audio === undefined ? {} : { audio }),
      ...(this.#stream === undefined ? {} : { health: healthOf(this.#stream.info) }),
      ...(this.#pictureAtMs === undefined ? {} : { pictureAtMs: this.#pictureAtMs }),
    };
  }

  viewers(): number {
    const windowMs = (this.#show?.targetSec ?? 2) * 2_000;
    return this.#deps.viewers.count(this.streamId, this.#deps.clock.monotonicMs(), windowMs);
  }

  #enqueue(what: string, step: () => Promise<void>): void {
    this.#tail = this.#tail.then(step).catch((thrown: unknown) => {
      this.#log.error({ event: 'show.step_failed', step: what, err: coerceError(thrown) });
    });
  }
}
