// Moves outbox entries into the ledger: dense by sequence, exactly once, because the cursor of a
// shard is updated in the transaction that books its entries. Any number of settlers may run; a
// shard's cursor row is its lock. An entry that does not fit parks its shard and raises an alarm;
// it is never skipped.
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import { bigintOf, type Database, type Row, type Sql, textOf } from './database.js';
import type { Engine } from './engine.js';
import { Lanes } from './lanes.js';
import type { BillingMetrics } from './metrics.js';
import { type Cursor, type OutboxEntry, parseOutbox, PoisonError, readOutbox } from './outbox.js';
import { AccountIds, chunks } from './posting.js';
import { SessionMemory } from './session-memory.js';
import { applyEntries } from './settlement.js';
import { ALL_SHARDS } from './shard.js';
import { ShardReach } from './shard-reach.js';
import { Turns } from './turns.js';

export interface SettlerOptions {
  readonly redis: RedisClient;
  readonly engine: Pick<Engine, 'trim'>;
  readonly database: Database;
  readonly metrics: BillingMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  /** From one look at the outboxes to the next while it keeps up; default 200 ms. */
  readonly idleMs?: number;
  /** Whether hooks or callers wait for this process just now: then it gives way to them. */
  readonly isWaitedFor?: () => boolean;
  /** Settled entries that stay in Redis for forensics; default 200. */
  readonly tail?: number;
  /** Called between commit and trim; tests make it fail. */
  readonly beforeTrim?: () => Promise<void> | void;
}

/** Entries per shard and transaction … */
const BATCH_MAX = 500;
/**
 * … and about as many events: a call of 64 charges is one entry. With 1,000 the arithmetic of a
 * group kept hooks waiting for 100 ms.
 */
const EVENTS_WANTED = 250;
const FIRST_LOOK = 4;
const SHARDS_PER_TRANSACTION = 16;
/** Groups are settled at the same time: one computes while the database works for another. … */
const LANES = 4;
/**
 * … While somebody waits for an answer they go one after the other, which leaves a core to hooks
 * where there are two, and settles 8,000 rows/s on a machine that has others to serve as well.
 */
const LANES_IN_COMPANY = 1;
/**
 * Transactions of a group before all shards are looked at again: a shard with an hour of backlog
 * must not keep others waiting that have just got something.
 */
const TRANSACTIONS_PER_LOOK = 8;

interface Booked {
  readonly entries: number;
  readonly rows: number;
  /** Shards that have more than one transaction takes. */
  readonly behind: readonly number[];
}

const NOTHING: Booked = { entries: 0, rows: 0, behind: [] };

export class Settler {
  private running: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private readonly accounts = new AccountIds();
  private readonly sessions = new SessionMemory();

  private readonly reach: ShardReach;
  private readonly turns: Turns;
  private readonly lanes: Lanes;

  constructor(private readonly options: SettlerOptions) {
    this.reach = new ShardReach({ ...options, who: 'settler' });
    const turns = new Turns(options);
    this.turns = turns;
    this.lanes = new Lanes(() => (turns.isWaitedFor ? LANES_IN_COMPANY : LANES));
  }

  start(): void {
    this.running ??= this.loop();
  }

  /** Resolves after the transactions that are under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.reach.stop();
  }

  /**
   * Settles all that is in the outboxes now; a shard that does not answer is an error. Used by the
   * CLI and tests. @returns rows booked
   */
  async drain(): Promise<number> {
    let rows = 0;
    for (;;) {
      const pass = await this.pass(ALL_OF_THEM);
      rows += pass.rows;
      if (pass.entries === 0) return rows;
    }
  }

