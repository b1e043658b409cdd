// What other nodes know of a show's DVR window: a log beside its state in Redis, to which each save
// appends the segments that are new, cut to the window. Pure; used by DvrKeeper and RemoteShows.
// Invariant: a past has no doubles, grows in order, and is used only as far as it has no hole.
import type { Show } from './show.js';
import type { Segment } from './timeline.js';

/** A segment of one playlist. */
export interface DvrEntry {
  /** Of the playlist: `v0`, `sound-de`. */
  readonly name: string;
  readonly segment: Segment;
}

/** What a save appends. */
export interface DvrNews {
  readonly entries: readonly DvrEntry[];
  /** Entries that the log keeps, the newest. */
  readonly keep: number;
}

/** Segments by playlist, oldest first. */
export type DvrPast = ReadonlyMap<string, readonly Segment[]>;

/** After an outage of Redis older ones are left out: other nodes then know a shorter window. */
const NEWS_MAX = 256;
/** An entry may be told twice, when its first answer was lost. */
const KEEP_SPARE = 64;

/** Which segments of a show have been told. One per show and owner. */
export class DvrTeller {
  readonly #nextByName = new Map<string, number>();

  /** What the show has by now is known: it was read from there. */
  constructor(show: Show) {
    for (const [name, { nextSequence }] of show.tracks) this.#nextByName.set(name, nextSequence);
  }

  /** @returns undefined for a show without a DVR window */
  newsOf(show: Show): DvrNews | undefined {
    if (show.dvrMs === 0) return undefined;
    let keep = KEEP_SPARE;
    const entries = show.tracks.flatMap(([name, timeline]) => {
      keep += timeline.nextSequence - timeline.dvrFrom;
      const since = timeline.since(this.#nextByName.get(name) ?? 0);
      return since.map((segment) => ({ name, segment }));
    });
    return { entries: entries.slice(-NEWS_MAX), keep };
  }

  told({ entries }: DvrNews): void {
    for (const { name, segment } of entries) this.#nextByName.set(name, segment.sequence + 1);
  }
}

/** Grows with the log. */
export class DvrRecord {
  readonly #byName = new Map<string, Segment[]>();

  add(entries: readonly DvrEntry[]): void {
    for (const { name, segment } of entries) {
      const known = this.#byName.get(name) ?? [];
      if (known.length === 0) this.#byName.set(name, known);
      if (segment.sequence > (known.at(-1)?.sequence ?? -1)) known.push(segment);
    }
  }

  /** Forgets what is before a number. */
  cut(name: string, from: number): void {
    const known = this.#byName.get(name);
    const first = known?.findIndex(({ sequence }) => sequence >= from) ?? 0;
    known?.splice(0, first < 0 ? known.length : first);
  }

  get past(): DvrPast {
    return this.#byName;
  }
}
