// Amounts of the reference model: arithmetic in bigint, credits by their origin and the order in
// which they are spent, tariffs. Used by model.ts and by what compares with it.
import type { Tariff } from '../tariff.js';

export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const ceil = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** Credits of one origin; an empty lot stays in its wallet. */
export interface Lot {
  readonly id: string;
  readonly priority: bigint;
  readonly scope: 'any' | 'shows';
  expires: bigint;
  amount: bigint;
}

/** What paid for a show or a tip, in that order. */
export type Paid = { readonly lot: Lot; readonly amount: bigint }[];

/** A command of SQL to a wallet. */
export type Funding = Readonly<{ kind: string; amount: bigint; lot?: Lot }>;

export const sumOf = (all: readonly { amount: bigint }[]): bigint =>
  all.reduce((sum, one) => sum + one.amount, 0n);

export const bySpending = (a: Lot, b: Lot): number =>
  Number(a.priority - b.priority || a.expires - b.expires || BigInt(a.id) - BigInt(b.id));

/** Ms that an amount pays for: whole units, or up to the ms that was begun; undefined: all. */
export function paidMs({ model, price, unitMs }: Tariff, amount: bigint): bigint | undefined {
  if (model === 't' || price === 0n) return undefined;
  return model === 'm' ? ceil(amount * unitMs, price) : (amount / price) * unitMs;
}

export const priceOf = (t: Tariff): string => [t.model, t.price, t.unitMs, t.minCharge].join();

/** What a minute costs; a ticket is no matter of minutes. */
export const rateOf = (t: Tariff): bigint =>
  t.model === 't' ? 0n : ceil(t.price * 60_000n, t.unitMs);
