// What people are told: kept in the database, pushed to whoever is online. Used by the routes, the
// announcer (a followed room goes live) and applications. Invariant: one cause is told to one
// person once, however many processes report it.
import type { Clock, Logger } from '../../cluster/index.js';
import { coerceError } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { NotificationEntity, type Notification } from '../db/entities/notification.js';
import type { Room } from '../db/entities/room.js';
import type { Publisher } from '../ports.js';

/** Followers told by one statement and one burst of pushes. */
const BATCH = 500;
const PUSHES_AT_ONCE = 25;

export interface NotificationService {
  /** Newest first; `beforeId` is the id that the page before ended with. */
  list(userId: string, page: { limit: number; beforeId?: string }): Promise<Notification[]>;
  unread(userId: string): Promise<number>;
  /** Marks everything up to this id as read. */
  read(userId: string, uptoId: string): Promise<void>;
  /**
   * Tells all followers that the room is live. Safe to repeat for the same start. Never rejects.
   */
  roomLive(room: Room, startedAtMs: number): Promise<void>;
}

const TELL = `INSERT IGNORE INTO notification (user_id, cause, kind, title, link, created_at)
  SELECT f.user_id, ?, 'live', ?, ?, ? FROM follow f
  WHERE f.room_id = ? AND f.user_id > ? ORDER BY f.user_id LIMIT ?`;

const TOLD = `SELECT n.id, n.user_id AS userId FROM follow f
  JOIN notification n ON n.user_id = f.user_id AND n.cause = ?
  WHERE f.room_id = ? AND f.user_id > ? ORDER BY f.user_id LIMIT ?`;

export function createNotificationService(parts: {
  database: Database;
  publisher: Publisher;
  clock: Clock;
  log: Logger;
}): NotificationService {
  const { database, publisher, clock, log } = parts;
  const notifications = () => database.repository(NotificationEntity);

  async function tellFollowers(room: Room, startedAtMs: number): Promise<void> {
    const cause = `live:${room.id}:${startedAtMs}`;
    const [title, link] = [`${room.title} is live`, `/r/${room.slug}`];
    const createdAt = new Date(clock.nowMs());
    let afterId = '0';
    for (;;) {
      await database.rows(TELL, [cause, title, link, createdAt, room.id, afterId, BATCH]);
      const told = await database.rows<{ id: string; userId: string }>(TOLD, [
        cause,
        room.id,
        afterId,
        BATCH,
      ]);
      for (let at = 0; at < told.length; at += PUSHES_AT_ONCE) {
        await Promise.all(
          told.slice(at, at + PUSHES_AT_ONCE).map(({ id, userId }) =>
            publisher.publish(`user:${userId}`, {
              kind: 'n',
              body: { id, kind: 'live', title, link },
              cls: 'reliable',
              mid: `n-${id}`,
            }),
          ),
        );
      }
      const last = told.at(-1);
      if (last === undefined || told.length < BATCH) return;
      afterId = last.userId;
    }
  }

  return {
    list: (userId, { limit, beforeId }) => {
      const query = notifications().createQueryBuilder('n').where('n.userId = :userId', { userId });
      if (beforeId !== undefined) query.andWhere('n.id < :beforeId', { beforeId });
      return query.orderBy('n.id', 'DESC').take(limit).getMany();
    },
    unread: (userId) =>
      notifications()
        .createQueryBuilder('n')
        .where('n.userId = :userId AND n.readAt IS NULL', { userId })
        .getCount(),
    async read(userId, uptoId) {
      await database.rows(
        'UPDATE notification SET read_at = ? WHERE user_id = ? AND id <= ? AND read_at IS NULL',
        [new Date(clock.nowMs()), userId, uptoId],
      );
    },
    async roomLive(room, startedAtMs) {
      await tellFollowers(room, startedAtMs).catch((thrown: unknown) =>
        log.warn({ event: 'followers.not_told', err: coerceError(thrown) }),
      );
    },
  };
}
