// Proves that Redis and SQL agree about every wallet, to the milli-credit and while traffic runs: a
// shard is photographed at an outbox position, the settler passes it, and both sides are compared
// as of that position. Nothing is repaired; a mismatch freezes the wallet on request and raises an
// alarm.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../cluster/index.js';
import { bigintOf, type Database, textOf } from './database.js';
import type { Engine } from './engine.js';
import type { BillingMetrics } from './metrics.js';
import { chunks } from './posting.js';
import type { SnapshotWallet } from './scripts.js';
import { brokenLots, debtsAt, lotsAt, remaindersAt } from './finance/proof.js';
import { readCursors } from './settler.js';
import { ALL_SHARDS } from './shard.js';

export interface ReconcilerOptions {
  readonly engine: Pick<Engine, 'snapshot' | 'readWallet'>;
  readonly database: Database;
  readonly metrics: Pick<BillingMetrics, 'mismatches' | 'unsettledMilli'>;
  readonly log: Logger;
  /** How long the settler may take to pass a snapshot; default 30 s. */
  readonly settleWaitMs?: number;
}

export interface Mismatch {
  readonly shard: number;
  readonly wallet: string;
  /** owned + unsettled − debt in Redis, or the part that does not fit. */
  readonly redis: string;
  readonly sql: string;
  readonly what: MismatchKind;
}

/**
 * `lot`: Redis has not what it was told; `remainder`: Redis has not what the ledger has left of the
 * lot.
 */
export type MismatchKind =
  'balance' | 'debt' | 'lot' | 'remainder' | 'holds' | 'sum' | 'account' | 'ledger' | 'settlement';

export interface Reconciliation {
  readonly wallets: number;
  /** Charged by open sessions and not in the outbox yet. */
  readonly unsettled: bigint;
  readonly mismatches: readonly Mismatch[];
  /** Shards whose settlement has stopped: they cannot be compared, the others are. */
  readonly skipped: readonly number[];
}

/** The ledger has not come to where the photograph was taken. */
class ShardBehindError extends Error {}

const WALLETS_PER_QUERY = 500;

export class Reconciler {
  constructor(private readonly options: ReconcilerOptions) {}

  /** All shards and the ledger in itself. */
  async run(): Promise<Reconciliation> {
    const mismatches: Mismatch[] = [...(await this.ledger())];
    let wallets = 0;
    let unsettled = 0n;
    const { metrics, log } = this.options;
    const skipped: number[] = [];
    for (const shard of ALL_SHARDS) {
      try {
        const result = await this.shard(shard);
        unsettled += result.unsettled;
        wallets += result.wallets;
        mismatches.push(...result.mismatches);
      } catch (thrown) {
        if (!(thrown instanceof ShardBehindError)) throw thrown;
        log.error({ event: 'reconcile.shard_skipped', shard, problem: thrown.message });
        skipped.push(shard);
      }
    }
    metrics.mismatches.set(mismatches.length);
    metrics.unsettledMilli.set(Number(unsettled));
    for (const one of mismatches) log.error({ event: 'reconcile.mismatch', ...one });
    log.info({ event: 'reconcile.done', wallets, mismatches: mismatches.length, skipped });
    return { wallets, unsettled, mismatches, skipped };
  }

  /**
   * owned + unsettled − debt = Σ funding (numbers up to the snapshot's) − Σ spends (outbox up to
   * the snapshot's position), for every wallet.
   * @throws ShardBehindError when the settler does not pass the snapshot in time, or is parked
   */
  async shard(shard: number): Promise<Reconciliation> {
    const { epoch, seq, sum, wallets } = await this.options.engine.snapshot(shard);
    await this.waitForSettler(shard, epoch, seq);
    const mismatches: Mismatch[] = [...(await this.lostWallets(shard, wallets))];
    for (const part of chunks(wallets, WALLETS_PER_QUERY)) {
      mismatches.push(...(await this.compare(part, { shard, epoch, seq })));
    }
    const owned = wallets.reduce((total, one) => total + one.owned, 0n);
    if (owned !== sum) mismatches.push(mismatch(shard, '*', 'sum', owned, sum));
    const unsettled = wallets.reduce((total, one) => total + one.unsettled, 0n);
    return { wallets: wallets.length, unsettled, mismatches, skipped: [] };
  }

