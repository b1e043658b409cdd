// The least that settlement and rebuild have to do, on the same servers: the ceilings, and the
// floor of rebuild.
import type { RedisClient } from '../../../cluster/index.js';
import { ALL_SHARDS } from '../../testing/billing-engine.js';
import { type LedgerStage, valuesText } from '../../testing/billing-ledger.js';

const ROWS_PER_STATEMENT = 1_000;
const STATEMENTS_PER_COMMIT = 8;
/** Sessions of `book`, as many wallets. */
const SESSIONS = 20_000;
const PAGE = 5_000;
const ROWS_PER_HSET = 500;

const TRANSFER =
  'code, debit_account, credit_account, amount, shard, epoch, seq, idx, session_id, ' +
  'occurred_ms, booked_ms';
const SESSION =
  'id, shard, wallet, room, payee, tariff, opened_ms, settled_bill_ms, settled_cost, ended_ms, ' +
  'reason, studio, unpaid_cost, payee_milli, studio_milli';
const TARIFF = 'm 6000 6000 0 0 0 0 0';

type SqlValue = string | number | null;

export class BarePaths {
  private seq = 0;

  constructor(
    private readonly database: LedgerStage['database'],
    private readonly redis: RedisClient,
  ) {}

  /** Rows as the settler writes them, into a table with the same keys and nothing else. */
  async insert(rows: number): Promise<number> {
    await this.database.run('CREATE TABLE IF NOT EXISTS bare_transfer LIKE transfer');
    let left = rows;
    while (left > 0) {
      await this.database.transaction('READ COMMITTED', async (sql) => {
        for (let at = 0; at < STATEMENTS_PER_COMMIT && left > 0; at += 1) {
          const count = Math.min(ROWS_PER_STATEMENT, left);
          left -= count;
          await sql.run(
            `INSERT INTO bare_transfer (${TRANSFER})
             VALUES ${valuesText(Array.from({ length: count }, () => this.row()))}`,
          );
        }
      });
    }
    return rows;
  }

  /**
   * All that the settler writes for as many transfers, by one connection: for two of them a
   * settlement, the session and the sums of the wallet besides. Computes and checks nothing.
   */
  async book(rows: number): Promise<number> {
    for (const table of ['transfer', 'settlement', 'session', 'account']) {
      await this.database.run(`CREATE TABLE IF NOT EXISTS bare_${table} LIKE ${table}`);
    }
    let left = rows;
    while (left > 0) {
      await this.database.transaction('READ COMMITTED', async (sql) => {
        for (let at = 0; at < STATEMENTS_PER_COMMIT / 2 && left > 0; at += 1) {
          const count = Math.min(2 * ROWS_PER_STATEMENT, left);
          left -= count;
          for (const text of this.statements(count)) await sql.run(text);
        }
      });
    }
    return rows;
  }

  private statements(count: number): readonly string[] {
    const charges = Array.from({ length: Math.ceil(count / 2) }, () => this.nextCharge());
    const transfers = charges.flatMap(({ pair }) => pair);
    return [
      ...[transfers.slice(0, ROWS_PER_STATEMENT), transfers.slice(ROWS_PER_STATEMENT, count)]
        .filter((part) => part.length > 0)
        .map((part) => `INSERT INTO bare_transfer (${TRANSFER}) VALUES ${valuesText(part)}`),
      `INSERT INTO bare_settlement VALUES ${valuesText(charges.map((one) => one.settlement))}`,
      `INSERT INTO bare_session (${SESSION}) VALUES ${valuesText(charges.map((one) => one.session))}
       ON DUPLICATE KEY UPDATE settled_bill_ms = VALUES(settled_bill_ms),
         settled_cost = VALUES(settled_cost), payee_milli = VALUES(payee_milli)`,
      `INSERT INTO bare_account (id, kind, owner_ref, debits, credits)
       VALUES ${valuesText(charges.map((one) => one.account))}
       ON DUPLICATE KEY UPDATE debits = debits + VALUES(debits)`,
    ];
  }

  private nextCharge(): Record<'settlement' | 'session' | 'account', SqlValue[]> & {
    readonly pair: readonly SqlValue[][];
  } {
    const pair = [this.row(), this.row()];
    const number = this.seq >> 1;
    const [at, minute] = [number % SESSIONS, Math.floor(number / SESSIONS)];
    const session = `01HF7YAT00BARE${String(at).padStart(12, '0')}`;
    const [billMs, cost] = [60_000 * minute, 6_000 * minute];
    return {
      pair,
      settlement: [session, billMs, billMs + 60_000, cost, cost + 6_000, 1_700_000_000_000],
      session: [
        ...[session, at % 64, at + 1, 1 + (at % 50), 9_000_000 + (at % 50), TARIFF],
        ...[1_700_000_000_000, billMs + 60_000, cost + 6_000, null, null, null, 0, 3_600, 0],
      ],
      account: [at + 1, 'wallet', String(at + 1), 6_000, 0],
    };
  }

  /** Pages of SQL in, HSET out. */
  async copy(): Promise<number> {
    let copied = 0;
    for (const shard of ALL_SHARDS) {
      await this.redis.del(`bare:${shard}`);
      for (let after = '0'; ;) {
        const rows = await this.database.query(
          `SELECT id, owner_ref, debits, credits, cmd_seq, is_frozen FROM account
           WHERE shard = ? AND id > ? ORDER BY id LIMIT ${PAGE}`,
          [shard, after],
        );
        for (let at = 0; at < rows.length; at += ROWS_PER_HSET) {
          const part = rows.slice(at, at + ROWS_PER_HSET);
          await this.redis.hset(
            `bare:${shard}`,
            part.flatMap((row) => [String(row['owner_ref']), String(row['credits'])]),
          );
        }
        copied += rows.length;
        if (rows.length < PAGE) break;
        after = String(rows.at(-1)?.['id']);
      }
    }
    return copied;
  }

  async copyOneByOne(wallets: number): Promise<number> {
    for (let wallet = 1; wallet <= wallets; wallet += 1) {
      const [row] = await this.database.query(
        "SELECT credits - debits AS balance FROM account WHERE kind = 'wallet' AND owner_ref = ?",
        [String(wallet)],
      );
      await this.redis.hset('bare:one', String(wallet), String(row?.['balance']));
    }
    return wallets;
  }

  private row(): SqlValue[] {
    this.seq += 1;
    const [entry, idx] = [this.seq >> 7, this.seq & 127];
    return [
      ...['show', 1 + (this.seq % 20_000), 20_000 + (this.seq % 50), 3_600, entry % 64, 1],
      ...[entry >> 6, idx, `01HF7YAT00BARE${String(this.seq % 20_000).padStart(12, '0')}`],
      ...[1_700_000_000_000, 1_700_000_000_000],
    ];
  }
}
