// Stands between the engine and a Redis that may have lost data. Before any money script is known
// to a server, every shard is compared with its cursor in SQL and rebuilt when it is behind; only
// then are the scripts loaded. A shard that SQL is behind of is never touched: that is a broken
// ledger, not a lost Redis.
import {
  type Clock,
  coerceError,
  isCluster,
  type Logger,
  type RedisClient,
} from '../cluster/index.js';
import type { Database } from './database.js';
import type { FenceLifter } from './engine.js';
import { billingError } from './errors.js';
import type { BillingMetrics } from './metrics.js';
import { readOutbox } from './outbox.js';
import { type RebuiltShard, rebuildShards } from './rebuild.js';
import { bootCheck } from './restore-scripts.js';
import { FENCED_SCRIPTS } from './scripts.js';
import { type CursorRow, readCursors, Settler } from './settler.js';
import { ALL_SHARDS } from './shard.js';

export interface FenceOptions {
  readonly redis: RedisClient;
  readonly database: Database;
  readonly metrics: BillingMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly maxGapMs: number;
  /**
   * Called after shards were rebuilt: the live flags of rooms are not in SQL and must be told
   * again.
   */
  readonly onRebuilt?: () => Promise<void> | void;
}

/** Longer than any rebuild of the size that we promise. */
const LOCK_WAIT_SEC = 60;
/** A settler books 250 events of a shard at a time; what is closed grows no more. */
const TAIL_PASSES_MAX = 1_000;
/** A comparison that failed is not repeated for every command that waits for it. */
const RETRY_AFTER_MS = 500;

export class Fence implements FenceLifter {
  private lifting: Promise<void> | undefined;
  private isUp = true;
  private failedAtMs = -Infinity;

  /** Trims nothing: what is behind the fence is thrown away, and a trim would wait for it. */
  private readonly tails: Settler;

  constructor(private readonly options: FenceOptions) {
    this.tails = new Settler({ ...options, engine: { trim: () => Promise.resolve(0) } });
  }

  /** False while money commands must wait. */
  get isLifted(): boolean {
    return !this.isUp;
  }

  /**
   * One comparison at a time; callers that come meanwhile share it. @throws AppError BILLING_FENCED
   */
  lift(): Promise<void> {
    const sinceFailureMs = this.options.clock.monotonicMs() - this.failedAtMs;
    if (this.lifting === undefined && sinceFailureMs < RETRY_AFTER_MS) {
      return Promise.reject(billingError('BILLING_FENCED'));
    }
    this.lifting ??= this.compare().finally(() => (this.lifting = undefined));
    return this.lifting;
  }

  private async compare(): Promise<void> {
    const { database, metrics, log } = this.options;
    this.isUp = true;
    metrics.isFenced.set(1);
    try {
      const rebuilt = await database.withLock('showbill_ledger.fence', LOCK_WAIT_SEC, async () => {
        const shards = await this.mend();
        await Promise.all(shards.map((shard) => shard.finish()));
        await this.loadScripts();
        return shards;
      });
      this.isUp = false;
      metrics.isFenced.set(0);
      if (rebuilt.length > 0) await this.report(rebuilt);
    } catch (thrown) {
      this.failedAtMs = this.options.clock.monotonicMs();
      log.error({ event: 'fence.kept', err: coerceError(thrown) });
      throw billingError('BILLING_FENCED', {}, thrown);
    }
  }

  /** What a shard has answered and nobody has booked is booked before the shard is emptied. */
  private async mend(): Promise<readonly RebuiltShard[]> {
    for (let pass = 1; pass <= TAIL_PASSES_MAX; pass += 1) {
      const shards = await this.mendShards();
      if (shards !== undefined) return shards;
      await this.tails.drain();
    }
    throw new Error('the outboxes of shards that are to be rebuilt cannot be booked');
  }

  /**
   * All cursor rows stay locked, so that no settlement moves them, until the new epochs are
   * committed. @returns undefined when outboxes must be booked first; then nothing was done
   */
  private mendShards(): Promise<readonly RebuiltShard[] | undefined> {
    const { redis, database, clock, maxGapMs } = this.options;
    return database.transaction('REPEATABLE READ', async (sql) => {
      const cursors = await readCursors(sql, ALL_SHARDS, 'FOR UPDATE');
      const checks = await Promise.all(cursors.map((cursor) => this.check(cursor)));
      const behind = checks.flatMap((one) => one ?? []);
      const tails = await Promise.all(behind.map((cursor) => this.hasTail(cursor)));
      if (tails.includes(true)) return undefined;
      return rebuildShards({ redis, sql, nowMs: clock.nowMs(), maxGapMs }, behind);
    });
  }

  /**
   * `billing -- rebuild` closes shards that work: their outbox goes on where the cursor stands.
   * What follows an entry that does not fit is given up, as always.
   */
  private async hasTail(cursor: CursorRow): Promise<boolean> {
    if (cursor.parked) return false;
    const [first] = await readOutbox(this.options.redis, cursor, 1);
    return first?.[0] === `${cursor.epoch}-${cursor.seq + 1n}`;
  }

  /** @returns the cursor when the shard must be rebuilt */
  private async check(cursor: CursorRow): Promise<CursorRow | undefined> {
    const { redis, log } = this.options;
    const found = await bootCheck.run(redis, cursor);
    if (found.verdict === 'ok') return undefined;
    const line = {
      shard: cursor.shard,
      verdict: found.verdict,
      redis: `${found.epoch}-${found.seq}`,
      sql: `${cursor.epoch}-${cursor.seq}`,
    };
    if (found.verdict === 'missing' || found.verdict === 'behind') {
      if (cursor.epoch > 0n) log.warn({ event: 'fence.behind', ...line });
      return cursor;
    }
    log.error({ event: 'fence.ledger_behind', ...line });
    throw new Error(
      `shard ${cursor.shard} is ${found.verdict}: Redis has ${line.redis}, SQL ${line.sql}; ` +
        'restore the newer ledger or run `npm run billing -- rebuild --reason …`',
    );
  }

  private async loadScripts(): Promise<void> {
    const { redis } = this.options;
    const nodes = isCluster(redis) ? redis.nodes('master') : [redis];
    for (const node of nodes) {
      for (const script of FENCED_SCRIPTS) await script.load(node);
    }
  }

  private async report(rebuilt: readonly RebuiltShard[]): Promise<void> {
    const { metrics, log, onRebuilt } = this.options;
    metrics.rebuiltShards.inc(rebuilt.length);
    const wallets = rebuilt.reduce((sum, one) => sum + one.wallets, 0);
    const sessions = rebuilt.reduce((sum, one) => sum + one.sessions, 0);
    log.info({ event: 'fence.rebuilt', shards: rebuilt.length, wallets, sessions });
    let difference = 0n;
    for (const { shard, differenceMilli = 0n } of rebuilt) {
      difference += differenceMilli;
      if (differenceMilli === 0n) continue;
      log.warn({ event: 'fence.regained', shard, differenceMilli: String(differenceMilli) });
    }
    metrics.rebuiltMilli.set(Number(difference));
    await onRebuilt?.();
  }
}
