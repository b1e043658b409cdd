// Reads of the ledger: earnings, statement of a wallet, sums over everything. Used by the API. All
// of it is SQL, so it lags behind Redis by the settlement of open sessions (at most a minute).
import { bigintOf, type Database, textOf } from './database.js';
import type { EarningsReply, LedgerSummaryReply, StatementReply } from './schema.js';

/** Position of the event in its entry: model and site have 2n and 2n + 1, the studio 32768 + n. */
const eventOf = (transfer: 't' | 'o'): string =>
  `IF(${transfer}.idx < 32768, ${transfer}.idx DIV 2, ${transfer}.idx - 32768)`;

/** Transfers of one charge: model, site, studio. */
const PARTS_MAX = 3;

export class Statements {
  constructor(private readonly database: Database) {}

  async earnings(performerId: string): Promise<EarningsReply> {
    const rows = await this.database.query(
      `SELECT kind, credits - debits AS balance FROM account
       WHERE kind IN ('earnings', 'available', 'in_flight', 'paid_out') AND owner_ref = ?`,
      [performerId],
    );
    const balances = new Map(rows.map((row) => [textOf(row, 'kind'), bigintOf(row, 'balance')]));
    const of = (kind: string): string => String(balances.get(kind) ?? 0n);
    return {
      pending: of('earnings'),
      available: of('available'),
      inFlight: of('in_flight'),
      paid: of('paid_out'),
      total: String([...balances.values()].reduce((sum, one) => sum + one, 0n)),
    };
  }

  /** Newest first. Both parts of one charge (model and site) are one entry; spends are negative. */
  async entries(
    userId: string,
    page: { before: string | undefined; limit: number },
  ): Promise<StatementReply> {
    // Each side by its own index, newest first: an entry has at most three transfers, side by side.
    const side = (name: 'debit' | 'credit'): string =>
      `(SELECT id, code, session_id, shard, epoch, seq, idx, booked_ms,
          ${name === 'debit' ? '-' : ''}amount AS amount
        FROM transfer WHERE ${name}_account =
          (SELECT id FROM account WHERE kind = 'wallet' AND owner_ref = ?)
          AND id < ? ORDER BY id DESC LIMIT ?)`;
    const before = page.before ?? '18446744073709551615';
    const values = [userId, before, PARTS_MAX * page.limit];
    const rows = await this.database.query(
      `SELECT MAX(t.id) AS id, MIN(t.code) AS code, MAX(t.session_id) AS session_id,
              SUM(t.amount) AS amount, MAX(t.booked_ms) AS booked_ms
       FROM (${side('debit')} UNION ALL ${side('credit')}) t
       GROUP BY IF(t.shard IS NULL, t.id, 0), t.shard, t.epoch, t.seq, ${eventOf('t')}
       ORDER BY id DESC LIMIT ?`,
      [...values, ...values, page.limit],
    );
    const entries = rows.map((row) => {
      const source = textOf(row, 'session_id');
      const code = textOf(row, 'code').replace(/_(fee|studio)$/, '');
      return {
        id: textOf(row, 'id'),
        code,
        amount: textOf(row, 'amount'),
        bookedAtMs: Number(row['booked_ms']),
        ...(source === '' ? {} : code === 'tip' ? { tipId: source } : { sessionId: source }),
      };
    });
    // The parts of one entry have neighbouring ids; the lowest of the page would split one at the
    // border.
    const last = entries.at(-1);
    const isFull = entries.length === page.limit && last !== undefined;
    return isFull ? { entries, next: await this.lowestId(last.id) } : { entries };
  }

  async summary(): Promise<LedgerSummaryReply> {
    const rows = await this.database.query(
      'SELECT kind, SUM(credits) - SUM(debits) AS balance FROM account GROUP BY kind ORDER BY kind',
    );
    const [count] = await this.database.query('SELECT COUNT(*) AS transfers FROM transfer');
    const accounts = rows.map((row) => ({
      kind: textOf(row, 'kind'),
      balance: textOf(row, 'balance'),
    }));
    const entriesSum = accounts.reduce((sum, one) => sum + BigInt(one.balance), 0n);
    return { entriesSum: String(entriesSum), transfers: Number(count?.['transfers']), accounts };
  }

  /** The first id of the charge that `id` belongs to. */
  private async lowestId(id: string): Promise<string> {
    const [row] = await this.database.query(
      `SELECT MIN(o.id) AS id FROM transfer t JOIN transfer o ON o.shard = t.shard
         AND o.epoch = t.epoch AND o.seq = t.seq AND ${eventOf('o')} = ${eventOf('t')} WHERE t.id = ?`,
      [id],
    );
    return row?.['id'] === null || row === undefined ? id : textOf(row, 'id');
  }
}
