// What a room's profile shows beyond the room itself: followers, announced and past shows. Used by
// the routes. Three statements at once, whatever the room has.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import type { Broadcast } from '../db/entities/broadcast.js';
import type { TipMenuItem } from '../db/entities/room.js';
import type { ShowSlot } from '../db/entities/show-slot.js';
import { siteError } from '../errors.js';

const SCHEDULE_MAX = 20;
const PAST_MAX = 20;

export interface Profile {
  readonly followers: number;
  readonly timeZone: string;
  readonly tipMenu: readonly TipMenuItem[];
  /** Running and coming shows, the next first. */
  readonly schedule: readonly ShowSlot[];
  /** Newest first. */
  readonly pastShows: readonly Broadcast[];
}

export interface ProfileService {
  /** @throws ROOM_NOT_FOUND */
  find(slug: string): Promise<Profile>;
}

interface HeadRow {
  readonly timeZone: string;
  /** JSON, as text or as the driver has read it. */
  readonly tipMenu: string | readonly TipMenuItem[] | null;
  readonly followers: string | number;
}

const HEAD = `SELECT r.time_zone AS timeZone, r.tip_menu AS tipMenu,
    (SELECT COUNT(*) FROM follow f WHERE f.room_id = r.id) AS followers
  FROM room r JOIN user u ON u.id = r.performer_id AND u.status = 'active'
  WHERE r.slug = ? AND r.is_archived = 0`;
const SCHEDULE = `SELECT s.id, s.room_id AS roomId, s.starts_at AS startsAt, s.ends_at AS endsAt,
    s.title, s.created_at AS createdAt
  FROM room r JOIN show_slot s ON s.room_id = r.id AND s.ends_at > ?
  WHERE r.slug = ? ORDER BY s.starts_at LIMIT ${SCHEDULE_MAX}`;
const PAST = `SELECT b.id, b.room_id AS roomId, b.title, b.show_type AS showType,
    b.started_at AS startedAt, b.ended_at AS endedAt, b.viewers_max AS viewersMax
  FROM room r JOIN broadcast b ON b.room_id = r.id
  WHERE r.slug = ? AND r.has_public_past = 1 ORDER BY b.started_at DESC LIMIT ${PAST_MAX}`;

export function createProfileService(parts: { database: Database; clock: Clock }): ProfileService {
  const { database, clock } = parts;
  return {
    async find(slug) {
      const [[head], schedule, pastShows] = await Promise.all([
        database.rows<HeadRow>(HEAD, [slug]),
        database.rows<ShowSlot>(SCHEDULE, [new Date(clock.nowMs()), slug]),
        database.rows<Broadcast>(PAST, [slug]),
      ]);
      if (head === undefined) throw siteError('ROOM_NOT_FOUND');
      const { timeZone, followers } = head;
      return {
        ...{ timeZone, followers: Number(followers), tipMenu: menuOf(head) },
        ...{ schedule, pastShows },
      };
    },
  };
}

function menuOf({ tipMenu }: HeadRow): readonly TipMenuItem[] {
  if (tipMenu === null) return [];
  return typeof tipMenu === 'string' ? (JSON.parse(tipMenu) as TipMenuItem[]) : tipMenu;
}
