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
  refundedMilli: string;
  /** Of a card payment that the buyer has called back. */
  dispute: 'opened' | 'won' | 'lost' | null;
}

/** Milli-credits; an absent one does not limit. */
export interface Limits {
  perShowMilli?: string;
  perMinuteMilli?: string;
  perDayMilli?: string;
  tipMaxMilli?: string;
}

/** A paid visit to a show. */
export interface PaidShow {
  sessionId: string;
  roomId: string;
  openedMs: number;
  endedMs?: number;
  billableMs: number;
  chargedMilli: string;
  refundedMilli: string;
}

export type RefundKind = 'show' | 'tip' | 'purchase';

export interface RefundRequest {
  id: string;
  kind: RefundKind;
  /** Id of the show's session, the tip or the order. */
  ref: string;
  reason: string;
  state: 'open' | 'approved' | 'declined';
  answer: string | null;
  amountMilli: string | null;
  createdAt: string;
  decidedAt: string | null;
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

export const fetchOrder = (id: string): Promise<{ order: Order }> =>
  call('GET', `/credits/orders/${encodeURIComponent(id)}`);

export const fetchStatement = (
  cursor?: string,
): Promise<{ entries: StatementEntry[]; next?: string }> =>
  call('GET', `/credits/statement${after(cursor)}`);

/** Plays the bank, where the site runs with the sandbox provider. */
export const paySandboxOrder = (id: string): Promise<{ order: Order }> =>
  call('POST', `/credits/orders/${encodeURIComponent(id)}/sandbox-pay`, {});

export const fetchLimits = (): Promise<Limits> => call('GET', '/credits/limits');

export const saveLimits = (limits: Limits): Promise<Limits> =>
  call('PUT', '/credits/limits', limits);

export const fetchPaidShows = (cursor?: string): Promise<{ items: PaidShow[]; next?: string }> =>
  call('GET', `/credits/shows${after(cursor)}`);

export const askForRefund = (form: {
  kind: RefundKind;
  ref: string;
  reason: string;
}): Promise<{ request: RefundRequest }> => call('POST', '/credits/refund-requests', form);

export const fetchRefundRequests = (
  cursor?: string,
): Promise<{ requests: RefundRequest[]; next?: string }> =>
  call('GET', `/credits/refund-requests${after(cursor)}`);

/** A page to print, without script. */
export const receiptHref = (orderId: string): string =>
  `/api/v1/credits/orders/${encodeURIComponent(orderId)}/receipt.html`;
