// Requests and replies of the finance part of the internal API: purchases, refunds, chargebacks,
// adjustments, campaigns, payouts, reports. Used by finance/routes.ts (checks) and
// finance/client.ts (types). Money travels as decimal strings of milli-credits, fiat money as whole
// minor units (cents).
import Type, { type Static } from 'typebox';

const userId = Type.String({ pattern: '^[1-9][0-9]{0,18}$' });
/** Above 0. */
const amount = Type.String({ pattern: '^[1-9][0-9]{0,12}$' });
const amountOrZero = Type.String({ pattern: '^(0|[1-9][0-9]{0,12})$' });
const signedAmount = Type.String({ pattern: '^-?[1-9][0-9]{0,12}$' });
const key = Type.String({ pattern: '^[A-Za-z0-9_-]{8,64}$' });
const actor = Type.String({ pattern: '^[\\x21-\\x7e]{1,64}$' });
const reason = Type.String({ minLength: 1, maxLength: 200 });
const provider = Type.String({ pattern: '^[a-z][a-z0-9_-]{0,23}$' });
/** The provider's id of a payment, a dispute or a transfer. */
const providerRef = Type.String({ pattern: '^[\\x21-\\x7e]{1,96}$' });
const sourceId = Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{26}$' });
const isClosed = { additionalProperties: false } as const;

export const purchaseRequest = Type.Object(
  {
    ...{ key, provider, userId },
    paymentRef: providerRef,
    amountMilli: amount,
    bonusMilli: Type.Optional(amountOrZero),
    /** Unix ms; absent = never. */
    bonusExpiresMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 9_000_000_000_000 })),
    fiatMinor: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
  },
  isClosed,
);
export type PurchaseRequest = Static<typeof purchaseRequest>;

export const purchaseRefundRequest = Type.Object(
  {
    ...{ key, reason, actor },
    paymentRef: providerRef,
    /** Needed only when two providers use the same reference. */
    provider: Type.Optional(provider),
    amountMilli: Type.Optional(amount),
  },
  isClosed,
);
export type PurchaseRefundRequest = Static<typeof purchaseRefundRequest>;

export const CHARGEBACK_STATES = ['opened', 'won', 'lost'] as const;
export type ChargebackState = (typeof CHARGEBACK_STATES)[number];
export const chargebackRequest = Type.Object(
  {
    ...{ key, actor },
    paymentRef: providerRef,
    provider: Type.Optional(provider),
    state: Type.Enum(CHARGEBACK_STATES),
  },
  isClosed,
);
export type ChargebackRequest = Static<typeof chargebackRequest>;

export const refundRequest = Type.Object(
  {
    ...{ key, reason, actor },
    sessionId: Type.Optional(sourceId),
    tipId: Type.Optional(sourceId),
    /** Absent = all that was not refunded yet. */
    amountMilli: Type.Optional(amount),
    /** Another person than the actor; needed above BILLING_REFUND_AUTO_MAX_MILLI. */
    approver: Type.Optional(actor),
  },
  isClosed,
);
export type RefundRequest = Static<typeof refundRequest>;

export const adjustmentRequest = Type.Object(
  {
    ...{ key, userId, actor },
    amountMilli: signedAmount,
    reasonCode: Type.String({ pattern: '^[a-z][a-z0-9_]{1,39}$' }),
    ticket: Type.String({ pattern: '^[\\x21-\\x7e]{1,64}$' }),
  },
  isClosed,
);
export type AdjustmentRequest = Static<typeof adjustmentRequest>;

export const decisionRequest = Type.Object({ actor }, isClosed);

export const freezeRequest = Type.Object({ isFrozen: Type.Boolean(), reason, actor }, isClosed);
export type FreezeRequest = Static<typeof freezeRequest>;

export const campaignRequest = Type.Object(
  {
    ...{ key, actor },
    name: Type.String({ minLength: 1, maxLength: 100 }),
    budgetMilli: amount,
    /** Life of a grant; 0 = for ever. */
    expiresDays: Type.Integer({ minimum: 0, maximum: 3_650 }),
    /** Whether a model earns from credits of this campaign. */
    paysPerformer: Type.Boolean(),
    /** `shows`: not for tips. Default `any`. */
    scope: Type.Optional(Type.Enum(['any', 'shows'])),
    /** Lower is spent first, 0 … 99; default 50. */
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 99 })),
  },
  isClosed,
);
export type CampaignRequest = Static<typeof campaignRequest>;

export const campaignGrantRequest = Type.Object(
  { key, userId, actor, amountMilli: amount },
  isClosed,
);
export type CampaignGrantRequest = Static<typeof campaignGrantRequest>;

export const performerTermsRequest = Type.Object(
  {
    /** User id of the studio; null = none. */
    studioId: Type.Optional(Type.Union([userId, Type.Null()])),
    /** The studio's part of what the model earns, 1/10000. */
    studioShareBps: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    isOnHold: Type.Optional(Type.Boolean()),
    payoutMinimumMilli: Type.Optional(amountOrZero),
    /** Days from earning to being payable. */
    holdDays: Type.Optional(Type.Integer({ minimum: 0, maximum: 365 })),
    /** Who changes them, for the audit log; absent = the site by itself. */
    actor: Type.Optional(actor),
  },
  isClosed,
);
export type PerformerTermsRequest = Static<typeof performerTermsRequest>;

