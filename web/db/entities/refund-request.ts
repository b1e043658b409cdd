// A viewer's wish to get something back; an admin decides. Each show, tip or order can be asked
// about once.
import { defineEntity } from './define-entity.js';

export const REFUND_KINDS = ['show', 'tip', 'purchase'] as const;
export type RefundKind = (typeof REFUND_KINDS)[number];
export type RefundState = 'open' | 'approved' | 'declined';

export interface RefundRequest {
  readonly id: string;
  readonly userId: string;
  readonly kind: RefundKind;
  /** Id of the session, the tip or the order. */
  readonly ref: string;
  readonly reason: string;
  state: RefundState;
  /** What the admin says. */
  answer: string | null;
  /** The first of two persons to approve it, where billing wants two. */
  proposedBy: string | null;
  /** What was given back, or is proposed; null = all of it, or nothing yet. */
  amountMilli: string | null;
  decidedBy: string | null;
  readonly createdAt: Date;
  decidedAt: Date | null;
}

export const RefundRequestEntity = defineEntity<RefundRequest>({
  name: 'RefundRequest',
  tableName: 'refund_request',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    userId: { name: 'user_id', type: 'bigint', unsigned: true },
    kind: { type: 'varchar', length: 10 },
    ref: { type: 'varchar', length: 40 },
    reason: { type: 'varchar', length: 500 },
    state: { type: 'varchar', length: 10 },
    answer: { type: 'varchar', length: 200, nullable: true },
    proposedBy: { name: 'proposed_by', type: 'bigint', unsigned: true, nullable: true },
    amountMilli: { name: 'amount_milli', type: 'bigint', unsigned: true, nullable: true },
    decidedBy: { name: 'decided_by', type: 'bigint', unsigned: true, nullable: true },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    decidedAt: { name: 'decided_at', type: 'datetime', precision: 3, nullable: true },
  },
});
