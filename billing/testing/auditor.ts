// Audits one shard by its own records alone: what the outbox says, what the wallets hold, what the
// sessions have used (invariants I2, I6, I7, I9). Knows nothing of how the scripts compute.
import type { RedisClient } from '../../cluster/index.js';
import { type OutboxEntry, parseOutbox } from '../outbox.js';
import { snapshotShard } from '../scripts.js';
import { shardKeys } from '../shard.js';

/** What a show or a tip has cost by the outbox, milli-credits, and what of it each lot has paid. */
export interface Spending {
  amount: bigint;
  readonly lots: Map<string, bigint>;
}

export interface Audit {
  /** By session, or by the key of the tip. */
  readonly spendings: ReadonlyMap<string, Spending>;
  /** Σ of what expired. */
  readonly broken: bigint;
}

/** @throws Error that names the first thing that does not fit */
export async function auditShard(shard: number, redis: RedisClient): Promise<Audit> {
  const { epoch, seq, sum, wallets } = await snapshotShard.run(redis, { shard });
  const raw = await redis.xrange(shardKeys(shard).out, '-', '+');
  const cursor = { shard, epoch, seq: seq - BigInt(raw.length) };
  const { open, ...audit } = auditEntries(parseOutbox(cursor, raw));
  const active = await redis.zcard(shardKeys(shard).room);
  if (open !== active) throw new Error(`${open} open in the outbox, ${active} in Redis`);
  let owned = 0n;
  for (const one of wallets) {
    owned += one.owned;
    if (one.owned < 0n || one.held < 0n || one.debt < 0n) throw new Error('below zero');
    if (one.held !== one.holds) throw new Error(`held ${one.held}, sessions hold ${one.holds}`);
  }
  if (owned !== sum) throw new Error(`wallets own ${owned}, the shard says ${sum}`);
  return audit;
}

function auditEntries(entries: readonly OutboxEntry[]): Audit & { open: number } {
  const reached = new Map<string, { bill: bigint; cost: bigint; isClosed: boolean }>();
  const commands = new Map<string, bigint>();
  const spendings = new Map<string, Spending>();
  let broken = 0n;
  for (const event of entries.flatMap((entry) => entry.events)) {
    if (event.type === 'opened') {
      reached.set(event.sessionId, { bill: 0n, cost: 0n, isClosed: false });
    } else if (event.type === 'charged') {
      const at = reached.get(event.sessionId);
      if (at === undefined || at.isClosed) throw new Error('charged while not open');
      if (at.bill !== event.fromBillMs || at.cost !== event.fromCost) throw new Error('a gap');
      Object.assign(at, { bill: event.toBillMs, cost: event.toCost });
      countSpending(spendings, event.sessionId, event.toCost - event.fromCost, event.lots);
    } else if (event.type === 'closed') {
      const at = reached.get(event.sessionId);
      if (at === undefined || at.isClosed) throw new Error('closed while not open');
      if (at.bill !== event.billMs || at.cost !== event.cost) throw new Error('closed elsewhere');
      at.isClosed = true;
    } else if (event.type === 'tipped') {
      countSpending(spendings, event.key, event.amount, event.lots);
    } else if (event.type === 'funded') {
      const due = (commands.get(event.wallet) ?? 0n) + 1n;
      if (event.cmdSeq !== due) throw new Error(`command ${event.cmdSeq} where ${due} was due`);
      commands.set(event.wallet, due);
    } else if (event.type === 'expired') {
      broken += event.amount;
    }
  }
  const open = [...reached.values()].filter((one) => !one.isClosed).length;
  return { spendings, broken, open };
}

function countSpending(
  spendings: Map<string, Spending>,
  source: string,
  amount: bigint,
  lots: string,
): void {
  const spending = spendings.get(source) ?? { amount: 0n, lots: new Map<string, bigint>() };
  spendings.set(source, spending);
  spending.amount += amount;
  for (const [, lot = '', part = '0'] of lots.matchAll(/(\d+):(\d+)/g)) {
    spending.lots.set(lot, (spending.lots.get(lot) ?? 0n) + BigInt(part));
  }
}

/** Empties the shard for the next history, whose time begins at `nowMs`; the sequence goes on. */
export function clearShard(shard: number, redis: RedisClient, nowMs: number): Promise<unknown> {
  const { meta, ...others } = shardKeys(shard);
  return Promise.all([
    redis.unlink(...Object.values(others)),
    redis.hset(meta, 'sum', '0', 'clk', String(nowMs)),
    redis.hdel(meta, 'idemDay'),
  ]);
}
