// A refund that staff gives by itself, without a request of the viewer. What is above billing's
// limit waits for a second person.
import { defineEntity } from './define-entity.js';

export const REFUND_ORDER_STATES = ['waiting', 'done', 'declined'] as const;
export type RefundOrderState = (typeof REFUND_ORDER_STATES)[number];

export interface RefundOrder {
  readonly id: string;
  /** Key of the command at billing: the same for both persons. */
  readonly commandKey: string;
  readonly kind: 'show' | 'tip';
  /** Id of the session or the tip. */
  readonly ref: string;
  /** What was asked for; null = all of it. */
  readonly amountMilli: string | null;
  readonly reason: string;
  state: RefundOrderState;
  /** What went back. */
  returnedMilli: string | null;
  readonly askedBy: string;
  /** The second person; null when none was needed. */
  decidedBy: string | null;
  readonly createdAt: Date;
  decidedAt: Date | null;
}

export const RefundOrderEntity = defineEntity<RefundOrder>({
  name: 'RefundOrder',
  tableName: 'refund_order',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    commandKey: { name: 'command_key', type: 'char', length: 43 },
    kind: { type: 'varchar', length: 10 },
    ref: { type: 'varchar', length: 40 },
    amountMilli: { name: 'amount_milli', type: 'bigint', unsigned: true, nullable: true },
    reason: { type: 'varchar', length: 200 },
    state: { type: 'varchar', length: 10 },
    returnedMilli: { name: 'returned_milli', type: 'bigint', unsigned: true, nullable: true },
    askedBy: { name: 'asked_by', type: 'bigint', unsigned: true },
    decidedBy: { name: 'decided_by', type: 'bigint', unsigned: true, nullable: true },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    decidedAt: { name: 'decided_at', type: 'datetime', precision: 3, nullable: true },
  },
});
