// A worker with thousands of clients is told to stop while its room goes on and others take over.
// What each client misses, and how long it is without a connection. Clients act as the reference
// client does: the new connection first, then the old one goes.
import { interleave } from '../lib/interleave.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { preciseNowMs } from '../lib/open-loop.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import {
  startGatewayWorker,
  startRealtimeRedis,
  type GatewayWorker,
} from '../servers/gateway-worker.js';
import { zeroRow } from './crowd/rows.js';
import { ReturningCrowd, say, talk, type CrowdAccount } from './returns/returning-crowd.js';

const ROOM = '11';
const PER_SEC = 5;
const DOWN_P99_MAX_MS = 1_000;
const WHOLE_MS = 60_000;

interface Sample {
  readonly account: CrowdAccount;
  readonly exitCode: number | null;
  /** SIGTERM → the last client is elsewhere; → the process has ended, ms. */
  readonly movedMs: number;
  readonly endedMs: number;
  /** CPU of those who take over, per client, µs. */
  readonly takerMicros: number;
  readonly generatorLoad: number;
}

export async function drain(run: Run): Promise<ScenarioReport> {
  const { isQuick } = run.options;
  const clients = isQuick ? 600 : 5_000;
  const redis = await startRealtimeRedis(run);
  let started = 0;
  const start = (): Promise<GatewayWorker> => {
    started += 1;
    return startGatewayWorker(run, {
      ...{ name: `gateway-${started}`, redisUrl: redis.server.url },
      env: { GATEWAY_DRAIN_MS: '60000' },
    });
  };
  let full = await start();
  const other = await start();
  await say(redis, ROOM);
  const crowd = await ReturningCrowd.open(run, { clients, room: ROOM, ports: [full.port] });
  const rounds = Math.min(3, run.options.rounds);
  const samples = await interleave([{ name: 'gateway' }], { rounds, warmUps: 0 }, async () => {
    // Two take over; then the crowd gathers at one of them, the next to leave.
    const next = await start();
    run.say(`${full.name} leaves with ${crowd.size} clients`);
    const sample = await leave({ leaving: full, takers: [next, other] });
    full = next;
    await gather();
    return sample;
  });

  async function leave(cast: {
    leaving: GatewayWorker;
    takers: readonly GatewayWorker[];
  }): Promise<Sample> {
    const { leaving, takers } = cast;
    const hush = talk(redis, ROOM, PER_SEC);
    await crowd.aim(
      takers.map(({ port }) => port),
      undefined,
    );
    await crowd.mark();
    const before = takers.map(({ pid }) => cpuMicros(pid));
    const began = preciseNowMs();
    process.kill(leaving.pid, 'SIGTERM');
    const { code } = await leaving.exited;
    const endedMs = preciseNowMs() - began;
    const top = await hush();
    await crowd.whole(top, WHOLE_MS);
    const micros = takers.reduce((sum, { pid }, at) => sum + cpuMicros(pid) - (before[at] ?? 0), 0);
    const account = await crowd.account(top);
    return {
      ...{ account, exitCode: code, endedMs },
      movedMs: Math.max(...account.joinedMs) - began,
      takerMicros: micros / crowd.size,
      generatorLoad: account.generatorMicros / 1_000 / (preciseNowMs() - began),
    };
  }

  /** Those who went to the other worker are sent after the rest, by a hand-over of its own. */
  async function gather(): Promise<void> {
    await crowd.aim([full.port], undefined);
    await crowd.move();
    await crowd.whole(await say(redis, ROOM), WHOLE_MS);
  }

  const all = [...samples.values()].flat();
  return {
    scenario: 'drain',
    limitedBy: 'pace',
    results: rowsOf(all),
    notes: notesOf(all, clients),
  };
}

function rowsOf(all: readonly Sample[]): Result[] {
  const row = (name: string, unit: string, of: (sample: Sample) => number): Result => {
    const values = all.map(of);
    return {
      ...{ name, unit, value: median(values), better: 'less', limitedBy: 'pace', ...noPromise },
      spread: pairOf(spreadOf(values)),
      ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [] },
    };
  };
  const down = row('downtime of a client, p99', 'ms', ({ account }) =>
    percentile(account.downMs, 99),
  );
  return [
    zeroRow(
      'never shown',
      all.map(({ account }) => account.lost),
    ),
    zeroRow(
      'shown out of order',
      all.map(({ account }) => account.disordered),
    ),
    row('downtime of a client, p50', 'ms', ({ account }) => percentile(account.downMs, 50)),
    { ...down, ...holdAgainst('value', down.spread[1], '<=', DOWN_P99_MAX_MS) },
    row('sent → shown, p99', 'ms', ({ account }) => percentile(account.latencies, 99)),
    row('until all have moved', 'ms', ({ movedMs }) => movedMs),
    row('until the process has ended', 'ms', ({ endedMs }) => endedMs),
    row('takers', 'µs CPU / client', ({ takerMicros }) => takerMicros),
  ];
}

function notesOf(all: readonly Sample[], clients: number): string[] {
  const middle = (of: (sample: Sample) => number): string => shortNumber(median(all.map(of)));
  const codes = [...new Set(all.map(({ exitCode }) => String(exitCode)))].join(', ');
  return [
    `${clients} clients of one room and a channel of their own, ${PER_SEC} messages/s all the time; ` +
      'one worker leaves, two take over.',
    'Every client decodes everything and checks each offset; downtime is the time without a joined ' +
      'connection.',
    `Exit codes: ${codes}. Not continued from their position: ` +
      `${all.reduce((sum, { account }) => sum + account.unrecovered, 0)}; ` +
      `messages that came again and were skipped: ${middle(({ account }) => account.repeats)}; ` +
      `handshakes refused: ${middle(({ account }) => account.refused)}, ` +
      `failed: ${middle(({ account }) => account.failed)}.`,
    `CPU of takers contains ${PER_SEC} messages/s to all. Generators: ` +
      `${middle(({ generatorLoad }) => generatorLoad)} of a core each.`,
  ];
}
