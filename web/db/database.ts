// The site's connection to MySQL as a part that may be away: the process starts without it, keeps
// trying, and says DATABASE_UNAVAILABLE meanwhile. Used by every service.
import type { DataSource, EntityManager, EntitySchema, ObjectLiteral, Repository } from 'typeorm';
import { coerceError, type Logger } from '../../cluster/index.js';
import { siteError } from '../errors.js';
import { createDataSource } from './data-source.js';
import { migrateSite } from './migrations.js';

const RETRY_MS = 1_000;
const STATEMENT_TIMEOUT_MS = 5_000;

export interface Database {
  /** Starts connecting in the background; resolves after the first attempt, good or bad. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** @throws DATABASE_UNAVAILABLE while the first connection has not been made. */
  repository<T extends ObjectLiteral>(entity: EntitySchema<T>): Repository<T>;
  /** Runs `work` in one transaction at READ COMMITTED. @throws DATABASE_UNAVAILABLE as above. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
  /** Parametrised SQL for what a repository says badly. The caller names the row's shape. */
  rows<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** True when the server answers within a second. */
  isReachable(): Promise<boolean>;
}

export function createDatabase(options: { url: string; poolMax: number; log: Logger }): Database {
  const { log } = options;
  let source: DataSource | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isDown = false;

  async function connect(): Promise<void> {
    try {
      await migrateSite(options);
      const next = createDataSource({ ...options, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
      await next.initialize();
      if (isStopped) {
        await next.destroy();
        return;
      }
      source = next;
      log.info({ event: 'database.up' });
    } catch (thrown) {
      if (!isDown) log.warn({ event: 'database.down', err: coerceError(thrown) });
      isDown = true;
      if (!isStopped) retry = setTimeout(() => void connect(), RETRY_MS);
    }
  }

  function current(): DataSource {
    if (source === undefined) throw siteError('DATABASE_UNAVAILABLE');
    return source;
  }

  return {
    start: connect,
    async stop() {
      isStopped = true;
      clearTimeout(retry);
      await source?.destroy();
      source = undefined;
    },
    repository: (entity) => current().getRepository(entity),
    transaction: (work) => current().transaction('READ COMMITTED', work),
    rows: (sql, parameters = []) => current().query(sql, [...parameters]),
    async isReachable() {
      try {
        await Promise.race([current().query('SELECT 1'), rejectAfter(1_000)]);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function rejectAfter(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('late')), ms).unref();
  });
}

const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'POOL_CLOSED',
  'POOL_NONEONLINE',
]);

/** Whether `thrown` means that MySQL is away or does not answer, rather than that it refused. */
export function isDatabaseAway(thrown: unknown): boolean {
  const driverError: unknown = read(thrown, 'driverError') ?? thrown;
  const code = read(driverError, 'code');
  if (typeof code === 'string' && AWAY_CODES.has(code)) return true;
  const message = read(driverError, 'message');
  return (
    typeof message === 'string' &&
    /closed state|Pool is closed|Queue limit reached|Connection lost/i.test(message)
  );
}

/** Name of the unique key that an insert or update ran into; undefined for other faults. */
export function duplicateKey(thrown: unknown): string | undefined {
  const driverError: unknown = read(thrown, 'driverError') ?? thrown;
  if (read(driverError, 'code') !== 'ER_DUP_ENTRY') return undefined;
  const message = read(driverError, 'sqlMessage') ?? read(driverError, 'message');
  return /for key '(?:\w+\.)?(\w+)'/.exec(String(message))?.[1] ?? '';
}

function read(value: unknown, member: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[member]
    : undefined;
}