  private async compare(
    part: readonly SnapshotWallet[],
    at: { shard: number; epoch: bigint; seq: bigint },
  ): Promise<readonly Mismatch[]> {
    const { database } = this.options;
    const found: Mismatch[] = [];
    const booked = await this.bookedAt(part, at);
    const debts = await debtsAt(database, part, at);
    const told = await lotsAt(database, part, at);
    // One instant: a lot, its uses and its commands change in one transaction.
    const left = await database.transaction('REPEATABLE READ', (sql) =>
      remaindersAt(sql, part, at),
    );
    for (const one of part) {
      const check = (what: MismatchKind, redis: bigint, sql: bigint, subject = one.wallet) => {
        if (redis !== sql) found.push(mismatch(at.shard, subject, what, redis, sql));
      };
      check('balance', one.owned + one.unsettled - one.debt, booked.get(one.wallet) ?? 0n);
      check('debt', one.debt, debts.get(one.wallet) ?? 0n);
      check('holds', one.held, one.holds);
      const sides = [
        ['lot', told.of(one.wallet)],
        ['remainder', left.of(one.wallet)],
      ] as const;
      for (const [what, wanted] of sides) {
        for (const lot of new Set([...one.lots.keys(), ...wanted.keys()])) {
          check(what, one.lots.get(lot) ?? 0n, wanted.get(lot) ?? 0n, `${one.wallet}/${lot}`);
        }
      }
    }
    return found;
  }

  /**
   * Wallets that Redis has confirmed a command of and knows no longer. Redis is asked after SQL, so
   * a wallet that was made since the snapshot is not mistaken for a lost one.
   */
  private async lostWallets(
    shard: number,
    found: readonly SnapshotWallet[],
  ): Promise<readonly Mismatch[]> {
    const known = new Set(found.map((one) => one.wallet));
    const rows = await this.options.database.query(
      `SELECT a.owner_ref, a.credits - a.debits AS balance FROM account a
       WHERE a.shard = ? AND a.kind = 'wallet' AND EXISTS (
         SELECT 1 FROM wallet_command c
         WHERE c.wallet = CAST(a.owner_ref AS UNSIGNED) AND c.applied_ms IS NOT NULL)`,
      [shard],
    );
    const lost: Mismatch[] = [];
    for (const row of rows) {
      const wallet = textOf(row, 'owner_ref');
      if (known.has(wallet)) continue;
      const { cmdSeq } = await this.options.engine.readWallet(wallet);
      if (cmdSeq === 0n) {
        lost.push(mismatch(shard, wallet, 'balance', 0n, bigintOf(row, 'balance')));
      }
    }
    return lost;
  }

  private async waitForSettler(shard: number, epoch: bigint, seq: bigint): Promise<void> {
    const { database, settleWaitMs = 30_000 } = this.options;
    const startedAt = performance.now();
    for (;;) {
      const [cursor] = await readCursors(database, [shard], '');
      const isPassed = cursor !== undefined && cursor.epoch === epoch && cursor.seq >= seq;
      if (isPassed || (cursor !== undefined && cursor.epoch > epoch)) return;
      if (cursor?.parked === true || performance.now() - startedAt > settleWaitMs) {
        throw new ShardBehindError(`the ledger has not reached ${epoch}-${seq} of shard ${shard}`);
      }
      await delay(50);
    }
  }

