// What a room plays at any moment: its talks with everything between them filled in, so that every
// instant from the beginning to the end of time lies in exactly one slot. Used by now/next and the
// feed.
import { digest } from './draft.js';
import type { Programme, ProgrammeDay, Talk } from './programme.js';

export type SlotKind =
  'talk' | 'break' | 'before' | 'not-started' | 'finished' | 'nothing' | 'after';

export interface TimelineSlot {
  readonly kind: SlotKind;
  /** Of a talk its own; of anything else made from room, kind and times: stable as well. */
  readonly guid: string;
  /** Unix ms; null = since ever. */
  readonly startMs: number | null;
  /** null = for ever. */
  readonly endMs: number | null;
  readonly title: string;
  readonly talk?: Talk;
}

export interface NowNext {
  readonly now: TimelineSlot;
  /** After a talk whatever follows it; otherwise the next talk. null = nothing comes. */
  readonly next: TimelineSlot | null;
  readonly nextTalk: TimelineSlot | null;
}

/** A pause up to this long is people walking in and out. */
const CHANGE_MS = 5 * 60_000;

/**
 * Slots of one room in order. Of talks that overlap the one that began last is on; the earlier one
 * goes on when it ends.
 */
export function createTimeline(programme: Programme, room: string): TimelineSlot[] {
  const talks = flatten(programme.talks.filter((one) => one.room === room));
  const fill = (kind: SlotKind, startMs: number | null, endMs: number | null): TimelineSlot => ({
    ...{ kind, startMs, endMs },
    guid: digest(`${room}|${kind}|${startMs ?? ''}|${endMs ?? ''}`),
    title: wordsFor(kind, (endMs ?? 0) - (startMs ?? 0)),
  });
  const { days } = programme;
  const first = Math.min(days[0]?.startMs ?? 0, talks[0]?.startMs ?? Infinity);
  const slots: TimelineSlot[] = [fill('before', null, first)];
  let untilMs = first;
  days.forEach((day, at) => {
    const endMs = days[at + 1]?.startMs ?? lastEnd(day, talks);
    const today = talks.filter((one) => dayIndex(days, one.startMs) === at);
    let gap: SlotKind = 'not-started';
    for (const one of today) {
      if (one.startMs > untilMs) slots.push(fill(gap, untilMs, one.startMs));
      slots.push(talkSlot(one));
      untilMs = one.endMs;
      gap = 'break';
    }
    if (endMs > untilMs) {
      slots.push(fill(today.length === 0 ? 'nothing' : 'finished', untilMs, endMs));
      untilMs = endMs;
    }
  });
  slots.push(fill('after', untilMs, null));
  return slots;
}

export function nowNext(slots: readonly TimelineSlot[], nowMs: number): NowNext {
  const at = slots.findIndex((one) => one.endMs === null || one.endMs > nowMs);
  const now = slots[at];
  if (now === undefined) throw new RangeError('a timeline has no end');
  const later = slots.slice(at + 1);
  const nextTalk = later.find((one) => one.kind === 'talk' && one.guid !== now.guid) ?? null;
  return { now, nextTalk, next: now.kind === 'talk' ? (later[0] ?? null) : nextTalk };
}

interface Piece {
  readonly startMs: number;
  endMs: number;
  readonly talk: Talk;
}

/** Pieces of time, one talk in each. */
function flatten(talks: readonly Talk[]): Piece[] {
  const edges = [...new Set(talks.flatMap((one) => [one.startMs, one.endMs]))].sort(
    (a, b) => a - b,
  );
  const pieces: Piece[] = [];
  let from = 0;
  for (const [at, startMs] of edges.entries()) {
    const endMs = edges[at + 1];
    if (endMs === undefined) break;
    // A talk lasts a day at most, so what began earlier need not be looked at again.
    while ((talks[from]?.startMs ?? Infinity) < startMs - 86_400_000) from += 1;
    const talk = newestOn(talks, from, startMs);
    const last = pieces.at(-1);
    if (talk === undefined) continue;
    if (last?.talk === talk && last.endMs === startMs) last.endMs = endMs;
    else pieces.push({ startMs, endMs, talk });
  }
  return pieces;
}

function newestOn(talks: readonly Talk[], from: number, atMs: number): Talk | undefined {
  let found: Talk | undefined;
  for (let at = from; at < talks.length; at += 1) {
    const talk = talks[at];
    if (talk === undefined || talk.startMs > atMs) break;
    if (talk.endMs > atMs) found = talk;
  }
  return found;
}

function talkSlot({ startMs, endMs, talk }: Piece): TimelineSlot {
  return { kind: 'talk', guid: talk.guid, startMs, endMs, title: talk.title, talk };
}

/** What begins before the first day belongs to it. */
function dayIndex(days: readonly ProgrammeDay[], atMs: number): number {
  const found = days.findLastIndex((day) => day.startMs <= atMs);
  return Math.max(0, found);
}

function lastEnd(day: ProgrammeDay, talks: readonly Piece[]): number {
  return Math.max(day.endMs, talks.at(-1)?.endMs ?? 0);
}

function wordsFor(kind: SlotKind, lengthMs: number): string {
  switch (kind) {
    case 'before':
      return 'The programme has not begun';
    case 'not-started':
      return 'Not yet started today';
    case 'break':
      return lengthMs <= CHANGE_MS
        ? 'Changing over'
        : `${Math.round(lengthMs / 60_000)} minute break`;
    case 'finished':
      return 'Finished for the day';
    case 'nothing':
      return 'Nothing in this room today';
    case 'after':
      return 'The programme is over';
    case 'talk':
      return '';
  }
}
