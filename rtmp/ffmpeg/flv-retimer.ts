// Gives the tags of one run timestamps that ffmpeg can cut and mux: from zero on, growing within
// each track, right across the 32-bit wrap, and with jumps of the source taken out. Pure; one per
// run.
import { type FlvTag, timestampDiff } from '../protocol/flv.js';

/** Steps outside of this are jumps; sound and picture of a sound source interleave within it. */
const STEP_FORWARD_MAX_MS = 3_000;
const STEP_BACK_MAX_MS = -2_000;
/** What a jump becomes: about one frame. */
const STEP_AFTER_JUMP_MS = 40;

export class FlvRetimer {
  #lastSourceMs: number | undefined;
  #positionMs = 0;
  #lastByType = new Map<number, number>();
  #jumps = 0;

  get jumps(): number {
    return this.#jumps;
  }

  /** Media time of the newest tag, ms since the start of the run. */
  get positionMs(): number {
    return Math.max(0, this.#positionMs);
  }

  /** Where a timestamp of the source, near those of late, lies in this run, ms. */
  positionOf(sourceMs: number): number {
    const lastMs = this.#lastSourceMs ?? sourceMs;
    return this.#positionMs + timestampDiff(sourceMs, lastMs);
  }

  /** The tag's time in this run, ms. Headers and data take the current time and move nothing. */
  retime(tag: FlvTag): number {
    if (tag.isSequenceHeader || (!tag.isVideo && !tag.isAudio)) return this.positionMs;
    if (this.#lastSourceMs !== undefined) {
      const step = timestampDiff(tag.timestampMs, this.#lastSourceMs);
      const isJump = step > STEP_FORWARD_MAX_MS || step < STEP_BACK_MAX_MS;
      if (isJump) this.#jumps += 1;
      this.#positionMs += isJump ? STEP_AFTER_JUMP_MS : step;
    }
    this.#lastSourceMs = tag.timestampMs;
    const timeMs = Math.max(0, this.#positionMs, this.#lastByType.get(tag.type) ?? 0);
    this.#lastByType.set(tag.type, timeMs);
    return timeMs;
  }
}
