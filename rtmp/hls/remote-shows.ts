// Shows that another node owns, read from Redis for players that ask here: because their show has
// moved, or because a balancer sent them. The playlist is ours, the segments are fetched where they
// are.
import { type Clock, coerceError, type Logger } from '../../cluster/index.js';
import { Show } from './show.js';
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

/** A quarter of a short segment: what Redis is asked is bounded, and nobody waits for it. */
const TTL_MS = 250;
const ENTRIES_MAX = 10_000;
/** A node that is gone has saved nothing for this long: its show is not served. */
const SILENT_MS = 60_000;

export class RemoteShows {
  readonly #options: RemoteShowsOptions;
  #entries = new Map<string, Entry>();

  constructor(options: RemoteShowsOptions) {
    this.#options = options;
  }

  /** Never rejects; undefined when nobody has the show, or Redis is away. */
  find(streamId: string): Promise<Show | undefined> {
    const now = this.#options.clock.monotonicMs();
    const known = this.#entries.get(streamId);
    if (known !== undefined && now - known.readAtMs < TTL_MS) return known.show;
    if (this.#entries.size >= ENTRIES_MAX) this.#entries = new Map();
    const show = this.#read(streamId);
    this.#entries.set(streamId, { readAtMs: now, show });
    return show;
  }

  async #read(streamId: string): Promise<Show | undefined> {
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
      const show = new Show({ ...options, showId, startedAtMs }, state);
      return show.isPlayable ? show : undefined;
    } catch (thrown) {
      log.warn({ event: 'hls.remote_unknown', err: coerceError(thrown) });
      return undefined;
    }
  }
}
