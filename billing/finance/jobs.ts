// What finance does by itself: expired lots are booked, earnings ripen, the audit log is anchored,
// every wallet is compared with the ledger, and the gauges of the books are set. Run by the role in
// every billing process; two at once are harmless. Invariant: a mismatch that is there twice
// freezes its wallet and raises an alarm; nothing is ever repaired.
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, coerceError, type Logger, type RedisClient } from '../../cluster/index.js';
import { bigintOf, type Database } from '../database.js';
import type { BillingMetrics } from '../metrics.js';
import { parseOutbox, readOutbox } from '../outbox.js';
import type { Mismatch, Reconciler } from '../reconcile.js';
import { readCursors } from '../settler.js';
import { ALL_SHARDS, shardKeys } from '../shard.js';
import type { Finance } from './finance.js';

export interface FinanceJobsOptions {
  readonly finance: Finance;
  readonly reconciler: Pick<Reconciler, 'run' | 'shard'>;
  readonly redis: RedisClient;
  readonly database: Database;
  readonly metrics: BillingMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly reconcileEveryMs: number;
}

export class FinanceJobs {
  private running: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private reconciledMs: number;

  constructor(private readonly options: FinanceJobsOptions) {
    this.reconciledMs = options.clock.monotonicMs();
  }

  start(): void {
    this.running ??= this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** One round; a job that fails is logged and does not keep the others from running. */
  async round(): Promise<void> {
    const { finance, clock, reconcileEveryMs } = this.options;
    await this.guarded('expire', () => finance.lots.expire());
    await this.guarded('ripen', () => finance.earnings.ripen());
    await this.guarded('anchor', () => finance.audit.anchor());
    await this.guarded('measure', () => this.measure());
    if (clock.monotonicMs() - this.reconciledMs < reconcileEveryMs) return;
    this.reconciledMs = clock.monotonicMs();
    await this.guarded('reconcile', () => this.reconcile());
  }

  /** @returns what was found twice; its wallets are frozen now */
  async reconcile(): Promise<readonly Mismatch[]> {
    const { finance, reconciler, metrics, clock } = this.options;
    const first = await reconciler.run();
    if (first.skipped.length === 0) {
      metrics.reconciledAt.set(Math.floor(clock.nowMs() / 1_000));
    }
    const suspects = first.mismatches.filter((one) => one.shard >= 0);
    const again: Mismatch[] = [];
    for (const shard of new Set(suspects.map((one) => one.shard))) {
      again.push(...(await reconciler.shard(shard)).mismatches);
    }
    const isKnown = ({ shard, wallet, what }: Mismatch): boolean =>
      suspects.some((one) => one.shard === shard && one.wallet === wallet && one.what === what);
    const found = again.filter(isKnown);
    const wallets = new Set(found.map((one) => one.wallet.split('/')[0] ?? ''));
    for (const wallet of wallets) {
      if (wallet === '*') continue;
      const reason = 'Redis and the ledger differ';
      const freeze = { wallet, source: 'reconcile', isFrozen: true, reason, actor: 'system' };
      await finance.freezes.set(freeze);
    }
    return found;
  }

  private async measure(): Promise<void> {
    const { database, redis, metrics, clock } = this.options;
    const [row] = await database.query(
      `SELECT COALESCE(SUM(IF(kind = 'debt', debits - credits, 0)), 0) AS debt,
         COALESCE(SUM(IF(kind = 'refund_clearing', credits - debits, 0)), 0) AS clearing
       FROM account WHERE kind IN ('debt', 'refund_clearing')`,
    );
    metrics.debtMilli.set(Number(bigintOf(row, 'debt')));
    metrics.clearingMilli.set(Number(bigintOf(row, 'clearing')));
    const writtenOff = await Promise.all(
      ALL_SHARDS.map((shard) => redis.hget(shardKeys(shard).meta, 'writtenOff')),
    );
    const writtenOffMs = writtenOff.reduce((sum, ms) => sum + Number(ms ?? 0), 0);
    metrics.writtenOffSeconds.set(writtenOffMs / 1_000);
    const cursors = await readCursors(database, ALL_SHARDS, '');
    const firsts = await Promise.all(
      cursors.map(async (cursor) => parseOutbox(cursor, await readOutbox(redis, cursor, 1))),
    );
    const times = firsts.flat().flatMap(({ events }) => events.map((one) => Number(one.atMs)));
    const oldest = Math.min(clock.nowMs(), ...times);
    metrics.outboxAgeSeconds.set((clock.nowMs() - oldest) / 1_000);
  }

  private async guarded(job: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.options.log.warn({ event: 'finance.job_failed', job, err: coerceError(thrown) });
    }
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await delay(this.options.everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.round();
    }
  }
}
