// Buying credits, and what became of them.
import { call } from './http.js';

export interface CreditPackage {
  id: string;
  title: string;
  amountMilli: string;
  priceCents: number;
  /** ISO 4217. */
  currency: string;
}

export interface Order {
  id: string;
  packageId: string;
  amountMilli: string;
  priceCents: number;
  currency: string;
  state: 'open' | 'paid' | 'granted' | 'failed';
  createdAt: string;
  paidAt: string | null;
}

export interface StatementEntry {
  id: string;
  code: string;
  /** Milli-credits; negative where they left the wallet. */
  amount: string;
  bookedAtMs: number;
}

export const fetchPackages = (): Promise<{ packages: CreditPackage[] }> =>
  call('GET', '/credits/packages');

/** The same `key` never starts a second order. `url` is where the buyer pays. */
export const startCheckout = (form: {
  packageId: string;
  key: string;
}): Promise<{ order: Order; url: string }> => call('POST', '/credits/checkout', form);

const after = (cursor: string | undefined): string =>
  cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;

export const fetchOrders = (cursor?: string): Promise<{ orders: Order[]; next?: string }> =>
  call('GET', `/credits/orders${after(cursor)}`);

export const fetchStatement = (
  cursor?: string,
): Promise<{ entries: StatementEntry[]; next?: string }> =>
  call('GET', `/credits/statement${after(cursor)}`);

/** Plays the bank, where the site runs with the sandbox provider. */
export const paySandboxOrder = (id: string): Promise<{ order: Order }> =>
  call('POST', `/credits/orders/${encodeURIComponent(id)}/sandbox-pay`, {});
