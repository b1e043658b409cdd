// The programme of a conference for everybody: all of it, what is on now and next as JSON and RSS,
// and what a room of the site plays.
import Type from 'typebox';
import type { FastifyReply } from 'fastify';
import { siteError } from '../../errors.js';
import type { LiveState } from '../../live/live-state.js';
import { renderFeed, type FeedRoom } from '../../programme/feed.js';
import type { ProgrammeService } from '../../programme/programme-service.js';
import type { Snapshot } from '../../programme/programme-store.js';
import { nowNext } from '../../programme/timeline.js';
import { isoIn } from '../../programme/zone.js';
import type { App } from '../app-type.js';
import * as schema from '../schema.js';
import {
  describeNowNext,
  describeProgrammeRoom,
  NowNextShape,
  ProgrammeRoomShape,
  TalkFields,
} from './programme-shape.js';

export const RoomKey = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,63}$',
  'x-hint': 'There is no such room.',
});
const RoomParams = Type.Object({ room: RoomKey });
const Nows = Type.Object({ rooms: Type.Array(NowNextShape) });

const Whole = Type.Object({
  title: Type.String(),
  timeZone: Type.String(),
  version: Type.String(),
  loadedAt: Type.String(),
  rooms: Type.Array(ProgrammeRoomShape),
  days: Type.Array(
    Type.Object({ date: Type.String(), startsAt: Type.String(), endsAt: Type.String() }),
  ),
  talks: Type.Array(
    Type.Object({
      ...TalkFields,
      room: Type.String({ description: 'Key of the room.' }),
      startsAt: Type.String(),
      endsAt: Type.String(),
    }),
  ),
});

/** What is on changes with the clock, so answers are only kept for moments. */
const BRIEFLY = 'public, max-age=5';

export interface ProgrammeRouteParts {
  readonly programme: ProgrammeService;
  readonly live: LiveState;
  readonly publicUrl: string;
}

export function programmeRoutes(app: App, parts: ProgrammeRouteParts): void {
  const { programme, live } = parts;
  const keep = (reply: FastifyReply): unknown => reply.header('cache-control', BRIEFLY);

  const Filter = Type.Object(
    {
      day: Type.Optional(
        Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', 'x-hint': 'Use YYYY-MM-DD.' }),
      ),
      room: Type.Optional(RoomKey),
    },
    { additionalProperties: false },
  );
  app.get(
    '/programme',
    { schema: { querystring: Filter, response: schema.Replies(Whole) } },
    async (request, reply) => {
      const snapshot = await programme.current();
      keep(reply);
      return describeWhole(snapshot, live, request.query);
    },
  );

  const nowsOf = (snapshot: Snapshot, keys: readonly string[]) => {
    const moment = { live, nowMs: programme.nowMs() };
    return keys.flatMap((key) => describeNowNext(snapshot, key, moment) ?? []);
  };

  app.get('/programme/now', { schema: { response: schema.Replies(Nows) } }, async (_, reply) => {
    const snapshot = await programme.find();
    keep(reply);
    const rooms = snapshot?.programme.rooms ?? [];
    const keys = rooms.map(({ key }) => key);
    return { rooms: snapshot === undefined ? [] : nowsOf(snapshot, keys) };
  });

  app.get(
    '/programme/rooms/:room',
    { schema: { params: RoomParams, response: schema.Replies(NowNextShape) } },
    async (request, reply) => {
      const [found] = nowsOf(await programme.current(), [request.params.room]);
      if (found === undefined) throw siteError('PROGRAMME_NOT_FOUND');
      keep(reply);
      return found;
    },
  );

  app.get(
    '/rooms/:slug/programme',
    { schema: { params: schema.SlugParams, response: schema.Replies(Nows) } },
    async (request, reply) => {
      const snapshot = await programme.find();
      keep(reply);
      if (snapshot === undefined) return { rooms: [] };
      const keys = snapshot.programme.rooms.map(({ key }) => key);
      const { slug } = request.params;
      const isHere = (key: string): boolean => snapshot.options.get(key)?.slug === slug;
      return { rooms: nowsOf(snapshot, keys.filter(isHere)) };
    },
  );

  feedRoutes(app, parts);
}

