// The one statement behind a page of the room list: filters, search, tag and cursor put together.
// Used by room-catalog.ts. Everything that comes from a client travels as a parameter.
import type { ShowType } from '../db/entities/room.js';
import { decodeCursor, type ListCursor } from './list-cursor.js';

/** `public` and `private` are live shows that anybody may enter, or that one viewer has. */
export const ROOM_FILTERS = ['all', 'live', 'free', 'paid', 'ticket', 'public', 'private'] as const;
export type RoomFilter = (typeof ROOM_FILTERS)[number];

export interface RoomQuery {
  readonly filter: RoomFilter;
  readonly search?: string;
  readonly tag?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export interface RoomRow {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly topic: string;
  readonly streamId: string;
  readonly isPrivate: number | string;
  readonly priceMilliPerMin: string;
  readonly showType: ShowType;
  readonly ticketMilli: string;
  readonly privatePriceMilli: string;
  readonly privateMinimumSec: number;
  readonly privateGraceSec: number;
  readonly privateViewerId: string | null;
  readonly goalText: string;
  readonly goalMilli: string;
  /** Comma-separated; null = none. */
  readonly tags: string | null;
  readonly modelId: string;
  readonly modelName: string;
  readonly about: string;
  readonly avatarId: string | null;
  readonly lastLiveAt: Date | null;
  readonly recentAt: Date;
  /** The driver gives computed integers as strings. */
  readonly isLive: number | string;
}

const COLUMNS = `r.id, r.slug, r.title, r.topic, r.stream_id AS streamId, r.is_private AS isPrivate,
  r.price_milli_per_min AS priceMilliPerMin, r.show_type AS showType,
  r.ticket_milli AS ticketMilli, r.private_price_milli AS privatePriceMilli,
  r.private_minimum_sec AS privateMinimumSec, r.private_grace_sec AS privateGraceSec,
  r.private_viewer_id AS privateViewerId, r.goal_text AS goalText, r.goal_milli AS goalMilli,
  (SELECT GROUP_CONCAT(g.tag ORDER BY g.tag) FROM room_tag g WHERE g.room_id = r.id) AS tags,
  r.performer_id AS modelId, m.display_name AS modelName, m.about, u.avatar_id AS avatarId,
  r.last_live_at AS lastLiveAt, r.recent_at AS recentAt`;

const FROM = `FROM room r
  JOIN user u ON u.id = r.performer_id AND u.status = 'active'
  JOIN model_profile m ON m.user_id = r.performer_id AND m.state = 'approved'
  WHERE r.is_archived = 0`;

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export const ROOM_BY_SLUG = `SELECT ${COLUMNS}, 0 AS isLive ${FROM} AND r.slug = ?`;

/** One row more than the page has, so that the caller sees whether there is a next page. */
export function listStatement(query: RoomQuery, liveIds: readonly string[]): Statement {
  const isLive: Statement =
    liveIds.length === 0
      ? { sql: '0', parameters: [] }
      : { sql: 'r.stream_id IN (?)', parameters: [liveIds] };
  const wanted = [
    ...filterConditions(query.filter, isLive),
    ...searchConditions(query),
    ...(query.cursor === undefined ? [] : [afterCursor(decodeCursor(query.cursor), isLive)]),
  ];
  const conditions = wanted.map(({ sql }) => ` AND ${sql}`).join('');
  const order = 'ORDER BY isLive DESC, r.recent_at DESC, r.id DESC LIMIT ?';
  return {
    sql: `SELECT ${COLUMNS}, (${isLive.sql}) AS isLive ${FROM}${conditions} ${order}`,
    parameters: [
      ...isLive.parameters,
      ...wanted.flatMap(({ parameters }) => parameters),
      query.limit + 1,
    ],
  };
}

const plain = (sql: string): Statement => ({ sql, parameters: [] });

function filterConditions(filter: RoomFilter, isLive: Statement): Statement[] {
  switch (filter) {
    case 'all':
      return [];
    case 'live':
      return [isLive];
    case 'free':
      return [plain("r.show_type <> 'ticket' AND r.price_milli_per_min = 0")];
    case 'paid':
      return [plain("(r.show_type = 'ticket' OR r.price_milli_per_min > 0)")];
    case 'ticket':
      return [plain("r.show_type = 'ticket'")];
    case 'public':
      return [isLive, plain('r.private_viewer_id IS NULL')];
    case 'private':
      return [isLive, plain('r.private_viewer_id IS NOT NULL')];
  }
}

function searchConditions({ search, tag }: RoomQuery): Statement[] {
  const wanted: Statement[] = [];
  if (search !== undefined && search !== '') {
    const like = `%${search.replace(/[\\%_]/g, (one) => `\\${one}`)}%`;
    wanted.push({
      sql: `(m.display_name LIKE ? OR r.title LIKE ? OR r.topic LIKE ?
        OR EXISTS (SELECT 1 FROM room_tag s WHERE s.room_id = r.id AND s.tag LIKE ?))`,
      parameters: [like, like, like, like],
    });
  }
  if (tag !== undefined) {
    wanted.push({
      sql: 'EXISTS (SELECT 1 FROM room_tag s WHERE s.room_id = r.id AND s.tag = ?)',
      parameters: [tag],
    });
  }
  return wanted;
}

function afterCursor(cursor: ListCursor, isLive: Statement): Statement {
  return {
    sql: `((${isLive.sql}), r.recent_at, r.id) < (?, ?, ?)`,
    parameters: [...isLive.parameters, cursor.isLive ? 1 : 0, new Date(cursor.recentMs), cursor.id],
  };
}
