// Following rooms. Used by the routes; notifier.ts tells the followers.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import type { RoomCatalog } from '../rooms/room-catalog.js';

export interface FollowService {
  /** Following twice is following. @throws ROOM_NOT_FOUND */
  follow(userId: string, slug: string): Promise<void>;
  unfollow(userId: string, slug: string): Promise<void>;
  /** Slugs of the rooms that the user follows, newest first. */
  slugs(userId: string): Promise<string[]>;
}

const LIST = `SELECT r.slug FROM follow f JOIN room r ON r.id = f.room_id AND r.is_archived = 0
  WHERE f.user_id = ? ORDER BY f.created_at DESC LIMIT 500`;

export function createFollowService(parts: {
  database: Database;
  catalog: RoomCatalog;
  clock: Clock;
}): FollowService {
  const { database, catalog, clock } = parts;
  return {
    async follow(userId, slug) {
      const room = await catalog.find(slug);
      await database.rows(
        'INSERT IGNORE INTO follow (room_id, user_id, created_at) VALUES (?, ?, ?)',
        [room.id, userId, new Date(clock.nowMs())],
      );
    },
    async unfollow(userId, slug) {
      const room = await catalog.find(slug);
      await database.rows('DELETE FROM follow WHERE room_id = ? AND user_id = ?', [
        room.id,
        userId,
      ]);
    },
    slugs: async (userId) =>
      (await database.rows<{ slug: string }>(LIST, [userId])).map((row) => row.slug),
  };
}
