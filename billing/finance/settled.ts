// What the settler needs of finance: which lots paid a charge and how much of it pays no model,
// what expired, and which studio shares in a model's earnings. Used by settlement.ts inside its SQL
// transaction. Invariant: a lot never gives more than it has (CHECK of the table; the shard parks).
import { bigintOf, type Sql, textOf } from '../database.js';
import { type OutboxEntry, PoisonError } from '../outbox.js';
import { chunks } from '../posting.js';
import { lotSums } from '../scripts.js';

const ROWS_PER_STATEMENT = 500;

export interface StudioTerms {
  readonly studio: string;
  /** Of what the model earns, 1/10000. */
  readonly shareBps: number;
}

/** Models without a studio are not in the answer. */
export async function studiosOf(
  sql: Sql,
  performers: readonly string[],
): Promise<ReadonlyMap<string, StudioTerms>> {
  const found = new Map<string, StudioTerms>();
  for (const part of chunks(performers, ROWS_PER_STATEMENT)) {
    const rows = await sql.query(
      `SELECT performer, studio, studio_share_bps FROM performer_terms
       WHERE studio IS NOT NULL AND performer IN (?)`,
      [part],
    );
    for (const row of rows) {
      const studio = textOf(row, 'studio');
      found.set(textOf(row, 'performer'), { studio, shareBps: Number(row['studio_share_bps']) });
    }
  }
  return found;
}

/** Lots that a batch of entries names: what they lose, and why. */
export class LotBook {
  private readonly rows: unknown[][] = [];
  private readonly taken = new Map<string, bigint>();

  private constructor(private readonly paysPerformer: ReadonlyMap<string, boolean>) {}

  static async load(sql: Sql, entries: readonly OutboxEntry[]): Promise<LotBook> {
    const ids = new Set<string>();
    for (const { events } of entries) {
      for (const event of events) {
        if ('lots' in event) for (const lot of lotSums(event.lots).keys()) ids.add(lot);
        if (event.type === 'expired') ids.add(event.lot);
      }
    }
    const known = new Map<string, boolean>();
    for (const part of chunks([...ids], ROWS_PER_STATEMENT)) {
      const rows = await sql.query('SELECT id, pays_performer FROM lot WHERE id IN (?)', [part]);
      for (const row of rows) known.set(textOf(row, 'id'), Number(row['pays_performer']) === 1);
    }
    return new LotBook(known);
  }

  /** @returns how much of the charge pays no model */
  use(
    entry: OutboxEntry,
    at: number,
    spent: { source: string; lots: string; atMs: string },
  ): bigint {
    let free = 0n;
    for (const [lot, amount] of lotSums(spent.lots)) {
      if (!this.take(entry, at, { kind: 'spend', ...spent, lot, amount })) free += amount;
    }
    return free;
  }

  expire(
    entry: OutboxEntry,
    at: number,
    lost: { lot: string; amount: bigint; atMs: string },
  ): void {
    this.take(entry, at, { kind: 'expire', source: null, ...lost });
  }

  /** In the order of their ids, so that two settlers do not wait for each other in a circle. */
  async save(sql: Sql): Promise<void> {
    for (const part of chunks(this.rows, ROWS_PER_STATEMENT)) {
      await sql.run(
        'INSERT INTO lot_use (lot, kind, source, amount, shard, epoch, seq, idx, at_ms) VALUES ?',
        [part],
      );
    }
    const sorted = [...this.taken].sort(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1));
    for (const part of chunks(sorted, ROWS_PER_STATEMENT)) {
      const cases = part.map(() => 'WHEN ? THEN CAST(? AS SIGNED)').join(' ');
      await sql.run(`UPDATE lot SET remaining = remaining - CASE id ${cases} END WHERE id IN (?)`, [
        ...part.flatMap(([id, amount]) => [id, String(amount)]),
        part.map(([id]) => id),
      ]);
    }
  }

  private take(
    { shard, epoch, seq }: OutboxEntry,
    at: number,
    use: { kind: string; source: string | null; lot: string; amount: bigint; atMs: string },
  ): boolean {
    const { kind, source, lot, amount, atMs } = use;
    const pays = this.paysPerformer.get(lot);
    if (pays === undefined) throw new PoisonError(shard, `lot ${lot} was never given`);
    if (amount > 0n) {
      this.rows.push([
        ...[lot, kind, source, String(amount), shard, String(epoch), String(seq), at, atMs],
      ]);
      this.taken.set(lot, (this.taken.get(lot) ?? 0n) + amount);
    }
    return pays;
  }
}

/** Open lots of each wallet of a shard, in the order of spending, as restore-wallets takes them. */
export async function openLotsOf(
  sql: Sql,
  shard: number,
): Promise<ReadonlyMap<string, { text: string; sum: bigint }>> {
  const rows = await sql.query(
    `SELECT id, wallet, remaining, expires_ms, priority, scope FROM lot
     WHERE shard = ? AND is_open = 1
     ORDER BY wallet, priority, expires_ms = 0, expires_ms, id`,
    [shard],
  );
  const found = new Map<string, { text: string; sum: bigint }>();
  for (const row of rows) {
    const wallet = textOf(row, 'wallet');
    const before = found.get(wallet);
    const columns = ['id', 'remaining', 'expires_ms', 'priority', 'scope'];
    const text = columns.map((name) => textOf(row, name)).join(' ');
    found.set(wallet, {
      text: before === undefined ? text : `${before.text},${text}`,
      sum: (before?.sum ?? 0n) + bigintOf(row, 'remaining'),
    });
  }
  return found;
}
