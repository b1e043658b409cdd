// Brings the site schema up to date under a lock, so that many processes may start at once and one
// migrates. Used by migrate.ts, by main.ts at start and by tests.
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import type { Logger } from '../../cluster/index.js';
import { createDataSource } from './data-source.js';
import { SITE_SCHEMA } from './schema.js';

const LOCK = 'showbill.site.migrate';
const LOCK_WAIT_SEC = 120;

/**
 * Creates the schema when it is missing and runs pending migrations.
 * @returns names of the migrations that ran. @throws when the lock is not free within two minutes.
 */
export async function migrateSite(options: { url: string; log: Logger }): Promise<string[]> {
  const lockHolder = await createConnection({ uri: options.url, connectTimeout: 3_000 });
  try {
    await takeLock(lockHolder);
    await lockHolder.query(
      `CREATE DATABASE IF NOT EXISTS ${SITE_SCHEMA} DEFAULT CHARACTER SET utf8mb4`,
    );
    return await runPending(options);
  } finally {
    // The lock ends with its connection.
    await lockHolder.end().catch(() => lockHolder.destroy());
  }
}

async function takeLock(connection: Connection): Promise<void> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS taken', [
    LOCK,
    LOCK_WAIT_SEC,
  ]);
  if (Number(rows[0]?.['taken']) !== 1) {
    throw new Error(`another process has been migrating ${SITE_SCHEMA} for ${LOCK_WAIT_SEC} s`);
  }
}

async function runPending({ url, log }: { url: string; log: Logger }): Promise<string[]> {
  const source = createDataSource({ url, log, poolMax: 2, statementTimeoutMs: 0 });
  await source.initialize();
  try {
    const ran = await source.runMigrations({ transaction: 'each' });
    return ran.map((one) => one.name);
  } finally {
    await source.destroy();
  }
}
