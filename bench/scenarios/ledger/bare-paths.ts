// The least that settlement and rebuild have to do, on the same servers: the ceilings, and the
// floor of rebuild.
import type { RedisClient } from '../../../cluster/index.js';
import { ALL_SHARDS } from '../../testing/billing-engine.js';
import type { LedgerStage } from '../../testing/billing-ledger.js';

const ROWS_PER_STATEMENT = 1_000;
const STATEMENTS_PER_COMMIT = 8;
const PAGE = 5_000;
const ROWS_PER_HSET = 500;

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
            `INSERT INTO bare_transfer (code, debit_account, credit_account, amount, shard, epoch,
               seq, idx, idem_key, session_id, actor, occurred_ms, booked_ms) VALUES ?`,
            [Array.from({ length: count }, () => this.row())],
          );
        }
      });
    }
    return rows;
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

  private row(): readonly unknown[] {
    this.seq += 1;
    const [entry, idx] = [this.seq >> 7, this.seq & 127];
    return [
      ...['show', 1 + (this.seq % 20_000), 20_000 + (this.seq % 50), 3_600, entry % 64, 1],
      ...[entry >> 6, idx, null, `01HF7YAT00BARE${String(this.seq % 20_000).padStart(12, '0')}`],
      ...[null, 1_700_000_000_000, 1_700_000_000_000],
    ];
  }
}
