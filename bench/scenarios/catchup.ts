// After MySQL was away: a backlog of settlements waits in the outboxes while the billing role
// starts. How fast the role drains it, beside a bare multi-row INSERT of as many rows on the same
// server (the ceiling) and one SQL transaction per charge (the floor), and how long hooks wait
// meanwhile. Afterwards every wallet is compared.
import { setTimeout as delay } from 'node:timers/promises';
import type { HookLoadCalls } from '../generator/hook-load.js';
import { startNodeChild } from '../lib/node-child.js';
import { holdAgainst, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { percentile, shortNumber } from '../lib/statistics.js';
import { HOOK_PATH, startBillingRole } from '../servers/billing-role.js';
import { type Fsync, perSec, startLedgerBench, verifyLedger } from './ledger.js';
import { startSqlFloor } from './ticks/sql-floor.js';

/** An hour of 1,000 ticks/s at 10 s is 10,000 sessions, each settled once a minute. */
const HOUR_ROWS = 2 * 10_000 * 60;
const HOUR_SEC = 600;
const HOOK_P99_MS = 100;
/**
 * As many as `hooks` has. Over 16, each waited for its last answer when its next hook was due: of
 * 1,000 hooks/s it sent 400, and what it took for the role's delay was its own.
 */
const CONNECTIONS = 64;
const HOOKS_PER_SEC = 1_000;
const VIEWERS = 200;
const LOOK_EVERY_MS = 200;

export async function catchup(run: Run): Promise<ScenarioReport> {
  const { isQuick } = run.options;
  const [sessions, minutes] = isQuick ? [500, 4] : [10_000, 12];
  const floor = await startSqlFloor(run);
  const results: Result[] = [];
  const notes: string[] = [
    `A backlog of ${minutes} minutes of ${sessions.toLocaleString('en-US')} sessions; the promise is an ` +
      'hour of 10,000 sessions (1.2 M rows) in 10 minutes. One pass per mode of the AOF.',
    `Hooks meanwhile: ${HOOKS_PER_SEC.toLocaleString('en-US')} a second over ${CONNECTIONS} connections.`,
    'Ceiling: INSERT of 1,000 rows a statement. Floor: one SQL transaction per charge.',
  ];
  for (const fsync of ['everysec', 'always'] as const) {
    const bench = await startLedgerBench(run, { fsync, wallets: sessions + VIEWERS, sessions });
    const naive = 2 * (await floor.measure(bench.redis, isQuick ? 200 : 500));
    const rows = 2 * (await bench.driver.call('backlog', { minutes })).charges;
    run.say(`AOF ${fsync}: ${rows} rows wait`);
    const drained = await drain(run, bench, { rows, sessions });
    const bare = perSec(await bench.driver.call('insert', { rows }));
    results.push(...resultsOf(fsync, { ...drained, bare, naive }));
    notes.push(await verifyLedger(bench));
  }
  return { scenario: 'catchup', limitedBy: 'sql', results, notes };
}

interface Drained {
  readonly rate: number;
  readonly latenciesMs: Float64Array;
}

async function drain(
  run: Run,
  bench: Awaited<ReturnType<typeof startLedgerBench>>,
  { rows, sessions }: { readonly rows: number; readonly sessions: number },
): Promise<Drained> {
  const { redisUrl, mysqlUrl, fsync } = bench;
  const started = performance.now();
  const role = await startBillingRole(run, { name: `catchup-${fsync}`, redisUrl, mysqlUrl });
  const viewers = Array.from({ length: VIEWERS }, (_, at) => String(sessions + at + 1));
  const bodies = await role.openSessions(viewers);
  const load = startNodeChild<HookLoadCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/hook-load.ts'),
  });
  const latencies: number[] = [];
  const perSecond = run.options.isQuick ? 100 : HOOKS_PER_SEC;
  let settled = 0;
  while (settled < rows) {
    const done = await load.call('fire', {
      ...{ port: role.port, path: HOOK_PATH, bodies, connections: CONNECTIONS },
      ...{ ms: 500, perSec: perSecond },
    });
    if (Object.keys(done.refused).length > 0) throw new Error(JSON.stringify(done.refused));
    latencies.push(...done.latenciesMs);
    settled = await role.metric('showbill_billing_settled_rows_total');
    if (settled < rows) await delay(LOOK_EVERY_MS);
  }
  const ms = performance.now() - started;
  run.say(`AOF ${fsync}: drained in ${shortNumber(ms / 1_000)} s, start of the role included`);
  await load.stop();
  await role.stop();
  return { rate: (rows / ms) * 1_000, latenciesMs: Float64Array.from(latencies) };
}

function resultsOf(
  fsync: Fsync,
  drained: Drained & { readonly bare: number; readonly naive: number },
): Result[] {
  const { rate, latenciesMs, bare, naive } = drained;
  const p99 = percentile(latenciesMs, 99);
  const none = { ratio: null, ratioSpread: null, peers: [] } as const;
  return [
    {
      ...{ name: `backlog, AOF ${fsync}`, value: rate, unit: 'rows/s', better: 'more' },
      ...{ spread: [rate, rate], ceiling: { name: 'bare INSERT', value: bare } },
      ...{ ratio: rate / bare, ratioSpread: [rate / bare, rate / bare], limitedBy: 'sql' },
      peers: [
        {
          ...{ name: 'SQL transaction per charge', version: '', value: naive },
          ...{ ratio: rate / naive, ratioMax: null },
        },
      ],
      ...holdAgainst('value', rate, '>=', HOUR_ROWS / HOUR_SEC),
    },
    {
      ...{ name: `hook p99 meanwhile, AOF ${fsync}`, value: p99, unit: 'ms', better: 'less' },
      ...{ spread: [percentile(latenciesMs, 50), percentile(latenciesMs, 100)], ...none },
      ...{ ceiling: null, limitedBy: 'pace' },
      ...holdAgainst('value', p99, '<=', HOOK_P99_MS),
    },
  ];
}
