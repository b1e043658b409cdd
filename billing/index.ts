// All that other folders may import from billing/: the typed client, money, error codes and bus
// messages.
export { BillingClient, type OpenedSession, type SessionView, type TipReceipt } from './client.js';
export {
  type Adjustment,
  type Campaign,
  type DayRange,
  type Earnings,
  type EarningsDay,
  type EarningsEntry,
  type EarningsSpan,
  type InternalCaller,
  type Lot,
  type PageOf,
  type Payout,
  type Purchase,
  type Show,
  type Wallet,
  type WalletLimits,
} from './finance/client.js';
export {
  type AuditReply,
  type ChargebackState,
  type Page,
  type PayoutState,
  REPORT_KINDS,
  type ReportKind,
  type ReportReply,
} from './finance/schema.js';
export { BILLING_ERRORS, type BillingErrorCode } from './errors.js';
export {
  formatCredits,
  isMilli,
  type Milli,
  milli,
  MILLI_MAX,
  MILLI_PER_CREDIT,
  parseCredits,
  parseMilli,
} from './money.js';
export {
  type EndReason,
  type LedgerSummaryReply,
  type OpenRequest,
  type StatementReply,
  type TouchItem,
  type TouchResult,
  type TouchVerdict,
} from './schema.js';
export {
  type CutMessage,
  type KickMessage,
  parseCutMessage,
  parseKickMessage,
  parseStreamStateMessage,
  type StreamStateMessage,
  TOPICS,
} from './topics.js';
export { csvOf } from './finance/csv.js';
