// The ledger's SQL connections: pool, transactions with isolation stated at the call, retry of
// deadlocks. Used by everything in billing that touches SQL. BIGINT columns arrive as strings,
// never as numbers.
import { createPool, type Pool, type PoolConnection, type RowDataPacket } from 'mysql2/promise';
import type { Logger } from '../cluster/index.js';
import { billingError } from './errors.js';

export const LEDGER_SCHEMA = 'showbill_ledger';

export type SqlValue = string | number | bigint | null;

/** A row as mysql2 gives it: BIGINT as string, INT as number, NULL as null. */
export type Row = Readonly<Record<string, string | number | null>>;

/** What both a transaction and the pool can do. */
export interface Sql {
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Rows changed. Values may hold an array of rows for a multi-row VALUES ?. */
  run(text: string, values?: readonly unknown[]): Promise<number>;
}

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ';

const RETRIES_MAX = 5;
const DEADLOCK = 1213;
const LOCK_TIMEOUT = 1205;
const ACCESS_DENIED = 1044;

export class Database implements Sql {
  private constructor(
    private readonly pool: Pool,
    private readonly log: Logger,
  ) {}

  /** @param url `mysql://user:pass@host:port/`; the schema is made when it is missing */
  static async open(url: string, options: { poolMax: number; log: Logger }): Promise<Database> {
    const settings = {
      uri: url,
      supportBigNumbers: true,
      bigNumberStrings: true,
      timezone: 'Z',
      connectTimeout: 5_000,
    };
    const first = createPool({ ...settings, connectionLimit: 1 });
    try {
      await first.query(`CREATE DATABASE IF NOT EXISTS ${LEDGER_SCHEMA} CHARACTER SET utf8mb4`);
    } catch (thrown) {
      // A user with the rights of grants.ts finds the schema there, or fails at its first query.
      if ((thrown as { errno?: unknown }).errno !== ACCESS_DENIED) throw thrown;
    } finally {
      await first.end();
    }
    const pool = createPool({
      ...settings,
      database: LEDGER_SCHEMA,
      connectionLimit: options.poolMax,
      enableKeepAlive: true,
    });
    pool.on('connection', (connection) => {
      // A server that truncates silently would break money; strict mode is not left to its
      // settings.
      void connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
    });
    return new Database(pool, options.log);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  query(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return guard(
      async () => (await this.pool.query<RowDataPacket[]>(text, given(values)))[0] as Row[],
    );
  }

  run(text: string, values: readonly unknown[] = []): Promise<number> {
    return guard(async () => affected((await this.pool.query(text, given(values)))[0]));
  }

  /**
   * Runs `work` in a transaction; rolls back and throws on any fault. Deadlocks and lock time-outs
   * are tried again up to 5 times, so `work` must have no effect outside SQL.
   */
  async transaction<T>(isolation: Isolation, work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await guard(() => this.attempt(isolation, work));
      } catch (thrown) {
        if (!isContention(thrown)) throw thrown;
        // Nothing was changed, and another time it may work.
        if (attempt >= RETRIES_MAX) {
          throw billingError('BILLING_UNAVAILABLE', { store: 'a row of MySQL' }, thrown);
        }
        this.log.debug({ event: 'sql.retry', attempt });
      }
    }
  }

  /** Runs `work` while holding a named lock of the server; the lock goes with the connection. */
  async withLock<T>(name: string, waitSec: number, work: () => Promise<T>): Promise<T> {
    const connection = await guard(() => this.pool.getConnection());
    try {
      const sql = on(connection);
      const [row] = await sql.query('SELECT GET_LOCK(?, ?) AS got', [name, waitSec]);
      if (Number(row?.['got']) !== 1) throw billingError('BILLING_UNAVAILABLE', { store: name });
      try {
        return await work();
      } finally {
        await sql.query('SELECT RELEASE_LOCK(?)', [name]).catch(() => undefined);
      }
    } finally {
      connection.release();
    }
  }

  private async attempt<T>(isolation: Isolation, work: (sql: Sql) => Promise<T>): Promise<T> {
    const connection = await this.pool.getConnection();
    let isBroken = true;
    try {
      await connection.query(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
      await connection.beginTransaction();
      try {
        const result = await work(on(connection));
        await connection.commit();
        isBroken = false;
        return result;
      } catch (thrown) {
        await connection.rollback();
        isBroken = false;
        throw thrown;
      }
    } finally {
      // After a lost answer to COMMIT the state of the connection is unknown: never reuse it.
      if (isBroken) connection.destroy();
      else connection.release();
    }
  }
}

function on(connection: PoolConnection): Sql {
  return {
    query: async (text, values = []) =>
      (await connection.query<RowDataPacket[]>(text, given(values)))[0],
    run: async (text, values = []) => affected((await connection.query(text, given(values)))[0]),
  };
}

/** Without values the driver does not look for places to put them: texts may be megabytes. */
function given(values: readonly unknown[]): unknown[] | undefined {
  return values.length === 0 ? undefined : [...values];
}

function affected(result: unknown): number {
  return (result as { affectedRows?: number }).affectedRows ?? 0;
}

function isContention(thrown: unknown): boolean {
  const { errno } = thrown as { errno?: unknown };
  return errno === DEADLOCK || errno === LOCK_TIMEOUT;
}

/**
 * A server that is away is the world's fault and may be asked again; SQL errors stay as they are.
 */
async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const { code, fatal } = thrown as { code?: unknown; fatal?: unknown };
    const isAway =
      fatal === true ||
      (typeof code === 'string' &&
        /^(ECONN|ETIMEDOUT|EPIPE|PROTOCOL_|ER_SERVER_SHUTDOWN)/.test(code));
    if (isAway) throw billingError('BILLING_UNAVAILABLE', { store: 'MySQL' }, thrown);
    throw thrown;
  }
}

/** A BIGINT column as bigint. @throws Error on NULL: a row that cannot be */
export function bigintOf(row: Row | undefined, column: string): bigint {
  const value = row?.[column];
  if (value === null || value === undefined) throw new Error(`column ${column} is missing`);
  return BigInt(value);
}

/** Any column as string, NULL as ''. */
export function textOf(row: Row | undefined, column: string): string {
  return String(row?.[column] ?? '');
}
