// Settings of the charging engine. One row per variable; see config.ts.
import { CIDR, int, list, port } from '../setting.js';

export const billingSettings = {
  port: port('BILLING_PORT', { doc: 'Hooks and internal API.', fallback: 8084 }),
  hookAllow: list('BILLING_HOOK_ALLOW', {
    doc: 'Networks from which media servers may call hooks.',
    fallback: ['127.0.0.0/8', '::1/128'],
    item: CIDR,
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
  failOpenMs: int(
    'BILLING_FAIL_OPEN_MS',
    { min: 0, max: 600_000 },
    {
      doc: 'How long a paid session is let through while its Redis is away.',
      fallback: 60_000,
      unit: 'ms',
    },
  ),
} as const;
