// Settings of the charging engine. One row per variable; see config.ts.
import { CIDR, int, list, port } from '../setting.js';

const SRS_URL = /^https?:\/\/[^\s/]+$/;

export const billingSettings = {
  port: port('BILLING_PORT', { doc: 'Hooks and internal API.', fallback: 8084 }),
  hookPort: int(
    'BILLING_HOOK_PORT',
    { min: 0, max: 65_535 },
    {
      doc: 'Further port for hooks over HTTP/1.0, which nginx-rtmp needs; 0 = none.',
      fallback: 0,
    },
  ),
  hookAllow: list('BILLING_HOOK_ALLOW', {
    doc: 'Networks from which media servers may call hooks.',
    fallback: ['127.0.0.0/8', '::1/128'],
    item: CIDR,
  }),
  srsApiUrls: list('BILLING_SRS_API_URLS', {
    doc: 'APIs of SRS servers whose clients are polled, as http://[user:password@]host:1985.',
    fallback: [],
    item: SRS_URL,
    secret: true,
  }),
  updateIntervalMs: int(
    'BILLING_UPDATE_INTERVAL_MS',
    { min: 200, max: 600_000 },
    {
      doc: 'How often a paid session proves that it is alive and is charged.',
      fallback: 10_000,
      unit: 'ms',
    },
  ),
  graceMs: int(
    'BILLING_GRACE_MS',
    { min: 0, max: 600_000 },
    {
      doc: 'Most time that is charged across a gap between two proofs of life.',
      fallback: 5_000,
      unit: 'ms',
    },
  ),
  modelShareBps: int(
    'BILLING_MODEL_SHARE_BPS',
    { min: 0, max: 10_000 },
    {
      doc: 'Share of each charge that the model earns; the site keeps the rest.',
      fallback: 6_000,
      unit: '1/10000',
    },
  ),
  tipMaxMilli: int(
    'BILLING_TIP_MAX_MILLI',
    { min: 1_000, max: 1_000_000_000 },
    {
      doc: 'Largest single tip.',
      fallback: 10_000_000,
      unit: 'milli-credits',
    },
  ),
  showMaxSec: int(
    'BILLING_SHOW_MAX_SEC',
    { min: 0, max: 604_800 },
    {
      doc: 'Longest show of a publisher where the room has no limit of its own; 0 = no limit.',
      fallback: 0,
      unit: 's',
    },
  ),
  failOpenMs: int(
    'BILLING_FAIL_OPEN_MS',
    { min: 0, max: 600_000 },
    {
      doc: 'How long a paid session is let through while its Redis is away.',
      fallback: 60_000,
      unit: 'ms',
    },
  ),
  refundWindowHours: int(
    'BILLING_REFUND_WINDOW_HOURS',
    { min: 1, max: 8_760 },
    {
      doc: 'How long after its end a show or a tip can be refunded to the viewer.',
      fallback: 24,
      unit: 'h',
    },
  ),
  refundAutoMaxMilli: int(
    'BILLING_REFUND_AUTO_MAX_MILLI',
    { min: 0, max: 1_000_000_000 },
    {
      doc: 'Largest refund to a viewer that one person may give alone.',
      fallback: 100_000,
      unit: 'milli-credits',
    },
  ),
  refundLotDays: int(
    'BILLING_REFUND_LOT_DAYS',
    { min: 1, max: 365 },
    {
      doc: 'Life of the lot that replaces an expired one when its credits are refunded.',
      fallback: 7,
      unit: 'days',
    },
  ),
  adjustAutoMaxMilli: int(
    'BILLING_ADJUST_AUTO_MAX_MILLI',
    { min: 0, max: 1_000_000_000 },
    {
      doc: 'Largest adjustment, up or down, that one person may make alone.',
      fallback: 50_000,
      unit: 'milli-credits',
    },
  ),
  earningsHoldDays: int(
    'BILLING_EARNINGS_HOLD_DAYS',
    { min: 0, max: 365 },
    {
      doc: 'Days until what a model has earned can be paid out; performer terms may say otherwise.',
      fallback: 14,
      unit: 'days',
    },
  ),
  payoutMinimumMilli: int(
    'BILLING_PAYOUT_MINIMUM_MILLI',
    { min: 1, max: 1_000_000_000 },
    {
      doc: 'Smallest payout; performer terms may ask for more.',
      fallback: 50_000,
      unit: 'milli-credits',
    },
  ),
  payoutFeeMilli: int(
    'BILLING_PAYOUT_FEE_MILLI',
    { min: 0, max: 1_000_000 },
    {
      doc: 'Fee that is kept of each payout.',
      fallback: 0,
      unit: 'milli-credits',
    },
  ),
  financeIntervalMs: int(
    'BILLING_FINANCE_INTERVAL_MS',
    { min: 1_000, max: 86_400_000 },
    {
      doc: 'How often expired lots are booked, earnings ripen and the audit log is anchored.',
      fallback: 60_000,
      unit: 'ms',
    },
  ),
  reconcileIntervalMs: int(
    'BILLING_RECONCILE_INTERVAL_MS',
    { min: 1_000, max: 604_800_000 },
    {
      doc: 'How often every wallet in Redis is compared with the ledger; a mismatch freezes it.',
      fallback: 3_600_000,
      unit: 'ms',
    },
  ),
} as const;
