// A billing engine on real servers with a clock that only the test moves. Used by all tests that
// need Redis; `startLedger` adds mariadbd, fence, settler and funder.
import { closeRedis, connectRedis, createMetrics, type RedisClient } from '../../cluster/index.js';
import {
  ManualClock,
  silentLog,
  startMariadb,
  startRedis,
  type TestMariadb,
  type TestRedis,
  type TestRedisOptions,
  type TestScope,
} from '../../cluster/testing/index.js';
import { Database } from '../database.js';
import { Engine } from '../engine.js';
import { Fence } from '../fence.js';
import { Funder } from '../funder.js';
import { type BillingMetrics, billingMetrics } from '../metrics.js';
import { migrate } from '../migrator.js';
import { type Mismatch, Reconciler } from '../reconcile.js';
import * as restore from '../restore-scripts.js';
import { FENCED_SCRIPTS, type WalletState } from '../scripts.js';
import { Settler } from '../settler.js';
import { ALL_SHARDS, newSessionId, shardOfWallet } from '../shard.js';
import { perMinute, type Tariff, tariffText, type Timing } from '../tariff.js';

export const START_MS = 1_700_000_000_000;
/** Proofs of life every 10 s. */
export const TIMING: Timing = {
  quantumMs: 15_000,
  maxGapMs: 30_000,
  graceMs: 5_000,
  settleMs: 60_000,
};

export interface Stage {
  readonly server: TestRedis;
  readonly redis: RedisClient;
  readonly engine: Engine;
  readonly clock: ManualClock;
  readonly metrics: BillingMetrics;
}

/** Opens all shards without SQL: for tests of scripts alone. */
export async function openShards(redis: RedisClient): Promise<void> {
  for (const shard of ALL_SHARDS) {
    await restore.beginRestore.run(redis, { shard, token: 'test' });
    await restore.finishRestore.run(redis, {
      ...{ shard, token: 'test', epoch: 1n, seq: 0n, nowMs: START_MS - 1, day: 0 },
    });
  }
  if (!('script' in redis)) return;
  for (const script of FENCED_SCRIPTS) await script.load(redis);
}