  /**
   * As long as it keeps up it looks once per `idleMs`, so that a commit is for what came in that
   * time and not for a single charge. On a machine so busy that a pass takes longer it goes on at
   * once: a pause would only make the next pass longer.
   */
  private async loop(): Promise<void> {
    const { log, idleMs = 200 } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const startedMs = performance.now();
      let left = idleMs;
      try {
        const { entries, behind } = await this.pass(this.reach);
        if (entries > 0) left = idleMs - (performance.now() - startedMs);
        if (behind.length > 0) left = 0;
      } catch (thrown) {
        log.warn({ event: 'settler.pass_failed', err: coerceError(thrown) });
        await pause(1_000, signal);
      }
      if (left > 0) await pause(left, signal);
    }
  }

  private async pass(reach: Pick<ShardReach, 'ask'>): Promise<Booked> {
    const found = await this.shardsWithWork(reach);
    const groups = [...chunks(found, SHARDS_PER_TRANSACTION)];
    const settled = await Promise.allSettled(groups.map((group) => this.settleGroup(group)));
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return sumOf(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
  }

  /** Transaction after transaction; no group waits for the slowest of them. */
  private async settleGroup(shards: readonly number[]): Promise<Booked> {
    const done: Booked[] = [];
    let left = shards;
    while (left.length > 0 && done.length < TRANSACTIONS_PER_LOOK) {
      const shardsLeft = left;
      const one = await this.lanes.through(() => this.settleOrPark(shardsLeft));
      done.push(one);
      left = one.behind;
      if (this.stopping.signal.aborted) break;
    }
    return { ...sumOf(done), behind: left };
  }

  /**
   * A look without locks; what it sees is read again under the lock. Shards that do not answer
   * wait.
   */
  private async shardsWithWork(reach: Pick<ShardReach, 'ask'>): Promise<readonly number[]> {
    const { database, redis, metrics } = this.options;
    const cursors = await readCursors(database, ALL_SHARDS, '');
    metrics.parkedShards.set(cursors.filter((one) => one.parked).length);
    const active = new Map(cursors.flatMap((one) => (one.parked ? [] : [[one.shard, one]])));
    const looks = await reach.ask([...active.keys()], async (shard) => {
      const cursor = active.get(shard);
      return cursor === undefined ? [] : readOutbox(redis, cursor, 1);
    });
    return [...looks].filter(([, entries]) => entries.length > 0).map(([shard]) => shard);
  }

  private async settleOrPark(shards: readonly number[]): Promise<Booked> {
    try {
      return await this.settle(shards);
    } catch (thrown) {
      this.accounts.clear();
      this.sessions.clear();
      if (thrown instanceof PoisonError) {
        await this.park(thrown);
        const others = shards.filter((shard) => shard !== thrown.shard);
        return others.length === 0 ? NOTHING : this.settleOrPark(others);
      }
      if (!isRefusedRow(thrown)) throw thrown;
      return this.findRefused(shards, thrown);
    }
  }

  /** SQL refused a row of a batch: settle shard by shard and park the one that it belongs to. */
  private async findRefused(shards: readonly number[], refusal: unknown): Promise<Booked> {
    const [only] = shards;
    if (shards.length === 1 && only !== undefined) {
      await this.park(new PoisonError(only, coerceError(refusal).message));
      return NOTHING;
    }
    const done: Booked[] = [];
    for (const shard of shards) done.push(await this.settleOrPark([shard]));
    return sumOf(done);
  }

  private async settle(shards: readonly number[]): Promise<Booked> {
    const { database, redis, engine, metrics, clock, beforeTrim, tail = 200 } = this.options;
    const done = await database.transaction('READ COMMITTED', async (sql) => {
      const cursors = await readCursors(sql, shards, 'FOR UPDATE SKIP LOCKED');
      const batches = await Promise.all(
        cursors.filter((one) => !one.parked).map((one) => readBatch(redis, one, this.turns)),
      );
      const entries = batches.flatMap((batch) => batch.entries);
      const moved = batches.flatMap((batch) => batch.entries.at(-1) ?? []);
      // The rows are locked anyway; the sums, which others wait for, are moved last.
      await saveCursors(sql, moved, clock.nowMs());
      const known = new Map(cursors.map((cursor) => [cursor.shard, this.sessions.of(cursor)]));
      const applied = await applyEntries(sql, entries, clock.nowMs(), {
        accounts: this.accounts,
        session: (shard, id) => known.get(shard)?.get(id),
        turns: this.turns,
      });
      const behind = batches.flatMap(({ entries: [one], isFull }) =>
        isFull && one !== undefined ? [one.shard] : [],
      );
      return { entries, ...applied, moved, behind };
    });
    for (const at of done.moved) this.sessions.keep(at, done.sessions.get(at.shard) ?? []);
    metrics.settledRows.inc(done.rows);
    metrics.outboxEntries.set(done.entries.length);
    metrics.settlerLagSeconds.set(lagSeconds(done.entries, clock.nowMs()));
    await beforeTrim?.();
    await Promise.all(
      done.moved.map(({ shard, epoch, seq }) => engine.trim({ shard, epoch, seq, tail })),
    );
    return { entries: done.entries.length, rows: done.rows, behind: done.behind };
  }

  private async park(poison: PoisonError): Promise<void> {
    const { database, log } = this.options;
    log.error({ event: 'settler.parked', shard: poison.shard, problem: poison.message });
    await database.run('UPDATE shard_cursor SET parked = ? WHERE shard = ?', [
      poison.message.slice(0, 400),
      poison.shard,
    ]);
  }
}

