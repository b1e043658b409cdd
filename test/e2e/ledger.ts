// The ledger as an auditor reads it: straight from MariaDB, past every line of our own code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { TestScope } from '../../cluster/testing/index.js';
import type { LocalCluster } from '../../bench/testing/local-cluster.js';

/** What viewers paid by one kind of charge, and who got it; milli-credits. */
export interface Spends {
  readonly viewerDebit: bigint;
  readonly modelShare: bigint;
  readonly siteShare: bigint;
}

const AMOUNT_TABLES = {
  tip: 'SELECT SUM(amount) AS total FROM tip',
  show: 'SELECT SUM(settled_cost) AS total FROM session',
} as const;

export class Ledger {
  private constructor(private readonly connection: Connection) {}

  static async open(t: TestScope, cluster: LocalCluster): Promise<Ledger> {
    const secrets = JSON.parse(readFileSync(join(cluster.dataDir, 'secrets.json'), 'utf8')) as {
      mariadbPassword: string;
    };
    const connection = await createConnection({
      host: '127.0.0.1',
      port: cluster.ports.mariadb,
      user: 'showbill',
      password: secrets.mariadbPassword,
      database: 'showbill_ledger',
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    t.teardown(() => connection.end());
    return new Ledger(connection);
  }

  /** Undefined while nothing of this kind is in the ledger. */
  async spends(kind: keyof typeof AMOUNT_TABLES): Promise<Spends | undefined> {
    const viewerDebit = await this.sum(AMOUNT_TABLES[kind]);
    const share = (code: string, payee: string): Promise<bigint> =>
      this.sum(
        `SELECT SUM(t.amount) AS total FROM transfer t
           JOIN account payer ON payer.id = t.debit_account AND payer.kind = 'wallet'
           JOIN account payee ON payee.id = t.credit_account AND payee.kind = ?
          WHERE t.code = ?`,
        [payee, code],
      );
    if (viewerDebit === 0n) return undefined;
    return {
      viewerDebit,
      modelShare: await share(kind, 'earnings'),
      siteShare: await share(`${kind}_fee`, 'site_revenue'),
    };
  }

  /**
   * Credits minus debits over all accounts, from the transfers themselves and from the kept sums.
   */
  async sumOfEntries(): Promise<bigint> {
    const kept = await this.sum('SELECT SUM(credits) - SUM(debits) AS total FROM account');
    const drift = await this.sum(
      `SELECT SUM(ABS(a.credits - a.debits - COALESCE(c.total, 0) + COALESCE(d.total, 0))) AS total
         FROM account a
         LEFT JOIN (SELECT credit_account id, SUM(amount) total FROM transfer GROUP BY 1) c USING (id)
         LEFT JOIN (SELECT debit_account id, SUM(amount) total FROM transfer GROUP BY 1) d USING (id)`,
    );
    if (drift !== 0n) throw new Error(`account sums differ from their transfers by ${drift}`);
    return kept;
  }

  /** What the ledger owes this user. */
  walletOf(username: string): Promise<bigint> {
    return this.sum(
      `SELECT credits - debits AS total FROM account
        WHERE kind = 'wallet' AND owner_ref = (SELECT id FROM showbill.user WHERE username = ?)`,
      [username],
    );
  }

  private async sum(statement: string, values: readonly string[] = []): Promise<bigint> {
    const [rows] = await this.connection.query<RowDataPacket[]>(statement, [...values]);
    const [row] = rows as { total: string | number | null }[];
    return BigInt(row?.total ?? 0);
  }
}
