// Applies outbox entries to the ledger inside one SQL transaction: sessions, settlements, tips,
// transfers. Used by the settler. Invariant: settlements of a session are contiguous in time and
// cost; payee and site shares add up to the charge, by cumulative floor.
import { type Sql, type SqlValue, textOf } from './database.js';
import { bigintOf } from './database.js';
import { type OutboxEntry, type OutboxEvent, PoisonError } from './outbox.js';
import { LotBook, studiosOf, type StudioTerms } from './finance/settled.js';
import {
  type AccountIds,
  type AccountName,
  breakageOf,
  chunks,
  debtOf,
  earningsOf,
  post,
  siteRevenueOf,
  type TransferDraft,
  walletOf,
} from './posting.js';
import { valuesInTurns } from './rows.js';
import { payeeShare, shareBpsOf } from './tariff.js';
import type { Turns } from './turns.js';

type Event<T extends OutboxEvent['type']> = Extract<OutboxEvent, { type: T }>;

/** A row of `session`, as far as settlement needs it. */
export interface SessionRow {
  readonly shard: number;
  readonly wallet: string;
  readonly room: string;
  readonly payee: string;
  tariff: string;
  readonly openedMs: string;
  settledBillMs: bigint;
  settledCost: bigint;
  endedMs: string | null;
  reason: string | null;
  /** Part of the cost that lots paid which pay no model. */
  unpaidCost: bigint;
  payeeMilli: bigint;
  studio: string | null;
  studioMilli: bigint;
}

/** Transfers of one event: model and site, … */
const IDX_PER_EVENT = 2;
/** … and where there is one the studio, in a range of its own. */
const IDX_STUDIO = 32_768;
const ROWS_PER_STATEMENT = 1_000;
/** Of up to 64 events, about 5 µs each. */
const ENTRIES_PER_PIECE = 1;

/** What a settler knows already. */
export interface Known {
  readonly accounts: AccountIds;
  readonly session: (shard: number, id: string) => Readonly<SessionRow> | undefined;
  readonly turns: Turns;
}

export interface Applied {
  /** Transfers booked. */
  readonly rows: number;
  /** As they are booked now: those that changed, by shard and id. */
  readonly sessions: ReadonlyMap<number, readonly (readonly [string, SessionRow])[]>;
}

/** @throws PoisonError when an entry contradicts what is booked. */
export async function applyEntries(
  sql: Sql,
  entries: readonly OutboxEntry[],
  bookedMs: number,
  known: Known,
): Promise<Applied> {
  const sessions = await loadSessions(sql, entries, known);
  const lots = await LotBook.load(sql, entries);
  const work = new Settlement(sessions, lots, await studiosOf(sql, payees(entries, sessions)));
  const { turns } = known;
  await turns.each(entries, ENTRIES_PER_PIECE, (entry) => {
    entry.events.forEach((event, at) => work.add(entry, event, at));
  });
  await saveSessions(sql, work, turns);
  await insertAll(sql, turns, 'settlement', work.settlements);
  await insertAll(sql, turns, 'tip', work.tips);
  await lots.save(sql);
  await saveApplied(sql, work.funded);
  const rows = await post(sql, work.transfers, bookedMs, known);
  return { rows, sessions: changedByShard(work) };
}

interface Spend {
  readonly codes:
    readonly ['show', 'show_fee', 'show_studio'] | readonly ['tip', 'tip_fee', 'tip_studio'];
  readonly amount: bigint;
  /** Of the model, the studio's part included. */
  readonly share: bigint;
  readonly studioShare: bigint;
  readonly studio: string | null;
  readonly wallet: string;
  readonly payee: string;
  readonly occurredMs: string;
  /** The show, or the tip. */
  readonly sessionId: string;
}

class Settlement {
  readonly changed = new Set<string>();
  readonly transfers: TransferDraft[] = [];
  readonly settlements: SqlValue[][] = [];
  readonly tips: SqlValue[][] = [];
  readonly funded: Event<'funded'>[] = [];

