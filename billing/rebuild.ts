// Restores one shard of Redis from SQL: balances, open sessions, remembered commands. Used by the
// fence when Redis has lost data, and by the CLI. What Redis had charged but not settled yet
// returns to the viewers; time since the last settlement of an open session is not charged.
import { randomUUID } from 'node:crypto';
import type { RedisClient } from '../cluster/index.js';
import { bigintOf, type Row, type Sql, textOf } from './database.js';
import { openLotsOf } from './finance/settled.js';
import { limitsOf } from './limits.js';
import { chunks, debtOf, post, type TransferDraft, walletOf } from './posting.js';
import * as restore from './restore-scripts.js';
import { shardKeys } from './shard.js';
import type { Cursor } from './outbox.js';
import { saveApplied } from './settlement.js';

/**
 * Wallet versions of an epoch start here, so that clients never take an old balance for a new one.
 */
const VERSIONS_PER_EPOCH = 1_000_000_000n;
const ROWS_PER_SCRIPT = 500;
const PAGE = 5_000;
/** One reads SQL while another writes Redis: 1.3 times as many wallets a second as in turn. */
const SHARDS_AT_ONCE = 4;
const DAY_MS = 86_400_000;

export interface RebuiltShard {
  readonly shard: number;
  readonly wallets: number;
  readonly sessions: number;
  /**
   * What its wallets own now, less what Redis said they own; undefined when Redis said nothing.
   * Above 0 went back to viewers.
   */
  readonly differenceMilli: bigint | undefined;
  /** To be called after the new epoch is committed; opens the shard. */
  finish(): Promise<void>;
}

export interface RebuildOptions {
  readonly redis: RedisClient;
  /** A REPEATABLE READ transaction that holds the cursor row. */
  readonly sql: Sql;
  readonly cursor: Cursor;
  readonly nowMs: number;
  /** Sessions that give no proof of life by then are stale. */
  readonly maxGapMs: number;
}

/**
 * Several shards in one transaction, some at a time. Ends after the last of them also when one
 * fails, so that nothing is sent to a connection that was rolled back.
 */
export async function rebuildShards(
  options: Omit<RebuildOptions, 'cursor'>,
  cursors: readonly Cursor[],
): Promise<readonly RebuiltShard[]> {
  const rebuilt: RebuiltShard[] = [];
  const waiting = [...cursors];
  const faults: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let cursor = waiting.shift(); cursor !== undefined; cursor = waiting.shift()) {
      try {
        rebuilt.push(await rebuildShard({ ...options, cursor }));
      } catch (thrown) {
        faults.push(thrown);
        waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, work));
  if (faults.length > 0) throw faults[0];
  return rebuilt;
}

/**
 * Empties the shard, writes all of it, and moves the SQL cursor to a new epoch (not committed
 * here).
 */
export async function rebuildShard(options: RebuildOptions): Promise<RebuiltShard> {
  const { redis, sql, cursor, nowMs } = options;
  const { shard } = cursor;
  const token = randomUUID();
  const epoch = cursor.epoch + 1n;
  const before = await ownedBefore(redis, shard);
  await restore.beginRestore.run(redis, { shard, token });
  const { wallets, owned } = await copyWallets(options, token, epoch);
  await copyLimits(options, token, epoch);
  const sessions = await copySessions(options, token);
  const day = Math.floor(nowMs / DAY_MS);
  await copyCommands(options, token, day);
  await sql.run('UPDATE shard_cursor SET epoch = ?, parked = NULL WHERE shard = ?', [
    String(epoch),
    shard,
  ]);
  await saveApplied(sql, await pendingOf(options));
  const finish = async (): Promise<void> => {
    await restore.finishRestore.run(redis, {
      ...{ shard, token, epoch, seq: cursor.seq, nowMs, day },
    });
  };
  const differenceMilli = before === undefined ? undefined : owned - before;
  return { shard, wallets, sessions, differenceMilli, finish };
}

/** Undefined for a shard that was empty, closed by hand or in the middle of another restore. */
async function ownedBefore(redis: RedisClient, shard: number): Promise<bigint | undefined> {
  const [epoch, sum] = await redis.hmget(shardKeys(shard).meta, 'epoch', 'sum');
  return epoch === null || epoch === undefined ? undefined : BigInt(sum ?? '0');
}

