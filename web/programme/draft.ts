// What an importer reads out of its format, and how that becomes a programme: bounds, clean texts,
// room keys, days. Whatever is wrong is reported with its place; one problem refuses the whole, so
// that a schedule is never half in force.
import { createHash } from 'node:crypto';
import type { FieldError } from '../errors.js';
import type { Programme, ProgrammeDay, ProgrammeRoom, Talk } from './programme.js';
import { dateIn, dayAfter, instantOf, isZone } from './zone.js';

/** A talk as its source has it: `room` as in `Draft.rooms`, `guid` empty = none given. */
export interface DraftTalk extends Talk {
  /** Where it stands in the document, for problems. */
  readonly field: string;
}

export interface Draft {
  readonly title: string;
  readonly timeZone: string;
  readonly version: string;
  readonly rooms: readonly { readonly id: string; readonly name: string; readonly zone?: string }[];
  /** Where the format has them; otherwise made from the talks. */
  readonly days: readonly ProgrammeDay[];
  /** When one day ends and the next begins: `04:00`. */
  readonly dayChange: string;
  readonly talks: readonly DraftTalk[];
}

export type Imported =
  | { readonly ok: true; readonly programme: Programme; readonly warnings: readonly FieldError[] }
  | { readonly ok: false; readonly problems: readonly FieldError[] };

export const TALKS_MAX = 5_000;
export const ROOMS_MAX = 100;
const DAYS_MAX = 60;
const LENGTH_MAX_MS = 86_400_000;
/** More help nobody; the next import shows the rest. */
export const PROBLEMS_MAX = 20;
const TITLE_MAX = 200;
const ABSTRACT_MAX = 2_000;
const SPEAKERS_MAX = 20;

export function problem(field: string, code: string, message: string): FieldError {
  return { field, code, message };
}

export function finishDraft(draft: Draft): Imported {
  const problems = [...boundProblems(draft), ...draft.talks.flatMap(talkProblems(draft))];
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, PROBLEMS_MAX) };
  const rooms = keyRooms(draft);
  const talks = draft.talks
    .map((one) => finishTalk(one, rooms.get(one.room)?.key ?? ''))
    .sort((a, b) => a.startMs - b.startMs || (a.room < b.room ? -1 : 1));
  const { timeZone } = draft;
  const days = (draft.days.length > 0 ? draft.days : daysOf(talks, draft)).slice(0, DAYS_MAX + 1);
  if (days.length > DAYS_MAX) {
    const words = `A programme has at most ${DAYS_MAX} days.`;
    return { ok: false, problems: [problem('', 'TOO_MANY', words)] };
  }
  const programme: Programme = {
    title: clean(draft.title, TITLE_MAX),
    timeZone,
    version: clean(draft.version, 60),
    rooms: [...rooms.values()],
    days,
    talks: distinct(talks),
  };
  return { ok: true, programme, warnings: overlaps(programme).slice(0, PROBLEMS_MAX) };
}

function boundProblems({ timeZone, rooms, talks }: Draft): FieldError[] {
  const found: FieldError[] = [];
  for (const zone of new Set([timeZone, ...rooms.map((one) => one.zone ?? timeZone)])) {
    if (!isZone(zone)) found.push(problem('timeZone', 'INVALID', `No such time zone: ${zone}`));
  }
  if (rooms.length > ROOMS_MAX || rooms.length === 0) {
    found.push(problem('rooms', 'TOO_MANY', `A programme has 1 to ${ROOMS_MAX} rooms.`));
  }
  if (talks.length > TALKS_MAX || talks.length === 0) {
    found.push(problem('talks', 'TOO_MANY', `A programme has 1 to ${TALKS_MAX} talks.`));
  }
  return found;
}

function talkProblems({ rooms }: Draft): (talk: DraftTalk) => FieldError[] {
  const known = new Set(rooms.map((one) => one.id));
  return ({ field, room, startMs, endMs, title }) => [
    ...(known.has(room) ? [] : [problem(`${field}.room`, 'INVALID', 'There is no such room.')]),
    ...(Number.isNaN(startMs)
      ? [problem(`${field}.start`, 'INVALID', 'This is not a time.')]
      : !(endMs > startMs && endMs - startMs <= LENGTH_MAX_MS)
        ? [problem(`${field}.end`, 'INVALID', 'A talk ends after its start, within 24 hours.')]
        : []),
    ...(clean(title, TITLE_MAX) === ''
      ? [problem(`${field}.title`, 'MISSING', 'A talk needs a title.')]
      : []),
  ];
}