  constructor(
    readonly sessions: Map<string, SessionRow>,
    private readonly lots: LotBook,
    private readonly studios: ReadonlyMap<string, StudioTerms>,
  ) {}

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
      case 'repriced': {
        this.repriced(entry, event);
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
      case 'funded': {
        this.wasFunded(entry, event, at);
        return;
      }
      case 'expired': {
        this.expired(entry, event, at);
        return;
      }
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
      ...{ unpaidCost: 0n, payeeMilli: 0n, studioMilli: 0n },
      studio: this.studios.get(payee)?.studio ?? null,
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
    const { sessionId, fromBillMs, toBillMs, fromCost, toCost, atMs } = event;
    this.settlements.push([sessionId, fromBillMs, toBillMs, fromCost, toCost, atMs]);
    const shareBps = shareBpsOf(session.tariff);
    const source = event.sessionId;
    const free = this.lots.use(entry, at, { source, lots: event.lots, atMs: event.atMs });
    const amount = event.toCost - event.fromCost;
    if (free > amount) throw new PoisonError(entry.shard, `session ${source}: lots paid too much`);
    const paidBefore = event.fromCost - session.unpaidCost;
    session.unpaidCost += free;
    const paid = event.toCost - session.unpaidCost;
    const share = payeeShare(paid, shareBps) - payeeShare(paidBefore, shareBps);
    const studioShare = this.studioShare(session.studio, session.payee, session.payeeMilli, share);
    session.payeeMilli += share;
    session.studioMilli += studioShare;
    this.spend(entry, at, {
      codes: ['show', 'show_fee', 'show_studio'],
      ...{ amount, share, studioShare, studio: session.studio },
      wallet: session.wallet,
      payee: session.payee,
      occurredMs: event.atMs,
      sessionId: event.sessionId,
    });
  }

  /** Cumulative floor of the model's part; a studio that came after the opening gets none. */
  private studioShare(studio: string | null, payee: string, before: bigint, share: bigint): bigint {
    const terms = this.studios.get(payee);
    if (studio === null || terms?.studio !== studio) return 0n;
    return payeeShare(before + share, terms.shareBps) - payeeShare(before, terms.shareBps);
  }

  private repriced(entry: OutboxEntry, event: Event<'repriced'>): void {
    const session = this.session(entry, event.sessionId);
    if (event.cost !== session.settledCost || event.billMs !== session.settledBillMs) {
      throw new PoisonError(entry.shard, `session ${event.sessionId} is repriced elsewhere`);
    }
    session.tariff = `${event.tariff} ${event.billMs} ${event.cost}`;
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
    const free = this.lots.use(entry, at, { source: tipId, lots: event.lots, atMs });
    if (free > amount) throw new PoisonError(entry.shard, `tip ${tipId}: lots paid too much`);
    const share = payeeShare(amount - free, event.shareBps);
    const studio = this.studios.get(payee)?.studio ?? null;
    const studioShare = this.studioShare(studio, payee, 0n, share);
    this.tips.push([
      ...[tipId, entry.shard, wallet, key, fingerprint, room, payee, String(amount), atMs],
      ...[studio, String(share), String(studioShare)],
    ]);
    this.spend(entry, at, {
      codes: ['tip', 'tip_fee', 'tip_studio'],
      ...{ amount, share, studioShare, studio, wallet, payee },
      occurredMs: atMs,
      sessionId: tipId,
    });
  }

  /** Debt that a command made or repaid; the transfer of the command itself is booked already. */
  private wasFunded({ shard, epoch, seq }: OutboxEntry, event: Event<'funded'>, at: number): void {
    this.funded.push(event);
    const { wallet, owing, atMs } = event;
    const sides = [debtOf(wallet), walletOf(wallet)] as const;
    const [debit, credit] = owing > 0n ? sides : ([sides[1], sides[0]] as const);
    this.transfers.push({
      ...{ code: 'debt', debit, credit, amount: owing < 0n ? -owing : owing, occurredMs: atMs },
      outbox: { shard, epoch, seq, idx: at * IDX_PER_EVENT },
    });
  }

  private expired(entry: OutboxEntry, event: Event<'expired'>, at: number): void {
    const { wallet, lot, amount, atMs } = event;
    const { shard, epoch, seq } = entry;
    this.lots.expire(entry, at, { lot, amount, atMs });
    this.transfers.push({
      ...{ code: 'breakage', debit: walletOf(wallet), credit: breakageOf(shard), amount },
      occurredMs: atMs,
      outbox: { shard, epoch, seq, idx: at * IDX_PER_EVENT },
    });
  }

  /** Site = amount − model − studio, so that the three are the charge. */
  private spend({ shard, epoch, seq }: OutboxEntry, at: number, spent: Spend): void {
    const { codes, amount, share, studio, studioShare, payee, occurredMs, sessionId } = spent;
    const debit = walletOf(spent.wallet);
    const add = (part: 0 | 1 | 2, credit: AccountName, sum: bigint, idx: number): void => {
      if (sum === 0n) return;
      const outbox = { shard, epoch, seq, idx };
      const code = codes[part];
      this.transfers.push({ code, debit, credit, amount: sum, occurredMs, outbox, sessionId });
    };
    const idx = at * IDX_PER_EVENT;
    add(0, earningsOf(payee), share - studioShare, idx);
    add(1, siteRevenueOf(shard), amount - share, idx + 1);
    add(2, earningsOf(studio ?? payee), studioShare, IDX_STUDIO + at);
  }

  private session({ shard }: OutboxEntry, id: string): SessionRow {
    const session = this.sessions.get(id);
    if (session === undefined) throw new PoisonError(shard, `session ${id} was never opened`);
    this.changed.add(id);
    return session;
  }
}

