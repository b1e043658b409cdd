// What credits are sold in. Orders copy amount and price, so a change here never changes an order.

export interface CreditPackage {
  readonly id: string;
  readonly title: string;
  readonly amountMilli: bigint;
  readonly priceCents: number;
  /** ISO 4217. */
  readonly currency: string;
}

export const creditPackages: readonly CreditPackage[] = [
  { id: 'small', title: '100 credits', amountMilli: 100_000n, priceCents: 999, currency: 'EUR' },
  { id: 'medium', title: '250 credits', amountMilli: 250_000n, priceCents: 2_299, currency: 'EUR' },
  { id: 'large', title: '600 credits', amountMilli: 600_000n, priceCents: 4_999, currency: 'EUR' },
];
