// Something that a person was told. `cause` makes it exist once, whoever reports the same event.
import { defineEntity } from './define-entity.js';

export interface Notification {
  readonly id: string;
  readonly userId: string;
  readonly cause: string;
  readonly kind: 'live' | 'decision';
  readonly title: string;
  /** Path on this site. */
  readonly link: string;
  readonly createdAt: Date;
  readAt: Date | null;
}

export const NotificationEntity = defineEntity<Notification>({
  name: 'Notification',
  tableName: 'notification',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    userId: { name: 'user_id', type: 'bigint', unsigned: true },
    cause: { type: 'varchar', length: 60 },
    kind: { type: 'varchar', length: 20 },
    title: { type: 'varchar', length: 100 },
    link: { type: 'varchar', length: 100 },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    readAt: { name: 'read_at', type: 'datetime', precision: 3, nullable: true },
  },
});
