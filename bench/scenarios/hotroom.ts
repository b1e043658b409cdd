// Rooms whose subscribers are on two workers, messages through Redis, offered open-loop: each
// message is stamped with the moment when it was due, whether or not it could be sent then. Latency
// is from that moment to the reader; raw samples of readers all over the room are merged. One room
// after the other: the hot one, a smaller one, and a huge one in which little is said.
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

const WITNESSES = 25;
const SETTLE_MS = 15_000;
/** More than this of all cores in use: the machine, not the gateway, sets the latency. */
const CROWDED = 0.9;

const QUANTILES = ['p50', 'p95', 'p99', 'max'] as const;
type Quantile = (typeof QUANTILES)[number];

interface Point {
  readonly room: string;
  readonly subscribers: number;
  /** Messages. */
  readonly perSec: number;
  readonly ms: number;
  /** What is promised, ms. */
  readonly most: Readonly<Partial<Record<Quantile, number>>>;
}

const POINTS: readonly Point[] = [
  { room: '7', subscribers: 4_000, perSec: 100, ms: 12_000, most: { p50: 40, p99: 120 } },
  { room: '8', subscribers: 1_000, perSec: 100, ms: 6_000, most: { p50: 15, p99: 50 } },
  { room: '9', subscribers: 10_000, perSec: 2, ms: 8_000, most: { p99: 150 } },
];
/** How much smaller the rooms of a quick run are. */
const QUICK = 10;

interface Room extends Point {
  readonly name: string;
  readonly workers: readonly GatewayWorker[];
  /** The readers at each worker. */
  readonly generators: readonly NodeChild<GeneratorCalls>[];
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
  const redis = await startRealtimeRedis(run);
  const results: Result[] = [];
  const notes: string[] = [];
  const limits: Limit[] = [];
  for (const point of POINTS) {
    const size = isQuick ? { subscribers: point.subscribers / QUICK, ms: 3_000 } : {};
    const room = await openRoom(run, redis, { ...point, ...size });
    run.say(`${room.subscribers} subscribers on 2 workers`);
    const samples = await interleave([room], { rounds, warmUps: 1 }, () => sample(redis, room));
    await closeRoom(room);
    const all = [...samples.values()].flat();
    const limitedBy = limitOf(run, all);
    limits.push(limitedBy);
    results.push(...QUANTILES.map((name) => row(room, name, all, limitedBy)));
    notes.push(noteOf(room, all));
  }
  return {
    scenario: 'hotroom',
    limitedBy: limits[0] ?? 'pace',
    results,
    notes: [
      `In order and complete at ${2 * WITNESSES} decoding readers of each room; all others got the ` +
        'same bytes. One room after the other, each on two new workers.',
      ...notes,
    ],
  };
}

async function closeRoom({ workers, generators }: Room): Promise<void> {
  await Promise.all(generators.map((one) => one.stop()));
  await Promise.all(workers.map((one) => one.stop()));
}

function noteOf(room: Room, all: readonly Sample[]): string {
  const middle = (pick: (one: Sample) => number): string => shortNumber(median(all.map(pick)));
  return (
    `${room.name}, ${room.ms / 1_000} s a round: frames per message ` +
    `${middle((one) => one.framesPerMessage)}; load of a core: workers ` +
    `${middle((one) => one.workerLoad * 100)} %, generators ` +
    `${middle((one) => one.generatorLoad * 100)} %, Redis ` +
    `${middle((one) => one.redisLoad * 100)} %.`
  );
}

async function openRoom(run: Run, redis: RealtimeRedis, point: Point): Promise<Room> {
  const workers: GatewayWorker[] = [];
  const generators: NodeChild<GeneratorCalls>[] = [];
  for (const at of [0, 1]) {
    const worker = await startGatewayWorker(run, {
      ...{ name: `gateway-${point.room}-${at}`, redisUrl: redis.server.url },
    });
    const generator = startNodeChild<GeneratorCalls>(run.scope, {
      entry: run.tree.entry('bench/generator/main.ts'),
      execArgv: ['--max-semi-space-size=64'],
    });
    const firstUser = (2 * Number(point.room) + at) * 1_000_000;
    const setup = {
      ...({ kind: 'gateway', secret: BENCH_SECRET, rooms: [point.room], isTimed: true } as const),
      ...({ encoding: 'rt1.msgpack', firstUser } as const),
    };
    const count = point.subscribers / 2;
    const { port } = worker;
    await generator.call('open', {
      ...{ host: '127.0.0.1', port, setup, count, inFlight: 64, witnesses: WITNESSES },
    });
    workers.push(worker);
    generators.push(generator);
  }
  const name = `${point.subscribers} subscribers, ${point.perSec}/s`;
  return { ...point, name, workers, generators };
}

async function sample(redis: RealtimeRedis, room: Room): Promise<Sample> {
  const { workers, generators, perSec, ms } = room;
  for (const generator of generators) await generator.call('mark', null);
  const pids = [redis.pid, ...workers.map(({ pid }) => pid)];
  const before = pids.map(cpuMicros);
  const started = performance.now();
  const messages = Math.floor((ms / 1_000) * perSec);
  await offer({ perSec, count: messages }, (due) => {
    const body = { from: { id: '1', name: 'anna', role: 'viewer' }, text: `${due} hello there` };
    return redis.publisher.publish(`room:${room.room}`, { cls: 'reliable', kind: 'm', body });
  });
  const totals: Totals[] = [];
  for (const generator of generators) totals.push(await settled(generator, messages));
  const wallMicros = (performance.now() - started) * 1_000;
  const [ofRedis = 0, ...ofWorkers] = pids.map((pid, at) => cpuMicros(pid) - (before[at] ?? 0));
  const lists = await Promise.all(generators.map((one) => one.call('latencies', null)));
  return {
    latency: summarize(lists),
    framesPerMessage: median(totals.map((one) => one.witnessFrames / messages)),
    workerLoad: sum(ofWorkers) / wallMicros,
    redisLoad: ofRedis / wallMicros,
    generatorLoad: sum(totals.map((one) => one.cpuMicros)) / wallMicros,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Resolves when every reader has all. @throws Error when one has not in time, or has something else
 */
export async function settled(
  generator: NodeChild<GeneratorCalls>,
  messages: number,
): Promise<Totals> {
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

function row(room: Room, name: Quantile, samples: readonly Sample[], limitedBy: Limit): Result {
  const values = samples.map(({ latency }) => latency[name]);
  const most = room.most[name];
  return {
    ...{ name: `${room.name}, ${name}`, value: median(values), unit: 'ms', better: 'less' },
    ...{ spread: pairOf(spreadOf(values)), ceiling: null, ratio: null, ratioSpread: null },
    ...{ peers: [], limitedBy },
    ...(most === undefined ? noPromise : holdAgainst('value', median(values), '<=', most)),
  };
}
