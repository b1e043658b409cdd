// A model's own room: words, price and stream key. Used by the model routes and the demo data.
// Invariant: price and key reach billing in the same transaction that stores them, so that the site
// never shows terms that billing does not charge.
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import { siteError } from '../errors.js';
import type { Announcer } from '../live/announcer.js';
import type { LiveState } from '../live/live-state.js';
import type { Billing, RoomTerms } from '../ports.js';
import { newStreamKey, type StreamKey } from './stream-key.js';

export interface RoomChanges {
  readonly title?: string;
  readonly topic?: string;
  readonly priceMilliPerMin?: string;
}

export interface RoomService {
  /** @throws NOT_A_MODEL when the account has no room. */
  findOwn(performerId: string): Promise<Room>;
  /** @throws NOT_A_MODEL, SHOW_IS_LIVE, BILLING_UNAVAILABLE (then nothing changed) */
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
  live: LiveState;
  clock: Clock;
  /** Called after a room has changed. */
  onChange: () => void;
}): RoomService {
  const { database, billing, announcer, live, clock, onChange } = parts;

  async function findOwn(performerId: string): Promise<Room> {
    const room = await database
      .repository(RoomEntity)
      .findOneBy({ performerId, isArchived: false });
    if (room === null) throw siteError('NOT_A_MODEL');
    return room;
  }

  /** Updates under a row lock, then tells billing; a fault there undoes the update. */
  async function update(
    performerId: string,
    columns: Partial<Room>,
    tellBilling: (room: Room) => Promise<void>,
  ): Promise<Room> {
    return database.transaction(async (manager) => {
      const room = { ...(await lockRoom(manager, performerId)), ...columns };
      const updatedAt = new Date(clock.nowMs());
      await manager.getRepository(RoomEntity).update({ id: room.id }, { ...columns, updatedAt });
      await tellBilling(room);
      return room;
    });
  }

  /**
   * Whoever entered a free show has chat and video without a session, so it stays free to its end.
   */
  async function refuseSuddenPrice(performerId: string, changes: RoomChanges): Promise<void> {
    const { priceMilliPerMin = '0' } = changes;
    if (priceMilliPerMin === '0') return;
    const room = await findOwn(performerId);
    const isLive = (await live.findNow(room.streamId)) !== undefined;
    if (room.priceMilliPerMin === '0' && isLive) throw siteError('SHOW_IS_LIVE');
  }

  return {
    findOwn,
    async change(performerId, changes) {
      await refuseSuddenPrice(performerId, changes);
      const isPriced = changes.priceMilliPerMin !== undefined;
      const room = await update(performerId, { ...changes }, async (changed) => {
        if (isPriced) await billing.putRoom(termsOf(changed));
      });
      onChange();
      await announcer.roomChanged(room);
      return room;
    },
    async regenerateKey(performerId) {
      const key = newStreamKey();
      await update(performerId, { keyHash: key.hash, keyMask: key.mask }, async (room) => {
        // The terms first: a stream that billing does not know cannot have a key.
        await billing.putRoom(termsOf(room));
        await billing.putStreamKey({ streamId: room.streamId, keyHash: key.hash });
      });
      return key;
    },
  };
}

async function lockRoom(manager: EntityManager, performerId: string): Promise<Room> {
  const room = await manager.getRepository(RoomEntity).findOne({
    where: { performerId, isArchived: false },
    lock: { mode: 'pessimistic_write' },
  });
  if (room === null) throw siteError('NOT_A_MODEL');
  return room;
}

/** What billing needs to know of a room. */
export function termsOf(room: Room): RoomTerms {
  return {
    roomId: room.id,
    performerId: room.performerId,
    streamId: room.streamId,
    priceMilliPerMin: BigInt(room.priceMilliPerMin),
    isActive: !room.isArchived,
  };
}