/**
 * Commands that the wallets of this snapshot hold already. Those that are committed meanwhile are
 * not among them and must still reach Redis: read as a snapshot, never by an UPDATE with a join,
 * which sees what is newest.
 */
async function pendingOf({ sql, cursor: { shard }, nowMs }: RebuildOptions) {
  const rows = await sql.query(
    'SELECT wallet, cmd_seq FROM wallet_command WHERE shard = ? AND applied_ms IS NULL',
    [shard],
  );
  const atMs = String(nowMs);
  return rows.map((row) => {
    return { wallet: textOf(row, 'wallet'), cmdSeq: bigintOf(row, 'cmd_seq'), atMs };
  });
}

async function copyWallets(
  { redis, sql, cursor: { shard }, nowMs }: RebuildOptions,
  token: string,
  epoch: bigint,
): Promise<{ wallets: number; owned: bigint }> {
  const version = (epoch - 1n) * VERSIONS_PER_EPOCH;
  let owned = 0n;
  const lots = await openLotsOf(sql, shard);
  const debts = await debtsOf(sql, shard);
  const owing: TransferDraft[] = [];
  const copied = await copyPages(
    (after) =>
      sql.query(
        `SELECT id, owner_ref, debits, credits, cmd_seq, is_frozen FROM account
         WHERE shard = ? AND id > ? ORDER BY id LIMIT ${PAGE}`,
        [shard, after],
      ),
    'id',
    '0',
    async (rows) => {
      const wallets = rows.map((row) => {
        const wallet = textOf(row, 'owner_ref');
        const restored = toWallet(row, lots.get(wallet), debts.get(wallet) ?? 0n);
        const change = restored.debt - (debts.get(wallet) ?? 0n);
        if (change !== 0n) owing.push(debtChange(wallet, change, nowMs));
        return restored;
      });
      const sum = await restore.restoreWallets.run(redis, { shard, token, version, wallets });
      owned += sum;
    },
  );
  await post(sql, owing, nowMs);
  return { wallets: copied, owned };
}

/** Debt that a command made or repaid which Redis never said anything about. */
function debtChange(wallet: string, change: bigint, nowMs: number): TransferDraft {
  const [debit, credit] =
    change > 0n ? [debtOf(wallet), walletOf(wallet)] : [walletOf(wallet), debtOf(wallet)];
  const amount = change < 0n ? -change : change;
  return { code: 'debt', debit, credit, amount, occurredMs: String(nowMs) };
}

async function debtsOf(sql: Sql, shard: number): Promise<ReadonlyMap<string, bigint>> {
  const rows = await sql.query(
    `SELECT d.owner_ref, d.debits - d.credits AS debt FROM account d
     JOIN account w ON w.kind = 'wallet' AND w.owner_ref = d.owner_ref
     WHERE d.kind = 'debt' AND w.shard = ? AND d.debits <> d.credits`,
    [shard],
  );
  return new Map(rows.map((row) => [textOf(row, 'owner_ref'), bigintOf(row, 'debt')]));
}

/** What is missing after the lots is debt; cash repays debt. */
function toWallet(
  row: Row,
  lots: { text: string; sum: bigint } = { text: '', sum: 0n },
  booked: bigint,
): restore.RestoredWallet {
  const net = bigintOf(row, 'credits') - bigintOf(row, 'debits') - lots.sum - booked;
  return {
    wallet: textOf(row, 'owner_ref'),
    cash: net > 0n ? net : 0n,
    debt: net < 0n ? -net : 0n,
    flags: Number(row['is_frozen']) === 1 ? 1 : 0,
    cmdSeq: bigintOf(row, 'cmd_seq'),
    lots: lots.text,
  };
}

