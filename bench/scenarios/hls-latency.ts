// How far behind the capture HLS viewers play, and how often they stall: two-second segments, one
// second, and parts of half a second, each by a node of its own with the same source. Viewers are
// those of generator/hls-viewers.ts; the clock is one, because all is on one machine.
import { setTimeout as delay } from 'node:timers/promises';
import type { HlsFigures, HlsViewerCalls } from '../generator/hls-viewers.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import { isWanted, type Run } from '../lib/run-context.js';
import { median, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import { startRealtimeRedis } from '../servers/gateway-worker.js';
import { startHlsRole, type HlsRole } from '../servers/hls-role.js';

interface Contender {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Promised median delay, ms. */
  readonly delayMaxMs: number | null;
}

interface Sample extends HlsFigures {
  readonly cpuPercent: number;
  readonly windowMs: number;
}

const SEGMENTS = { HLS_WINDOW_SEGMENTS: '8' };
const CONTENDERS: readonly Contender[] = [
  { name: 'segments of 2 s', env: { ...SEGMENTS, HLS_SEGMENT_MS: '2000' }, delayMaxMs: null },
  { name: 'segments of 1 s', env: { ...SEGMENTS, HLS_SEGMENT_MS: '1000' }, delayMaxMs: 5_000 },
  {
    name: 'parts of 0.5 s',
    env: { ...SEGMENTS, HLS_SEGMENT_MS: '2000', HLS_PART_MS: '500' },
    delayMaxMs: null,
  },
];

/**
 * Longer than the furthest distance behind the edge, and short enough for five rounds of three in
 * three minutes. Nothing is warmed up: delays are made by clocks, not by processors.
 */
const WINDOW_MS = 9_000;

export async function hlsLatency(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const count = isQuick ? 10 : 100;
  const windowMs = isQuick ? 6_000 : WINDOW_MS;
  const contenders = CONTENDERS.filter(({ name }) => isWanted(run, name));
  const redis = await startRealtimeRedis(run);
  const roles = new Map<Contender, HlsRole>();
  const start = async (one: Contender): Promise<void> => {
    const options = { name: one.name, redisUrl: redis.server.url, env: one.env };
    roles.set(one, await startHlsRole(run, options));
  };
  // Each waits for a show of some length; together they wait once.
  await Promise.all(contenders.map(start));
  const entry = run.tree.entry('bench/generator/hls-viewers.ts');
  const generator = startNodeChild<HlsViewerCalls>(run.scope, { entry });
  const samples = await interleave(contenders, { rounds, warmUps: 0 }, (one) => {
    run.say(`${count} viewers: ${one.name}`);
    const role = roles.get(one);
    if (role === undefined) throw new Error(`no node for ${one.name}`);
    return measure(generator, role, { count, windowMs });
  });
  return {
    scenario: 'hls-latency',
    limitedBy: 'pace',
    results: contenders.map((one) => resultOf(one, samples.get(one) ?? [])),
    notes: [
      `${count} viewers for ${windowMs / 1_000} s a round; 720p30, 2.6 Mbit/s, key frames 1 s apart, copied.`,
      'Value: capture to screen without decoding, median of viewers: advised distance and listing.',
      ...contenders.map((one) => describe(one, samples.get(one) ?? [])),
    ],
  };
}

async function measure(
  generator: NodeChild<HlsViewerCalls>,
  role: HlsRole,
  { count, windowMs }: { readonly count: number; readonly windowMs: number },
): Promise<Sample> {
  const urls = Array.from({ length: count }, (_, viewer) => role.url('v0.m3u8', viewer));
  const from = { at: performance.now(), cpu: cpuMicros(role.pid) };
  await generator.call('open', { urls });
  await delay(windowMs);
  const figures = await generator.call('close', null);
  const spanUs = (performance.now() - from.at) * 1_000;
  if (figures.failures > 0) throw new Error(`${figures.failures} requests failed at ${role.name}`);
  return { ...figures, windowMs, cpuPercent: ((cpuMicros(role.pid) - from.cpu) / spanUs) * 100 };
}

function resultOf({ name, delayMaxMs }: Contender, samples: readonly Sample[]): Result {
  const delays = samples.map((one) => median(one.delayMs));
  const value = median(delays);
  return {
    ...{ name, value, unit: 'ms behind', better: 'less', spread: pairOf(spreadOf(delays)) },
    ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [], limitedBy: 'pace' },
    ...(delayMaxMs === null ? noPromise : holdAgainst('value', value, '<=', delayMaxMs)),
  };
}

function describe({ name }: Contender, samples: readonly Sample[]): string {
  const listed = samples.flatMap((one) => one.listedMs);
  const watched = samples.reduce((sum, one) => sum + one.watchedMs, 0);
  const stalled = samples.reduce((sum, one) => sum + one.stalledMs, 0);
  const delays = samples.flatMap((one) => one.delayMs);
  const perSec = (pick: (one: Sample) => number): string =>
    shortNumber(median(samples.map((one) => (pick(one) / one.windowMs) * 1_000)));
  return (
    `${name}: p99 ${shortNumber(percentile(delays, 99))} ms behind, ` +
    `listed p50 ${shortNumber(percentile(listed, 50))} ms after its last picture, ` +
    `stalled ${((stalled / Math.max(1, watched)) * 100).toFixed(2)} % of the time, ` +
    `${perSec((one) => one.requests)} requests/s, ` +
    `server ${shortNumber(median(samples.map((one) => one.cpuPercent)))} % CPU`
  );
}
