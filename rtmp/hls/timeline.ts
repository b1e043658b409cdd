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
}

export class Timeline {
  readonly #options: TimelineOptions;
  #listed: Segment[] = [];
  /** Left the live playlist: first those that are only kept, then those of the DVR playlist. */
  #late: Segment[] = [];
  readonly #files = new Set<string>();
  #nextSequence: number;

  /**
   * @param listed segments of the same show from before, oldest first: the timeline goes on after
   * them.
   */
  constructor(options: TimelineOptions, listed: readonly Segment[] = []) {
    this.#options = options;
    this.#listed = [...listed];
    for (const segment of listed) this.#files.add(fileKey(segment));
    const last = listed.at(-1)?.sequence ?? -1;
    this.#nextSequence = Math.max(options.firstSequence, last + 1);
  }

  /** Oldest first, at most `windowSegments`. */
  get listed(): readonly Segment[] {
    return this.#listed;
  }

  /** The live playlist and what the DVR window has before it, oldest first. */
  get dvr(): readonly Segment[] {
    return [...this.#late.slice(this.#dvrStart()), ...this.#listed];
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
    while (this.#listed.length > this.#options.windowSegments) {
      const oldest = this.#listed.shift();
      if (oldest !== undefined) this.#late.push(oldest);
    }
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
    const newest = this.#listed.at(-1);
    const fromMs = newest === undefined ? Infinity : endMsOf(newest) - this.#options.dvrMs;
    const index = this.#late.findIndex((one) => endMsOf(one) > fromMs);
    return index < 0 ? this.#late.length : index;
  }
}

/** Wall time of its last picture. */
function endMsOf({ startMs, durationSec }: NewSegment): number {
  return startMs + durationSec * 1_000;
}

function fileKey({ run, folder, file }: Pick<Segment, 'run' | 'folder' | 'file'>): string {
  return `${run}/${folder}/${file}`;
}
