// The engine together with the ledger, for the scenarios that measure settlement and rebuild: the
// parts of the billing role without its HTTP front, on a clock that the scenario moves.
import { closeRedis, connectRedis, createMetrics, type RedisClient } from '../../cluster/index.js';
import { ManualClock, silentLog } from '../../cluster/testing/index.js';
import { Database } from '../../billing/database.js';
import { Engine } from '../../billing/engine.js';
import { Fence } from '../../billing/fence.js';
import { billingMetrics, type BillingMetrics } from '../../billing/metrics.js';
import { migrate } from '../../billing/migrator.js';
import { type Mismatch, Reconciler } from '../../billing/reconcile.js';
import { Settler } from '../../billing/settler.js';
import { shardOfWallet } from '../../billing/shard.js';
import { TIMING } from './billing-engine.js';

export { valuesText } from '../../billing/rows.js';

export interface LedgerStage {
  readonly redis: RedisClient;
  readonly database: Database;
  readonly engine: Engine;
  readonly fence: Fence;
  readonly settler: Settler;
  readonly metrics: BillingMetrics;
  readonly clock: ManualClock;
  /** Compares Redis and SQL wallet by wallet. */
  readonly reconcile: () => Promise<{ wallets: number; mismatches: readonly Mismatch[] }>;
  readonly close: () => Promise<void>;
}

export interface LedgerOptions {
  readonly redisUrl: string;
  readonly mysqlUrl: string;
  readonly startMs: number;
}

const POOL_MAX = 8;
/** Accounts a statement and statements a transaction when wallets are made. */
const ROWS = 5_000;

export async function openLedger(options: LedgerOptions): Promise<LedgerStage> {
  const log = silentLog;
  const redis = await connectRedis(options.redisUrl, { role: 'money', name: 'bench', log });
  const database = await Database.open(options.mysqlUrl, { poolMax: POOL_MAX, log });
  await migrate(database, log);
  const metrics = billingMetrics(createMetrics('billing', { process: false }));
  const clock = new ManualClock(options.startMs);
  const { maxGapMs } = TIMING;
  const fence = new Fence({ redis, database, metrics, log, clock, maxGapMs });
  const now = (): number => clock.nowMs();
  const engine = new Engine({ redis, fence, timing: TIMING, metrics, now });
  const settler = new Settler({ redis, engine, database, metrics, log, clock });
  return {
    ...{ redis, database, engine, fence, settler, metrics, clock },
    reconcile: () => new Reconciler({ engine, database, metrics, log }).run(),
    async close() {
      await database.close();
      await closeRedis(redis);
    },
  };
}

/** Wallets `1 … count` with as much each, given by one transfer each, in SQL only. */
export async function giveInSql(
  { database, clock }: Pick<LedgerStage, 'database' | 'clock'>,
  { count, amount }: { readonly count: number; readonly amount: bigint },
): Promise<void> {
  const total = String(amount * BigInt(count));
  const nowMs = clock.nowMs();
  await database.run(
    `INSERT INTO account (kind, owner_ref, ledger, debits) VALUES ('issuance', '-', 'credit', ?)`,
    [total],
  );
  for (let first = 1; first <= count; first += ROWS) {
    const ids = Array.from({ length: Math.min(ROWS, count - first + 1) }, (_, at) => first + at);
    const owners = ids.map(String);
    await database.run(
      'INSERT INTO account (kind, owner_ref, shard, ledger, credits, cmd_seq) VALUES ?',
      [owners.map((id) => ['wallet', id, shardOfWallet(id), 'credit', String(amount), 1])],
    );
    const common = ['credit', String(amount), '0011223344556677', 'bench', 'bench', nowMs, nowMs];
    await database.run(
      `INSERT INTO wallet_command (wallet, cmd_seq, shard, idem_key, kind, amount, fingerprint,
         reason, actor, created_ms, applied_ms) VALUES ?`,
      [owners.map((id) => [id, 1, shardOfWallet(id), `grant:bench-${id}:cash`, ...common])],
    );
    await database.run(
      `INSERT INTO transfer (code, debit_account, credit_account, amount, occurred_ms, booked_ms)
       SELECT 'grant', i.id, w.id, ?, ?, ? FROM account w JOIN account i ON i.kind = 'issuance'
       WHERE w.kind = 'wallet' AND w.owner_ref IN (?)`,
      [String(amount), nowMs, nowMs, owners],
    );
  }
}
