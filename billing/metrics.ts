// What billing tells Prometheus. Alarms on these are in deploy/prometheus/billing-alarms.yml;
// labels are bounded by closed lists.
import type { Counter, Gauge, Histogram, Metrics } from '../cluster/index.js';

export interface BillingMetrics {
  readonly scriptSeconds: Histogram<'script'>;
  readonly refusals: Counter<'why'>;
  readonly touches: Counter<'verdict'>;
  readonly cuts: Counter<'reason'>;
  readonly cutOverrunSeconds: Histogram;
  readonly hooks: Counter<'call' | 'answer'>;
  readonly hookSeconds: Histogram;
  readonly settledRows: Counter;
  readonly settlerLagSeconds: Gauge;
  readonly outboxEntries: Gauge;
  readonly parkedShards: Gauge;
  readonly isFenced: Gauge;
  readonly rebuiltShards: Counter;
  readonly rebuiltMilli: Gauge;
  readonly pendingCommandSeconds: Gauge;
  readonly isBreakerOpen: Gauge;
  readonly failOpens: Counter;
  readonly mismatches: Gauge;
  readonly reconciledAt: Gauge;
  readonly unsettledMilli: Gauge;
  readonly debtMilli: Gauge;
  readonly clearingMilli: Gauge;
  readonly outboxAgeSeconds: Gauge;
  readonly writtenOffSeconds: Gauge;
}

/** Up to the gap that ends a silent session, and what must not happen. */
const OVERRUN = [1, 2, 5, 10, 30, 60, 300, 3_600];
const LATENCY = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5];

const area = 'showbill_billing';

export function billingMetrics(metrics: Metrics): BillingMetrics {
  return { ...engineMetrics(metrics), ...ledgerMetrics(metrics), ...bookMetrics(metrics) };
}

function engineMetrics(metrics: Metrics) {
  return {
    scriptSeconds: metrics.histogram({
      name: `${area}_script_seconds`,
      help: 'Time from sending a money script to its reply.',
      labels: ['script'],
      buckets: LATENCY,
    }),
    refusals: metrics.counter({
      name: `${area}_script_refusals_total`,
      help: 'Money scripts that could not run: fenced, full, not_ready, away, fault.',
      labels: ['why'],
    }),
    touches: metrics.counter({
      name: `${area}_touches_total`,
      help: 'Proofs of life, by verdict.',
      labels: ['verdict'],
    }),
    cuts: metrics.counter({
      name: `${area}_cuts_total`,
      help: 'Sessions that were ended against the wish of the viewer, by reason.',
      labels: ['reason'],
    }),
    cutOverrunSeconds: metrics.histogram({
      name: `${area}_cut_overrun_seconds`,
      help: 'Proofs of life of sessions that were cut, by the time since; what is watched is free.',
      buckets: OVERRUN,
    }),
    hooks: metrics.counter({
      name: `${area}_hooks_total`,
      help: 'Media server hooks, by call and answer.',
      labels: ['call', 'answer'],
    }),
    hookSeconds: metrics.histogram({
      name: `${area}_hook_seconds`,
      help: 'Time to answer a media server hook.',
      buckets: LATENCY,
    }),
  };
}

function ledgerMetrics(metrics: Metrics) {
  return {
    settledRows: metrics.counter({
      name: `${area}_settled_rows_total`,
      help: 'Transfers that the settler wrote to the ledger.',
    }),
    settlerLagSeconds: metrics.gauge({
      name: `${area}_settler_lag_seconds`,
      help: 'Age of the oldest outbox entry that the last pass settled.',
    }),
    outboxEntries: metrics.gauge({
      name: `${area}_outbox_entries`,
      help: 'Outbox entries seen by the last pass that were not settled yet.',
    }),
    parkedShards: metrics.gauge({
      name: `${area}_parked_shards`,
      help: 'Shards whose settlement has stopped at an entry that does not fit; someone must look.',
    }),
    isFenced: metrics.gauge({
      name: `${area}_fenced`,
      help: '1 while money commands wait for the comparison of Redis with the ledger.',
    }),
    rebuiltShards: metrics.counter({
      name: `${area}_rebuilt_shards_total`,
      help: 'Shards that were rebuilt from the ledger because Redis had lost data.',
    }),
    rebuiltMilli: metrics.gauge({
      name: `${area}_rebuilt_difference_millicredits`,
      help: 'What the last rebuild gave viewers (above 0) or took, against what Redis had said.',
    }),
    pendingCommandSeconds: metrics.gauge({
      name: `${area}_pending_command_seconds`,
      help: 'Age of the oldest funding command that Redis has not confirmed.',
    }),
    isBreakerOpen: metrics.gauge({
      name: `${area}_breaker_open`,
      help: '1 while the silence of the media tier suspends charging and cut-offs.',
    }),
    failOpens: metrics.counter({
      name: `${area}_fail_open_total`,
      help: 'Hooks of paid sessions that were let through while Redis was away.',
    }),
    mismatches: metrics.gauge({
      name: `${area}_mismatched_wallets`,
      help: 'Wallets that the last reconciliation found different in Redis and SQL.',
    }),
  };
}

function bookMetrics(metrics: Metrics) {
  return {
    reconciledAt: metrics.gauge({
      name: `${area}_reconciled_timestamp_seconds`,
      help: 'When every wallet was last compared with the ledger; 0 = not since the start.',
    }),
    unsettledMilli: metrics.gauge({
      name: `${area}_unsettled_millicredits`,
      help: 'Charged by open sessions and not in the outbox yet, as of the last reconciliation.',
    }),
    debtMilli: metrics.gauge({
      name: `${area}_debt_millicredits`,
      help: 'What viewers owe after chargebacks of credits that they had spent.',
    }),
    clearingMilli: metrics.gauge({
      name: `${area}_refund_clearing_millicredits`,
      help: 'Balance of the clearing account of refunds; anything but 0 is an error.',
    }),
    writtenOffSeconds: metrics.gauge({
      name: `${area}_written_off_seconds`,
      help: 'Time of shows that nobody proved and nobody pays; begins anew when a shard is rebuilt.',
    }),
    outboxAgeSeconds: metrics.gauge({
      name: `${area}_outbox_age_seconds`,
      help: 'Age of the oldest outbox entry that no settler has booked, parked shards included.',
    }),
  };
}
