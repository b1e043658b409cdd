// An announced show of a room. Times are UTC; the room says in which time zone they are meant.
import { defineEntity } from './define-entity.js';

export interface ShowSlot {
  readonly id: string;
  readonly roomId: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly title: string;
  readonly createdAt: Date;
}

export const ShowSlotEntity = defineEntity<ShowSlot>({
  name: 'ShowSlot',
  tableName: 'show_slot',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    roomId: { name: 'room_id', type: 'bigint', unsigned: true },
    startsAt: { name: 'starts_at', type: 'datetime', precision: 3 },
    endsAt: { name: 'ends_at', type: 'datetime', precision: 3 },
    title: { type: 'varchar', length: 80 },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
  },
});
