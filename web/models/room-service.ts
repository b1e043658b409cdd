// A model's own room: words, offer and stream key. Used by the model routes and the demo data.
// Invariant: price and key reach billing in the same transaction that stores them, so that the site
// never shows terms that billing does not charge; whoever watched for free does not go on watching
// once a show costs credits.
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../cluster/index.js';
import { randomId } from '../accounts/random-id.js';
import type { Database } from '../db/database.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import { siteError } from '../errors.js';
import type { Announcer } from '../live/announcer.js';
import type { Billing, Moderation, RoomControl } from '../ports.js';
import { currentOffer } from '../rooms/room-offer.js';
import { columnsOf, isAboutMoney, type RoomChanges, type RoomLimits } from './room-changes.js';
import { termsOf } from './room-terms.js';
import { newStreamKey, type StreamKey } from './stream-key.js';

export interface RoomService {
  /** @throws NOT_A_MODEL when the account has no room. */
  findOwn(performerId: string): Promise<Room>;
  /** Sorted. */
  tags(roomId: string): Promise<string[]>;
  /** @throws NOT_A_MODEL, BAD_INPUT, PRIVATE_SHOW_ON, BILLING_UNAVAILABLE (nothing changed) */
  change(performerId: string, changes: RoomChanges): Promise<Room>;
  /**
   * A new key; the old one is refused from now on and its publisher is dropped. Throws as `change`.
   */
  regenerateKey(performerId: string): Promise<StreamKey>;
}

export function createRoomService(parts: {
  database: Database;
  billing: Billing;
  announcer: Announcer;
  control: RoomControl;
  moderation: Moderation;
  clock: Clock;
  limits: RoomLimits;
  /** Called after a room has changed. */
  onChange: () => void;
}): RoomService {
  const { database, billing, announcer, control, moderation, clock, limits, onChange } = parts;

  async function findOwn(performerId: string): Promise<Room> {
    const room = await database
      .repository(RoomEntity)
      .findOneBy({ performerId, isArchived: false });
    if (room === null) throw siteError('NOT_A_MODEL');
    return room;
  }

  /** Updates under a row lock, then does what must not happen without the update. */
  async function update(
    performerId: string,
    columnsFor: (before: Room) => Partial<Room>,
    then: (manager: EntityManager, room: Room) => Promise<void>,
  ): Promise<Room> {
    return database.transaction(async (manager) => {
      const before = await lockRoom(manager, performerId);
      const columns = columnsFor(before);
      const room = { ...before, ...columns };
      const updatedAt = new Date(clock.nowMs());
      await manager.getRepository(RoomEntity).update({ id: room.id }, { ...columns, updatedAt });
      await then(manager, room);
      return room;
    });
  }

  /** Goal and doors of the chat; a fault leaves them as they were until the next change. */
  async function tellChat(room: Room, changes: RoomChanges): Promise<void> {
    const { goal, allowAnons, anonsSeeChat } = changes;
    if (allowAnons !== undefined || anonsSeeChat !== undefined) {
      const flags = { anonsMayEnter: room.allowAnons, anonsSeeChat: room.anonsSeeChat };
      await moderation.setFlags(room.id, flags);
    }
    if (goal === undefined) return;
    await moderation.moderate(room.id, {
      action: 'goal',
      by: { id: room.performerId, name: room.slug, role: 'model' },
      mid: randomId(),
      settings: { target: room.goalMilli, text: room.goalText },
    });
  }

  return {
    findOwn,

    async tags(roomId) {
      const rows = await database.rows<{ tag: string }>(
        'SELECT tag FROM room_tag WHERE room_id = ? ORDER BY tag',
        [roomId],
      );
      return rows.map((row) => row.tag);
    },

    async change(performerId, changes) {
      const then = { isClosingFree: false };
      const room = await update(
        performerId,
        (before) => {
          const columns = columnsOf(before, changes, limits);
          const after = { ...before, ...columns };
          if (isAboutMoney(changes) && before.privateViewerId !== null) {
            throw siteError('PRIVATE_SHOW_ON');
          }
          then.isClosingFree =
            currentOffer(before).kind === 'free' && currentOffer(after).kind !== 'free';
          return then.isClosingFree ? { ...columns, freeEpoch: before.freeEpoch + 1 } : columns;
        },
        async (manager, changed) => {
          if (changes.tags !== undefined) await putTags(manager, changed.id, changes.tags);
          const { showMaxSec, visitMaxSec } = changes;
          const isLimited = [showMaxSec, visitMaxSec].some((one) => one !== undefined);
          // A room that billing does not know yet cannot have a limit.
          if (isAboutMoney(changes) || isLimited) {
            await billing.putRoom(termsOf(changed));
          }
          if (showMaxSec !== undefined) await billing.putShowLimit(changed.id, showMaxSec);
          if (then.isClosingFree) await control.closeFreeVideo(changed.streamId, changed.freeEpoch);
        },
      );
      onChange();
      await announcer.roomChanged(room);
      await tellChat(room, changes).catch(() => undefined);
      if (then.isClosingFree) {
        const keep = [performerId];
        await control.evict({ roomId: room.id, keep, reason: 'price' }).catch(() => undefined);
      }
      return room;
    },

    async regenerateKey(performerId) {
      const key = newStreamKey();
      await update(
        performerId,
        () => ({ keyHash: key.hash, keyMask: key.mask }),
        async (_manager, room) => {
          // The terms first: a stream that billing does not know cannot have a key.
          await billing.putRoom(termsOf(room));
          await billing.putStreamKey({ streamId: room.streamId, keyHash: key.hash });
        },
      );
      return key;
    },
  };
}

async function putTags(
  manager: EntityManager,
  roomId: string,
  tags: readonly string[],
): Promise<void> {
  await manager.query('DELETE FROM room_tag WHERE room_id = ?', [roomId]);
  const rows = [...new Set(tags)].sort().map((tag) => [roomId, tag]);
  if (rows.length > 0) await manager.query('INSERT INTO room_tag (room_id, tag) VALUES ?', [rows]);
}

async function lockRoom(manager: EntityManager, performerId: string): Promise<Room> {
  const room = await manager.getRepository(RoomEntity).findOne({
    where: { performerId, isArchived: false },
    lock: { mode: 'pessimistic_write' },
  });
  if (room === null) throw siteError('NOT_A_MODEL');
  return room;
}
