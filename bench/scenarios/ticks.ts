// Charging: proofs of life per second through the real engine, one Redis, 64 shards, AOF everysec
// and always, beside the least Lua that does the same reads and writes (the ceiling), one call per
// session, and one SQL transaction per charge (the floor). Afterwards every wallet must have
// exactly what is due.
import { closeRedis, connectRedis, type RedisClient } from '../../cluster/index.js';
import { silentLog, startRedis } from '../../cluster/testing/index.js';
import { redisPid } from '../servers/gateway-worker.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { commandTimes, resetCommandTimes } from '../lib/redis-stats.js';
import { holdAgainst, noPromise, pairOf, type Limit, type Result } from '../lib/result.js';
import type { ScenarioReport } from '../lib/result.js';
import { serverFlags, type Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import type { DriverCalls, TickMode } from './ticks/calls.js';
import { startSqlFloor, type SqlFloor } from './ticks/sql-floor.js';
import { BATCH_MAX } from '../testing/billing-engine.js';

type Fsync = 'everysec' | 'always';

const SHARE_OF_CEILING = 0.5;
const SCRIPT_P99_MS = 2;
/** Above this share of a core a process is what limits. */
const BUSY = 0.85;
const IN_FLIGHT: Readonly<Record<TickMode, number>> = { engine: 4, bare: 4, single: 64 };

interface Sample {
  readonly ticksPerSec: number;
  readonly scriptP50Ms: number;
  readonly scriptP99Ms: number;
  readonly microsPerTick: number;
  readonly redisLoad: number;
  readonly driverLoad: number;
}

interface Stage {
  readonly fsync: Fsync;
  readonly driver: NodeChild<DriverCalls>;
  readonly redis: RedisClient;
  readonly redisPid: number;
}

export async function ticks(run: Run): Promise<ScenarioReport> {
  const { isQuick } = run.options;
  const sessions = isQuick ? 10_000 : 100_000;
  const floor = await startSqlFloor(run);
  const results: Result[] = [];
  const notes: string[] = [
    `${sessions.toLocaleString('en-US')} open sessions in 64 shards, ${BATCH_MAX} per call, 10 s ` +
      'a tick; the ceiling is a script with the same reads and writes and no rules ' +
      '(lua/bare-touch.lua).',
    'Floor: GET, SET and one SQL transaction per charge, 8 connections, log flushed once a second.',
  ];
  for (const fsync of ['everysec', 'always'] as const) {
    const stage = await prepare(run, fsync, sessions);
    results.push(...(await measure(run, stage, floor, notes)));
    const { wallets, mismatches } = await stage.driver.call('verify', null);
    if (mismatches.length > 0) throw new Error(`${fsync}: ${mismatches.join('; ')}`);
    notes.push(`AOF ${fsync}: ${wallets} wallets compared with what is due, 0 mismatches.`);
    await stage.driver.stop();
  }
  const limitedBy = results.find((one) => one.limitedBy !== 'redis')?.limitedBy ?? 'redis';
  return { scenario: 'ticks', limitedBy, results, notes };
}

async function prepare(run: Run, fsync: Fsync, sessions: number): Promise<Stage> {
  const server = await startRedis(run.scope, { appendFsync: fsync });
  const redis = await connectRedis(server.url, { role: 'command', name: 'bench', log: silentLog });
  run.scope.teardown(() => closeRedis(redis));
  const driver = startNodeChild<DriverCalls>(run.scope, {
    entry: run.tree.entry('bench/scenarios/ticks/driver.ts'),
    execArgv: serverFlags(run, `ticks-${fsync}`),
  });
  const { ms } = await driver.call('prepare', { redisUrl: server.url, sessions });
  run.say(`AOF ${fsync}: ${sessions} sessions opened in ${shortNumber(ms / 1_000)} s`);
  return { fsync, driver, redis, redisPid: await redisPid(redis) };
}

interface Mode {
  readonly name: TickMode | 'floor';
}

async function measure(
  run: Run,
  stage: Stage,
  floor: SqlFloor,
  notes: string[],
): Promise<Result[]> {
  const { isQuick, rounds } = run.options;
  const modes: Mode[] = [
    { name: 'engine' },
    { name: 'bare' },
    { name: 'single' },
    { name: 'floor' },
  ];
  const ms = isQuick ? 500 : 2_500;
  const samples = await interleave(modes, { rounds, warmUps: 1 }, ({ name }) =>
    name === 'floor'
      ? sampleFloor(stage, floor, isQuick ? 200 : 500)
      : sample(stage, name, name === 'single' ? ms / 2 : ms),
  );
  const [engine = [], bare = [], single = [], sql = []] = modes.map((mode) => samples.get(mode));
  notes.push(describe(stage.fsync, 'engine', engine), describe(stage.fsync, 'bare script', bare));
  return resultsOf(stage.fsync, { engine, bare, single, sql });
}

async function sample(stage: Stage, mode: TickMode, ms: number): Promise<Sample> {
  await resetCommandTimes(stage.redis);
  const before = cpuMicros(stage.redisPid);
  const done = await stage.driver.call('run', { mode, ms, inFlight: IN_FLIGHT[mode] });
  const redisMicros = cpuMicros(stage.redisPid) - before;
  const times = await commandTimes(stage.redis, 'evalsha');
  return {
    ticksPerSec: (done.ticks / done.ms) * 1_000,
    scriptP50Ms: times.p50Micros / 1_000,
    scriptP99Ms: times.p99Micros / 1_000,
    microsPerTick: redisMicros / done.ticks,
    redisLoad: redisMicros / 1_000 / done.ms,
    driverLoad: done.driverMicros / 1_000 / done.ms,
  };
}

async function sampleFloor(stage: Stage, floor: SqlFloor, ticks: number): Promise<Sample> {
  const ticksPerSec = await floor.measure(stage.redis, ticks);
  const none = { scriptP50Ms: 0, scriptP99Ms: 0, microsPerTick: 0 };
  return { ticksPerSec, ...none, redisLoad: 0, driverLoad: 0 };
}

function resultsOf(
  fsync: Fsync,
  { engine, bare, single, sql }: Record<'engine' | 'bare' | 'single' | 'sql', readonly Sample[]>,
): Result[] {
  const rate = (samples: readonly Sample[]): number[] => samples.map((one) => one.ticksPerSec);
  const ours = rate(engine);
  const ratio = pairedRatio(ours, rate(bare));
  const peer = (name: string, samples: readonly Sample[]) => ({
    ...{ name, version: '', value: median(rate(samples)), ratioMax: null },
    ratio: pairedRatio(ours, rate(samples)).median,
  });
  const limitedBy = limitOf(engine);
  const throughput: Result = {
    ...{ name: `touch, AOF ${fsync}`, value: median(ours), unit: 'ticks/s', better: 'more' },
    ...{ spread: pairOf(spreadOf(ours)), limitedBy },
    ceiling: { name: 'bare script', value: median(rate(bare)) },
    ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
    peers: [peer('one session per call', single), peer('SQL transaction per tick', sql)],
    ...holdAgainst('ratio', ratio.median, '>=', SHARE_OF_CEILING),
  };
  const perTick = (samples: readonly Sample[]): number[] => samples.map((one) => one.microsPerTick);
  const cost: Result = {
    ...{ name: `Redis CPU per tick, AOF ${fsync}`, value: median(perTick(engine)), unit: 'µs' },
    ...{ better: 'less', spread: pairOf(spreadOf(perTick(engine))), limitedBy: 'redis', peers: [] },
    ceiling: { name: 'bare script', value: median(perTick(bare)) },
    ratio: pairedRatio(perTick(engine), perTick(bare)).median,
    ratioSpread: pairOf(pairedRatio(perTick(engine), perTick(bare))),
    ...noPromise,
  };
  const p99 = engine.map((one) => one.scriptP99Ms);
  return [
    throughput,
    cost,
    scriptTime(`script p50, AOF ${fsync}`, engine, bare, (one) => one.scriptP50Ms),
    {
      ...scriptTime(`script p99, AOF ${fsync}`, engine, bare, (one) => one.scriptP99Ms),
      ...holdAgainst('value', median(p99), '<=', SCRIPT_P99_MS),
    },
  ];
}

/** Time that one call keeps all other commands of the server waiting. */
function scriptTime(
  name: string,
  engine: readonly Sample[],
  bare: readonly Sample[],
  pick: (sample: Sample) => number,
): Result {
  const ours = engine.map(pick);
  const ratio = pairedRatio(ours, bare.map(pick));
  return {
    ...{ name, value: median(ours), unit: 'ms', better: 'less', limitedBy: 'redis' },
    spread: pairOf(spreadOf(ours)),
    ceiling: { name: 'bare script', value: median(bare.map(pick)) },
    ...{ ratio: ratio.median, ratioSpread: pairOf(ratio), peers: [] },
    ...noPromise,
  };
}

function limitOf(samples: readonly Sample[]): Limit {
  if (median(samples.map((one) => one.redisLoad)) >= BUSY) return 'redis';
  return median(samples.map((one) => one.driverLoad)) >= BUSY ? 'generator' : 'machine';
}

function describe(fsync: Fsync, name: string, samples: readonly Sample[]): string {
  const middle = (pick: (one: Sample) => number): string => shortNumber(median(samples.map(pick)));
  return (
    `AOF ${fsync}, ${name}: ${middle((one) => one.microsPerTick)} µs Redis CPU per tick, ` +
    `Redis ${middle((one) => one.redisLoad * 100)} %, ` +
    `driver ${middle((one) => one.driverLoad * 100)} % of a core`
  );
}