/** Models that earn by these entries. */
function payees(
  entries: readonly OutboxEntry[],
  sessions: ReadonlyMap<string, SessionRow>,
): readonly string[] {
  const found = new Set<string>();
  for (const { payee } of sessions.values()) found.add(payee);
  for (const { events } of entries) {
    for (const event of events) if ('payee' in event) found.add(event.payee);
  }
  return [...found];
}

function changedByShard({ sessions, changed }: Settlement): Applied['sessions'] {
  const found = new Map<number, (readonly [string, SessionRow])[]>();
  for (const id of changed) {
    const row = sessions.get(id);
    if (row === undefined) continue;
    const list = found.get(row.shard);
    if (list === undefined) found.set(row.shard, [[id, row]]);
    else list.push([id, row]);
  }
  return found;
}

async function loadSessions(
  sql: Sql,
  entries: readonly OutboxEntry[],
  known: Known,
): Promise<Map<string, SessionRow>> {
  const ids = new Set<string>();
  const sessions = new Map<string, SessionRow>();
  for (const entry of entries) {
    for (const event of entry.events) {
      if (!('sessionId' in event) || sessions.has(event.sessionId)) continue;
      const row = known.session(entry.shard, event.sessionId);
      // A copy: what this transaction makes of it is true only after its commit.
      if (row === undefined) ids.add(event.sessionId);
      else sessions.set(event.sessionId, { ...row });
    }
  }
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
        unpaidCost: bigintOf(row, 'unpaid_cost'),
        payeeMilli: bigintOf(row, 'payee_milli'),
        studio: row['studio'] === null ? null : textOf(row, 'studio'),
        studioMilli: bigintOf(row, 'studio_milli'),
      });
    }
  }
  return sessions;
}

async function saveSessions(
  sql: Sql,
  { sessions, changed }: Pick<Settlement, 'sessions' | 'changed'>,
  turns: Turns,
): Promise<void> {
  const rows = [...changed].sort().flatMap((id) => {
    const row = sessions.get(id);
    return row === undefined ? [] : [[id, row] as const];
  });
  for (const part of chunks(rows, ROWS_PER_STATEMENT)) {
    await sql.run(
      `INSERT INTO session (id, shard, wallet, room, payee, tariff, opened_ms, settled_bill_ms,
         settled_cost, ended_ms, reason, studio, unpaid_cost, payee_milli, studio_milli)
       VALUES ${await valuesInTurns(turns, part, sessionValues)}
       ON DUPLICATE KEY UPDATE tariff = VALUES(tariff),
         settled_bill_ms = VALUES(settled_bill_ms),
         settled_cost = VALUES(settled_cost), ended_ms = VALUES(ended_ms), reason = VALUES(reason),
         unpaid_cost = VALUES(unpaid_cost), payee_milli = VALUES(payee_milli),
         studio_milli = VALUES(studio_milli)`,
    );
  }
}

function sessionValues([id, s]: readonly [string, SessionRow]): SqlValue[] {
  const sums = [s.settledBillMs, s.settledCost, s.endedMs, s.reason];
  const shares = [s.studio, s.unpaidCost, s.payeeMilli, s.studioMilli];
  return [id, s.shard, s.wallet, s.room, s.payee, s.tariff, s.openedMs, ...sums, ...shares];
}

/** Redis has these commands; nobody need send them again. */
export async function saveApplied(
  sql: Sql,
  funded: readonly Pick<Event<'funded'>, 'wallet' | 'cmdSeq' | 'atMs'>[],
): Promise<void> {
  for (const part of chunks(funded, ROWS_PER_STATEMENT)) {
    const rows = part.map(({ wallet, cmdSeq, atMs }) => {
      return `SELECT ${wallet} AS wallet, ${cmdSeq} AS cmd_seq, ${atMs} AS at_ms`;
    });
    await sql.run(
      `UPDATE wallet_command c JOIN (${rows.join(' UNION ALL ')}) f
         ON c.wallet = f.wallet AND c.cmd_seq = f.cmd_seq
       SET c.applied_ms = f.at_ms WHERE c.applied_ms IS NULL`,
    );
  }
}

const COLUMNS = {
  settlement: 'session_id, from_bill_ms, to_bill_ms, from_cost, to_cost, occurred_ms',
  tip:
    'id, shard, wallet, idem_key, fingerprint, room, payee, amount, occurred_ms, ' +
    'studio, payee_milli, studio_milli',
} as const;

async function insertAll(
  sql: Sql,
  turns: Turns,
  table: keyof typeof COLUMNS,
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  for (const part of chunks(rows, ROWS_PER_STATEMENT)) {
    const values = await valuesInTurns(turns, part, (row) => row);
    await sql.run(`INSERT INTO ${table} (${COLUMNS[table]}) VALUES ${values}`);
  }
}