function feedRoutes(app: App, { programme, publicUrl }: ProgrammeRouteParts): void {
  const send = (reply: FastifyReply, feed: string) =>
    reply
      .type('application/rss+xml; charset=utf-8')
      .header('cache-control', BRIEFLY)
      .serializer(String)
      .send(feed);
  const response = schema.TextReplies('application/rss+xml');

  function render(snapshot: Snapshot, key?: string): string {
    const nowMs = programme.nowMs();
    const { title, timeZone } = snapshot.programme;
    const rooms = feedRooms(snapshot, { nowMs, publicUrl, ...(key === undefined ? {} : { key }) });
    const [only] = rooms;
    if (only === undefined) throw siteError('PROGRAMME_NOT_FOUND');
    const place = key === undefined ? 'feed.rss' : `rooms/${key}/feed.rss`;
    return renderFeed({
      title: key === undefined ? title : `${only.name} · ${title}`,
      link: key === undefined ? `${publicUrl}/programme` : only.link,
      self: `${publicUrl}/api/v1/programme/${place}`,
      builtMs: nowMs,
      timeZone: key === undefined ? timeZone : only.timeZone,
      rooms,
    });
  }

  app.get('/programme/feed.rss', { schema: { response } }, async (_request, reply) =>
    send(reply, render(await programme.current())),
  );

  app.get(
    '/programme/rooms/:room/feed.rss',
    { schema: { params: RoomParams, response } },
    async (request, reply) => send(reply, render(await programme.current(), request.params.room)),
  );
}

function feedRooms(
  { programme, options, timelines }: Snapshot,
  { nowMs, publicUrl, key }: { nowMs: number; publicUrl: string; key?: string },
): FeedRoom[] {
  return programme.rooms
    .filter((one) => key === undefined || one.key === key)
    .map(({ key: at, name, timeZone }) => {
      const { title = '', slug = null } = options.get(at) ?? {};
      return {
        ...nowNext(timelines.get(at) ?? [], nowMs),
        name: title === '' ? name : title,
        timeZone,
        link: slug === null ? `${publicUrl}/programme#${at}` : `${publicUrl}/r/${slug}`,
      };
    });
}

function describeWhole(
  { programme, loadedAt, options }: Snapshot,
  live: LiveState,
  filter: { readonly day?: string; readonly room?: string },
) {
  const { title, timeZone, version, rooms, days } = programme;
  const zones = new Map(rooms.map((one) => [one.key, one.timeZone]));
  const first = days[0]?.date;
  const span = days.find((one) => one.date === filter.day);
  const isWanted = (startMs: number): boolean =>
    filter.day === undefined ||
    (span !== undefined &&
      startMs < span.endMs &&
      (startMs >= span.startMs || span.date === first));
  const talks = programme.talks.filter(
    (one) => isWanted(one.startMs) && (filter.room === undefined || one.room === filter.room),
  );
  return {
    ...{ title, timeZone, version, loadedAt: loadedAt.toISOString() },
    rooms: rooms.map((one) => describeProgrammeRoom(one, options.get(one.key), live)),
    days: days.map(({ date, startMs, endMs }) => ({
      date,
      startsAt: isoIn(startMs, timeZone),
      endsAt: isoIn(endMs, timeZone),
    })),
    talks: talks.map(({ startMs, endMs, speakers, ...talk }) => ({
      ...talk,
      speakers: [...speakers],
      startsAt: isoIn(startMs, zones.get(talk.room) ?? timeZone),
      endsAt: isoIn(endMs, zones.get(talk.room) ?? timeZone),
    })),
  };
}
