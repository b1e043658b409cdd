// What the world may know of rooms: the list with filters and paging, and one room by its address.
// Used by the routes and by entry. One query a page, whatever the number of rooms.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import { siteError } from '../errors.js';
import type { LiveState } from '../live/live-state.js';
import type { LiveStream } from '../ports.js';
import { createBriefCache } from './brief-cache.js';
import { encodeCursor, type ListCursor } from './list-cursor.js';
import { listStatement, ROOM_BY_SLUG, type RoomQuery, type RoomRow } from './room-list-query.js';
import { currentOffer, type Offer } from './room-offer.js';

export interface PublicRoom {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly topic: string;
  readonly tags: string[];
  readonly model: {
    readonly id: string;
    readonly name: string;
    readonly about: string;
    readonly avatarId: string | null;
  };
  /** Where it is on the air; undefined = offline. */
  readonly stream: LiveStream | undefined;
  /** For members only, or a private show is on. */
  readonly isPrivate: boolean;
  readonly offer: Offer;
  /** Terms of a private show; undefined = not offered. */
  readonly privateOffer:
    | {
        readonly priceMilliPerMin: string;
        readonly minimumSec: number;
        readonly graceSec: number;
      }
    | undefined;
  /** undefined = none. */
  readonly goal: { readonly text: string; readonly targetMilli: string } | undefined;
  /** ISO 8601; null when it never was live. */
  readonly lastLiveAt: string | null;
}

export interface RoomPage {
  readonly rooms: PublicRoom[];
  /** Cursor of the next page; absent on the last one. */
  readonly next?: string;
  /** `realtime`: the live state may be old. */
  readonly unavailable?: 'realtime'[];
}

export interface RoomCatalog {
  /** Live rooms first, then by how recently they were live. */
  list(query: RoomQuery): Promise<RoomPage>;
  /** Tags of rooms that are on the air, the most used first; at most 50. */
  liveTags(): Promise<{ tag: string; rooms: number }[]>;
  /** @throws ROOM_NOT_FOUND also for archived rooms and suspended models. */
  show(slug: string): Promise<PublicRoom>;
  /** The stored room behind an address. @throws ROOM_NOT_FOUND */
  find(slug: string): Promise<Room>;
  /** Forgets what it remembered; called when a room changes. */
  forget(): void;
}

const CACHE_MS = 500;
const TAGS = `SELECT g.tag, COUNT(*) AS rooms FROM room_tag g
  JOIN room r ON r.id = g.room_id AND r.is_archived = 0
  WHERE r.stream_id IN (?) GROUP BY g.tag ORDER BY rooms DESC, g.tag LIMIT 50`;

export function createRoomCatalog(parts: {
  database: Database;
  live: LiveState;
  clock: Clock;
}): RoomCatalog {
  const { database, live, clock } = parts;
  const pages = createBriefCache<RoomPage>({ clock, ttlMs: CACHE_MS, entriesMax: 500 });
  const tags = createBriefCache<{ tag: string; rooms: number }[]>({
    clock,
    ttlMs: CACHE_MS * 10,
    entriesMax: 1,
  });
  const liveIds = (): string[] => live.all().map((one) => one.streamId);

  async function load(query: RoomQuery): Promise<RoomPage> {
    const { sql, parameters } = listStatement(query, liveIds());
    const rows = await database.rows<RoomRow>(sql, parameters);
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    return {
      rooms: page.map((row) => publish(row, live)),
      ...(last === undefined ? {} : { next: encodeCursor(cursorOf(last)) }),
      ...(live.isFresh() ? {} : { unavailable: ['realtime'] }),
    };
  }

  async function loadTags(): Promise<{ tag: string; rooms: number }[]> {
    const ids = liveIds();
    if (ids.length === 0) return [];
    const rows = await database.rows<{ tag: string; rooms: number | string }>(TAGS, [ids]);
    return rows.map((row) => ({ tag: row.tag, rooms: Number(row.rooms) }));
  }

  return {
    list: (query) => pages.get(JSON.stringify(query), () => load(query)),
    liveTags: () => tags.get('', loadTags),
    async show(slug) {
      const [row] = await database.rows<RoomRow>(ROOM_BY_SLUG, [slug]);
      if (row === undefined) throw siteError('ROOM_NOT_FOUND');
      return publish(row, live);
    },
    async find(slug) {
      const room = await database
        .repository(RoomEntity)
        .createQueryBuilder('r')
        .innerJoin('user', 'u', "u.id = r.performer_id AND u.status = 'active'")
        .where('r.slug = :slug AND r.isArchived = 0', { slug })
        .getOne();
      if (room === null) throw siteError('ROOM_NOT_FOUND');
      return room;
    },
    forget() {
      pages.clear();
      tags.clear();
    },
  };
}

function publish(row: RoomRow, live: LiveState): PublicRoom {
  const { id, slug, title, topic, goalText: text, goalMilli: targetMilli } = row;
  const { privatePriceMilli, privateMinimumSec, privateGraceSec } = row;
  const isOffered = privatePriceMilli !== '0';
  return {
    ...{ id, slug, title, topic },
    tags: row.tags === null ? [] : row.tags.split(','),
    model: { id: row.modelId, name: row.modelName, about: row.about, avatarId: row.avatarId },
    stream: live.find(row.streamId),
    isPrivate: Number(row.isPrivate) === 1 || row.privateViewerId !== null,
    offer: currentOffer(row),
    privateOffer: isOffered
      ? {
          priceMilliPerMin: privatePriceMilli,
          minimumSec: privateMinimumSec,
          graceSec: privateGraceSec,
        }
      : undefined,
    goal: targetMilli === '0' ? undefined : { text, targetMilli },
    lastLiveAt: row.lastLiveAt?.toISOString() ?? null,
  };
}

function cursorOf(row: RoomRow): ListCursor {
  return { isLive: Number(row.isLive) === 1, recentMs: row.recentAt.getTime(), id: row.id };
}
