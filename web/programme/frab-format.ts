// Reads schedule.json as pretalx and frab export it (the c3voc schedule shape): days, in each day
// rooms by name, in each room events. What frab leaves out (time zone, day times, offsets) comes
// from the settings.
import Type, { type Static } from 'typebox';
import type { Draft, DraftTalk } from './draft.js';
import type { ProgrammeDay } from './programme.js';
import { dayAfter, instantOf, isZone } from './zone.js';

/** Texts may be missing, null, or stand there in several languages. */
const Words = Type.Optional(
  Type.Union([Type.String(), Type.Null(), Type.Record(Type.String(), Type.String())]),
);
const Mark = Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Null()]));

const Event = Type.Object({
  guid: Mark,
  id: Mark,
  title: Type.Union([Type.String(), Type.Record(Type.String(), Type.String())]),
  subtitle: Words,
  abstract: Words,
  description: Words,
  track: Words,
  url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  /** ISO 8601; frab before 2016 has only `start`. */
  date: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  start: Type.Optional(Type.String({ pattern: '^[0-9]{1,2}:[0-9]{2}$' })),
  /** `hh:mm`, or `d:hh:mm`. */
  duration: Type.String({ pattern: '^([0-9]{1,2}:)?[0-9]{1,3}:[0-9]{2}$' }),
  persons: Type.Optional(
    Type.Union([Type.Array(Type.Object({ public_name: Words, name: Words })), Type.Null()]),
  ),
});
const Day = Type.Object({
  date: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
  day_start: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  day_end: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  rooms: Type.Record(Type.String(), Type.Array(Event)),
});
export const FrabSchedule = Type.Object({
  schedule: Type.Object({
    version: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    conference: Type.Object({
      title: Words,
      acronym: Words,
      time_zone_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      rooms: Type.Optional(Type.Array(Type.Object({ name: Words }))),
      days: Type.Array(Day),
    }),
  }),
});

type Event = Static<typeof Event>;
type Day = Static<typeof Day>;

const DAY_CHANGE = '04:00';

export function draftFromFrab(
  { schedule }: Static<typeof FrabSchedule>,
  fallback: { readonly timeZone: string },
): Draft {
  const { conference, version } = schedule;
  const timeZone = conference.time_zone_name ?? fallback.timeZone;
  // Without a zone that exists no wall time has a meaning; the zone itself is reported.
  const readZone = isZone(timeZone) ? timeZone : 'UTC';
  const listed = (conference.rooms ?? []).map(({ name }) => wordsOf(name));
  const used = conference.days.flatMap((day) => Object.keys(day.rooms));
  const names = [...new Set([...listed.filter((name) => name !== ''), ...used])];
  const title = wordsOf(conference.title);
  return {
    title: title === '' ? wordsOf(conference.acronym) : title,
    timeZone,
    version: version ?? '',
    rooms: names.map((name) => ({ id: name, name })),
    days: conference.days.map((day) => readDay(day, readZone)).sort(byStart),
    dayChange: DAY_CHANGE,
    talks: conference.days.flatMap((day, at) => readEvents(day, at, readZone)),
  };
}

const byStart = (a: ProgrammeDay, b: ProgrammeDay): number => a.startMs - b.startMs;

function readDay({ date, day_start: begins, day_end: ends }: Day, zone: string): ProgrammeDay {
  const given = [readMoment(begins ?? '', zone), readMoment(ends ?? '', zone)] as const;
  const [startMs, endMs] = given;
  if (endMs > startMs) return { date, startMs, endMs };
  return {
    date,
    startMs: instantOf(`${date}T${DAY_CHANGE}`, zone),
    endMs: instantOf(`${dayAfter(date)}T${DAY_CHANGE}`, zone),
  };
}

function readEvents(day: Day, dayAt: number, zone: string): DraftTalk[] {
  return Object.entries(day.rooms).flatMap(([room, events]) =>
    events.map((event, at) => {
      const startMs = startOf(event, day, zone);
      return {
        field: `schedule.conference.days.${dayAt}.rooms.${room.slice(0, 80)}.${at}`,
        room,
        guid: String(event.guid ?? event.id ?? ''),
        startMs,
        endMs: startMs + lengthMs(event.duration),
        title: wordsOf(event.title),
        subtitle: wordsOf(event.subtitle),
        speakers: (event.persons ?? []).map((one) => wordsOf(one.public_name) || wordsOf(one.name)),
        abstract: wordsOf(event.abstract) || wordsOf(event.description),
        track: wordsOf(event.track),
        url: event.url ?? '',
      };
    }),
  );
}

/** The full date where there is one; a bare `00:30` is of the next date, being before `04:00`. */
function startOf(event: Event, day: Day, zone: string): number {
  if (typeof event.date === 'string' && event.date.includes('T')) {
    return readMoment(event.date, zone);
  }
  if (event.start === undefined) return NaN;
  const time = event.start.padStart(5, '0');
  const date = time < DAY_CHANGE ? dayAfter(day.date) : day.date;
  return instantOf(`${date}T${time}`, zone);
}

const MOMENT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})?$/;

/** ISO 8601 with an offset, or wall time in the zone; NaN for everything else. */
export function readMoment(text: string, zone: string): number {
  const [, wall, offset] = MOMENT.exec(text) ?? [];
  if (wall === undefined) return NaN;
  return offset === undefined ? instantOf(wall, zone) : Date.parse(`${wall}${offset}`);
}

function lengthMs(duration: string): number {
  const [minutes = 0, hours = 0, days = 0] = duration.split(':').map(Number).reverse();
  return ((days * 24 + hours) * 60 + minutes) * 60_000;
}

function wordsOf(words: Static<typeof Words> | undefined): string {
  if (typeof words === 'string') return words;
  if (words === null || words === undefined) return '';
  return words['en'] ?? Object.values(words)[0] ?? '';
}