export async function connectMoney(t: TestScope, url: string): Promise<RedisClient> {
  const redis = await connectRedis(url, { role: 'money', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  return redis;
}

export async function startStage(t: TestScope, options: TestRedisOptions = {}): Promise<Stage> {
  const server = await startRedis(t, options);
  const redis = await connectMoney(t, server.url);
  const clock = new ManualClock(START_MS);
  const metrics = billingMetrics(createMetrics('billing', { process: false }));
  const fence = { lift: () => openShards(redis) };
  await fence.lift();
  const engine = new Engine({ redis, fence, timing: TIMING, metrics, now: () => clock.nowMs() });
  return { server, redis, engine, clock, metrics };
}

export interface LedgerStage extends Stage {
  readonly mariadb: TestMariadb;
  readonly database: Database;
  readonly fence: Fence;
  readonly settler: Settler;
  readonly funder: Funder;
}

export async function startLedger(
  t: TestScope,
  options: TestRedisOptions & { beforeTrim?: () => void } = {},
): Promise<LedgerStage> {
  const { beforeTrim, ...redisOptions } = options;
  const [server, mariadb] = await Promise.all([
    startRedis(t, { appendFsync: 'always', ...redisOptions }),
    startMariadb(t),
  ]);
  const joined = await joinLedger(t, {
    ...{ redisUrl: server.url, mysqlUrl: mariadb.url },
    ...(beforeTrim === undefined ? {} : { beforeTrim }),
  });
  return { ...joined, server, mariadb };
}

export type JoinedLedger = Omit<LedgerStage, 'server' | 'mariadb'>;

/** The same on servers that run already, perhaps behind fault proxies. */
export async function joinLedger(
  t: TestScope,
  { redisUrl, mysqlUrl, beforeTrim }: JoinOptions,
): Promise<JoinedLedger> {
  const redis = await connectMoney(t, redisUrl);
  const clock = new ManualClock(START_MS);
  const metrics = billingMetrics(createMetrics('billing', { process: false }));
  const log = silentLog;
  const database = await Database.open(mysqlUrl, { poolMax: 8, log });
  t.teardown(() => database.close());
  await migrate(database, log);
  const { maxGapMs } = TIMING;
  const fence = new Fence({ redis, database, metrics, log, clock, maxGapMs });
  const engine = new Engine({ redis, fence, timing: TIMING, metrics, now: () => clock.nowMs() });
  const shared = { redis, engine, database, metrics, log, clock };
  const settler = new Settler({ ...shared, ...(beforeTrim === undefined ? {} : { beforeTrim }) });
  const funder = new Funder({ ...shared, onFunded: () => undefined });
  await fence.lift();
  return { redis, engine, clock, metrics, database, fence, settler, funder };
}

export interface JoinOptions {
  readonly redisUrl: string;
  readonly mysqlUrl: string;
  readonly beforeTrim?: () => void;
}

/** What the reconciler finds once everything is settled: nothing. */
export async function mismatches(
  stage: Pick<JoinedLedger, 'engine' | 'database' | 'metrics' | 'settler'>,
): Promise<readonly Mismatch[]> {
  const { engine, database, metrics, settler } = stage;
  await settler.drain();
  return (await new Reconciler({ engine, database, metrics, log: silentLog }).run()).mismatches;
}

/** Puts credits into a wallet of a stage without SQL. */
export async function credit(
  engine: Engine,
  wallet: string,
  amount: bigint,
  cmdSeq = 1n,
): Promise<void> {
  await engine.fund({ wallet, cmdSeq, kind: 'credit', amount });
}

let keys = 0;

/** Opens a session with a new key; 6 credits a minute unless told. */
export function open(
  stage: Pick<Stage, 'engine' | 'clock'>,
  options: { wallet?: string; room?: string; tariff?: Tariff; key?: string; entryMs?: number } = {},
) {
  const { wallet = '42', room = '7', tariff = perMinute(6_000n, 6_000) } = options;
  keys += 1;
  return stage.engine.open({
    sessionId: newSessionId(shardOfWallet(wallet), stage.clock.nowMs()),
    wallet,
    room,
    payee: '99',
    tariff: tariffText(tariff),
    entryMs: options.entryMs ?? 1_000,
    key: options.key ?? `open-key-${keys}`,
    fingerprint: '0123456789abcdef',
  });
}

/** One proof of life from the gateway. */
export async function touch(
  { engine }: Pick<Stage, 'engine'>,
  sessionId: string,
  options: { wallet?: string; source?: 'g' | 'h' | 'r' | 'p' | 'q' } = {},
) {
  const { wallet = '42', source = 'g' } = options;
  const [row] = await engine.touch(shardOfWallet(wallet), [[sessionId, source]]);
  if (row === undefined) throw new Error('no row');
  return row;
}

export async function goLive({ engine }: Pick<Stage, 'engine'>, room = '7'): Promise<void> {
  await engine.setRoom({ room, state: 'live', sinceMs: 0, reason: 'show_ended' });
}

export function grant(
  { funder }: Pick<JoinedLedger, 'funder'>,
  wallet: string,
  amount: bigint,
): Promise<WalletState> {
  grants += 1;
  return funder.grant({
    ...{ idemKey: `grant:stage-${grants}`, fingerprint: '00112233445566ff', wallet, amount },
    ...{ reason: 'test', actor: 'tester' },
  });
}

let grants = 0;

/** A tip of wallet 42 unless told; its id is made of the key. */
export function tip(
  { engine, clock }: Pick<Stage, 'engine' | 'clock'>,
  options: { key: string; amount: bigint; wallet?: string },
) {
  const { key, amount, wallet = '42' } = options;
  return engine.tip({
    ...{ wallet, room: '7', payee: '99', amount, bps: 6_000, key },
    ...{ tipId: newSessionId(0, clock.nowMs()), fingerprint: 'a'.repeat(16) },
  });
}
