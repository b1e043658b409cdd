// A model's announced shows. Used by the schedule routes. Invariant: the shows of a room do not
// overlap; the row lock on the room decides races.
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { RoomEntity } from '../db/entities/room.js';
import { ShowSlotEntity, type ShowSlot } from '../db/entities/show-slot.js';
import { FieldsError, siteError } from '../errors.js';

const DAY_MS = 86_400_000;
const LENGTH_MAX_MS = DAY_MS;
const AHEAD_MAX_MS = 400 * DAY_MS;
const COMING_MAX = 200;

export interface SlotForm {
  readonly startsAt: string;
  readonly endsAt: string;
  readonly title: string;
}

export interface ScheduleService {
  /** From yesterday on, the next first. @throws NOT_A_MODEL */
  list(performerId: string): Promise<ShowSlot[]>;
  /** @throws NOT_A_MODEL, BAD_INPUT for times that are over, too long or taken */
  add(performerId: string, form: SlotForm): Promise<ShowSlot>;
  /** @throws as add; SLOT_NOT_FOUND */
  change(performerId: string, id: string, form: SlotForm): Promise<ShowSlot>;
  /** @throws NOT_A_MODEL, SLOT_NOT_FOUND */
  remove(performerId: string, id: string): Promise<void>;
}

export function createScheduleService(parts: {
  database: Database;
  clock: Clock;
}): ScheduleService {
  const { database, clock } = parts;

  /** Runs under the lock of the room's row. */
  const inRoom = <T>(
    performerId: string,
    work: (manager: EntityManager, roomId: string) => Promise<T>,
  ): Promise<T> =>
    database.transaction(async (manager) => {
      const room = await manager.getRepository(RoomEntity).findOne({
        where: { performerId, isArchived: false },
        lock: { mode: 'pessimistic_write' },
      });
      if (room === null) throw siteError('NOT_A_MODEL');
      return work(manager, room.id);
    });

  async function refuseOverlap(
    manager: EntityManager,
    roomId: string,
    wanted: { startsAt: Date; endsAt: Date; exceptId: string },
  ): Promise<void> {
    const taken = await manager
      .getRepository(ShowSlotEntity)
      .createQueryBuilder('s')
      .where('s.roomId = :roomId AND s.id <> :exceptId', { roomId, ...wanted })
      .andWhere('s.startsAt < :endsAt AND s.endsAt > :startsAt', wanted)
      .getCount();
    if (taken > 0) throw refusal('startsAt', 'TAKEN', 'Another show is announced for this time.');
  }

  return {
    async list(performerId) {
      const room = await database
        .repository(RoomEntity)
        .findOneBy({ performerId, isArchived: false });
      if (room === null) throw siteError('NOT_A_MODEL');
      return database
        .repository(ShowSlotEntity)
        .createQueryBuilder('s')
        .where('s.roomId = :roomId AND s.endsAt > :since', {
          roomId: room.id,
          since: new Date(clock.nowMs() - DAY_MS),
        })
        .orderBy('s.startsAt', 'ASC')
        .take(COMING_MAX)
        .getMany();
    },

    add: (performerId, form) =>
      inRoom(performerId, async (manager, roomId) => {
        const times = readTimes(form, clock.nowMs());
        await refuseOverlap(manager, roomId, { ...times, exceptId: '0' });
        const slots = manager.getRepository(ShowSlotEntity);
        if ((await slots.countBy({ roomId })) >= COMING_MAX) {
          throw refusal('startsAt', 'TOO_MANY', 'Too many shows are announced already.');
        }
        const row = { roomId, ...times, title: form.title, createdAt: new Date(clock.nowMs()) };
        const inserted = await slots.insert(row);
        return { ...row, id: String(inserted.identifiers[0]?.['id']) };
      }),

    change: (performerId, id, form) =>
      inRoom(performerId, async (manager, roomId) => {
        const slots = manager.getRepository(ShowSlotEntity);
        const known = await slots.findOneBy({ id, roomId });
        if (known === null) throw siteError('SLOT_NOT_FOUND');
        const times = readTimes(form, clock.nowMs());
        await refuseOverlap(manager, roomId, { ...times, exceptId: id });
        await slots.update({ id }, { ...times, title: form.title });
        return { ...known, ...times, title: form.title };
      }),

    async remove(performerId, id) {
      await inRoom(performerId, async (manager, roomId) => {
        const { affected } = await manager.getRepository(ShowSlotEntity).delete({ id, roomId });
        if (affected !== 1) throw siteError('SLOT_NOT_FOUND');
      });
    },
  };
}

/** @throws BAD_INPUT */
function readTimes(form: SlotForm, nowMs: number): { startsAt: Date; endsAt: Date } {
  const [startMs, endMs] = [Date.parse(form.startsAt), Date.parse(form.endsAt)];
  if (Number.isNaN(startMs)) throw refusal('startsAt', 'INVALID', 'There is no such time.');
  if (Number.isNaN(endMs)) throw refusal('endsAt', 'INVALID', 'There is no such time.');
  if (endMs <= startMs || endMs - startMs > LENGTH_MAX_MS) {
    throw refusal('endsAt', 'INVALID', 'A show ends after its start, within a day.');
  }
  if (endMs < nowMs || startMs > nowMs + AHEAD_MAX_MS) {
    throw refusal('startsAt', 'INVALID', 'Announce shows of the next 400 days.');
  }
  return { startsAt: new Date(startMs), endsAt: new Date(endMs) };
}

function refusal(field: string, code: string, message: string): FieldsError {
  return new FieldsError('BAD_INPUT', [{ field, code, message }]);
}
