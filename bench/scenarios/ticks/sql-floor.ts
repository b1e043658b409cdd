// The floor: what one writes first. Read the balance, write the balance, and one SQL transaction
// per charge.
import { createPool, type Pool, type PoolConnection } from 'mysql2/promise';
import type { RedisClient } from '../../../cluster/index.js';
import { startMariadb } from '../../../cluster/testing/index.js';
import type { Run } from '../../lib/run-context.js';

export interface SqlFloor {
  /** Charges `ticks` times, `CONNECTIONS` at a time; answers charges per second. */
  measure(redis: RedisClient, ticks: number): Promise<number>;
}

const CONNECTIONS = 8;
const WALLETS = 1_000;

export async function startSqlFloor(run: Run): Promise<SqlFloor> {
  const server = await startMariadb(run.scope);
  const pool = createPool({ uri: server.url, connectionLimit: CONNECTIONS });
  run.scope.teardown(() => pool.end());
  await migrate(pool);
  return {
    async measure(redis, ticks) {
      let left = ticks;
      const started = performance.now();
      const work = async (): Promise<void> => {
        const connection = await pool.getConnection();
        while (left > 0) {
          left -= 1;
          await charge(redis, connection, 1 + (left % WALLETS));
        }
        connection.release();
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, work));
      return ticks / ((performance.now() - started) / 1_000);
    },
  };
}

async function migrate(pool: Pool): Promise<void> {
  await pool.query('CREATE DATABASE naive');
  await pool.query('CREATE TABLE naive.wallet (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)');
  await pool.query(
    'CREATE TABLE naive.charge (id BIGINT AUTO_INCREMENT PRIMARY KEY, wallet BIGINT NOT NULL, ' +
      'amount BIGINT NOT NULL, INDEX (wallet))',
  );
  const rows = Array.from({ length: WALLETS }, (_, at) => [at + 1, 1_000_000_000]);
  await pool.query('INSERT INTO naive.wallet (id, balance) VALUES ?', [rows]);
}

async function charge(redis: RedisClient, sql: PoolConnection, wallet: number): Promise<void> {
  const key = `naive:${wallet}`;
  const balance = Number((await redis.get(key)) ?? '1000000000');
  await redis.set(key, String(balance - 1_000));
  await sql.beginTransaction();
  await sql.query('INSERT INTO naive.charge (wallet, amount) VALUES (?, ?)', [wallet, 1_000]);
  await sql.query('UPDATE naive.wallet SET balance = balance - 1000 WHERE id = ?', [wallet]);
  await sql.commit();
}
