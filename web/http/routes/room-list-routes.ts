// Finding rooms: the list with its filters, tags, a room's page and its profile.
import Type from 'typebox';
import type { HlsSigner } from '../../rooms/hls-url.js';
import type { ProfileService } from '../../rooms/profile-service.js';
import type { PublicRoom, RoomCatalog } from '../../rooms/room-catalog.js';
import { ROOM_FILTERS } from '../../rooms/room-list-query.js';
import type { App } from '../app-type.js';
import * as schema from '../schema.js';
import { siteHost } from '../site-host.js';
import { describeRoom, RoomShape } from './room-shape.js';
import { describeSlot, Slot } from './slot-shape.js';

const RoomPage = Type.Object({
  rooms: Type.Array(RoomShape),
  next: Type.Optional(Type.String()),
  unavailable: Type.Optional(Type.Array(Type.Enum(['realtime']))),
});

const ListQuery = Type.Object(
  {
    filter: Type.Optional(
      Type.Enum([...ROOM_FILTERS], { 'x-hint': `Use ${ROOM_FILTERS.join(', ')}.` }),
    ),
    tag: Type.Optional(schema.Tag),
    q: Type.Optional(Type.String({ maxLength: 60 })),
    cursor: Type.Optional(Type.String({ maxLength: 80 })),
    limit: Type.Optional(
      Type.String({ pattern: '^([1-9]|[1-9][0-9]|100)$', 'x-hint': 'Use 1 to 100.' }),
    ),
  },
  { additionalProperties: false },
);

const PastShow = Type.Object({
  id: Type.String(),
  title: Type.String(),
  showType: Type.String(),
  startedAt: Type.String(),
  endedAt: Type.Union([Type.String(), Type.Null()]),
  viewersMax: Type.Integer(),
});

const Profile = Type.Object({
  room: RoomShape,
  bio: Type.String(),
  followers: Type.Integer(),
  timeZone: Type.String(),
  tipMenu: Type.Array(schema.TipMenuItem),
  schedule: Type.Array(Slot),
  pastShows: Type.Array(PastShow),
});

export interface RoomListRouteParts {
  readonly catalog: RoomCatalog;
  readonly profiles: ProfileService;
  readonly hls: HlsSigner;
  readonly publicUrl: string;
}

export function roomListRoutes(app: App, parts: RoomListRouteParts): void {
  const { catalog, profiles, hls, publicUrl } = parts;
  const describe = createDescriber(hls);

  app.get(
    '/rooms',
    { schema: { querystring: ListQuery, response: schema.Replies(RoomPage) } },
    async (request) => {
      const { filter = 'all', q, limit = '48', tag, cursor } = request.query;
      const page = await catalog.list({
        filter,
        limit: Number(limit),
        ...(q === undefined ? {} : { search: q.trim() }),
        ...(tag === undefined ? {} : { tag }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { ...page, rooms: describe(page.rooms, siteHost(request, publicUrl)) };
    },
  );

  app.get(
    '/rooms/:slug',
    { schema: { params: schema.SlugParams, response: schema.Replies(RoomShape) } },
    async (request) => {
      const room = await catalog.show(request.params.slug);
      return describeRoom(room, hls, siteHost(request, publicUrl));
    },
  );

  app.get(
    '/tags',
    {
      schema: {
        response: schema.Replies(
          Type.Object({
            tags: Type.Array(Type.Object({ tag: Type.String(), rooms: Type.Integer() })),
          }),
        ),
      },
    },
    async () => ({ tags: await catalog.liveTags() }),
  );

  app.get(
    '/rooms/:slug/profile',
    { schema: { params: schema.SlugParams, response: schema.Replies(Profile) } },
    async (request) => {
      const { slug } = request.params;
      const [room, more] = await Promise.all([catalog.show(slug), profiles.find(slug)]);
      return {
        room: describeRoom(room, hls, siteHost(request, publicUrl)),
        bio: room.model.about,
        followers: more.followers,
        timeZone: more.timeZone,
        tipMenu: [...more.tipMenu],
        schedule: more.schedule.map(describeSlot),
        pastShows: more.pastShows.map((one) => ({
          id: one.id,
          title: one.title,
          showType: one.showType,
          startedAt: one.startedAt.toISOString(),
          endedAt: one.endedAt?.toISOString() ?? null,
          viewersMax: one.viewersMax,
        })),
      };
    },
  );
}

type Described = ReturnType<typeof describeRoom>[];

/**
 * The catalog gives the same page to everybody for half a second; so its description is made once,
 * which is most of what a crowded list costs.
 */
function createDescriber(hls: HlsSigner): (rooms: PublicRoom[], host: string) => Described {
  const latest = new WeakMap<PublicRoom[], { host: string; described: Described }>();
  return (rooms, host) => {
    const known = latest.get(rooms);
    if (known?.host === host) return known.described;
    const described = rooms.map((room) => describeRoom(room, hls, host));
    latest.set(rooms, { host, described });
    return described;
  };
}
