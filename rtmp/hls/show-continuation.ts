// From which number a saved show goes on: with another process than the one that saved it, viewers
// may have seen more than was saved. Pure; used by LiveShow.
// Invariant: no number means two segments.
import type { ShowState } from './show.js';

/** The segment whose parts were being listed, and one that was just finished. */
const UNSAVED_SEGMENTS = 2;
/** A show of a node that died is continued within this time on top of the grace. */
const CONTINUE_SLACK_MS = 60_000;

/** Whether a publisher that comes now goes on with the saved show, on whatever node. */
export function isGoingOn(
  { isEnded, updatedAtMs }: ShowState,
  { nowMs, graceMs }: { readonly nowMs: number; readonly graceMs: number },
): boolean {
  return !isEnded && nowMs - updatedAtMs < graceMs + CONTINUE_SLACK_MS;
}

/**
 * Two numbers a second since 2020: above all numbers of earlier shows even when Redis has forgotten
 * them.
 */
export function sequenceAt(nowMs: number): number {
  return Math.floor((nowMs - Date.UTC(2020, 0, 1)) / 500);
}

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
