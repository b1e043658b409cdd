// What an account is to a room, as its ticket says it: moderator or not, and which groups it
// belongs to. Used by entry and by moderation. One query.
//
// follower: follows the room; tipper: tipped there within 30 days; fan: both; member: has an
// account with a confirmed address.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import type { User } from '../db/entities/user.js';

const TIPPER_DAYS = 30;

export interface Standing {
  readonly isModerator: boolean;
  /** As the `groups` claim of a ticket carries them. */
  readonly groups: readonly ('follower' | 'fan' | 'tipper' | 'member')[];
}

export interface Standings {
  find(user: User, roomId: string): Promise<Standing>;
  /** The user has tipped in the room. */
  tipped(userId: string, roomId: string): Promise<void>;
}

const FIND = `SELECT
  EXISTS (SELECT 1 FROM room_moderator WHERE room_id = ? AND user_id = ?) AS moderator,
  EXISTS (SELECT 1 FROM follow WHERE room_id = ? AND user_id = ?) AS follower,
  EXISTS (SELECT 1 FROM room_tipper WHERE room_id = ? AND user_id = ? AND last_tip_at > ?) AS tipper`;

const TIPPED = `INSERT INTO room_tipper (room_id, user_id, last_tip_at) VALUES (?, ?, ?)
  ON DUPLICATE KEY UPDATE last_tip_at = VALUES(last_tip_at)`;

export function createStandings(parts: { database: Database; clock: Clock }): Standings {
  const { database, clock } = parts;
  return {
    async find(user, roomId) {
      const since = new Date(clock.nowMs() - TIPPER_DAYS * 86_400_000);
      const who = [roomId, user.id];
      const [row] = await database.rows<Record<'moderator' | 'follower' | 'tipper', string>>(FIND, [
        ...who,
        ...who,
        ...who,
        since,
      ]);
      const is = (name: 'moderator' | 'follower' | 'tipper'): boolean => Number(row?.[name]) === 1;
      return {
        isModerator: user.isModerator || is('moderator'),
        groups: [
          ...(is('follower') ? ['follower' as const] : []),
          ...(is('tipper') ? ['tipper' as const] : []),
          ...(is('follower') && is('tipper') ? ['fan' as const] : []),
          ...(user.emailConfirmedAt === null ? [] : ['member' as const]),
        ],
      };
    },
    async tipped(userId, roomId) {
      await database.rows(TIPPED, [roomId, userId, new Date(clock.nowMs())]);
    },
  };
}
