// Shapes of money in replies, and how billing's bigint become decimal strings on their way out.
// Used by the routes of credits, models and finance.
import Type, { type TSchema } from 'typebox';
import * as schema from './schema.js';

/** The same value with decimal strings in place of bigint. */
export type Wire<T> = T extends bigint
  ? string
  : T extends readonly (infer I)[]
    ? Wire<I>[]
    : T extends object
      ? { -readonly [K in keyof T]: Wire<T[K]> }
      : T;

export function toWire<T>(value: T): Wire<T>;
export function toWire(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map((one) => toWire<unknown>(one));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, toWire<unknown>(member)]));
}

/** A page of billing's lists; `next` comes back as `cursor`. */
export const PageOf = <S extends TSchema>(item: S) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });

/** What a list of billing is asked with. */
export const BillingCursor = Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' });

export function pageOf(query: { cursor?: string | undefined }): { before?: string; limit: number } {
  return { limit: 50, ...(query.cursor === undefined ? {} : { before: query.cursor }) };
}

export const Day = Type.String({
  pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$',
  'x-hint': 'Use a day such as 2026-01-31.',
});

const Moment = Type.Integer({ description: 'Unix ms.' });
const Maybe = Type.Optional(Type.String());

export const Earnings = Type.Object({
  pending: schema.Milli,
  available: schema.Milli,
  inFlight: schema.Milli,
  paid: schema.Milli,
  total: schema.Milli,
});

export const Show = Type.Object({
  sessionId: Type.String(),
  viewerId: Type.String(),
  roomId: Type.String(),
  performerId: Type.String(),
  openedMs: Moment,
  endedMs: Type.Optional(Moment),
  reason: Maybe,
  billableMs: Type.Integer(),
  chargedMilli: schema.Milli,
  refundedMilli: schema.Milli,
});

export const Payout = Type.Object({
  id: Type.String(),
  performerId: Type.String(),
  state: Type.Enum(['requested', 'in_flight', 'paid', 'failed', 'returned']),
  amountMilli: schema.Milli,
  feeMilli: schema.Milli,
  method: Type.String(),
  actor: Type.String(),
  reason: Maybe,
  providerRef: Maybe,
  createdMs: Moment,
  updatedMs: Moment,
});

export const Purchase = Type.Object({
  id: Type.String(),
  userId: Type.String(),
  provider: Type.String(),
  paymentRef: Type.String(),
  amountMilli: schema.Milli,
  bonusMilli: schema.Milli,
  refundedMilli: schema.Milli,
  fiatMinor: Type.Integer(),
  currency: Type.String(),
  chargeback: Maybe,
  createdMs: Moment,
});

export const Adjustment = Type.Object({
  id: Type.String(),
  state: Type.Enum(['applied', 'pending', 'rejected']),
  userId: Type.String(),
  amountMilli: schema.Milli,
  reasonCode: Type.String(),
  ticket: Type.String(),
  actor: Type.String(),
  decidedBy: Maybe,
  createdMs: Moment,
});

export const Campaign = Type.Object({
  id: Type.String(),
  name: Type.String(),
  budgetMilli: schema.Milli,
  remainingMilli: schema.Milli,
  expiresDays: Type.Integer(),
  paysPerformer: Type.Boolean(),
  scope: Type.String(),
  priority: Type.Integer(),
  createdMs: Moment,
});

export const Lots = Type.Object({
  lots: Type.Array(
    Type.Object({
      id: Type.String(),
      kind: Type.Enum(['cash', 'purchase', 'campaign', 'refund']),
      remainingMilli: schema.Milli,
      grantedMilli: Type.Optional(schema.Milli),
      expiresMs: Type.Optional(Moment),
      scope: Type.String(),
      priority: Type.Optional(Type.Integer()),
    }),
  ),
  debtMilli: schema.Milli,
  isFrozen: Type.Boolean(),
});

const Limit = Type.Optional(schema.AmountMilli);
/** Absent = no limit. */
export const Limits = schema.Body({
  perShowMilli: Limit,
  perMinuteMilli: Limit,
  perDayMilli: Limit,
  tipMaxMilli: Limit,
});

export const LedgerEvent = Type.Object({
  id: Type.String(),
  actor: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  detail: Type.String(),
  atMs: Moment,
});

export const Report = Type.Object({
  kind: Type.String(),
  from: Type.String(),
  to: Type.String(),
  columns: Type.Array(Type.String()),
  rows: Type.Array(Type.Array(Type.String())),
  totals: Type.Array(Type.String()),
});
