// A worker with thousands of clients is killed, and all come back to another one with their
// positions: at once, without any limit, and with the reference client's pauses under the admission
// control as it is set by default. The ceiling is raw uWebSockets under the same avalanche.
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { preciseNowMs } from '../lib/open-loop.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, pairedRatio, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import type { GeneratorCalls } from '../generator/calls.js';
import type { BroadcastServer } from '../servers/broadcast-server.js';
import {
  BENCH_SECRET,
  startGatewayWorker,
  startRealtimeRedis,
  type GatewayWorker,
  type RealtimeRedis,
} from '../servers/gateway-worker.js';
import { startFloor } from '../servers/peer.js';
import { zeroRow } from './crowd/rows.js';
import { ReturningCrowd, say, type CrowdAccount } from './returns/returning-crowd.js';

const ROOM = '12';
const MISSED = 5;
const WHOLE_MS = 60_000;
const WARMING = 500;
/** Of the design's acceptance list: 95 % back, all back. */
const BACK_P95_MAX_MS = 3_000;
const BACK_ALL_MAX_MS = 8_000;

const kinds = [
  { name: 'at once', firstMs: 0, env: {} },
  // The limits of GATEWAY_CONNECTS_PER_SEC_MAX as every worker has them.
  { name: 'with pauses', firstMs: undefined, env: { GATEWAY_CONNECTS_PER_SEC_MAX: '5000' } },
  { name: 'raw', firstMs: 0, env: {} },
] as const;
type Kind = (typeof kinds)[number];

interface Sample {
  readonly microsPerReturn: number;
  readonly storeMicrosPerReturn: number;
  /** Of each client, ms from the kill to the joined state. */
  readonly backMs: Float64Array;
  /** Until everybody has everything. */
  readonly wholeMs: number;
  readonly account: CrowdAccount | undefined;
}

export async function avalanche(run: Run): Promise<ScenarioReport> {
  const clients = run.options.isQuick ? 600 : 5_000;
  const redis = await startRealtimeRedis(run);
  const stage = await Stage.open(run, redis, clients);
  const rounds = Math.min(3, run.options.rounds);
  // Also tells how large a return is, which the ceiling is to be as well.
  await stage.sample(kinds[0]);
  const samples = await interleave(kinds, { rounds, warmUps: 0 }, (kind) => {
    run.say(`${kind.name}: ${clients} clients`);
    return kind.name === 'raw' ? stage.sampleRaw() : stage.sample(kind);
  });
  const [atOnce = [], paused = [], raw = []] = kinds.map((kind) => samples.get(kind));
  return {
    scenario: 'avalanche',
    limitedBy: 'generator',
    results: rowsOf(atOnce, paused, raw),
    notes: [
      `${clients} clients of one room and a channel of their own; while they are gone ${MISSED} ` +
        'messages pass; every client decodes everything and checks each offset.',
      'The generators share the machine: times until all are back are upper bounds.',
      ...[atOnce, paused].map((list, at) => describe(kinds[at]?.name ?? '', list)),
    ],
  };
}

class Stage {
  private started = 0;
  private worker: GatewayWorker | undefined;
  private floor: Promise<BroadcastServer> | undefined;
  private readonly rawGenerators: readonly NodeChild<GeneratorCalls>[];
  private size = { helloBytes: 0, replyBytes: 0 };

  private constructor(
    private readonly run: Run,
    private readonly redis: RealtimeRedis,
    private readonly crowd: ReturningCrowd,
  ) {
    this.rawGenerators = Array.from({ length: 2 }, () =>
      startNodeChild<GeneratorCalls>(run.scope, {
        entry: run.tree.entry('bench/generator/main.ts'),
      }),
    );
  }

  static async open(run: Run, redis: RealtimeRedis, clients: number): Promise<Stage> {
    const redisUrl = redis.server.url;
    const worker = await startGatewayWorker(run, { name: 'gateway-0', redisUrl });
    await say(redis, ROOM);
    const crowd = await ReturningCrowd.open(run, { clients, room: ROOM, ports: [worker.port] });
    const stage = new Stage(run, redis, crowd);
    stage.worker = worker;
    return stage;
  }

  async sample(kind: Kind): Promise<Sample> {
    const { redis, crowd, run } = this;
    this.started += 1;
    const name = `gateway-${this.started}`;
    const next = await startGatewayWorker(run, {
      ...{ name, redisUrl: redis.server.url, env: kind.env },
    });
    await this.warm(next);
    await crowd.aim([next.port], kind.firstMs);
    await crowd.mark();
    const [before, storeBefore] = [cpuMicros(next.pid), cpuMicros(redis.pid)];
    const began = preciseNowMs();
    await this.worker?.kill();
    this.worker = next;
    let top = 0;
    for (let at = 0; at < MISSED; at += 1) top = await say(redis, ROOM);
    await crowd.whole(top, WHOLE_MS);
    const wholeMs = preciseNowMs() - began;
    const micros = cpuMicros(next.pid) - before;
    const storeMicros = cpuMicros(redis.pid) - storeBefore;
    // And they are live: the next message comes to everybody.
    const last = await say(redis, ROOM);
    await crowd.whole(last, WHOLE_MS);
    const account = await crowd.account(last);
    this.size = account;
    return {
      microsPerReturn: micros / crowd.size,
      storeMicrosPerReturn: storeMicros / crowd.size,
      backMs: account.joinedMs.map((ms) => ms - began),
      ...{ wholeMs, account },
    };
  }

