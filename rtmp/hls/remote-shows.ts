// Shows that another node owns, read from Redis for players that ask here: because their show has
// moved, or because a balancer sent them. The playlist is ours, the segments are fetched where they
// are.
import { type Clock, coerceError, type Logger } from '../../cluster/index.js';
import { DvrRecord } from './dvr-log.js';
import { Show, type ShowState } from './show.js';
import { languageFolder } from './show-languages.js';
import type { ShowStore } from './show-store.js';

export interface RemoteShowsOptions {
  readonly nodeId: string;
  readonly windowSegments: number;
  readonly store: ShowStore;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Entry {
  readonly readAtMs: number;
  readonly show: Promise<Show | undefined>;
}

/** The log of a DVR window as far as it has been read. */
interface KnownDvr {
  readonly showId: string;
  readonly record: DvrRecord;
  lastId: string;
}

/** Windows that are kept in memory: about 1 MB for an hour of one stream with three renditions. */
const DVR_MAX = 32;
/** A quarter of a short segment: what Redis is asked is bounded, and nobody waits for it. */
const TTL_MS = 250;
const ENTRIES_MAX = 10_000;
/** A node that is gone has saved nothing for this long: its show is not served. */
const SILENT_MS = 60_000;

export class RemoteShows {
  readonly #options: RemoteShowsOptions;
  #entries = new Map<string, Entry>();
  readonly #dvrs = new Map<string, KnownDvr>();

  constructor(options: RemoteShowsOptions) {
    this.#options = options;
  }

  /**
   * Never rejects; undefined when nobody has the show, or Redis is away.
   * @param isDvr with the past of its DVR window
   */
  find(streamId: string, isDvr = false): Promise<Show | undefined> {
    const now = this.#options.clock.monotonicMs();
    const key = isDvr ? `${streamId} dvr` : streamId;
    const known = this.#entries.get(key);
    if (known !== undefined && now - known.readAtMs < TTL_MS) return known.show;
    if (this.#entries.size >= ENTRIES_MAX) this.#entries = new Map();
    const show = this.#read(streamId, isDvr);
    this.#entries.set(key, { readAtMs: now, show });
    return show;
  }

  async #read(streamId: string, isDvr: boolean): Promise<Show | undefined> {
    const { store, nodeId, windowSegments, clock, log } = this.#options;
    try {
      const found = await store.read(streamId);
      if (found === undefined) return undefined;
      const { state } = found;
      if (clock.nowMs() - state.updatedAtMs > SILENT_MS) return undefined;
      const options = {
        nodeId,
        base: '',
        windowSegments,
        lateSegments: 0,
        firstSequence: 0,
        dvrMs: 0,
      };
      const { showId, startedAtMs } = state;
      const past = isDvr ? (await this.#dvrOf(streamId, state)).past : undefined;
      const show = new Show({ ...options, showId, startedAtMs }, state, past);
      return show.isPlayable ? show : undefined;
    } catch (thrown) {
      log.warn({ event: 'hls.remote_unknown', err: coerceError(thrown) });
      return undefined;
    }
  }

  /** Only what is new is read. */
  async #dvrOf(streamId: string, state: ShowState): Promise<DvrRecord> {
    const before = this.#dvrs.get(streamId);
    const isSame = before?.showId === state.showId;
    const known = isSame ? before : { showId: state.showId, record: new DvrRecord(), lastId: '-' };
    this.#dvrs.delete(streamId);
    const { entries, lastId } = await this.#options.store.dvrOf(
      streamId,
      state.showId,
      known.lastId,
    );
    known.record.add(entries);
    known.lastId = lastId;
    for (const { name, dvrFrom = 0 } of state.renditions) known.record.cut(name, dvrFrom);
    for (const { tag, dvrFrom = 0 } of state.languages ?? []) {
      known.record.cut(languageFolder(tag), dvrFrom);
    }
    const [oldest] = this.#dvrs.keys();
    if (this.#dvrs.size >= DVR_MAX && oldest !== undefined) this.#dvrs.delete(oldest);
    this.#dvrs.set(streamId, known);
    return known.record;
  }
}
