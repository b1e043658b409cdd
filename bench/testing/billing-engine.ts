// The billing engine without its HTTP front, for the scenarios that measure money scripts. Its
// parts are no business of other folders, so billing's index does not have them; benchmarks are
// tests of it.
import {
  closeRedis,
  connectRedis,
  createMetrics,
  isCluster,
  type RedisClient,
} from '../../cluster/index.js';
import { silentLog } from '../../cluster/testing/index.js';
import { Engine } from '../../billing/engine.js';
import { billingMetrics } from '../../billing/metrics.js';
import { beginRestore, finishRestore } from '../../billing/restore-scripts.js';
import { FENCED_SCRIPTS } from '../../billing/scripts.js';
import { ALL_SHARDS, newSessionId, shardOfWallet } from '../../billing/shard.js';
import { costOf, perMinute, tariffText, type Timing } from '../../billing/tariff.js';

export { ALL_SHARDS, newSessionId, shardOfWallet, type Engine };
export { BATCH_MAX } from '../../billing/engine.js';

/** Production's defaults: a proof of life every 10 s. */
export const UPDATE_MS = 10_000;
export const TIMING: Timing = {
  quantumMs: 15_000,
  maxGapMs: 30_000,
  graceMs: 5_000,
  settleMs: 60_000,
};
const TARIFF = perMinute(6_000n, 6_000);
export const TARIFF_TEXT = tariffText(TARIFF);

/** Milli-credits for so many billable ms, by the TypeScript twin of the Lua arithmetic. */
export function chargeFor(billableMs: number): bigint {
  return costOf(TARIFF, BigInt(billableMs));
}

export interface EngineStage {
  readonly engine: Engine;
  readonly redis: RedisClient;
  /** The time that all following calls happen at. */
  setNow(ms: number): void;
}

/** Connects to a server whose shards are open, as each billing process does. */
export async function joinEngine(url: string, startMs: number): Promise<EngineStage> {
  const redis = await connectRedis(url, { role: 'money', name: 'bench', log: silentLog });
  let now = startMs;
  const engine = new Engine({
    redis,
    fence: { lift: () => Promise.reject(new Error('Redis lost its scripts')) },
    timing: TIMING,
    metrics: billingMetrics(createMetrics('billing', { process: false })),
    now: () => now,
  });
  return { engine, redis, setNow: (ms) => void (now = ms) };
}

/** Connects and opens all 64 shards of an empty server. */
export async function openEngine(url: string, startMs: number): Promise<EngineStage> {
  const stage = await joinEngine(url, startMs);
  const { redis } = stage;
  for (const shard of ALL_SHARDS) {
    await beginRestore.run(redis, { shard, token: 'bench' });
    await finishRestore.run(redis, {
      ...{ shard, token: 'bench', epoch: 1n, seq: 0n, nowMs: startMs, day: 0 },
    });
  }
  if (isCluster(redis)) throw new Error('the benchmark runs on one server');
  for (const script of FENCED_SCRIPTS) await script.load(redis);
  return stage;
}

export { closeRedis };
