// The DVR window of one stream over nodes: tells what is new, brings back what others have told,
// and drops what nobody serves any more. Owned by LiveShow.
// Invariant: nothing is brought back that is not on this disk or on a living node.
import { coerceError, type Logger } from '../../cluster/index.js';
import { type DvrNews, type DvrPast, DvrRecord, DvrTeller } from './dvr-log.js';
import type { MediaFiles } from './media-files.js';
import type { Show, ShowState } from './show.js';
import { presentOf } from './show-continuation.js';
import type { ShowStore } from './show-store.js';
import { fileKey, type Segment } from './timeline.js';

export interface DvrKeeperDeps {
  readonly nodeId: string;
  readonly store: ShowStore;
  readonly files: MediaFiles;
  readonly isNodeAlive: (nodeId: string) => boolean;
  readonly log: Logger;
}

export class DvrKeeper {
  readonly #streamId: string;
  readonly #deps: DvrKeeperDeps;
  readonly #tellers = new WeakMap<Show, DvrTeller>();

  constructor(streamId: string, deps: DvrKeeperDeps) {
    this.#streamId = streamId;
    this.#deps = deps;
  }

  /** Before the first segment that this node adds. */
  begin(show: Show): void {
    this.#tellers.set(show, new DvrTeller(show));
  }

  newsOf(show: Show): DvrNews | undefined {
    return this.#tellers.get(show)?.newsOf(show);
  }

  told(show: Show, news: DvrNews | undefined): void {
    if (news !== undefined) this.#tellers.get(show)?.told(news);
  }

  /**
   * A saved show and its past without segments that nobody can fetch any more: those of dead nodes,
   * and lost files. Never rejects.
   */
  async restore(state: ShowState): Promise<{ state: ShowState; past: DvrPast }> {
    const { nodeId, files } = this.#deps;
    const past = await this.#pastOf(state);
    const hasOurs = [...past.values()].flat().some((one) => one.nodeId === nodeId);
    const ours = hasOurs ? await files.filesOf(this.#streamId) : new Set<string>();
    const isAlive = this.#aliveness();
    const isListed = (one: Segment): boolean =>
      one.nodeId === nodeId
        ? files.sizeOf(files.path(this.#streamId, one.run, one.folder, one.file)) > 0
        : isAlive(one.nodeId);
    // Thousands: one look into each folder instead of one at each file.
    const isPast = (one: Segment): boolean =>
      one.nodeId === nodeId ? ours.has(fileKey(one)) : isAlive(one.nodeId);
    return presentOf(state, past, { isListed, isPast });
  }

  /** @returns whether the window is shorter now: a node that had some of it is gone */
  retract(show: Show | undefined): boolean {
    if (show === undefined || show.dvrMs === 0) return false;
    const { nodeId } = this.#deps;
    const isAlive = this.#aliveness();
    const isGone = (one: Segment): boolean => one.nodeId !== nodeId && !isAlive(one.nodeId);
    return show.tracks.map(([, timeline]) => timeline.retract(isGone)).includes(true);
  }

  async #pastOf({ showId, dvrMs = 0 }: ShowState): Promise<DvrPast> {
    const record = new DvrRecord();
    const { store, log } = this.#deps;
    try {
      if (dvrMs > 0) record.add((await store.dvrOf(this.#streamId, showId)).entries);
    } catch (thrown) {
      log.warn({ event: 'show.dvr_unknown', err: coerceError(thrown) });
    }
    return record.past;
  }

  /** Asks once for each node. */
  #aliveness(): (nodeId: string) => boolean {
    const known = new Map<string, boolean>();
    return (nodeId) => {
      const isAlive = known.get(nodeId) ?? this.#deps.isNodeAlive(nodeId);
      known.set(nodeId, isAlive);
      return isAlive;
    };
  }
}

/**
 * How long files stay after the show has gone elsewhere: until the other node's window is past
 * them, whose newest picture may be as old as the grace.
 */
export function keepMs(
  dvrMs: number,
  { graceMs, disposeMs }: { readonly graceMs: number; readonly disposeMs: number },
): number {
  return dvrMs === 0 ? disposeMs : dvrMs + graceMs + disposeMs;
}
