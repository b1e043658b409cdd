// Who looks after a room: its model appoints moderators; admins and the site's moderators may
// everywhere. Used by the routes and, through standing.ts, by tickets.
import type { Clock } from '../../cluster/index.js';
import type { AccountService } from '../accounts/account-service.js';
import type { Database } from '../db/database.js';
import type { Room } from '../db/entities/room.js';
import type { User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import type { RoomControl } from '../ports.js';
import type { RoomCatalog } from './room-catalog.js';
import type { Standings } from './standing.js';

const MODERATORS_MAX = 50;

export interface RoomModerator {
  readonly id: string;
  readonly username: string;
  readonly addedAt: Date;
}

export interface ModeratorService {
  /** By name. */
  list(roomId: string): Promise<RoomModerator[]>;
  /** @throws USER_NOT_FOUND, FORBIDDEN for oneself or beyond 50 */
  add(room: Room, username: string): Promise<void>;
  /** @throws USER_NOT_FOUND when they were none */
  remove(room: Room, userId: string): Promise<void>;
  /** The room, for whoever may moderate it. @throws ROOM_NOT_FOUND, FORBIDDEN */
  require(slug: string, user: User): Promise<{ room: Room; role: string }>;
}

const LIST = `SELECT u.id, u.username, m.added_at AS addedAt FROM room_moderator m
  JOIN user u ON u.id = m.user_id WHERE m.room_id = ? ORDER BY u.username`;

export function createModeratorService(parts: {
  database: Database;
  accounts: AccountService;
  catalog: RoomCatalog;
  standings: Standings;
  control: RoomControl;
  clock: Clock;
}): ModeratorService {
  const { database, accounts, catalog, standings, control, clock } = parts;
  const list = (roomId: string) => database.rows<RoomModerator>(LIST, [roomId]);

  /** A level comes with the ticket: whoever is inside comes in again with the new one. */
  const reenter = (roomId: string, user: string): Promise<void> =>
    control.evict({ roomId, user, reason: 'role' }).catch(() => undefined);

  return {
    list,
    async add(room, username) {
      const { id } = await accounts.find({ username });
      const isFull = (await list(room.id)).length >= MODERATORS_MAX;
      if (id === room.performerId || isFull) throw siteError('FORBIDDEN');
      await database.rows(
        'INSERT IGNORE INTO room_moderator (room_id, user_id, added_at) VALUES (?, ?, ?)',
        [room.id, id, new Date(clock.nowMs())],
      );
      await reenter(room.id, id);
    },
    async remove(room, userId) {
      const wasThere = (await list(room.id)).some((one) => one.id === userId);
      if (!wasThere) throw siteError('USER_NOT_FOUND');
      await database.rows('DELETE FROM room_moderator WHERE room_id = ? AND user_id = ?', [
        room.id,
        userId,
      ]);
      await reenter(room.id, userId);
    },
    async require(slug, user) {
      const room = await catalog.find(slug);
      if (user.isAdmin) return { room, role: 'admin' };
      if (user.id === room.performerId) return { room, role: 'model' };
      const { isModerator } = await standings.find(user, room.id);
      if (!isModerator) throw siteError('FORBIDDEN');
      return { room, role: 'moderator' };
    },
  };
}