async function copyLimits(
  { redis, sql, cursor: { shard } }: RebuildOptions,
  token: string,
  epoch: bigint,
): Promise<void> {
  const version = (epoch - 1n) * VERSIONS_PER_EPOCH;
  let after = '0';
  for (;;) {
    const limits = await limitsOf(sql, shard, { after, limit: ROWS_PER_SCRIPT });
    const last = limits.at(-1);
    if (last === undefined) return;
    await restore.restoreLimits.run(redis, { shard, token, version, limits });
    after = last.wallet;
  }
}

/** The open ones, and those whose viewer may come back by a ticket. @returns how many are open */
async function copySessions(options: RebuildOptions, token: string): Promise<number> {
  const { sql, cursor, nowMs } = options;
  const { shard } = cursor;
  await copySessionPages(options, token, (after) =>
    sql.query(
      // A show that ended is known by the sessions that ended with it.
      `SELECT s.* FROM session s LEFT JOIN
         (SELECT room, MAX(ended_ms) AS over_ms FROM session
          WHERE shard = ? AND ended_ms > ? AND reason IN ('show_ended', 'room_closed')
          GROUP BY room) o ON o.room = s.room
       WHERE s.shard = ? AND s.ended_ms > ? AND s.reason IN ('left', 'stale')
         AND s.tariff LIKE 't %' AND s.ended_ms > COALESCE(o.over_ms, 0) AND s.id > ?
       ORDER BY s.id LIMIT ${PAGE}`,
      [shard, nowMs - DAY_MS, shard, nowMs - DAY_MS, after],
    ),
  );
  return copySessionPages(options, token, (after) =>
    sql.query(
      `SELECT * FROM session WHERE shard = ? AND ended_ms IS NULL AND id > ?
       ORDER BY id LIMIT ${PAGE}`,
      [shard, after],
    ),
  );
}

function copySessionPages(
  { redis, cursor: { shard }, nowMs, maxGapMs }: RebuildOptions,
  token: string,
  read: (after: string) => Promise<readonly Row[]>,
): Promise<number> {
  return copyPages(read, 'id', '', (rows) =>
    restore.restoreSessions.run(redis, {
      ...{ shard, token, nowMs, dueMs: nowMs + maxGapMs },
      sessions: rows.map((row) => ({
        sessionId: textOf(row, 'id'),
        wallet: textOf(row, 'wallet'),
        room: textOf(row, 'room'),
        payee: textOf(row, 'payee'),
        tariff: textOf(row, 'tariff'),
        openedMs: textOf(row, 'opened_ms'),
        settledBillMs: textOf(row, 'settled_bill_ms'),
        settledCost: textOf(row, 'settled_cost'),
        endedMs: row['ended_ms'] === null ? '0' : textOf(row, 'ended_ms'),
        reason: row['reason'] === null ? '-' : textOf(row, 'reason'),
      })),
    }),
  );
}

/** Tips of the last two days: their keys must not pay again. */
async function copyCommands(
  { redis, sql, cursor: { shard }, nowMs }: RebuildOptions,
  token: string,
  day: number,
): Promise<number> {
  return copyPages(
    (after) =>
      sql.query(
        `SELECT id, wallet, idem_key, fingerprint FROM tip
         WHERE shard = ? AND occurred_ms > ? AND id > ? ORDER BY id LIMIT ${PAGE}`,
        [shard, nowMs - 2 * DAY_MS, after],
      ),
    'id',
    '',
    (rows) =>
      restore.restoreCommands.run(redis, {
        ...{ shard, token, day },
        pairs: rows.map((row) => [
          `t:${textOf(row, 'wallet')}:${textOf(row, 'idem_key')}`,
          `${textOf(row, 'fingerprint')} OK ${textOf(row, 'id')}`,
        ]),
      }),
  );
}

/** Reads in pages by key, writes each in scripts of 500 rows, all at once. @returns rows copied */
async function copyPages(
  read: (after: string) => Promise<readonly Row[]>,
  key: string,
  start: string,
  write: (rows: readonly Row[]) => Promise<unknown>,
): Promise<number> {
  let copied = 0;
  let after = start;
  for (;;) {
    const rows = await read(after);
    await Promise.all([...chunks(rows, ROWS_PER_SCRIPT)].map(write));
    copied += rows.length;
    if (rows.length < PAGE) return copied;
    after = textOf(rows.at(-1), key);
  }
}
