// All shows of this node. Listens to ingest, keeps the leases, and takes over the books of nodes
// that died. Used by rtmp/main.ts and the HLS server.
import { coerceError } from '../../cluster/index.js';
import { sweepOrphans } from '../ffmpeg/orphans.js';
import { languageStreamId, splitStreamId } from '../language.js';
import type { LiveStream, LiveStreamListener } from '../live-stream.js';
import { languageObstacle, TOO_MANY } from './language-admission.js';
import { keepMs } from './dvr-keeper.js';
import { LiveShow, type LiveShowDeps } from './live-show.js';
import { LANGUAGES_MAX, type Voice } from './sound-tracks.js';

export class ShowManager implements LiveStreamListener {
  readonly #deps: LiveShowDeps;
  readonly #shows = new Map<string, LiveShow>();
  /** Publishers of further languages, by stream and language tag. */
  readonly #voices = new Map<string, Map<string, Voice>>();
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(deps: LiveShowDeps) {
    this.#deps = deps;
  }

  /**
   * Takes the media directory, ends leftovers of an earlier life. @throws when the directory is in
   * use
   */
  async start(): Promise<void> {
    const { files, log } = this.#deps;
    await files.lock();
    const orphans = await sweepOrphans({ mediaDir: files.root });
    if (orphans.length > 0) log.warn({ event: 'ffmpeg.orphans_ended', pids: orphans });
    await this.#removeStrayFiles();
    this.#timer = setInterval(() => void this.#tick(), this.#deps.leaseTtlMs / 3);
  }

  /** Ends all processes within two seconds; shows stay for whoever goes on with them. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#shows.values()].map((show) => show.stop()));
    await this.#deps.files.unlock();
  }

  streamStarted(stream: LiveStream): void {
    if (this.#isStopping) return;
    const { streamId, tag } = splitStreamId(stream.streamId);
    if (tag === undefined) {
      this.#of(streamId).published(stream);
      return;
    }
    const voices = this.#voices.get(streamId) ?? new Map<string, Voice>();
    voices.set(tag, { stream, isSameClock: stream.isSameClock === true });
    this.#voices.set(streamId, voices);
    this.#shows.get(streamId)?.voicesChanged();
  }

  streamEnded(stream: LiveStream, reason: string): void {
    if (this.#isStopping) return;
    const { streamId, tag } = splitStreamId(stream.streamId);
    if (tag === undefined) {
      this.#shows.get(streamId)?.unpublished(stream, reason);
      return;
    }
    const voices = this.#voices.get(streamId);
    if (voices?.get(tag)?.stream !== stream) return;
    voices.delete(tag);
    if (voices.size === 0) this.#voices.delete(streamId);
    this.#shows.get(streamId)?.voicesChanged();
  }

  /**
   * Why a publish cannot be offered to viewers of this node, in words for its publisher: a further
   * language whose stream is elsewhere, has parts or has enough languages. Never rejects.
   */
  async obstacleTo(id: string): Promise<string | undefined> {
    const { streamId, tag } = splitStreamId(id);
    if (tag === undefined) return undefined;
    const show = this.#shows.get(streamId);
    const known = show?.publishedShow?.languages.tags ?? [];
    const tags = new Set([...known, ...(this.#voices.get(streamId)?.keys() ?? []), tag]);
    if (tags.size > LANGUAGES_MAX) return TOO_MANY;
    return languageObstacle(this.#deps, streamId, show);
  }

  find(streamId: string): LiveShow | undefined {
    return this.#shows.get(streamId);
  }

  list(): readonly LiveShow[] {
    return [...this.#shows.values()];
  }

  /** Gives up the dearest encoding of all shows. @returns false when none can be spared */
  shedDearest(): boolean {
    const [dearest] = this.list().toSorted((a, b) => b.spareWork - a.spareWork);
    if (dearest === undefined || dearest.spareWork === 0) return false;
    dearest.shed();
    return true;
  }

  #of(streamId: string): LiveShow {
    const existing = this.#shows.get(streamId);
    if (existing !== undefined) return existing;
    const show = new LiveShow(streamId, this.#deps, {
      voices: () => this.#voices.get(streamId) ?? new Map<string, Voice>(),
      onGone: () => this.#shows.delete(streamId),
    });
    this.#shows.set(streamId, show);
    return show;
  }

  async #tick(): Promise<void> {
    const { metrics, budget } = this.#deps;
    const live = this.list().filter((one) => one.isLive);
    metrics.shows.set(live.length);
    metrics.viewers.set(live.reduce((sum, one) => sum + one.viewers(), 0));
    metrics.cpuReserved.set(budget.usedPercent / 100);
    await Promise.all(live.map((one) => one.renew()));
    await this.#endLostVoices();
    if (!this.#isStopping) await this.#endShowsOfDeadNodes();
  }

  /** Whose stream has begun after them, on another node or with parts. */
  async #endLostVoices(): Promise<void> {
    for (const [streamId, voices] of this.#voices) {
      const reason = await languageObstacle(this.#deps, streamId, this.#shows.get(streamId));
      if (reason === undefined || this.#isStopping) continue;
      for (const [tag, { stream }] of voices) {
        const id = languageStreamId(streamId, tag);
        this.#deps.log.info({ event: 'language.not_offered', streamId: id, reason });
        stream.kick(reason);
      }
    }
  }

  /** Their lease has ended; whoever takes the row off the list says so. */
  async #endShowsOfDeadNodes(): Promise<void> {
    const { leases, store, announce, nodeId, clock, log } = this.#deps;
    try {
      for (const row of await leases.expire()) {
        const { streamId } = row;
        if (this.#shows.get(streamId)?.isLive === true) continue;
        const { fence, state } = await store.acquire({ streamId, nodeId, sessionId: '' });
        if (state !== undefined) {
          await store.save(streamId, fence, {
            ...state,
            isEnded: true,
            updatedAtMs: clock.nowMs(),
          });
        }
        await announce(streamId, 'ended');
        log.warn({ event: 'show.ended_by_expiry', streamId, from: row.nodeId });
      }
    } catch (thrown) {
      log.warn({ event: 'directory.unavailable', err: coerceError(thrown) });
    }
  }

  /** Another node has the show, and may list them for DVR. */
  #removeLater(streamId: string, afterMs: number): void {
    const remove = (): void => {
      if (!this.#shows.has(streamId)) void this.#deps.files.removeStream(streamId);
    };
    setTimeout(remove, afterMs).unref();
  }

  /** Files of an earlier life stay only where a show may still go on with them. */
  async #removeStrayFiles(): Promise<void> {
    const { files, store, nodeId, log } = this.#deps;
    for (const streamId of await files.streams()) {
      const saved = await store.read(streamId).catch(() => undefined);
      if (saved?.state.isEnded === false) {
        if (saved.nodeId === nodeId) continue;
        const { dvrMs = 0 } = saved.state;
        if (dvrMs > 0) {
          this.#removeLater(streamId, keepMs(dvrMs, this.#deps));
          continue;
        }
      }
      await files.removeStream(streamId);
      log.info({ event: 'media.stray_removed', streamId });
    }
  }
}
