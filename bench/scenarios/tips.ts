// Tips: one-shot spends on one shard, each with a key of its own, AOF everysec and always, beside
// the least Lua that does the same (the ceiling) and a read, a write and one SQL transaction (the
// floor). Afterwards repeated keys must not pay and every wallet must have exactly what is left.
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis } from '../../cluster/testing/index.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import { serverFlags, type Run } from '../lib/run-context.js';
import { median, pairedRatio, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import { redisPid } from '../servers/gateway-worker.js';
import { startSqlFloor, type SqlFloor } from './ticks/sql-floor.js';
import type { TipCalls, TipMode } from './tips/calls.js';

interface Sample {
  readonly perSec: number;
  readonly p99Ms: number;
  readonly redisMicros: number;
  readonly redisLoad: number;
  readonly driverLoad: number;
}

const TIPS_PER_SEC: Readonly<Record<'everysec' | 'always', number>> = {
  everysec: 20_000,
  always: 10_000,
};
const P99_MS: Readonly<Record<'everysec' | 'always', number>> = { everysec: 5, always: 15 };
/**
 * With one, Redis and driver take turns: its batch of tips is at one of them or at the other, and
 * neither is ever busy.
 */
const CONNECTIONS = 4;
/** Enough for both to be busy; more would stand in line, and p99 would tell of the line. */
const IN_FLIGHT = 32;
const BUSY = 0.85;

export async function tips(run: Run): Promise<ScenarioReport> {
  const floor = await startSqlFloor(run);
  const results: Result[] = [];
  const notes: string[] = [
    `One shard, 2,000 wallets, ${IN_FLIGHT} tips in flight over ${CONNECTIONS} connections (a fleet ` +
      'has several billing processes), one call each; the ceiling is a script with a key, a ' +
      'balance and an outbox and no rules (lua/bare-tip.lua).',
    'Floor: GET, SET and one SQL transaction per tip, 8 connections, log flushed once a second.',
  ];
  for (const fsync of ['everysec', 'always'] as const) {
    const server = await startRedis(run.scope, { appendFsync: fsync });
    const redis = await connectRedis(server.url, {
      ...{ role: 'command', name: 'bench', log: silentLog },
    });
    run.scope.teardown(() => closeRedis(redis));
    const driver = startNodeChild<TipCalls>(run.scope, {
      entry: run.tree.entry('bench/scenarios/tips/driver.ts'),
      execArgv: serverFlags(run, `tips-${fsync}`),
    });
    await driver.call('prepare', { redisUrl: server.url, connections: CONNECTIONS });
    run.say(`AOF ${fsync}: wallets are funded`);
    const pid = await redisPid(redis);
    const { isQuick, rounds } = run.options;
    const modes = [{ name: 'engine' }, { name: 'bare' }, { name: 'floor' }] as const;
    const samples = await interleave(modes, { rounds, warmUps: 1 }, ({ name }) =>
      name === 'floor'
        ? sampleFloor(floor, redis, isQuick ? 200 : 500)
        : sample(driver, { mode: name, ms: isQuick ? 500 : 4_000, redisPid: pid }),
    );
    const [ours = [], bare = [], naive = []] = modes.map((mode) => samples.get(mode) ?? []);
    results.push(...resultsOf(fsync, { ours, bare, naive }));
    const done = await driver.call('verify', null);
    if (done.mismatches.length > 0) throw new Error(`${fsync}: ${done.mismatches.join('; ')}`);
    notes.push(
      `AOF ${fsync}: ${done.tips} tips, ${done.wallets} wallets compared, 0 mismatches; ` +
        `Redis ${shortNumber(100 * median(ours.map((one) => one.redisLoad)))} %, ` +
        `driver ${shortNumber(100 * median(ours.map((one) => one.driverLoad)))} % of a core.`,
    );
    await driver.stop();
  }
  return { scenario: 'tips', limitedBy: results[0]?.limitedBy ?? 'machine', results, notes };
}

async function sample(
  driver: NodeChild<TipCalls>,
  options: { readonly mode: TipMode; readonly ms: number; readonly redisPid: number },
): Promise<Sample> {
  const { mode, ms } = options;
  const before = cpuMicros(options.redisPid);
  const done = await driver.call('run', { mode, ms, inFlight: IN_FLIGHT });
  const micros = cpuMicros(options.redisPid) - before;
  return {
    perSec: (done.tips / done.ms) * 1_000,
    p99Ms: percentile(done.callMs, 99),
    redisMicros: micros / done.tips,
    redisLoad: micros / 1_000 / done.ms,
    driverLoad: done.driverMicros / 1_000 / done.ms,
  };
}

async function sampleFloor(
  floor: SqlFloor,
  redis: Parameters<SqlFloor['measure']>[0],
  count: number,
): Promise<Sample> {
  const perSec = await floor.measure(redis, count);
  return { perSec, p99Ms: 0, redisMicros: 0, redisLoad: 0, driverLoad: 0 };
}

function resultsOf(
  fsync: 'everysec' | 'always',
  { ours, bare, naive }: Record<'ours' | 'bare' | 'naive', readonly Sample[]>,
): Result[] {
  const of = (list: readonly Sample[], pick: (one: Sample) => number): number[] => list.map(pick);
  const rate = (list: readonly Sample[]): number[] => of(list, (one) => one.perSec);
  const [redis, driver] = [
    median(of(ours, (one) => one.redisLoad)),
    median(of(ours, (one) => one.driverLoad)),
  ];
  const busier = redis >= driver ? 'redis' : 'generator';
  const limitedBy = Math.max(redis, driver) >= BUSY ? busier : 'machine';
  const row = (
    name: string,
    unit: string,
    pick: (one: Sample) => number,
  ): Omit<Result, 'promise' | 'isKept' | 'better'> => {
    const ratio = pairedRatio(of(ours, pick), of(bare, pick));
    return {
      ...{ name: `${name}, AOF ${fsync}`, value: median(of(ours, pick)), unit, limitedBy },
      ...{ spread: pairOf(spreadOf(of(ours, pick))), peers: [] },
      ceiling: { name: 'bare script', value: median(of(bare, pick)) },
      ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
    };
  };
  const throughput = row('tips', 'tips/s', (one) => one.perSec);
  const cost = row('Redis CPU per tip', 'µs', (one) => one.redisMicros);
  const p99 = row('answer p99', 'ms', (one) => one.p99Ms);
  const peer = {
    ...{ name: 'SQL transaction per tip', version: '', value: median(rate(naive)) },
    ...{ ratio: pairedRatio(rate(ours), rate(naive)).median, ratioMax: null },
  };
  return [
    {
      ...{ ...throughput, better: 'more', peers: [peer] },
      ...holdAgainst('value', throughput.value, '>=', TIPS_PER_SEC[fsync]),
    },
    { ...cost, better: 'less', ...noPromise },
    { ...p99, better: 'less', ...holdAgainst('value', p99.value, '<=', P99_MS[fsync]) },
  ];
}
