// What the world may know of rooms: the list with filters and paging, and one room by its address.
// Used by the routes and by entry. One query a page, whatever the number of rooms.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import { siteError } from '../errors.js';
import type { LiveState } from '../live/live-state.js';
import { createBriefCache } from './brief-cache.js';
import { decodeCursor, encodeCursor, type ListCursor } from './list-cursor.js';

export type RoomFilter = 'all' | 'live' | 'free' | 'paid';

export interface PublicRoom {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly topic: string;
  readonly model: { readonly id: string; readonly name: string; readonly about: string };
  readonly isLive: boolean;
  readonly isPrivate: boolean;
  readonly pricePerMinMilli: string;
  readonly viewers: number;
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

export interface RoomQuery {
  readonly filter: RoomFilter;
  readonly search?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export interface RoomCatalog {
  /** Live rooms first, then by how recently they were live. */
  list(query: RoomQuery): Promise<RoomPage>;
  /** @throws ROOM_NOT_FOUND also for archived rooms and suspended models. */
  show(slug: string): Promise<PublicRoom>;
  /** The stored room behind an address. @throws ROOM_NOT_FOUND */
  find(slug: string): Promise<Room>;
  /** Forgets what it remembered; called when a room changes. */
  forget(): void;
}

interface RoomRow {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly topic: string;
  readonly streamId: string;
  readonly isPrivate: number | string;
  readonly price: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly about: string;
  readonly lastLiveAt: Date | null;
  readonly recentAt: Date;
  /** The driver gives computed integers as strings. */
  readonly isLive: number | string;
}

const COLUMNS = `r.id, r.slug, r.title, r.topic, r.stream_id AS streamId, r.is_private AS isPrivate,
  r.price_milli_per_min AS price, r.performer_id AS modelId, m.display_name AS modelName, m.about,
  r.last_live_at AS lastLiveAt, r.recent_at AS recentAt`;

const FROM = `FROM room r
  JOIN user u ON u.id = r.performer_id AND u.status = 'active'
  JOIN model_profile m ON m.user_id = r.performer_id AND m.state = 'approved'
  WHERE r.is_archived = 0`;

const CACHE_MS = 500;

export function createRoomCatalog(parts: {
  database: Database;
  live: LiveState;
  clock: Clock;
}): RoomCatalog {
  const { database, live, clock } = parts;
  const pages = createBriefCache<RoomPage>({ clock, ttlMs: CACHE_MS, entriesMax: 500 });

  function publish(row: RoomRow): PublicRoom {
    const stream = live.find(row.streamId);
    return {
      id: row.id,
      slug: row.slug,
      title: row.title,
      topic: row.topic,
      model: { id: row.modelId, name: row.modelName, about: row.about },
      isLive: stream !== undefined,
      isPrivate: Number(row.isPrivate) === 1,
      pricePerMinMilli: row.price,
      viewers: stream?.viewers ?? 0,
      lastLiveAt: row.lastLiveAt?.toISOString() ?? null,
    };
  }

  async function load(query: RoomQuery): Promise<RoomPage> {
    const { sql, parameters } = listStatement(
      query,
      live.all().map((one) => one.streamId),
    );
    const rows = await database.rows<RoomRow>(sql, parameters);
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    return {
      rooms: page.map(publish),
      ...(last === undefined ? {} : { next: encodeCursor(cursorOf(last)) }),
      ...(live.isFresh() ? {} : { unavailable: ['realtime'] }),
    };
  }

  return {
    list: (query) => pages.get(JSON.stringify(query), () => load(query)),
    async show(slug) {
      const rows = await database.rows<RoomRow>(`SELECT ${COLUMNS} ${FROM} AND r.slug = ?`, [slug]);
      const [row] = rows;
      if (row === undefined) throw siteError('ROOM_NOT_FOUND');
      return publish(row);
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
    forget: () => pages.clear(),
  };
}

function cursorOf(row: RoomRow): ListCursor {
  return { isLive: Number(row.isLive) === 1, recentMs: row.recentAt.getTime(), id: row.id };
}

function listStatement(
  query: RoomQuery,
  liveIds: readonly string[],
): { sql: string; parameters: unknown[] } {
  const where: string[] = [];
  const parameters: unknown[] = [];
  const isLive = liveIds.length === 0 ? '0' : 'r.stream_id IN (?)';
  const addLive = (): void => {
    if (liveIds.length > 0) parameters.push(liveIds);
  };

  addLive();
  if (query.filter === 'live') {
    where.push(isLive);
    addLive();
  }
  if (query.filter === 'free') where.push('r.price_milli_per_min = 0');
  if (query.filter === 'paid') where.push('r.price_milli_per_min > 0');
  if (query.search !== undefined && query.search !== '') {
    const like = `%${query.search.replace(/[\\%_]/g, (one) => `\\${one}`)}%`;
    where.push('(m.display_name LIKE ? OR r.title LIKE ? OR r.topic LIKE ?)');
    parameters.push(like, like, like);
  }
  if (query.cursor !== undefined) {
    const cursor = decodeCursor(query.cursor);
    where.push(`((${isLive}), r.recent_at, r.id) < (?, ?, ?)`);
    addLive();
    parameters.push(cursor.isLive ? 1 : 0, new Date(cursor.recentMs), cursor.id);
  }
  parameters.push(query.limit + 1);
  const conditions = where.map((one) => ` AND ${one}`).join('');
  const order = 'ORDER BY isLive DESC, r.recent_at DESC, r.id DESC LIMIT ?';
  return {
    sql: `SELECT ${COLUMNS}, (${isLive}) AS isLive ${FROM}${conditions} ${order}`,
    parameters,
  };
}
