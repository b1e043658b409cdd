// The segments of one rendition in play order: which are listed, which are no longer listed but may
// still be asked for, which may be removed. Pure; owned by a Show.
// Invariants: sequence numbers grow by exactly one and never go back, also over reconnects, node
// changes and new shows; a discontinuity number belongs to a segment for ever; nothing listed, live
// or for DVR, is ever given for removal.

/** One segment of one rendition. Immutable. */
export interface Segment {
  /** EXT-X-MEDIA-SEQUENCE number. */
  readonly sequence: number;
  /** Discontinuity sequence number: segments that play on without a seam share it. */
  readonly epoch: number;
  /** Directory of the ffmpeg run below the stream's, and of the rendition below that. */
  readonly run: string;
  readonly folder: string;
  readonly file: string;
  readonly durationSec: number;
  /** When its first frame was captured, Unix ms. */
  readonly startMs: number;
  readonly bytes: number;
  /**
   * Node that holds the file, and where it serves: `http://host:port`, an empty host is the site's.
   */
  readonly nodeId: string;
  readonly base: string;
}

export type NewSegment = Omit<Segment, 'sequence'>;

export interface TimelineOptions {
  /** Segments that a live playlist lists. */
  readonly windowSegments: number;
  /** How far back the DVR playlist reaches from the newest picture, ms of wall time; 0 = none. */
  readonly dvrMs: number;
  /** Segments kept after they left the playlists, for players and caches that are late. */
  readonly lateSegments: number;
  readonly firstSequence: number;
  /** Segments are shown when `reveal` says so; default: at once. */
  readonly isHeld?: boolean;
}

export class Timeline {
  readonly #options: TimelineOptions;
  #listed: Segment[] = [];
  /** Left the live playlist: first those that are only kept, then those of the DVR playlist. */
  #late: Segment[] = [];
  readonly #files = new Set<string>();
  #nextSequence: number;
  /** Segments from here on are not shown yet. */
  #shownBefore: number;
  /** The DVR playlist shows nothing before it. */
  #dvrFloor = 0;