/** Asks every shard, and fails when one of them does. */
const ALL_OF_THEM: Pick<ShardReach, 'ask'> = {
  ask: async (shards, question) =>
    new Map(await Promise.all(shards.map(async (one) => [one, await question(one)] as const))),
};

export interface CursorRow extends Cursor {
  readonly parked: boolean;
}

export async function readCursors(
  sql: Sql,
  shards: readonly number[],
  lock: '' | 'FOR UPDATE' | 'FOR UPDATE SKIP LOCKED',
): Promise<readonly CursorRow[]> {
  const rows = await sql.query(
    `SELECT shard, epoch, seq, parked FROM shard_cursor WHERE shard IN (?) ORDER BY shard ${lock}`,
    [shards],
  );
  return rows.map((row: Row) => ({
    shard: Number(row['shard']),
    epoch: bigintOf(row, 'epoch'),
    seq: bigintOf(row, 'seq'),
    parked: textOf(row, 'parked') !== '',
  }));
}

interface Batch {
  readonly entries: readonly OutboxEntry[];
  /** There may be more. */
  readonly isFull: boolean;
}

/** The next entries of a shard, as many as make a transaction of a good size. */
async function readBatch(redis: RedisClient, cursor: Cursor, turns: Turns): Promise<Batch> {
  const read = async (after: Cursor, limit: number): Promise<readonly OutboxEntry[]> => {
    const raw = await readOutbox(redis, after, limit);
    return turns.run(() => parseOutbox(after, raw));
  };
  const first = await read(cursor, FIRST_LOOK);
  const last = first.at(-1);
  if (last === undefined || first.length < FIRST_LOOK) return { entries: first, isFull: false };
  const events = first.reduce((sum, entry) => sum + entry.events.length, 0);
  const more = Math.floor(((EVENTS_WANTED - events) * first.length) / events);
  if (more <= 0) return { entries: first, isFull: true };
  const limit = Math.min(more, BATCH_MAX - FIRST_LOOK);
  const rest = await read(last, limit);
  return { entries: [...first, ...rest], isFull: rest.length === limit };
}

function sumOf(all: readonly Booked[]): Booked {
  return {
    entries: all.reduce((sum, one) => sum + one.entries, 0),
    rows: all.reduce((sum, one) => sum + one.rows, 0),
    behind: all.flatMap((one) => one.behind),
  };
}

/** Duplicate key, failed CHECK (MariaDB, MySQL), value out of range, data too long. */
function isRefusedRow(thrown: unknown): boolean {
  const { errno } = thrown as { errno?: unknown };
  return [1062, 4025, 3819, 1264, 1406].includes(Number(errno));
}

async function saveCursors(sql: Sql, last: readonly OutboxEntry[], nowMs: number): Promise<void> {
  if (last.length === 0) return;
  await sql.run(
    `INSERT INTO shard_cursor (shard, epoch, seq, updated_ms) VALUES ?
     ON DUPLICATE KEY UPDATE seq = VALUES(seq), updated_ms = VALUES(updated_ms)`,
    [last.map(({ shard, epoch, seq }) => [shard, String(epoch), String(seq), nowMs])],
  );
}

function lagSeconds(entries: readonly OutboxEntry[], nowMs: number): number {
  let oldestMs = nowMs;
  for (const { events } of entries) {
    for (const { atMs } of events) oldestMs = Math.min(oldestMs, Number(atMs));
  }
  return (nowMs - oldestMs) / 1_000;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
