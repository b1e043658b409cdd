// Applies outbox entries to the ledger inside one SQL transaction: sessions, settlements, tips,
// transfers. Used by the settler. Invariant: settlements of a session are contiguous in time and
// cost; payee and site shares add up to the charge, by cumulative floor.
import { type Sql, textOf } from './database.js';
import { bigintOf } from './database.js';
import { type OutboxEntry, type OutboxEvent, PoisonError } from './outbox.js';
import {
  chunks,
  earningsOf,
  post,
  siteRevenueOf,
  type TransferDraft,
  walletOf,
} from './posting.js';
import { parseTariff, payeeShare } from './tariff.js';

type Event<T extends OutboxEvent['type']> = Extract<OutboxEvent, { type: T }>;

interface SessionRow {
  readonly shard: number;
  readonly wallet: string;
  readonly room: string;
  readonly payee: string;
  readonly tariff: string;
  readonly openedMs: string;
  settledBillMs: bigint;
  settledCost: bigint;
  endedMs: string | null;
  reason: string | null;
}

/** Transfers of one event: at most model and site. */
const IDX_PER_EVENT = 2;
const ROWS_PER_STATEMENT = 500;

/**
 * @returns number of transfers booked. @throws PoisonError when an entry contradicts what is
 * booked.
 */
export async function applyEntries(
  sql: Sql,
  entries: readonly OutboxEntry[],
  bookedMs: number,
): Promise<number> {
  const work = new Settlement(await loadSessions(sql, entries));
  for (const entry of entries) {
    entry.events.forEach((event, at) => work.add(entry, event, at));
  }
  await saveSessions(sql, work.sessions, work.changed);
  await insertAll(sql, 'settlement', work.settlements);
  await insertAll(sql, 'tip', work.tips);
  for (const { wallet, cmdSeq, atMs } of work.funded) {
    await sql.run(
      'UPDATE wallet_command SET applied_ms = ? WHERE wallet = ? AND cmd_seq = ? AND applied_ms IS NULL',
      [atMs, wallet, String(cmdSeq)],
    );
  }
  return post(sql, work.transfers, bookedMs);
}

class Settlement {
  readonly changed = new Set<string>();
  readonly transfers: TransferDraft[] = [];
  readonly settlements: unknown[][] = [];
  readonly tips: unknown[][] = [];
  readonly funded: Event<'funded'>[] = [];

  constructor(readonly sessions: Map<string, SessionRow>) {}

  add(entry: OutboxEntry, event: OutboxEvent, at: number): void {
    switch (event.type) {
      case 'opened': {
        this.opened(entry, event);
        return;
      }
      case 'charged': {
        this.charged(entry, event, at);
        return;
      }
      case 'closed': {
        this.closed(entry, event);
        return;
      }
      case 'tipped': {
        this.tipped(entry, event, at);
        return;
      }
      case 'funded':
        return void this.funded.push(event);
    }
  }

  private opened({ shard }: OutboxEntry, event: Event<'opened'>): void {
    if (this.sessions.has(event.sessionId)) {
      throw new PoisonError(shard, `session ${event.sessionId} opens twice`);
    }
    const { wallet, room, payee, tariff, atMs } = event;
    this.sessions.set(event.sessionId, {
      ...{ shard, wallet, room, payee, tariff, openedMs: atMs },
      ...{ settledBillMs: 0n, settledCost: 0n, endedMs: null, reason: null },
    });
    this.changed.add(event.sessionId);
  }

  private charged(entry: OutboxEntry, event: Event<'charged'>, at: number): void {
    const session = this.session(entry, event.sessionId);
    const { settledBillMs, settledCost } = session;
    if (event.fromBillMs !== settledBillMs || event.fromCost !== settledCost) {
      const booked = `${settledBillMs} ms and ${settledCost}`;
      throw new PoisonError(entry.shard, `session ${event.sessionId} is booked up to ${booked}`);
    }
    if (event.toBillMs < event.fromBillMs || event.toCost < event.fromCost) {
      throw new PoisonError(entry.shard, `session ${event.sessionId} shrinks`);
    }
    session.settledBillMs = event.toBillMs;
    session.settledCost = event.toCost;
    this.settlements.push([
      event.sessionId,
      String(event.fromBillMs),
      String(event.toBillMs),
      String(event.fromCost),
      String(event.toCost),
      event.atMs,
    ]);
    const { shareBps } = parseTariff(session.tariff);
    const share = payeeShare(event.toCost, shareBps) - payeeShare(event.fromCost, shareBps);
    this.spend(entry, at, {
      codes: ['show', 'show_fee'],
      amount: event.toCost - event.fromCost,
      share,
      wallet: session.wallet,
      payee: session.payee,
      occurredMs: event.atMs,
      sessionId: event.sessionId,
    });
  }

