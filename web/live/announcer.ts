// Tells open pages what changed: a room went live or ended, or its title, topic or price changed.
// Every web process sees a live change; the idempotency key makes the fleet say it once.
import { coerceError, type Logger } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import type { Publisher } from '../ports.js';
import { currentOffer } from '../rooms/room-offer.js';
import type { NotificationService } from '../social/notification-service.js';
import type { LiveChange } from './live-state.js';

export interface Announcer {
  /** Pushes live changes to the rooms and to the lobby; never rejects. */
  liveChanged(changes: readonly LiveChange[]): Promise<void>;
  /** Pushes new words or a new price of a room; never rejects. */
  roomChanged(room: Room): Promise<void>;
}

export function createAnnouncer(parts: {
  database: Database;
  publisher: Publisher;
  notifications: NotificationService;
  log: Logger;
}): Announcer {
  const { database, publisher, notifications, log } = parts;

  /**
   * Every process sees the change; the version lets one of them be heard. False: another one was.
   */
  async function announce(room: Room, { isLive, stream }: LiveChange): Promise<boolean> {
    const body = { live: isLive, ...(isLive ? { streamId: room.streamId } : {}) };
    const version = stream.startedAtMs + (isLive ? 0 : 1);
    const push = { kind: 's', body, cls: 'latest', key: 'live', version } as const;
    return publisher.publish(`room:${room.id}`, push);
  }

  async function tellLobby(rooms: readonly string[]): Promise<void> {
    await publisher.publish('lobby', { kind: 's', body: { rooms }, cls: 'latest', key: 'rooms' });
  }

  async function liveChanged(changes: readonly LiveChange[]): Promise<void> {
    const byStream = new Map(changes.map((one) => [one.stream.streamId, one]));
    const rooms = await database
      .repository(RoomEntity)
      .createQueryBuilder('r')
      .where('r.streamId IN (:...ids)', { ids: [...byStream.keys()] })
      .getMany();
    const news: string[] = [];
    for (const room of rooms) {
      const change = byStream.get(room.streamId);
      if (change === undefined) continue;
      await rememberLive(database, room, change);
      if (!(await announce(room, change))) continue;
      news.push(room.id);
      if (change.isLive) void notifications.roomLive(room, change.stream.startedAtMs);
    }
    if (news.length > 0) await tellLobby(news);
  }

  const guarded = async (work: Promise<void>): Promise<void> => {
    await work.catch((thrown: unknown) =>
      log.warn({ event: 'announce.failed', err: coerceError(thrown) }),
    );
  };

  return {
    liveChanged: (changes) => guarded(liveChanged(changes)),
    roomChanged: (room) =>
      guarded(
        (async () => {
          const body = await termsBody(database, room);
          const push = { kind: 's', body, cls: 'latest', key: 'terms' } as const;
          await publisher.publish(`room:${room.id}`, push);
          await tellLobby([room.id]);
        })(),
      ),
  };
}

/** What an open page needs to show the room's new words and terms without asking. */
async function termsBody(database: Database, room: Room) {
  const rows = await database.rows<{ tag: string }>(
    'SELECT tag FROM room_tag WHERE room_id = ? ORDER BY tag',
    [room.id],
  );
  const { kind: showType, priceMilliPerMin: price, ticketMilli } = currentOffer(room);
  const tags = rows.map((row) => row.tag);
  return { title: room.title, topic: room.topic, tags, showType, price, ticketMilli };
}

/** The moment that lists and profiles show as "last live". */
async function rememberLive(database: Database, room: Room, change: LiveChange): Promise<void> {
  const seen = change.isLive ? new Date(change.stream.startedAtMs) : new Date();
  if (room.lastLiveAt !== null && room.lastLiveAt >= seen) return;
  await database
    .repository(RoomEntity)
    .update({ id: room.id }, { lastLiveAt: seen, recentAt: seen });
}
