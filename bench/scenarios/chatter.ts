// Many small rooms in which the viewers themselves talk: messages are published by clients, half of
// each room is on another node, and everybody in the room has to get every message. Offered
// open-loop; latency is from the moment when a message was due to a reader, and to the last one.
import { seededRandom } from '../../cluster/testing/index.js';
import type { GeneratorCalls } from '../generator/calls.js';
import type { DialectSetup } from '../generator/dialects.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { holdAgainst, noPromise, pairOf } from '../lib/result.js';
import type { Limit, Peer, Result, ScenarioReport } from '../lib/result.js';
import { isWanted, type Run } from '../lib/run-context.js';
import {
  median,
  pairedRatio,
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
} from '../servers/gateway-worker.js';
import { startTwoPeers } from '../servers/two-nodes.js';
import { settled } from './hotroom.js';

const ROOMS = Array.from({ length: 10 }, (_, at) => String(31 + at));
const READERS_PER_ROOM = 100;
const READERS = ROOMS.length * READERS_PER_ROOM;
/** Of one room. Below its cap (20), and a user's turn comes every 12.5 s (the rate allows 1.5). */
const PER_SEC = 8;
const ROUND_MS = 3_000;
const ROUND_QUICK_MS = 1_000;
const P99_MAX_MS = 25;
/** More than this of all cores in use: the machine, not the server, sets the latency. */
const CROWDED = 0.9;
const PEER = 'socket.io-uws';

interface Hall {
  readonly name: string;
  readonly version: string;
  /** All nodes give the messages of a room in one order. */
  readonly isOrdered: boolean;
  readonly generator: NodeChild<GeneratorCalls>;
  readonly serverPids: readonly number[];
  readonly redisPid: number;
  /** Readers in the order in which they speak; rounds go on where the one before has ended. */
  readonly turns: readonly number[];
  said: number;
}

interface Sample {
  readonly atReader: LatencySummary;
  /** Null where nodes may differ in the order of messages. */
  readonly atLast: LatencySummary | null;
  readonly serverLoad: number;
  readonly generatorLoad: number;
  readonly redisLoad: number;
}

export async function chatter(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const ms = isQuick ? ROUND_QUICK_MS : ROUND_MS;
  const turns = turnsOf(run);
  const gateway = await openGateway(run, turns);
  const halls = [gateway, ...(isWanted(run, PEER) ? [await openPeer(run, turns)] : [])];
  run.say(`${READERS} users in ${ROOMS.length} rooms on 2 nodes`);
  const samples = await interleave(halls, { rounds, warmUps: 1 }, (hall) => sample(hall, ms));
  const ours = samples.get(gateway) ?? [];
  const peers = halls.slice(1).map((hall) => ({ hall, samples: samples.get(hall) ?? [] }));
  const limitedBy = limitOf(run, ours);
  return {
    scenario: 'chatter',
    limitedBy,
    results: [...readerRows(ours, peers, limitedBy), ...lastRows(ours, limitedBy)],
    notes: [
      `${PER_SEC} messages/s in each room, ${(ms * PER_SEC * ROOMS.length) / 1_000} a round, said by ` +
        'the users in turn; half of each room on each node.',
      'All readers decode: each got every message of its room once and in order (peers: once).',
      ...[...samples].map(([{ name }, list]) => loadsOf(name, list)),
    ],
  };
}

/** Message by message the next room, and in each room the users in an order of its own. */
function turnsOf(run: Run): number[] {
  const random = seededRandom(run.scope);
  const places = Array.from({ length: READERS_PER_ROOM }, (_, place) => place);
  const orders = ROOMS.map(() => random.shuffle(places));
  return places.flatMap((place) =>
    orders.map((order, room) => (order[place] ?? 0) * ROOMS.length + room),
  );
}

async function openGateway(run: Run, turns: readonly number[]): Promise<Hall> {
  const redis = await startRealtimeRedis(run);
  const start = (name: string): Promise<GatewayWorker> =>
    startGatewayWorker(run, { name, redisUrl: redis.server.url });
  const workers = [await start('gateway-1'), await start('gateway-2')];
  const generator = await openReaders(run, workers, {
    ...({ kind: 'gateway', secret: BENCH_SECRET, rooms: ROOMS, isOneRoomEach: true } as const),
    ...({ isTimed: true, encoding: 'rt1.msgpack', firstUser: 1_000_000 } as const),
  });
  return {
    ...{ name: 'Showbill', version: '', isOrdered: true, redisPid: redis.pid },
    ...{ generator, turns, said: 0 },
    serverPids: workers.map(({ pid }) => pid),
  };
}

async function openPeer(run: Run, turns: readonly number[]): Promise<Hall> {
  const first = await startTwoPeers(run, PEER, ['--rooms']);
  const nodes = [first, ...(first.otherNodes ?? [])];
  const generator = await openReaders(run, nodes, { kind: 'socket.io', rooms: ROOMS });
  return {
    ...{ name: first.name, version: first.version, isOrdered: false },
    ...{ generator, turns, said: 0 },
    ...{ serverPids: nodes.map(({ pid }) => pid), redisPid: first.storePid ?? first.pid },
  };
}