  /**
   * @param listed segments of the same show from before, oldest first: the timeline goes on after
   * them, or without them when `firstSequence` leaves a hole.
   * @param past what was before those, oldest first, for the DVR playlist: used as far as it leads
   * up to them
   */
  constructor(
    options: TimelineOptions,
    listed: readonly Segment[] = [],
    past: readonly Segment[] = [],
  ) {
    this.#options = options;
    const last = listed.at(-1)?.sequence ?? -1;
    this.#nextSequence = Math.max(options.firstSequence, last + 1);
    // A playlist counts from its first segment: over a hole its numbers would be wrong.
    this.#listed = this.#nextSequence === last + 1 ? [...listed] : [];
    const first = this.#listed[0];
    if (first !== undefined) this.#late = leadingTo(past, first.sequence);
    for (const segment of [...this.#late, ...this.#listed]) this.#files.add(fileKey(segment));
    this.#shownBefore = this.#nextSequence;
  }

  /** Oldest first: `windowSegments` at most, and those that are not shown yet. */
  get listed(): readonly Segment[] {
    return this.#listed;
  }

  /** The live playlist, oldest first: what is listed up to the last `reveal`. */
  get shown(): readonly Segment[] {
    return this.#listed.filter((one) => one.sequence < this.#shownBefore);
  }

  /** The live playlist and what the DVR window has before it, oldest first. */
  get dvr(): readonly Segment[] {
    return [...this.#late.slice(this.#dvrStart()), ...this.shown];
  }

  /** Number of the first segment of the DVR playlist; never gets smaller. */
  get dvrFrom(): number {
    const first = this.#late[this.#dvrStart()] ?? this.#listed[0];
    return first?.sequence ?? this.#nextSequence;
  }

  /** All that is there from a number on, shown or not, oldest first. */
  since(sequence: number): readonly Segment[] {
    const isSince = (one: Segment): boolean => one.sequence >= sequence;
    const first = this.#listed[0]?.sequence ?? this.#nextSequence;
    const late = sequence < first ? this.#late.filter(isSince) : [];
    return [...late, ...this.#listed.filter(isSince)];
  }

  /**
   * Takes late segments that nobody can fetch any more off the DVR playlist, and what is before
   * them. @returns whether there were some
   */
  retract(isGone: (segment: Segment) => boolean): boolean {
    const last = this.#late.findLast((one) => one.sequence >= this.#dvrFloor && isGone(one));
    if (last !== undefined) this.#dvrFloor = last.sequence + 1;
    return last !== undefined;
  }

  /** The number that the next shown segment gets. */
  get shownBefore(): number {
    return this.#shownBefore;
  }

  /** Shows the segments below a number. @returns whether there is more to see now */
  reveal(before: number): boolean {
    const isMore = before > this.#shownBefore;
    if (isMore) this.#shownBefore = before;
    this.#slide();
    return isMore;
  }

  /** What is listed once everything is shown. */
  get window(): readonly Segment[] {
    return this.#listed.slice(-this.#options.windowSegments);
  }

  /** What is not shown yet takes no place in the window. */
  #slide(): void {
    const hidden = this.#nextSequence - this.#shownBefore;
    while (this.#listed.length - hidden > this.#options.windowSegments) {
      const oldest = this.#listed.shift();
      if (oldest !== undefined) this.#late.push(oldest);
    }
  }

  /** The number that the next segment gets. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Adds the newest segment and returns those whose files may now be removed. */
  append(segment: NewSegment): readonly Segment[] {
    this.#listed.push({ ...segment, sequence: this.#nextSequence });
    this.#files.add(fileKey(segment));
    this.#nextSequence += 1;
    if (this.#options.isHeld !== true) this.#shownBefore = this.#nextSequence;
    this.#slide();
    const surplus = Math.max(0, this.#dvrStart() - this.#options.lateSegments);
    const removable = this.#late.splice(0, surplus);
    for (const one of removable) this.#files.delete(fileKey(one));
    return removable;
  }

  /** Whether the file is finished and has not been given for removal. */
  has(run: string, folder: string, file: string): boolean {
    return this.#files.has(fileKey({ run, folder, file }));
  }

  /** Whether some file of a run's rendition is still there. */
  hasSome(run: string, folder: string): boolean {
    const start = fileKey({ run, folder, file: '' });
    for (const key of this.#files) if (key.startsWith(start)) return true;
    return false;
  }

  /** Index of the first late segment that the DVR window shows. */
  #dvrStart(): number {
    // As others see it, who know what was saved.
    const newest = this.#listed.findLast((one) => one.sequence < this.#shownBefore);
    const { dvrMs } = this.#options;
    if (newest === undefined || dvrMs === 0) return this.#late.length;
    const fromMs = endMsOf(newest) - dvrMs;
    const index = this.#late.findIndex((one) => {
      return endMsOf(one) > fromMs && one.sequence >= this.#dvrFloor;
    });
    return index < 0 ? this.#late.length : index;
  }
}

/** Wall time of its last picture. */
function endMsOf({ startMs, durationSec }: NewSegment): number {
  return startMs + durationSec * 1_000;
}

/** What a DVR playlist that begins at a number still shows of a past. */
export function pastFrom(past: readonly Segment[] = [], dvrFrom = 0): readonly Segment[] {
  return past.filter(({ sequence }) => sequence >= dvrFrom);
}

/** Those directly before a number, without a hole. */
function leadingTo(segments: readonly Segment[], before: number): Segment[] {
  const end = segments.findLastIndex((one) => one.sequence < before) + 1;
  let start = end;
  while (start > 0 && segments[start - 1]?.sequence === before - 1 - (end - start)) start -= 1;
  return segments.slice(start, end);
}

export function fileKey({ run, folder, file }: Pick<Segment, 'run' | 'folder' | 'file'>): string {
  return `${run}/${folder}/${file}`;
}
