// An order of credits: what is bought for how much, through whom, and how far it has come.
import { defineEntity } from './define-entity.js';

/** `paid`: the provider has the money; `granted`: billing has given the credits. */
export type PurchaseState = 'open' | 'paid' | 'granted' | 'failed';

export interface Purchase {
  /** 22 random characters; the reference that the provider carries. */
  readonly id: string;
  readonly userId: string;
  /** Idempotency key of the order, scoped to the buyer. */
  readonly commandKey: string;
  readonly packageId: string;
  readonly amountMilli: string;
  readonly priceCents: number;
  /** ISO 4217. */
  readonly currency: string;
  readonly provider: string;
  /** The provider's own reference of the payment; unique. */
  providerRef: string | null;
  state: PurchaseState;
  readonly createdAt: Date;
  paidAt: Date | null;
  /** Credits taken back so far. */
  refundedMilli: string;
  /** Where a dispute over the payment stands; null = there is none. */
  dispute: 'opened' | 'won' | 'lost' | null;
}

export const PurchaseEntity = defineEntity<Purchase>({
  name: 'Purchase',
  tableName: 'purchase',
  columns: {
    id: { type: 'char', length: 22, primary: true },
    userId: { name: 'user_id', type: 'bigint', unsigned: true },
    commandKey: { name: 'command_key', type: 'char', length: 43 },
    packageId: { name: 'package_id', type: 'varchar', length: 20 },
    amountMilli: { name: 'amount_milli', type: 'bigint', unsigned: true },
    priceCents: { name: 'price_cents', type: 'int', unsigned: true },
    currency: { type: 'char', length: 3 },
    provider: { type: 'varchar', length: 10 },
    providerRef: { name: 'provider_ref', type: 'varchar', length: 255, nullable: true },
    state: { type: 'varchar', length: 10 },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    paidAt: { name: 'paid_at', type: 'datetime', precision: 3, nullable: true },
    refundedMilli: { name: 'refunded_milli', type: 'bigint', unsigned: true, default: 0 },
    dispute: { type: 'varchar', length: 10, nullable: true },
  },
});
