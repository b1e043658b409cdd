// The way of money from Redis to SQL and back. `settle`: ledger rows per second through the real
// settler beside a bare multi-row INSERT (the ceiling) and one SQL transaction per charge (the
// floor), and how late rows are at a steady pace. `rebuild`: wallets from SQL into an empty Redis.
// Afterwards the reconciler compares every wallet.
import { closeRedis, connectRedis, type RedisClient } from '../../cluster/index.js';
import { silentLog, startMariadb, startRedis } from '../../cluster/testing/index.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import { serverFlags, type Run } from '../lib/run-context.js';
import { median, pairedRatio, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import type { LedgerCalls, Work } from './ledger/calls.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { mariadbPid } from '../servers/sql-process.js';
import { BATCH_MAX } from '../testing/billing-engine.js';
import { startSqlFloor } from './ticks/sql-floor.js';

export type Fsync = 'everysec' | 'always';

export interface LedgerBench {
  readonly fsync: Fsync;
  readonly driver: NodeChild<LedgerCalls>;
  readonly redis: RedisClient;
  readonly redisUrl: string;
  readonly mysqlUrl: string;
  readonly sqlPid: number;
}

const ROWS_PER_SEC = 20_000;
const PACE_ROWS_PER_SEC = 5_000;
const LAG_P99_MS = 2_000;
const REBUILD_SEC = 60;
const MODES = ['settler', 'insert', 'book', 'floor'] as const;
const SAME_ROWS = 'bare statements of the same rows';
const REBUILD_WALLETS = 1_000_000;
/** A commit survives a power cut, as in production; the working set is in memory. */
export const SQL = { redoLogMb: 512, bufferPoolMb: 512, durability: 'power' } as const;

export async function startLedgerBench(
  run: Run,
  options: { readonly fsync: Fsync; readonly wallets: number; readonly sessions: number },
): Promise<LedgerBench> {
  const { fsync, wallets, sessions } = options;
  const server = await startRedis(run.scope, { appendFsync: fsync });
  const mariadb = await startMariadb(run.scope, SQL);
  const redis = await connectRedis(server.url, { role: 'command', name: 'bench', log: silentLog });
  run.scope.teardown(() => closeRedis(redis));
  const driver = startNodeChild<LedgerCalls>(run.scope, {
    entry: run.tree.entry('bench/scenarios/ledger/driver.ts'),
    execArgv: serverFlags(run, `ledger-${fsync}`),
  });
  const urls = { redisUrl: server.url, mysqlUrl: mariadb.url };
  await driver.call('prepare', { ...urls, wallets, sessions });
  run.say(`AOF ${fsync}: ${wallets} wallets, ${sessions} sessions`);
  return { fsync, driver, redis, ...urls, sqlPid: await mariadbPid(mariadb.url) };
}

/** @throws Error when a wallet differs */
export async function verifyLedger({ driver, fsync }: LedgerBench): Promise<string> {
  const { wallets, mismatches } = await driver.call('verify', null);
  if (mismatches.length > 0) throw new Error(`${fsync}: ${mismatches.join('; ')}`);
  await driver.stop();
  return `AOF ${fsync}: ${wallets} wallets compared between Redis and SQL, 0 mismatches.`;
}

export const perSec = ({ rows, ms }: Work): number => (rows / ms) * 1_000;

export async function settle(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const sessions = isQuick ? 4_000 : 20_000;
  const results: Result[] = [];
  const notes: string[] = [
    `${sessions.toLocaleString('en-US')} sessions charged for a minute each round, two transfers, a ` +
      'settlement row and the session row each; rows are transfers. MariaDB flushes each commit.',
    'Ceiling: INSERT of 1,000 rows a statement into a table like `transfer`, nothing else.',
    `Peer "${SAME_ROWS}": transfers, settlements, sessions and sums by multi-row statements alone.`,
    'Floor: GET, SET and one SQL transaction per charge, 8 connections, log flushed once a second.',
  ];
  const floor = await startSqlFloor(run);
  for (const fsync of ['everysec', 'always'] as const) {
    const bench = await startLedgerBench(run, { fsync, wallets: sessions, sessions });
    const modes = MODES.map((name) => ({ name }));
    const samples = await interleave(modes, { rounds, warmUps: 1 }, async ({ name }) => {
      if (name === 'floor') {
        const rate = await floor.measure(bench.redis, isQuick ? 200 : 500);
        return { perSec: 2 * rate, sqlMicros: 0, driverMicros: 0 };
      }
      const rows = 2 * sessions;
      if (name === 'settler') await bench.driver.call('backlog', { minutes: 1 });
      const before = cpuMicros(bench.sqlPid);
      const done =
        name === 'settler'
          ? await bench.driver.call('drain', null)
          : await bench.driver.call(name, { rows });
      if (done.rows !== rows) throw new Error(`${done.rows} rows of ${rows}`);
      const sqlMicros = (cpuMicros(bench.sqlPid) - before) / rows;
      return { perSec: perSec(done), sqlMicros, driverMicros: done.driverMicros / rows };
    });
    const [ours = [], bare = [], same = [], naive = []] = modes.map((mode) => samples.get(mode));
    const rates = (list: readonly Sample[]): number[] => list.map((one) => one.perSec);
    results.push(
      rateResult(`rows, AOF ${fsync}`, rates(ours), {
        ...{ bare: rates(bare), same: rates(same), naive: rates(naive) },
      }),
      costResult(`MariaDB CPU per row, AOF ${fsync}`, ours, { bare, same }),
    );
    const cpu = shortNumber(median(ours.map((one) => one.driverMicros)));
    notes.push(`AOF ${fsync}: the settler itself takes ${cpu} µs CPU per row.`);
    const paced = await lagResult(bench, isQuick ? 2_000 : 8_000);
    results.push(paced.result);
    notes.push(paced.note);
    notes.push(await verifyLedger(bench));
  }
  return { scenario: 'settle', limitedBy: 'sql', results, notes };
}

interface Sample {
  readonly perSec: number;
  readonly sqlMicros: number;
  readonly driverMicros: number;
}

function costResult(
  name: string,
  ours: readonly Sample[],
  { bare, same }: Record<'bare' | 'same', readonly Sample[]>,
): Result {
  const cost = (list: readonly Sample[]): number[] => list.map((one) => one.sqlMicros);
  const ratio = pairedRatio(cost(ours), cost(bare));
  return {
    ...{ name, value: median(cost(ours)), unit: 'µs', better: 'less', limitedBy: 'sql' },
    ...{ spread: pairOf(spreadOf(cost(ours))), ...noPromise },
    peers: [peerOf(SAME_ROWS, cost(ours), cost(same))],
    ceiling: { name: 'bare INSERT', value: median(cost(bare)) },
    ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
  };
}

function rateResult(
  name: string,
  ours: readonly number[],
  {
    bare,
    same,
    naive,
  }: {
    readonly bare: readonly number[];
    readonly same?: readonly number[];
    readonly naive: readonly number[];
  },
): Result {
  const ratio = pairedRatio(ours, bare);
  return {
    ...{ name, value: median(ours), unit: 'rows/s', better: 'more', limitedBy: 'sql' },
    ...{ spread: pairOf(spreadOf(ours)), ceiling: { name: 'bare INSERT', value: median(bare) } },
    ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
    peers: [
      ...(same === undefined ? [] : [peerOf(SAME_ROWS, ours, same)]),
      peerOf('SQL transaction per charge', ours, naive),
    ],
    ...holdAgainst('value', median(ours), '>=', ROWS_PER_SEC),
  };
}

function peerOf(
  name: string,
  ours: readonly number[],
  theirs: readonly number[],
): Result['peers'][number] {
  const ratio = pairedRatio(ours, theirs).median;
  return { ...{ name, version: '', value: median(theirs) }, ...{ ratio, ratioMax: null } };
}

async function lagResult(
  { driver, fsync }: LedgerBench,
  ms: number,
): Promise<{ result: Result; note: string }> {
  const args = { rowsPerSec: PACE_ROWS_PER_SEC, ms };
  const { lagsMs, rowsPerSec } = await driver.call('pace', args);
  const p99 = percentile(lagsMs, 99);
  const note =
    `AOF ${fsync}: lag is from a call of up to ${BATCH_MAX} charges to its commit; ` +
    `${shortNumber(rowsPerSec)} rows/s were charged.`;
  const result: Result = {
    ...{ name: `lag p99 at 5,000 rows/s, AOF ${fsync}`, value: p99, unit: 'ms', better: 'less' },
    ...{ spread: [percentile(lagsMs, 50), percentile(lagsMs, 100)], ceiling: null, ratio: null },
    ...{ ratioSpread: null, peers: [], limitedBy: 'pace' },
    ...holdAgainst('value', p99, '<=', LAG_P99_MS),
  };
  return { result, note };
}

export async function rebuild(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const wallets = isQuick ? 50_000 : 150_000;
  const results: Result[] = [];
  const notes: string[] = [
    `Redis is emptied; the fence compares, restores ${wallets.toLocaleString('en-US')} wallets in 64 ` +
      `shards and opens them. The promise is ${REBUILD_WALLETS / 1e6} M wallets in ${REBUILD_SEC} s.`,
    'Ceiling: the same pages of SQL, HSET of the balances. Floor: a query and a HSET per wallet.',
  ];
  for (const fsync of ['everysec', 'always'] as const) {
    const bench = await startLedgerBench(run, { fsync, wallets, sessions: 1_000 });
    const modes = [{ name: 'rebuild' }, { name: 'copy' }, { name: 'single' }] as const;
    const samples = await interleave(modes, { rounds, warmUps: 0 }, async ({ name }) => {
      if (name === 'copy') return perSec(await bench.driver.call('copy', null));
      if (name === 'single') {
        return perSec(await bench.driver.call('copyOneByOne', { wallets: isQuick ? 500 : 1_000 }));
      }
      const done = await bench.driver.call('rebuild', null);
      run.say(`AOF ${fsync}: ${done.rows} wallets in ${shortNumber(done.ms / 1_000)} s`);
      return perSec(done);
    });
    const [ours = [], bare = [], naive = []] = modes.map((mode) => samples.get(mode));
    results.push({
      ...rateResult(`wallets, AOF ${fsync}`, ours, { bare, naive }),
      ...{ unit: 'wallets/s', ceiling: { name: 'bare copy', value: median(bare) } },
      peers: [peerOf('query and HSET per wallet', ours, naive)],
      ...holdAgainst('value', median(ours), '>=', Math.ceil(REBUILD_WALLETS / REBUILD_SEC)),
    });
    notes.push(await verifyLedger(bench));
  }
  return { scenario: 'rebuild', limitedBy: 'sql', results, notes };
}
