// A show that was on the air, from the first picture to its end, as profiles and earnings list it.
import { defineEntity } from './define-entity.js';
import type { ShowType } from './room.js';

export interface Broadcast {
  readonly id: string;
  readonly roomId: string;
  readonly title: string;
  readonly showType: ShowType;
  readonly startedAt: Date;
  /** null: still on the air. */
  endedAt: Date | null;
  /** Most viewers at once. */
  viewersMax: number;
}

export const BroadcastEntity = defineEntity<Broadcast>({
  name: 'Broadcast',
  tableName: 'broadcast',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    roomId: { name: 'room_id', type: 'bigint', unsigned: true },
    title: { type: 'varchar', length: 80 },
    showType: { name: 'show_type', type: 'varchar', length: 10 },
    startedAt: { name: 'started_at', type: 'datetime', precision: 3 },
    endedAt: { name: 'ended_at', type: 'datetime', precision: 3, nullable: true },
    viewersMax: { name: 'viewers_max', type: 'int', unsigned: true, default: 0 },
  },
});
