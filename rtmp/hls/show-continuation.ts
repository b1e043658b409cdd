// From which number a saved show goes on: with another process than the one that saved it, viewers
// may have seen more than was saved. Pure; used by LiveShow.
// Invariant: no number means two segments.
import type { DvrPast } from './dvr-log.js';
import type { ShowState } from './show.js';
import { languageFolder } from './show-languages.js';
import type { Segment } from './timeline.js';

/**
 * What may be listed while one save takes its time: a node that is out of breath finishes several
 * segments at once.
 */
const UNSAVED_SEGMENTS = 10;
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

/** What is listed, and the past before it, stay without a hole: all after the last missing one. */
export function presentOf(
  state: ShowState,
  past: DvrPast,
  { isListed, isPast }: Record<'isListed' | 'isPast', (segment: Segment) => boolean>,
): { state: ShowState; past: DvrPast } {
  const left = new Map<string, readonly Segment[]>();
  const clean = <T extends { readonly listed: readonly Segment[] }>(name: string, one: T): T => {
    const listed = afterLast(one.listed, (segment) => !isListed(segment));
    const before = past.get(name) ?? [];
    const isWhole = listed.length === one.listed.length;
    left.set(name, isWhole ? afterLast(before, (segment) => !isPast(segment)) : []);
    return { ...one, listed };
  };
  const renditions = state.renditions.map((one) => clean(one.name, one));
  const languages = state.languages?.map((one) => clean(languageFolder(one.tag), one));
  const cleaned = { ...state, renditions, ...(languages === undefined ? {} : { languages }) };
  return { state: cleaned, past: left };
}

function afterLast(segments: readonly Segment[], isIt: (one: Segment) => boolean) {
  return segments.slice(segments.findLastIndex(isIt) + 1);
}

/** Above all numbers that the saved show has used. */
export function nextSequenceOf(state: ShowState | undefined): number {
  return Math.max(0, ...(state?.renditions.map((one) => one.nextSequence) ?? []));
}
