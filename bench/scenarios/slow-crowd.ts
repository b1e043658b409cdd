// A thousand readers that stop reading beside healthy ones: what they have in the end, what the
// healthy ones notice, what it costs the server. All are clients that come back with their position
// when the server gives them up.
import { interleave } from '../lib/interleave.js';
import { residentBytes } from '../lib/process-cpu.js';
import { offer } from '../lib/open-loop.js';
import { hasSmallBuffers } from '../lib/own-network.js';
import {
  holdAgainst,
  noPromise,
  pairOf,
  type Limit,
  type Result,
  type ScenarioReport,
} from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, pairedRatio, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import { startGatewayWorker, startRealtimeRedis } from '../servers/gateway-worker.js';
import { zeroRow } from './crowd/rows.js';
import { ReturningCrowd, say, type CrowdAccount } from './returns/returning-crowd.js';

const ROOM = '14';
const HEALTHY = 100;
/** A rate that one core carries also while a thousand more still take everything. */
const PER_SEC = 100;
const TEXT_BYTES = 2_000;
/**
 * Five times what the buffers of a stalled reader hold and twice the ring; over before the server
 * gives up who takes nothing for 10 s.
 */
const MESSAGES = 600;
const WHOLE_MS = 120_000;
/** What the server keeps for a stalled reader, beside the kernel. */
const GROWTH_MAX_KB = 2_048;

interface Pass {
  readonly healthy: CrowdAccount;
  readonly stalled: CrowdAccount | undefined;
  readonly grownKb: number;
  /** From reading on to having everything, ms. */
  readonly mendedMs: number;
}

export async function slowCrowd(run: Run): Promise<ScenarioReport> {
  const count = run.options.isQuick ? 100 : 1_000;
  const historyMax = 4 * MESSAGES;
  const redis = await startRealtimeRedis(run, { historyMax });
  const worker = await startGatewayWorker(run, {
    ...{ name: 'gateway-1', redisUrl: redis.server.url },
    env: { GATEWAY_HISTORY_MAX: String(historyMax) },
  });
  await say(redis, ROOM);
  const ports = [worker.port];
  const healthyCrowd = await ReturningCrowd.open(run, {
    ...{ clients: HEALTHY, room: ROOM, ports, firstUser: 5_000_000 },
  });
  const text = 'x'.repeat(TEXT_BYTES);

  async function pass(stalled?: ReturningCrowd): Promise<Pass> {
    await Promise.all([healthyCrowd.mark(), stalled?.mark()]);
    await stalled?.pause();
    const before = residentBytes(worker.pid);
    let top = 0;
    await offer({ perSec: PER_SEC, count: MESSAGES }, async () => {
      top = Math.max(top, await say(redis, ROOM, text));
    });
    await healthyCrowd.whole(top, WHOLE_MS);
    const grownKb = (residentBytes(worker.pid) - before) / 1_024 / count;
    const healthy = await healthyCrowd.account(top);
    const began = performance.now();
    await stalled?.resume();
    await stalled?.whole(top, WHOLE_MS);
    const mendedMs = performance.now() - began;
    return { healthy, stalled: await stalled?.account(top), grownKb, mendedMs };
  }

  // The stalled ones come anew for each pass: in a calm one they are not there.
  const kinds = [{ name: 'calm' } as const, { name: 'stalled' } as const];
  const { rounds } = run.options;
  const passes = await interleave(kinds, { rounds, warmUps: 0 }, async ({ name }) => {
    run.say(name);
    if (name === 'calm') return pass();
    const crowd = await ReturningCrowd.open(run, { clients: count, room: ROOM, ports });
    const late = await pass(crowd);
    await crowd.close();
    return late;
  });
  const [calm = [], late = []] = kinds.map((kind) => passes.get(kind));
  const limitedBy: Limit = hasSmallBuffers() ? 'pace' : 'machine';
  return {
    scenario: 'slow-crowd',
    limitedBy,
    results: rowsOf(calm, late, limitedBy),
    notes: notesOf(count, late),
  };
}

function notesOf(count: number, late: readonly Pass[]): string[] {
  const accounts = late.flatMap(({ stalled }) => (stalled === undefined ? [] : [stalled]));
  const back = accounts.reduce((sum, { downMs }) => sum + downMs.filter((ms) => ms > 0).length, 0);
  const repeats = accounts.reduce((sum, one) => sum + one.repeats, 0);
  return [
    `${count} readers stop, ${HEALTHY} read on, while ${MESSAGES} messages of ${TEXT_BYTES} B pass at ` +
      `${PER_SEC}/s; then all read. Every client decodes everything and checks each offset.`,
    `Stalled readers that lost their connection and came back with their position, all rounds: ` +
      `${back}; messages that came again and were skipped: ${repeats}; whole ` +
      `${shortNumber(median(late.map((one) => one.mendedMs)) / 1_000)} s after they had begun to read again.`,
    hasSmallBuffers()
      ? 'In a network of its own, in which the kernel holds 64 KiB for a socket in each direction.'
      : 'The kernel holds up to 4 MB for each of them here; above its tcp_mem it drops packets of all.',
  ];
}

function rowsOf(calm: readonly Pass[], late: readonly Pass[], limitedBy: Limit): Result[] {
  const p99s = (passes: readonly Pass[]): number[] =>
    passes.map(({ healthy }) => percentile(healthy.latencies, 99));
  const ratio = pairedRatio(p99s(late), p99s(calm));
  const plain = {
    ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [] },
    ...{ better: 'less', limitedBy },
  } satisfies Partial<Result>;
  const of = (values: readonly number[]): Pick<Result, 'value' | 'spread'> => ({
    value: median(values),
    spread: pairOf(spreadOf(values)),
  });
  const grown = late.map((one) => one.grownKb);
  return [
    zeroRow(
      'never shown',
      [...calm, ...late].flatMap((one) => [one.healthy.lost, one.stalled?.lost ?? 0]),
    ),
    {
      ...{ ...plain, ...of(p99s(late)), name: 'p99 of the healthy', unit: 'ms' },
      ceiling: { name: 'nobody stalled', value: median(p99s(calm)) },
      ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
      // Until their buffers are full a thousand more have everything sent to them, too.
      ...noPromise,
    },
    {
      ...{ ...plain, ...of(grown), name: 'growth of the server', unit: 'KB RSS / stalled' },
      ...holdAgainst('value', Math.max(...grown), '<=', GROWTH_MAX_KB),
    },
    {
      ...{ ...plain, ...of(late.map((one) => one.mendedMs)), unit: 'ms' },
      ...{ name: 'until all are whole again', ...noPromise },
    },
  ];
}
