// A reader that stops reading among others that do not: what it loses, what the others notice, what
// it costs the server. Raw uWebSockets publish with the library's own limits shows what happens
// without care.
import { setTimeout as delay } from 'node:timers/promises';
import type { GeneratorCalls, Totals } from '../generator/calls.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { offer } from '../lib/open-loop.js';
import { residentBytes } from '../lib/process-cpu.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf, summarize } from '../lib/statistics.js';
import {
  BENCH_SECRET,
  startGatewayWorker,
  startRealtimeRedis,
  type GatewayWorker,
  type RealtimeRedis,
} from '../servers/gateway-worker.js';
import { startPeer } from '../servers/peer.js';

const ROOM = '7';
const READERS = 40;
const STALLED = 5;
const TEXT_BYTES = 4_000;
const PER_SEC = 200;
/** Others' p99 with stalled readers in the room, against the same room without. */
const P99_RATIO_MAX = 1.1;
const DEADLINE_MS = 30_000;

interface Sample {
  readonly p99Ms: number;
  readonly lost: number;
  /** Sent again after the stall; the protocol lets clients skip them. */
  readonly repeated: number;
  /**
   * Times that a reader saw a later message before an earlier one; its client would have to ask.
   */
  readonly gaps: number;
  readonly grownMb: number;
}

interface Stage {
  readonly redis: RealtimeRedis;
  readonly worker: GatewayWorker;
  readonly generator: NodeChild<GeneratorCalls>;
}

export async function slowReader(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  // More than all kernel buffers on the way (about 6 MB), so that the server has to act, and over
  // before it gives a reader up that takes nothing for 10 s.
  const messages = isQuick ? 2_200 : 2_800;
  const stage = await openGateway(run, messages);
  const kinds = [
    { name: 'calm', stalled: 0 } as const,
    { name: 'stalled', stalled: STALLED } as const,
  ];
  const samples = await interleave(kinds, { rounds, warmUps: 0 }, ({ stalled }) =>
    sample(stage, messages, stalled),
  );
  const [calm = [], stalled = []] = kinds.map((kind) => samples.get(kind));
  const rawLost = await loseWithRaw(run, messages);
  return {
    scenario: 'slow-reader',
    limitedBy: 'pace',
    results: resultsOf(calm, stalled, rawLost),
    notes: [
      `${READERS} readers, ${STALLED} of them stop reading while ${messages} messages of ` +
        `${TEXT_BYTES} B pass ` +
        `at ${PER_SEC}/s, then read on. Lost = not received in the end, per stalled reader.`,
      'All readers decode everything and check the order.',
      `Sent twice to each stalled reader (skipped by its offset): ` +
        `${shortNumber(median(stalled.map((one) => one.repeated)))} messages.`,
      `Jumps ahead that a client would have to mend by a new subscribe: ` +
        `${stalled.reduce((sum, one) => sum + one.gaps, 0)} in all rounds, ` +
        `${calm.reduce((sum, one) => sum + one.gaps, 0)} with nobody stalled.`,
    ],
  };
}

async function openGateway(run: Run, messages: number): Promise<Stage> {
  const redis = await startRealtimeRedis(run, { historyMax: 2 * messages });
  const env = { GATEWAY_HISTORY_MAX: String(2 * messages) };
  const worker = await startGatewayWorker(run, {
    ...{ name: 'gateway-1', redisUrl: redis.server.url, env },
  });
  const generator = startNodeChild<GeneratorCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/main.ts'),
  });
  await generator.call('open', {
    ...{ host: '127.0.0.1', port: worker.port, count: READERS, inFlight: 32, witnesses: READERS },
    setup: {
      ...({ kind: 'gateway', secret: BENCH_SECRET, rooms: [ROOM], isTimed: true } as const),
      ...({ encoding: 'rt1.msgpack', firstUser: 1_000_000 } as const),
    },
  });
  return { redis, worker, generator };
}

