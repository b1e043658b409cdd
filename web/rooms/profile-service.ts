// What a room's profile shows beyond the room itself: followers, announced and past shows. Used by
// the routes. A fixed number of queries, whatever the room has.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { BroadcastEntity, type Broadcast } from '../db/entities/broadcast.js';
import type { TipMenuItem } from '../db/entities/room.js';
import { ShowSlotEntity, type ShowSlot } from '../db/entities/show-slot.js';
import type { RoomCatalog } from './room-catalog.js';

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

export function createProfileService(parts: {
  database: Database;
  catalog: RoomCatalog;
  clock: Clock;
}): ProfileService {
  const { database, catalog, clock } = parts;
  return {
    async find(slug) {
      const { id: roomId, timeZone, tipMenu, hasPublicPast } = await catalog.find(slug);
      const [counted, schedule, pastShows] = await Promise.all([
        database.rows<{ followers: string | number }>(
          'SELECT COUNT(*) AS followers FROM follow WHERE room_id = ?',
          [roomId],
        ),
        database
          .repository(ShowSlotEntity)
          .createQueryBuilder('s')
          .where('s.roomId = :roomId AND s.endsAt > :now', {
            roomId,
            now: new Date(clock.nowMs()),
          })
          .orderBy('s.startsAt', 'ASC')
          .take(SCHEDULE_MAX)
          .getMany(),
        hasPublicPast
          ? database.repository(BroadcastEntity).find({
              where: { roomId },
              order: { startedAt: 'DESC' },
              take: PAST_MAX,
            })
          : [],
      ]);
      const followers = Number(counted[0]?.followers ?? 0);
      return { followers, timeZone, tipMenu: tipMenu ?? [], schedule, pastShows };
    },
  };
}