  private closed(entry: OutboxEntry, event: Event<'closed'>): void {
    const session = this.session(entry, event.sessionId);
    if (event.cost !== session.settledCost || event.billMs !== session.settledBillMs) {
      throw new PoisonError(entry.shard, `session ${event.sessionId} closes with another sum`);
    }
    session.endedMs = event.atMs;
    session.reason = event.reason;
  }

  private tipped(entry: OutboxEntry, event: Event<'tipped'>, at: number): void {
    const { tipId, wallet, key, fingerprint, room, payee, amount, atMs } = event;
    this.tips.push([
      ...[tipId, entry.shard, wallet, key, fingerprint, room, payee, String(amount), atMs],
    ]);
    this.spend(entry, at, {
      codes: ['tip', 'tip_fee'],
      amount,
      share: payeeShare(amount, event.shareBps),
      wallet,
      payee,
      occurredMs: atMs,
    });
  }

  private spend(
    { shard, epoch, seq }: OutboxEntry,
    at: number,
    spent: {
      readonly codes: readonly ['show', 'show_fee'] | readonly ['tip', 'tip_fee'];
      readonly amount: bigint;
      readonly share: bigint;
      readonly wallet: string;
      readonly payee: string;
      readonly occurredMs: string;
      readonly sessionId?: string;
    },
  ): void {
    const { codes, amount, share, wallet, payee, occurredMs, sessionId } = spent;
    const common = {
      debit: walletOf(wallet),
      occurredMs,
      ...(sessionId === undefined ? {} : { sessionId }),
    };
    const outbox = { shard, epoch, seq };
    const idx = at * IDX_PER_EVENT;
    this.transfers.push(
      {
        ...common,
        code: codes[0],
        credit: earningsOf(payee),
        amount: share,
        outbox: { ...outbox, idx },
      },
      {
        ...common,
        code: codes[1],
        credit: siteRevenueOf(shard),
        amount: amount - share,
        outbox: { ...outbox, idx: idx + 1 },
      },
    );
  }

  private session({ shard }: OutboxEntry, id: string): SessionRow {
    const session = this.sessions.get(id);
    if (session === undefined) throw new PoisonError(shard, `session ${id} was never opened`);
    this.changed.add(id);
    return session;
  }
}

async function loadSessions(
  sql: Sql,
  entries: readonly OutboxEntry[],
): Promise<Map<string, SessionRow>> {
  const ids = new Set<string>();
  for (const entry of entries) {
    for (const event of entry.events) {
      if ('sessionId' in event) ids.add(event.sessionId);
    }
  }
  const sessions = new Map<string, SessionRow>();
  for (const part of chunks([...ids], ROWS_PER_STATEMENT)) {
    const rows = await sql.query('SELECT * FROM session WHERE id IN (?)', [part]);
    for (const row of rows) {
      sessions.set(textOf(row, 'id'), {
        shard: Number(row['shard']),
        wallet: textOf(row, 'wallet'),
        room: textOf(row, 'room'),
        payee: textOf(row, 'payee'),
        tariff: textOf(row, 'tariff'),
        openedMs: textOf(row, 'opened_ms'),
        settledBillMs: bigintOf(row, 'settled_bill_ms'),
        settledCost: bigintOf(row, 'settled_cost'),
        endedMs: row['ended_ms'] === null ? null : textOf(row, 'ended_ms'),
        reason: row['reason'] === null ? null : textOf(row, 'reason'),
      });
    }
  }
  return sessions;
}

async function saveSessions(
  sql: Sql,
  sessions: ReadonlyMap<string, SessionRow>,
  changed: ReadonlySet<string>,
): Promise<void> {
  const rows = [...changed].sort().flatMap((id) => {
    const s = sessions.get(id);
    if (s === undefined) return [];
    const sums = [String(s.settledBillMs), String(s.settledCost), s.endedMs, s.reason];
    return [[id, s.shard, s.wallet, s.room, s.payee, s.tariff, s.openedMs, ...sums]];
  });
  for (const part of chunks(rows, ROWS_PER_STATEMENT)) {
    await sql.run(
      `INSERT INTO session (id, shard, wallet, room, payee, tariff, opened_ms, settled_bill_ms,
         settled_cost, ended_ms, reason) VALUES ?
       ON DUPLICATE KEY UPDATE settled_bill_ms = VALUES(settled_bill_ms),
         settled_cost = VALUES(settled_cost), ended_ms = VALUES(ended_ms), reason = VALUES(reason)`,
      [part],
    );
  }
}

const COLUMNS = {
  settlement: 'session_id, from_bill_ms, to_bill_ms, from_cost, to_cost, occurred_ms',
  tip: 'id, shard, wallet, idem_key, fingerprint, room, payee, amount, occurred_ms',
} as const;

async function insertAll(
  sql: Sql,
  table: keyof typeof COLUMNS,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  for (const part of chunks(rows, ROWS_PER_STATEMENT)) {
    await sql.run(`INSERT INTO ${table} (${COLUMNS[table]}) VALUES ?`, [part]);
  }
}