async function sample(
  { redis, worker, generator }: Stage,
  messages: number,
  stalled: number,
): Promise<Sample> {
  await generator.call('mark', null);
  if (stalled > 0) await generator.call('pause', { count: stalled });
  const before = residentBytes(worker.pid);
  const text = 'x'.repeat(TEXT_BYTES);
  await offer({ perSec: PER_SEC, count: messages }, (due) =>
    redis.publisher.publish(`room:${ROOM}`, {
      ...{ cls: 'reliable', kind: 'm' },
      body: { from: { id: '1', name: 'anna', role: 'viewer' }, text: `${due} ${text}` },
    }),
  );
  await whenBehind(generator, messages, stalled);
  const grownMb = (residentBytes(worker.pid) - before) / 2 ** 20;
  const { p99 } = summarize([await generator.call('latencies', null)]);
  await generator.call('resume', null);
  const totals = await whenBehind(generator, messages, 0);
  const lost = totals.missingMessages / Math.max(1, stalled);
  const repeated = totals.repeats / Math.max(1, stalled);
  const gaps = totals.faults.length;
  return { p99Ms: p99, lost, repeated, gaps, grownMb };
}

/**
 * Waits until all but `behind` readers have everything. @throws Error when one is closed, or after
 * the deadline
 */
async function whenBehind(
  generator: NodeChild<GeneratorCalls>,
  messages: number,
  behind: number,
): Promise<Totals> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const totals = await generator.call('totals', null);
    const isThere = totals.messages === messages && totals.behind <= behind;
    if (isThere && totals.lost === 0) return totals;
    if (totals.lost > 0 || performance.now() > deadline) {
      throw new Error(`slow reader: ${JSON.stringify({ sent: messages, ...totals })}`);
    }
    await delay(10);
  }
}

/**
 * Messages that each stalled reader never gets from raw publish; its own kernel buffers hold the
 * rest.
 */
async function loseWithRaw(run: Run, messages: number): Promise<number> {
  const args = ['--default-backpressure'];
  const server = await startPeer(run, 'raw-uws', { payloadBytes: TEXT_BYTES, args });
  const generator = startNodeChild<GeneratorCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/main.ts'),
  });
  const { port, setup } = server;
  await generator.call('open', {
    ...{ host: '127.0.0.1', port, setup, count: READERS, inFlight: 32 },
  });
  await generator.call('mark', null);
  await generator.call('pause', { count: STALLED });
  await server.start(PER_SEC / 100, Math.ceil(messages / (PER_SEC / 100)));
  await whenBehind(generator, messages, STALLED);
  await server.halt();
  await generator.call('resume', null);
  await delay(2_000);
  const { missingBytes } = await generator.call('totals', null);
  return missingBytes / TEXT_BYTES / STALLED;
}

function resultsOf(calm: readonly Sample[], stalled: readonly Sample[], rawLost: number): Result[] {
  const lost = stalled.map((one) => one.lost);
  const p99 = stalled.map((one) => one.p99Ms);
  const calmP99 = calm.map((one) => one.p99Ms);
  const ratio = pairedRatio(p99, calmP99);
  const grown = stalled.map((one) => one.grownMb);
  const plain = {
    ceiling: null,
    ratio: null,
    ratioSpread: null,
    peers: [],
    limitedBy: 'pace',
  } as const;
  return [
    {
      ...plain,
      ...{
        name: 'lost by a stalled reader',
        value: median(lost),
        unit: 'messages',
        better: 'less',
      },
      spread: pairOf(spreadOf(lost)),
      peers: [{ name: 'raw uWS publish', version: '', value: rawLost, ratio: 0, ratioMax: null }],
      ...holdAgainst('value', Math.max(...lost), '<=', 0),
    },
    {
      ...plain,
      ...{ name: 'p99 of the others', value: median(p99), unit: 'ms', better: 'less' },
      spread: pairOf(spreadOf(p99)),
      ceiling: { name: 'nobody stalled', value: median(calmP99) },
      ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
      ...holdAgainst('ratio', ratio.median, '<=', P99_RATIO_MAX),
    },
    {
      ...plain,
      ...{ name: 'growth of the server', value: median(grown), unit: 'MB RSS', better: 'less' },
      spread: pairOf(spreadOf(grown)),
      ...noPromise,
    },
  ];
}
