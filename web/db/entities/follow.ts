// A viewer who wants to be told when a room goes live.
import { defineEntity } from './define-entity.js';

export interface Follow {
  readonly roomId: string;
  readonly userId: string;
  readonly createdAt: Date;
}

export const FollowEntity = defineEntity<Follow>({
  name: 'Follow',
  tableName: 'follow',
  columns: {
    roomId: { name: 'room_id', type: 'bigint', unsigned: true, primary: true },
    userId: { name: 'user_id', type: 'bigint', unsigned: true, primary: true },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
  },
});
