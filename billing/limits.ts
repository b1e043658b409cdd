// Spending limits of wallets: SQL keeps them, the scripts enforce them. Used by the API and, after
// a loss of Redis, by the rebuild. Invariant: of two changes the one with the higher version wins
// in both stores.
import type { Clock } from '../cluster/index.js';
import { bigintOf, type Database, type Row, type Sql, textOf } from './database.js';
import type { Engine } from './engine.js';
import { parseMilli } from './money.js';
import type { LimitsBody } from './schema.js';
import type { WalletLimits } from './scripts.js';
import { shardOfWallet } from './shard.js';

export interface LimitStoreOptions {
  readonly database: Database;
  readonly engine: Pick<Engine, 'setLimits'>;
  readonly clock: Clock;
}

export class LimitStore {
  constructor(private readonly options: LimitStoreOptions) {}

  /** Absent members are not limited. */
  async read(wallet: string): Promise<LimitsBody> {
    const sql = 'SELECT * FROM wallet_limit WHERE wallet = ?';
    const [row] = await this.options.database.query(sql, [wallet]);
    if (row === undefined) return {};
    const limits = toLimits(row);
    return {
      ...member('perShowMilli', limits.perShow),
      ...member('perMinuteMilli', limits.perMinute),
      ...member('perDayMilli', limits.perDay),
      ...member('tipMaxMilli', limits.perTip),
    };
  }

  /**
   * Replaces all limits. On return every further tip and charge obeys them; an open session keeps
   * its limit per show. @throws AppError BILLING_UNAVAILABLE: send it again
   */
  async put(wallet: string, body: LimitsBody): Promise<void> {
    const { database, engine, clock } = this.options;
    const amounts = [
      ...[body.perShowMilli, body.perMinuteMilli, body.perDayMilli, body.tipMaxMilli],
    ].map((text) => String(parseMilli(text ?? '0')));
    const row = await database.transaction('READ COMMITTED', async (sql) => {
      await sql.run(
        `INSERT INTO wallet_limit (wallet, shard, version, per_show, per_minute, per_day, per_tip,
           updated_ms) VALUES (?) ON DUPLICATE KEY UPDATE version = version + 1,
           per_show = VALUES(per_show), per_minute = VALUES(per_minute),
           per_day = VALUES(per_day), per_tip = VALUES(per_tip), updated_ms = VALUES(updated_ms)`,
        [[wallet, shardOfWallet(wallet), 1, ...amounts, clock.nowMs()]],
      );
      return (await sql.query('SELECT * FROM wallet_limit WHERE wallet = ?', [wallet]))[0];
    });
    if (row !== undefined) await engine.setLimits(toLimits(row));
  }
}

/** A page of the limits of a shard, by wallet. */
export async function limitsOf(
  sql: Sql,
  shard: number,
  page: { readonly after: string; readonly limit: number },
): Promise<readonly WalletLimits[]> {
  const rows = await sql.query(
    'SELECT * FROM wallet_limit WHERE shard = ? AND wallet > ? ORDER BY wallet LIMIT ?',
    [shard, page.after, page.limit],
  );
  return rows.map(toLimits);
}

function toLimits(row: Row): WalletLimits {
  return {
    wallet: textOf(row, 'wallet'),
    version: bigintOf(row, 'version'),
    perShow: bigintOf(row, 'per_show'),
    perMinute: bigintOf(row, 'per_minute'),
    perDay: bigintOf(row, 'per_day'),
    perTip: bigintOf(row, 'per_tip'),
  };
}

function member(name: keyof LimitsBody, amount: bigint): LimitsBody {
  return amount === 0n ? {} : { [name]: String(amount) };
}
