// A thousand readers that stop reading beside healthy ones: what they have in the end, what the
// healthy ones notice, what it costs the server. All are clients that come back with their position
// when the server gives them up.
import { residentBytes } from '../lib/process-cpu.js';
import { offer } from '../lib/open-loop.js';
import { holdAgainst, noPromise, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { percentile, shortNumber } from '../lib/statistics.js';
import { startGatewayWorker, startRealtimeRedis } from '../servers/gateway-worker.js';
import { zeroRow } from './crowd/rows.js';
import { ReturningCrowd, say, type CrowdAccount } from './returns/returning-crowd.js';

const ROOM = '14';
const HEALTHY = 100;
const PER_SEC = 200;
const TEXT_BYTES = 4_000;
/** What the kernel holds for a reader that never reads is about 4 MB: 1,050 messages. */
const MESSAGES = 1_400;
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
  const stalled = run.options.isQuick ? 100 : 1_000;
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

  async function pass(stalledCrowd?: ReturningCrowd): Promise<Pass> {
    await Promise.all([healthyCrowd.mark(), stalledCrowd?.mark()]);
    await stalledCrowd?.pause();
    const before = residentBytes(worker.pid);
    let top = 0;
    await offer({ perSec: PER_SEC, count: MESSAGES }, async () => {
      top = Math.max(top, await say(redis, ROOM, text));
    });
    await healthyCrowd.whole(top, WHOLE_MS);
    const grownKb = (residentBytes(worker.pid) - before) / 1_024 / stalled;
    const healthy = await healthyCrowd.account(top);
    const began = performance.now();
    await stalledCrowd?.resume();
    await stalledCrowd?.whole(top, WHOLE_MS);
    const mendedMs = performance.now() - began;
    return { healthy, stalled: await stalledCrowd?.account(top), grownKb, mendedMs };
  }

  run.say('nobody stalled');
  const calm = await pass();
  run.say(`${stalled} stalled`);
  const late = await pass(await ReturningCrowd.open(run, { clients: stalled, room: ROOM, ports }));
  return {
    scenario: 'slow-crowd',
    limitedBy: 'pace',
    results: rowsOf(calm, late),
    notes: [
      `${stalled} readers stop, ${HEALTHY} read on, while ${MESSAGES} messages of ${TEXT_BYTES} B pass at ` +
        `${PER_SEC}/s; then all read. Every client decodes everything and checks each offset.`,
      `Stalled readers that lost their connection and came back with their position: ` +
        `${late.stalled?.downMs.filter((ms) => ms > 0).length ?? 0}; messages that came again and were ` +
        `skipped: ${late.stalled?.repeats ?? 0}; whole ${shortNumber(late.mendedMs / 1_000)} s after they ` +
        'had begun to read again.',
      "The kernel holds up to 4 MB for each of them; above its tcp_mem it takes less, which is the server's to keep.",
    ],
  };
}

function rowsOf(calm: Pass, late: Pass): Result[] {
  const p99 = ({ healthy }: Pass): number => percentile(healthy.latencies, 99);
  const ratio = p99(late) / p99(calm);
  const plain = {
    ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [] },
    ...{ better: 'less', limitedBy: 'pace' },
  } satisfies Partial<Result>;
  const lost = [calm, late].flatMap((one) => [one.healthy.lost, one.stalled?.lost ?? 0]);
  return [
    zeroRow('never shown', lost),
    {
      ...{ ...plain, name: 'p99 of the healthy', value: p99(late), unit: 'ms' },
      spread: [p99(late), p99(late)],
      ceiling: { name: 'nobody stalled', value: p99(calm) },
      ...{ ratio, ratioSpread: [ratio, ratio] },
      // One pair shows the size only; `slow-reader` holds the ratio over its rounds.
      ...noPromise,
    },
    {
      ...{ ...plain, name: 'growth of the server', value: late.grownKb, unit: 'KB RSS / stalled' },
      spread: [late.grownKb, late.grownKb],
      ...holdAgainst('value', late.grownKb, '<=', GROWTH_MAX_KB),
    },
    {
      ...{ ...plain, name: 'until all are whole again', value: late.mendedMs, unit: 'ms' },
      spread: [late.mendedMs, late.mendedMs],
      ...noPromise,
    },
  ];
}