  /** What SQL says each wallet had at the snapshot. Earlier epochs are wholly part of it. */
  private async bookedAt(
    wallets: readonly SnapshotWallet[],
    at: { shard: number; epoch: bigint; seq: bigint },
  ): Promise<ReadonlyMap<string, bigint>> {
    const booked = new Map<string, bigint>();
    if (wallets.length === 0) return booked;
    const values = [wallets.map((one) => one.wallet), ...[at.epoch, at.epoch, at.seq].map(String)];
    const rows = await this.options.database.query(
      `SELECT wallet, SUM(amount) AS amount FROM
         (${sideOf('debit')} UNION ALL ${sideOf('credit')}) both_sides GROUP BY wallet`,
      [...values, ...values],
    );
    for (const row of rows) booked.set(textOf(row, 'wallet'), bigintOf(row, 'amount'));
    const commands = await this.options.database.query(
      `SELECT wallet, cmd_seq, IF(kind = 'debit', -amount, amount) AS amount FROM wallet_command
       WHERE wallet IN (?)`,
      [wallets.map((one) => one.wallet)],
    );
    const applied = new Map(wallets.map((one) => [one.wallet, one.cmdSeq]));
    for (const row of commands) {
      const wallet = textOf(row, 'wallet');
      if (bigintOf(row, 'cmd_seq') > (applied.get(wallet) ?? 0n)) continue;
      booked.set(wallet, (booked.get(wallet) ?? 0n) + bigintOf(row, 'amount'));
    }
    return booked;
  }

  /**
   * SQL in itself: all accounts add up to zero, sums equal their transfers, settlements are
   * contiguous.
   */
  private async ledger(): Promise<readonly Mismatch[]> {
    const { database } = this.options;
    return database.transaction('REPEATABLE READ', async (sql) => {
      const totals = await sql.query(
        `SELECT ledger, SUM(credits) - SUM(debits) AS total FROM account
         GROUP BY ledger HAVING total <> 0`,
      );
      const found: Mismatch[] = totals.map((row) =>
        mismatch(-1, textOf(row, 'ledger'), 'ledger', 0n, bigintOf(row, 'total')),
      );
      for (const { lot, kept, moved } of await brokenLots(sql)) {
        found.push(mismatch(-1, lot, 'lot', kept, moved));
      }
      const accounts = await sql.query(
        `SELECT a.kind, a.owner_ref, a.credits - a.debits AS kept, COALESCE(m.moved, 0) AS moved
         FROM account a LEFT JOIN (
           SELECT id, SUM(amount) AS moved FROM (
             SELECT credit_account AS id, amount FROM transfer
             UNION ALL SELECT debit_account, -amount FROM transfer) both_sides GROUP BY id) m
         ON m.id = a.id HAVING kept <> moved`,
      );
      for (const row of accounts) {
        const name = `${textOf(row, 'kind')}:${textOf(row, 'owner_ref')}`;
        const [kept, moved] = [bigintOf(row, 'kept'), bigintOf(row, 'moved')];
        found.push(mismatch(-1, name, 'account', kept, moved));
      }
      const gaps = await sql.query(
        `SELECT s.id, s.settled_cost AS kept, COALESCE(SUM(m.to_cost - m.from_cost), 0) AS moved
         FROM session s LEFT JOIN settlement m ON m.session_id = s.id
         GROUP BY s.id, s.settled_cost HAVING kept <> moved`,
      );
      for (const row of gaps) {
        const [kept, moved] = [bigintOf(row, 'kept'), bigintOf(row, 'moved')];
        found.push(mismatch(-1, textOf(row, 'id'), 'settlement', kept, moved));
      }
      return found;
    });
  }
}

/** One side of the transfers at a time: a join on both would read the whole table per wallet. */
function sideOf(side: 'debit' | 'credit'): string {
  return `SELECT a.owner_ref AS wallet, ${side === 'debit' ? '-' : ''}t.amount AS amount
    FROM account a JOIN transfer t ON t.${side}_account = a.id
    WHERE a.kind = 'wallet' AND a.owner_ref IN (?) AND t.code <> 'debt' AND t.shard IS NOT NULL
      AND (t.epoch < ? OR (t.epoch = ? AND t.seq <= ?))`;
}

function mismatch(
  shard: number,
  wallet: string,
  what: MismatchKind,
  redis: bigint,
  sql: bigint,
): Mismatch {
  return { shard, wallet, what, redis: String(redis), sql: String(sql) };
}
