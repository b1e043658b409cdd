// The alarms name metrics that billing has, and every figure that reconciliation is to be watched
// by has one.
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { createMetrics } from '../../cluster/index.js';
import { billingMetrics } from '../metrics.js';

const FILE = new URL('../../deploy/prometheus/billing-alarms.yml', import.meta.url);

/** What somebody must be told of; the rest are figures to look at. */
const WATCHED = [
  ...['unsettled_millicredits', 'settler_lag_seconds', 'pending_command_seconds'],
  ...['script_seconds', 'touches_total', 'hook_seconds', 'cut_overrun_seconds', 'breaker_open'],
  ...['fenced', 'debt_millicredits', 'mismatched_wallets', 'parked_shards', 'fail_open_total'],
  ...['script_refusals_total', 'outbox_age_seconds', 'refund_clearing_millicredits'],
].map((name) => `showbill_billing_${name}`);

t.test(
  'every alarm is about a metric that exists, every watched metric has an alarm',
  async (t) => {
    const metrics = createMetrics('billing', { process: false });
    billingMetrics(metrics);
    const known = new Set(metrics.registry.getMetricsAsArray().map((one) => one.name));
    const text = await readFile(FILE, 'utf8');
    const named = new Set(
      [...text.matchAll(/showbill_billing_\w+/g)].map(([name]) => {
        return name.replace(/_(?:bucket|count|sum)$/, '');
      }),
    );
    t.same(
      [...named].filter((name) => !known.has(name)),
      [],
      'there is no such metric',
    );
    t.same(
      WATCHED.filter((name) => !named.has(name)),
      [],
      'nobody would be told',
    );
  },
);

t.test('every alarm says how urgent it is and what to do', async (t) => {
  const rules = (await readFile(FILE, 'utf8')).split(/^ {6}- alert: /m).slice(1);
  t.ok(rules.length > 0);
  const names = rules.map((rule) => /^\w+/.exec(rule)?.[0] ?? '');
  t.equal(new Set(names).size, rules.length, 'no name twice');
  for (const rule of rules) {
    t.match(rule, /^ {8}expr: \S/m);
    t.match(rule, /^ {8}labels: \{ severity: (?:page|ticket) \}$/m);
    t.match(rule, /^ {10}summary: .{20,}\.$/m);
  }
});