export const payoutRequest = Type.Object(
  {
    ...{ key, actor },
    performerId: userId,
    /** Absent = all that is available. */
    amountMilli: Type.Optional(amount),
    method: Type.String({ pattern: '^[a-z][a-z0-9_-]{0,23}$' }),
  },
  isClosed,
);
export type PayoutRequest = Static<typeof payoutRequest>;

export const payoutStepRequest = Type.Object(
  { actor, reason: Type.Optional(reason), providerRef: Type.Optional(providerRef) },
  isClosed,
);
export type PayoutStepRequest = Static<typeof payoutStepRequest>;

export const PAYOUT_STATES = ['requested', 'in_flight', 'paid', 'failed', 'returned'] as const;
export type PayoutState = (typeof PAYOUT_STATES)[number];

export const REPORT_KINDS = ['day', 'model', 'viewer', 'studio'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

/** JSON forms of the replies. Lists are newest first; `next` is the `before` of the next page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}
export interface PurchaseReply {
  readonly id: string;
  readonly userId: string;
  readonly provider: string;
  readonly paymentRef: string;
  readonly amountMilli: string;
  readonly bonusMilli: string;
  readonly refundedMilli: string;
  readonly fiatMinor: number;
  readonly currency: string;
  readonly chargeback?: ChargebackState;
  readonly createdMs: number;
}
export interface ChargebackReply {
  readonly state: ChargebackState;
  readonly isFrozen: boolean;
  /** What the viewer owes the site now. */
  readonly debtMilli: string;
}
export interface RefundReply {
  readonly refundId: string;
  readonly amountMilli: string;
  readonly walletBalance: string;
}
export interface AdjustmentReply {
  readonly id: string;
  readonly state: 'applied' | 'pending' | 'rejected';
  readonly userId: string;
  readonly amountMilli: string;
  readonly reasonCode: string;
  readonly ticket: string;
  readonly actor: string;
  readonly decidedBy?: string;
  readonly createdMs: number;
}
export interface LotReply {
  /** `cash` is what was bought and anything that never expires; it is spent last. */
  readonly id: string;
  readonly kind: 'cash' | 'purchase' | 'campaign' | 'refund';
  readonly remainingMilli: string;
  readonly grantedMilli?: string;
  readonly expiresMs?: number;
  readonly scope: 'any' | 'shows';
  readonly priority?: number;
}
export interface WalletLotsReply {
  /** In the order of spending; as Redis has them now. */
  readonly lots: readonly LotReply[];
  readonly debtMilli: string;
  readonly isFrozen: boolean;
}
export interface CampaignReply {
  readonly id: string;
  readonly name: string;
  readonly budgetMilli: string;
  readonly remainingMilli: string;
  readonly expiresDays: number;
  readonly paysPerformer: boolean;
  readonly scope: 'any' | 'shows';
  readonly priority: number;
  readonly createdMs: number;
}
export interface PayoutReply {
  readonly id: string;
  readonly performerId: string;
  readonly state: PayoutState;
  readonly amountMilli: string;
  readonly feeMilli: string;
  readonly method: string;
  readonly actor: string;
  readonly reason?: string;
  readonly providerRef?: string;
  readonly createdMs: number;
  readonly updatedMs: number;
}
export interface ReportReply {
  readonly kind: ReportKind;
  readonly from: string;
  readonly to: string;
  /** First column names the row; all others are milli-credits, decimal strings. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly totals: readonly string[];
}
export interface ShowReply {
  readonly sessionId: string;
  readonly viewerId: string;
  readonly roomId: string;
  readonly performerId: string;
  readonly openedMs: number;
  readonly endedMs?: number;
  readonly reason?: string;
  readonly billableMs: number;
  readonly chargedMilli: string;
  readonly refundedMilli: string;
}
/** Amounts of one UTC day of booking; `refundedMilli` is 0 or below, `netMilli` the sum. */
export interface EarnerDayReply {
  readonly day: string;
  readonly showsMilli: string;
  readonly tipsMilli: string;
  /** What the owner has as the studio of others. */
  readonly asStudioMilli: string;
  readonly refundedMilli: string;
  readonly netMilli: string;
}
export interface EarnerDaysReply {
  readonly from: string;
  readonly to: string;
  /** Every day of the range, oldest first. */
  readonly days: readonly EarnerDayReply[];
}
/** Earned within a span of time, by when it was charged; refunds are not in it. */
export interface EarnerSpanReply {
  readonly showsMilli: string;
  readonly tipsMilli: string;
  readonly asStudioMilli: string;
}
export interface EarnerEntryReply {
  readonly id: string;
  /** `studio_…`: the owner's part as the studio; a payout counts with its fee. */
  readonly kind:
    | 'show'
    | 'tip'
    | 'studio_show'
    | 'studio_tip'
    | 'refund'
    | 'payout'
    | 'payout_failed'
    | 'payout_returned';
  /** What left the owner is below zero. A show has an entry per minute of settlement. */
  readonly amountMilli: string;
  /** When it was charged, given back or asked for. */
  readonly atMs: number;
  readonly bookedMs: number;
  /** Of a show and the refund of one. */
  readonly sessionId?: string;
  readonly tipId?: string;
}
export interface AuditReply {
  readonly id: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
  readonly atMs: number;
}
