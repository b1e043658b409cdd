// From which number a saved show goes on: with another process than the one that saved it, viewers
// may have seen more than was saved. Pure; used by LiveShow.
// Invariant: no number means two segments.
import type { ShowState } from './show.js';

/** The segment whose parts were being listed, and one that was just finished. */
const UNSAVED_SEGMENTS = 2;

/**
 * Whole segments are shown only once they are saved: there the numbers go on. Parts are shown at
 * once, so the numbers that they may have had are left out, and with them what was listed before.
 * @param state of a show that goes on, without segments that nobody can fetch any more
 */
export function continuationOf(state: ShowState): { firstSequence: number; state: ShowState } {
  const firstSequence = nextSequenceOf(state);
  if (state.parts === undefined) return { firstSequence, state };
  return {
    firstSequence: firstSequence + UNSAVED_SEGMENTS,
    state: { ...state, nextEpoch: state.nextEpoch + 1 },
  };
}

/** Above all numbers that the saved show has used. */
export function nextSequenceOf(state: ShowState | undefined): number {
  return Math.max(0, ...(state?.renditions.map((one) => one.nextSequence) ?? []));
}
