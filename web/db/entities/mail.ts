// A mail that waits to be sent, or was. Written in the transaction of what it tells about.
import { defineEntity } from './define-entity.js';

export interface Mail {
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  /** Plain text; emptied when it has been sent, because it may hold a link. */
  body: string;
  readonly createdAt: Date;
  nextTryAt: Date;
  tries: number;
  sentAt: Date | null;
  lastError: string | null;
}

export const MailEntity = defineEntity<Mail>({
  name: 'Mail',
  tableName: 'mail',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    recipient: { type: 'varchar', length: 254 },
    subject: { type: 'varchar', length: 200 },
    body: { type: 'text' },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    nextTryAt: { name: 'next_try_at', type: 'datetime', precision: 3 },
    tries: { type: 'int', unsigned: true },
    sentAt: { name: 'sent_at', type: 'datetime', precision: 3, nullable: true },
    lastError: { name: 'last_error', type: 'varchar', length: 200, nullable: true },
  },
});
