// Reads our own format, for whoever has neither pretalx nor frab: docs/programme.md. Members that
// are not known are refused, because here they can only be slips.
import Type, { type Static } from 'typebox';
import { ROOMS_MAX, TALKS_MAX, type Draft } from './draft.js';
import { readMoment } from './frab-format.js';
import { isZone } from './zone.js';

const closed = { additionalProperties: false } as const;
const Short = Type.String({ maxLength: 300 });
const Moment = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?$',
});

export const PLAIN_FORMAT = 'showbill-programme';

export const PlainProgramme = Type.Object(
  {
    format: Type.Literal(PLAIN_FORMAT),
    title: Short,
    timeZone: Short,
    version: Type.Optional(Short),
    dayChange: Type.Optional(Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' })),
    rooms: Type.Array(
      Type.Object(
        {
          id: Type.String({ minLength: 1, maxLength: 80 }),
          name: Type.String({ minLength: 1, maxLength: 80 }),
          timeZone: Type.Optional(Short),
        },
        closed,
      ),
      { maxItems: ROOMS_MAX },
    ),
    talks: Type.Array(
      Type.Object(
        {
          id: Type.Optional(Type.String({ maxLength: 100 })),
          room: Type.String({ maxLength: 80 }),
          start: Moment,
          minutes: Type.Integer({ minimum: 1, maximum: 1_440 }),
          title: Short,
          subtitle: Type.Optional(Short),
          speakers: Type.Optional(Type.Array(Short, { maxItems: 20 })),
          abstract: Type.Optional(Type.String({ maxLength: 10_000 })),
          track: Type.Optional(Short),
          url: Type.Optional(Type.String({ maxLength: 500 })),
        },
        closed,
      ),
      { maxItems: TALKS_MAX },
    ),
  },
  closed,
);

export function draftFromPlain(document: Static<typeof PlainProgramme>): Draft {
  const { title, timeZone, version = '', dayChange = '04:00', rooms, talks } = document;
  const zoneOf = (room: string): string => {
    const zone = rooms.find((one) => one.id === room)?.timeZone ?? timeZone;
    return isZone(zone) ? zone : 'UTC';
  };
  return {
    ...{ title, timeZone, version, dayChange },
    rooms: rooms.map(({ id, name, timeZone: zone }) => ({
      ...{ id, name },
      ...(zone === undefined ? {} : { zone }),
    })),
    days: [],
    talks: talks.map((one, at) => {
      const startMs = readMoment(one.start, zoneOf(one.room));
      return {
        field: `talks.${at}`,
        ...{ room: one.room, guid: one.id ?? '', title: one.title },
        startMs,
        endMs: startMs + one.minutes * 60_000,
        subtitle: one.subtitle ?? '',
        speakers: one.speakers ?? [],
        abstract: one.abstract ?? '',
        track: one.track ?? '',
        url: one.url ?? '',
      };
    }),
  };
}
