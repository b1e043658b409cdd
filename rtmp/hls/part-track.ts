// The parts of one rendition: those of the segment that is being written, and those of the last
// finished ones. Pure; owned by a Show, lives in its process only.
// Invariant: the parts of a segment are listed either all or, once it is finished, not at all.

/** A part in its show; see WrittenPart. Immutable. */
export interface Part {
  readonly run: string;
  readonly folder: string;
  readonly index: number;
  /** The segment's file, and where in it. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** Discontinuity sequence number. */
  readonly epoch: number;
  /** When its first frame was captured, Unix ms. */
  readonly startMs: number;
  readonly durationSec: number;
  readonly isIndependent: boolean;
}

/** Enough for the three target durations of a playlist, and for players that are late. */
const SEGMENTS_KEPT = 10;
/** What rounding of the player's and the muxer's clocks may add, s. */
const ROUNDING_SEC = 0.001;

export class PartTrack {
  #open: Part[] = [];
  #finished: { readonly sequence: number; readonly parts: readonly Part[] }[] = [];
  /** A part was longer than the playlist has promised: it and those after it are not listed. */
  #isBroken = false;

  /** @param targetSec longest part that may be listed */
  add(part: Part, targetSec: number): void {
    if (part.durationSec > targetSec + ROUNDING_SEC) this.#isBroken = true;
    if (this.#isBroken) return;
    this.#open.push({ ...part, durationSec: Math.min(part.durationSec, targetSec) });
  }

  /** The open parts have become the segment of this number. */
  finish(sequence: number): void {
    if (!this.#isBroken) this.#finished.push({ sequence, parts: this.#open });
    this.#finished = this.#finished.slice(-SEGMENTS_KEPT);
    this.abandon();
  }

  /** The open parts become no segment. */
  abandon(): void {
    this.#open = [];
    this.#isBroken = false;
  }

  /** Of the segment that is being written. */
  get open(): readonly Part[] {
    return this.#open;
  }

  /** Of a finished segment; none when they are no longer known. */
  of(sequence: number): readonly Part[] {
    return this.#finished.find((one) => one.sequence === sequence)?.parts ?? [];
  }

  get newest(): Part | undefined {
    return this.#open.at(-1) ?? this.#finished.at(-1)?.parts.at(-1);
  }

  find(run: string, folder: string, index: number): Part | undefined {
    const isIt = (one: Part): boolean =>
      one.index === index && one.run === run && one.folder === folder;
    const groups = [this.#open, ...this.#finished.map(({ parts }) => parts)];
    for (const parts of groups) {
      const found = parts.find(isIt);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