/** Keys in the order of the rooms; the second "Hall" becomes `hall-2`. */
function keyRooms({ rooms, timeZone }: Draft): Map<string, ProgrammeRoom> {
  const taken = new Set<string>();
  const made = new Map<string, ProgrammeRoom>();
  for (const { id, name, zone } of rooms) {
    const base = slugOf(name);
    let key = base;
    for (let n = 2; taken.has(key); n += 1) key = `${base}-${n}`;
    taken.add(key);
    made.set(id, { key, name: clean(name, 80), timeZone: zone ?? timeZone });
  }
  return made;
}

/** `Großer Saal 1` → `grosser-saal-1`; a name without Latin letters gets one from its hash. */
function slugOf(name: string): string {
  const plain = name
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 28)
    .replace(/-+$/, '');
  return plain === '' ? `room-${digest(name).slice(0, 8)}` : plain;
}

function finishTalk(draft: DraftTalk, room: string): Talk {
  const { startMs, endMs } = draft;
  const title = clean(draft.title, TITLE_MAX);
  return {
    guid: /^[!-~]{1,100}$/.test(draft.guid) ? draft.guid : digest(`${room}|${title}|${startMs}`),
    ...{ room, startMs, endMs, title },
    subtitle: clean(draft.subtitle, TITLE_MAX),
    speakers: draft.speakers
      .map((one) => clean(one, 80))
      .filter((one) => one !== '')
      .slice(0, SPEAKERS_MAX),
    abstract: clean(draft.abstract, ABSTRACT_MAX),
    track: clean(draft.track, 80),
    url: webAddress(draft.url),
  };
}

/** Some sources use one guid for a talk that is given twice; readers take that for one item. */
function distinct(talks: readonly Talk[]): Talk[] {
  const seen = new Set<string>();
  return talks.map((talk) => {
    const isRepeat = seen.has(talk.guid);
    const guid = isRepeat ? digest(`${talk.guid}|${talk.room}|${talk.startMs}`) : talk.guid;
    seen.add(guid);
    return { ...talk, guid };
  });
}

function daysOf(talks: readonly Talk[], { timeZone, dayChange }: Draft): ProgrammeDay[] {
  const start = (date: string): number => instantOf(`${date}T${dayChange}`, timeZone);
  const [first, last] = [talks[0], talks.at(-1)];
  if (first === undefined || last === undefined) return [];
  let date = dateIn(first.startMs, timeZone);
  if (start(date) > first.startMs) date = dateIn(first.startMs - 86_400_000, timeZone);
  const days: ProgrammeDay[] = [];
  while (start(date) <= last.startMs && days.length <= DAYS_MAX) {
    const next = dayAfter(date);
    days.push({ date, startMs: start(date), endMs: start(next) });
    date = next;
  }
  return days;
}

function overlaps({ rooms, talks }: Programme): FieldError[] {
  return rooms.flatMap(({ key, name }) => {
    let endMs = -Infinity;
    return talks
      .filter((one) => one.room === key)
      .flatMap((one) => {
        const isTaken = one.startMs < endMs;
        endMs = Math.max(endMs, one.endMs);
        const words = `"${one.title}" begins in ${name} before the talk before it has ended.`;
        return isTaken ? [problem('', 'OVERLAP', words)] : [];
      });
  });
}

/**
 * One line of plain text: no control characters, nothing that turns its direction, no lone halves
 * of characters.
 */
export function clean(text: string, lengthMax: number): string {
  const plain = text
    .replace(/\p{Surrogate}/gu, '')
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '')
    .replace(/ {2,}/g, ' ')
    .trim();
  // By characters, so that none is cut in half.
  return Array.from(plain).slice(0, lengthMax).join('');
}

function webAddress(url: string): string {
  if (url.length > 500 || !/^https?:\/\/[!-~]+$/.test(url) || !URL.canParse(url)) return '';
  const { username, password, href } = new URL(url);
  return username === '' && password === '' ? href : '';
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
