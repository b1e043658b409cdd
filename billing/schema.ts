// The internal API's requests and replies as TypeBox schemas, the one source of their types. Used
// by the server (checks) and the client (types). Money travels as decimal strings of milli-
// credits.
import Type, { type Static } from 'typebox';

const userId = Type.String({ pattern: '^[1-9][0-9]{0,18}$' });
const streamId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });
const amount = Type.String({ pattern: '^(0|[1-9][0-9]{0,12})$' });
const commandKey = Type.String({ pattern: '^[A-Za-z0-9_-]{8,64}$' });
/** 24 characters of time and randomness, 2 that say the shard; Crockford base 32. */
const sessionId = Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{26}$' });

/** Why a session ended. `left` is the viewer's own doing; all others are told to the viewer. */
export const END_REASONS = [
  'left',
  'insufficient_credit',
  'stale',
  'show_ended',
  'room_closed',
  'time_limit',
  'spend_limit',
  'price_changed',
  'kicked',
  'banned',
  'frozen',
  'admin',
] as const;
export type EndReason = (typeof END_REASONS)[number];
const endReason = Type.Enum(END_REASONS);

export const openRequest = Type.Object(
  { viewerId: userId, roomId: userId, key: commandKey },
  { additionalProperties: false },
);
export type OpenRequest = Static<typeof openRequest>;

/** What proved that the viewer is there: a socket in the room, a playlist request, an RTMP play. */
const touchItem = Type.Object(
  {
    sessionId,
    source: Type.Enum(['gateway', 'hls', 'rtmp']),
    node: Type.String({ minLength: 1, maxLength: 64 }),
  },
  { additionalProperties: false },
);
export type TouchItem = Static<typeof touchItem>;
export const touchRequest = Type.Object(
  { items: Type.Array(touchItem, { minItems: 1, maxItems: 5_000 }) },
  { additionalProperties: false },
);

export const endRequest = Type.Object(
  { sessionId, reason: endReason },
  { additionalProperties: false },
);
export type EndRequest = Static<typeof endRequest>;

export const tipRequest = Type.Object(
  {
    key: commandKey,
    viewerId: userId,
    viewerName: Type.String({ minLength: 1, maxLength: 64 }),
    roomId: userId,
    amountMilli: amount,
    text: Type.Optional(Type.String({ maxLength: 500 })),
    note: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
);
export type TipRequest = Static<typeof tipRequest>;

export const grantRequest = Type.Object(
  {
    key: commandKey,
    userId,
    amountMilli: amount,
    reason: Type.String({ minLength: 1, maxLength: 200 }),
    actor: Type.String({ minLength: 1, maxLength: 64 }),
  },
  { additionalProperties: false },
);
export type GrantRequest = Static<typeof grantRequest>;

const seconds = (max: number) => Type.Integer({ minimum: 0, maximum: max });
const DAY_SEC = 86_400;

/**
 * How a room is paid; see price.ts for which member goes with which model. Absent: per minute.
 * graceSec: free at the start; freeSec: how long a free room may be watched; maxSec: longest show.
 */
export const priceRequest = Type.Object(
  {
    model: Type.Enum(['perMinute', 'startedMinute', 'block', 'ticket', 'free']),
    blockSec: Type.Optional(Type.Integer({ minimum: 10, maximum: DAY_SEC })),
    ticketMilli: Type.Optional(amount),
    minimumMilli: Type.Optional(amount),
    graceSec: Type.Optional(seconds(3_600)),
    freeSec: Type.Optional(seconds(DAY_SEC)),
    maxSec: Type.Optional(seconds(DAY_SEC)),
  },
  { additionalProperties: false },
);
export type PriceRequest = Static<typeof priceRequest>;

export const limitsBody = Type.Object(
  {
    perShowMilli: Type.Optional(amount),
    perMinuteMilli: Type.Optional(amount),
    perDayMilli: Type.Optional(amount),
    tipMaxMilli: Type.Optional(amount),
  },
  { additionalProperties: false },
);
export type LimitsBody = Static<typeof limitsBody>;

export const roomTermsRequest = Type.Object(
  {
    performerId: userId,
    streamId,
    priceMilliPerMin: amount,
    isActive: Type.Boolean(),
    tariff: Type.Optional(priceRequest),
  },
  { additionalProperties: false },
);
export type RoomTermsRequest = Static<typeof roomTermsRequest>;

/** null: as the site has it (BILLING_SHOW_MAX_SEC); 0: no limit. */
export const showLimitRequest = Type.Object(
  { maxSec: Type.Union([seconds(604_800), Type.Null()]) },
  { additionalProperties: false },
);
export type ShowLimitRequest = Static<typeof showLimitRequest>;

export const streamKeyRequest = Type.Object(
  { streamId, keyHash: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
  { additionalProperties: false },
);
export type StreamKeyRequest = Static<typeof streamKeyRequest>;

/**
 * Verdict on one proof of life. `ended`: was over before; `cut`: ends now; both carry the reason.
 */
export type TouchVerdict = 'ok' | 'warn' | 'cut' | 'ended' | 'unknown';

/** JSON forms of the replies; client.ts turns their amounts into bigint. */
export interface WalletReply {
  readonly balance: string;
  readonly held: string;
  readonly version: number;
}
export interface OpenReply {
  readonly sessionId: string;
  readonly roomId: string;
  readonly priceMilliPerMin: string;
  readonly balance: string;
  readonly grantedUntilMs: number;
  readonly playToken: string;
  readonly duplicate: boolean;
}
export interface TouchResult {
  readonly sessionId: string;
  readonly verdict: TouchVerdict;
  readonly secondsLeft?: number;
  readonly reason?: EndReason;
}
export interface SessionReply {
  readonly sessionId: string;
  readonly viewerId: string;
  readonly roomId: string;
  readonly state: 'active' | 'ended';
  readonly reason?: EndReason;
  readonly chargedMilli: string;
  readonly billableMs: number;
  readonly openedMs: number;
}
export interface TipReply {
  readonly tipId: string;
  readonly balance: string;
  readonly duplicate: boolean;
}
export interface EarningsReply {
  /** Earned, not payable yet. */
  readonly pending: string;
  readonly available: string;
  readonly inFlight: string;
  readonly paid: string;
  readonly total: string;
}
export interface LedgerSummaryReply {
  /** Σ credits − Σ debits over all accounts: '0' or the books are broken. */
  readonly entriesSum: string;
  readonly transfers: number;
  readonly accounts: readonly { readonly kind: string; readonly balance: string }[];
}
export interface StatementReply {
  readonly entries: readonly {
    readonly id: string;
    readonly code: string;
    readonly amount: string;
    readonly sessionId?: string;
    readonly tipId?: string;
    readonly bookedAtMs: number;
  }[];
  readonly next?: string;
}