/** The first half of the readers on the first node: of each room as many on both. */
async function openReaders(
  run: Run,
  nodes: readonly { readonly port: number }[],
  setup: DialectSetup,
): Promise<NodeChild<GeneratorCalls>> {
  const generator = startNodeChild<GeneratorCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/main.ts'),
    execArgv: ['--max-semi-space-size=64'],
  });
  const [port = 0, ...morePorts] = nodes.map((node) => node.port);
  await generator.call('open', {
    ...{ host: '127.0.0.1', port, morePorts, setup, inFlight: 64 },
    ...{ count: READERS, witnesses: READERS },
  });
  return generator;
}

async function sample(hall: Hall, ms: number): Promise<Sample> {
  const { generator, turns } = hall;
  const perRoom = Math.round((ms / 1_000) * PER_SEC);
  const speakers = Array.from(
    { length: perRoom * ROOMS.length },
    (_, at) => turns[(hall.said + at) % turns.length] ?? 0,
  );
  hall.said += speakers.length;
  await generator.call('mark', null);
  const pids = [hall.redisPid, ...hall.serverPids];
  const before = pids.map(cpuMicros);
  const started = performance.now();
  await generator.call('say', { perSec: PER_SEC * ROOMS.length, speakers });
  const totals = await settled(generator, perRoom);
  if (totals.repeats > 0) throw new Error(`${hall.name}: ${totals.repeats} came twice`);
  const wallMicros = (performance.now() - started) * 1_000;
  const [ofRedis = 0, ...ofServers] = pids.map((pid, at) => cpuMicros(pid) - (before[at] ?? 0));
  const latencies = await generator.call('latencies', null);
  if (latencies.length !== READERS * perRoom) throw new Error(`${hall.name}: not all was timed`);
  return {
    atReader: summarize([latencies]),
    atLast: hall.isOrdered ? summarize([slowest(latencies, perRoom)]) : null,
    serverLoad: ofServers.reduce((sum, micros) => sum + micros, 0) / wallMicros,
    redisLoad: ofRedis / wallMicros,
    generatorLoad: totals.cpuMicros / wallMicros,
  };
}

/** Of each message of each room, how long it took to the last reader of the room. */
function slowest(latencies: Float64Array, perRoom: number): Float64Array {
  const last = new Float64Array(perRoom * ROOMS.length);
  latencies.forEach((latency, at) => {
    const room = Math.floor(at / perRoom) % ROOMS.length;
    const message = room * perRoom + (at % perRoom);
    last[message] = Math.max(last[message] ?? 0, latency);
  });
  return last;
}

function limitOf(run: Run, samples: readonly Sample[]): Limit {
  const loads = samples.map((one) => one.serverLoad + one.generatorLoad + one.redisLoad);
  return median(loads) > CROWDED * run.cores ? 'generator' : 'pace';
}

function readerRows(
  ours: readonly Sample[],
  peers: readonly { readonly hall: Hall; readonly samples: readonly Sample[] }[],
  limitedBy: Limit,
): Result[] {
  return (['p50', 'p99', 'max'] as const).map((name) => {
    const values = ours.map(({ atReader }) => atReader[name]);
    const rivals = peers.map(({ hall, samples }): Peer => {
      const theirs = samples.map(({ atReader }) => atReader[name]);
      return {
        ...{ name: hall.name, version: hall.version, value: median(theirs) },
        ...{ ratio: pairedRatio(values, theirs).median, ratioMax: null },
      };
    });
    return {
      ...rowOf(`due → a reader, ${name}`, values, limitedBy),
      ...{ peers: rivals },
      ...(name === 'p99' ? holdAgainst('value', median(values), '<=', P99_MAX_MS) : noPromise),
    };
  });
}

function lastRows(ours: readonly Sample[], limitedBy: Limit): Result[] {
  const all = ours.flatMap(({ atLast }) => (atLast === null ? [] : [atLast]));
  return (['p50', 'p99'] as const).map((name) =>
    rowOf(
      `due → the last reader of the room, ${name}`,
      all.map((one) => one[name]),
      limitedBy,
    ),
  );
}

function rowOf(name: string, values: readonly number[], limitedBy: Limit): Result {
  return {
    ...{ name, value: median(values), unit: 'ms', better: 'less', peers: [], limitedBy },
    ...{ spread: pairOf(spreadOf(values)), ceiling: null, ratio: null, ratioSpread: null },
    ...noPromise,
  };
}

function loadsOf(name: string, samples: readonly Sample[]): string {
  const middle = (pick: (one: Sample) => number): string => shortNumber(median(samples.map(pick)));
  return (
    `${name}: load of a core: both nodes ${middle((one) => one.serverLoad * 100)} %, generator ` +
    `${middle((one) => one.generatorLoad * 100)} %, Redis ${middle((one) => one.redisLoad * 100)} %.`
  );
}