  /** Others have been there before: a worker that takes over has long been compiled. */
  private async warm({ port }: GatewayWorker): Promise<void> {
    const [generator] = this.rawGenerators;
    const setup = {
      ...({ kind: 'gateway', encoding: 'rt1.msgpack', rooms: ['13'] } as const),
      ...{ secret: BENCH_SECRET, hasUserChannel: true, firstUser: 4_000_000 },
    };
    await generator?.call('open', {
      ...{ host: '127.0.0.1', port, setup, count: WARMING, inFlight: 32 },
    });
    await generator?.call('close', null);
  }

  /** The same number of upgrades at once, each with a message and an answer of the same sizes. */
  async sampleRaw(): Promise<Sample> {
    this.floor ??= startFloor(this.run, this.size);
    const { port, pid, setup } = await this.floor;
    const count = this.crowd.size / this.rawGenerators.length;
    const before = cpuMicros(pid);
    const opened = await Promise.all(
      this.rawGenerators.map((one) =>
        one.call('open', { ...{ host: '127.0.0.1', port, setup, count, inFlight: count } }),
      ),
    );
    const micros = cpuMicros(pid) - before;
    await Promise.all(this.rawGenerators.map((one) => one.call('close', null)));
    const wholeMs = Math.max(...opened.map(({ ms }) => ms));
    return {
      microsPerReturn: micros / this.crowd.size,
      ...{ storeMicrosPerReturn: 0, backMs: new Float64Array(), wholeMs, account: undefined },
    };
  }
}

function rowsOf(
  atOnce: readonly Sample[],
  paused: readonly Sample[],
  raw: readonly Sample[],
): Result[] {
  const gateway = [...atOnce, ...paused];
  const count = (of: (account: CrowdAccount) => number): number[] =>
    gateway.flatMap(({ account }) => (account === undefined ? [] : [of(account)]));
  const row = (name: string, unit: string, list: readonly Sample[], of: Pick): Result => {
    const values = list.map(of);
    return {
      ...{ name, unit, value: median(values), better: 'less', ...noPromise },
      limitedBy: unit === 'ms' ? 'generator' : 'server',
      spread: pairOf(spreadOf(values)),
      ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [] },
    };
  };
  const against = (one: Result, list: readonly Sample[], of: Pick): Result => {
    const ratio = pairedRatio(list.map(of), raw.map(of));
    const ceiling = { name: 'raw uWS upgrade + one message', value: median(raw.map(of)) };
    return { ...one, ceiling, ratio: ratio.median, ratioSpread: pairOf(ratio) };
  };
  const rank = (percent: number): Pick => {
    return ({ backMs }) => percentile(backMs, percent);
  };
  const backP95 = row('with pauses: 95 % back', 'ms', paused, rank(95));
  const backAll = row('with pauses: all back', 'ms', paused, rank(100));
  return [
    zeroRow(
      'never shown',
      count(({ lost }) => lost),
    ),
    zeroRow(
      'shown out of order',
      count(({ disordered }) => disordered),
    ),
    zeroRow(
      'not continued from its position',
      count(({ unrecovered }) => unrecovered),
    ),
    against(row('at once: server', 'µs CPU / return', atOnce, cpu), atOnce, cpu),
    against(row('at once: all whole', 'ms', atOnce, whole), atOnce, whole),
    row('with pauses: server', 'µs CPU / return', paused, cpu),
    { ...backP95, ...holdAgainst('value', backP95.spread[1], '<=', BACK_P95_MAX_MS) },
    { ...backAll, ...holdAgainst('value', backAll.spread[1], '<=', BACK_ALL_MAX_MS) },
  ];
}

type Pick = (sample: Sample) => number;
const cpu: Pick = ({ microsPerReturn }) => microsPerReturn;
const whole: Pick = ({ wholeMs }) => wholeMs;

function describe(name: string, list: readonly Sample[]): string {
  const middle = (of: Pick): string => shortNumber(median(list.map(of)));
  return (
    `${name}: handshakes refused with 503: ${middle(({ account }) => account?.refused ?? 0)}, ` +
    `failed otherwise: ${middle(({ account }) => account?.failed ?? 0)}; Redis: ` +
    `${middle(({ storeMicrosPerReturn }) => storeMicrosPerReturn)} µs CPU per return; connect and ` +
    `answer: ${middle(({ account }) => account?.helloBytes ?? 0)} and ` +
    `${middle(({ account }) => account?.replyBytes ?? 0)} B; back p50 ` +
    `${middle(({ backMs }) => percentile(backMs, 50))} ms.`
  );
}
