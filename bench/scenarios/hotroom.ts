// A hot room: its subscribers on two workers, 100 messages a second through Redis, offered
// open-loop: each message is stamped with the moment when it was due, whether or not it could be
// sent then. Latency is from that moment to the reader; raw samples of readers all over the room
// are merged.
import { setTimeout as delay } from 'node:timers/promises';
import type { GeneratorCalls, Totals } from '../generator/calls.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { offer } from '../lib/open-loop.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { holdAgainst, noPromise, pairOf, type Limit, type Result } from '../lib/result.js';
import type { ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import {
  median,
  shortNumber,
  spreadOf,
  summarize,
  type LatencySummary,
} from '../lib/statistics.js';
import {
  BENCH_SECRET,
  startGatewayWorker,
  startRealtimeRedis,
  type GatewayWorker,
  type RealtimeRedis,
} from '../servers/gateway-worker.js';

const ROOM = '7';
const PER_SEC = 100;
const WITNESSES = 25;
const P99_MAX_MS = 120;
const SETTLE_MS = 15_000;
/** More than this of all cores in use: the machine, not the gateway, sets the latency. */
const CROWDED = 0.9;

interface Side {
  readonly worker: GatewayWorker;
  readonly generator: NodeChild<GeneratorCalls>;
}

interface Sample {
  readonly latency: LatencySummary;
  readonly framesPerMessage: number;
  readonly workerLoad: number;
  readonly generatorLoad: number;
  readonly redisLoad: number;
}

export async function hotroom(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const subscribers = isQuick ? 400 : 4_000;
  const redis = await startRealtimeRedis(run);
  const sides: Side[] = [];
  for (const at of [1, 2]) sides.push(await openSide(run, redis, at, subscribers / 2));
  run.say(`${subscribers} subscribers on 2 workers`);
  const ms = isQuick ? 3_000 : 15_000;
  const samples = await interleave([{ name: 'hotroom' }], { rounds, warmUps: 1 }, () =>
    sample(redis, sides, ms),
  );
  const all = [...samples.values()].flat();
  const limitedBy = limitOf(run, all);
  const middle = (pick: (one: Sample) => number): string => shortNumber(median(all.map(pick)));
  return {
    scenario: 'hotroom',
    limitedBy,
    results: (['p50', 'p95', 'p99', 'max'] as const).map((name) => row(name, all, limitedBy)),
    notes: [
      `${subscribers} subscribers on 2 workers, ${PER_SEC} messages/s for ${ms / 1_000} s a round.`,
      `In order and complete at ${2 * WITNESSES} decoding readers; all others got the same bytes.`,
      `Frames per message: ${middle((one) => one.framesPerMessage)}; load of a core: workers ` +
        `${middle((one) => one.workerLoad * 100)} %, generators ` +
        `${middle((one) => one.generatorLoad * 100)} %, ` +
        `Redis ${middle((one) => one.redisLoad * 100)} %.`,
    ],
  };
}

async function openSide(run: Run, redis: RealtimeRedis, at: number, count: number): Promise<Side> {
  const worker = await startGatewayWorker(run, {
    ...{ name: `gateway-${at}`, redisUrl: redis.server.url },
  });
  const generator = startNodeChild<GeneratorCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/main.ts'),
    execArgv: ['--max-semi-space-size=64'],
  });
  const setup = {
    ...({ kind: 'gateway', secret: BENCH_SECRET, rooms: [ROOM], isTimed: true } as const),
    ...({ encoding: 'rt1.msgpack', firstUser: at * 1_000_000 } as const),
  };
  await generator.call('open', {
    ...{ host: '127.0.0.1', port: worker.port, setup, count, inFlight: 64, witnesses: WITNESSES },
  });
  return { worker, generator };
}

async function sample(redis: RealtimeRedis, sides: readonly Side[], ms: number): Promise<Sample> {
  for (const { generator } of sides) await generator.call('mark', null);
  const pids = [...sides.map(({ worker }) => worker.pid), redis.pid];
  const before = pids.map(cpuMicros);
  const started = performance.now();
  const messages = Math.floor((ms / 1_000) * PER_SEC);
  await offer({ perSec: PER_SEC, count: messages }, (due) => {
    const body = { from: { id: '1', name: 'anna', role: 'viewer' }, text: `${due} hello there` };
    return redis.publisher.publish(`room:${ROOM}`, { cls: 'reliable', kind: 'm', body });
  });
  const totals: Totals[] = [];
  for (const { generator } of sides) totals.push(await settled(generator, messages));
  const wallMicros = (performance.now() - started) * 1_000;
  const used = pids.map((pid, at) => cpuMicros(pid) - (before[at] ?? 0));
  const lists = await Promise.all(sides.map(({ generator }) => generator.call('latencies', null)));
  return {
    latency: summarize(lists),
    framesPerMessage: median(totals.map((one) => one.witnessFrames / messages)),
    workerLoad: ((used[0] ?? 0) + (used[1] ?? 0)) / wallMicros,
    redisLoad: (used[2] ?? 0) / wallMicros,
    generatorLoad: totals.reduce((sum, one) => sum + one.cpuMicros, 0) / wallMicros,
  };
}

async function settled(generator: NodeChild<GeneratorCalls>, messages: number): Promise<Totals> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const totals = await generator.call('totals', null);
    const isWhole = totals.messages === messages && totals.behind === 0;
    if (isWhole && totals.lost === 0 && totals.faults.length === 0) return totals;
    if (performance.now() > deadline || totals.messages > messages || totals.faults.length > 0) {
      throw new Error(`not all arrived in order: ${JSON.stringify({ sent: messages, ...totals })}`);
    }
    await delay(5);
  }
}

function limitOf(run: Run, samples: readonly Sample[]): Limit {
  const loads = samples.map((one) => one.workerLoad + one.generatorLoad + one.redisLoad);
  return median(loads) > CROWDED * run.cores ? 'generator' : 'pace';
}

function row(
  name: 'p50' | 'p95' | 'p99' | 'max',
  samples: readonly Sample[],
  limitedBy: Limit,
): Result {
  const values = samples.map(({ latency }) => latency[name]);
  return {
    ...{ name: `publish to reader, ${name}`, value: median(values), unit: 'ms', better: 'less' },
    ...{ spread: pairOf(spreadOf(values)), ceiling: null, ratio: null, ratioSpread: null },
    ...{ peers: [], limitedBy },
    ...(name === 'p99' ? holdAgainst('value', median(values), '<=', P99_MAX_MS) : noPromise),
  };
}
