// How a TypeORM DataSource for the site schema is made. Used by database.ts and migrations.ts.
// Invariant: nothing is ever synchronized; BIGINT leaves the driver as a string, times are UTC.
import { DataSource, type Logger as TypeOrmLogger } from 'typeorm';
import type { Logger } from '../../cluster/index.js';
import { entities, migrations, SITE_SCHEMA } from './schema.js';

export interface DataSourceSettings {
  /** mysql://user:password@host:port/ without a database. */
  readonly url: string;
  readonly poolMax: number;
  /**
   * A statement that takes longer fails, so that a stalled server cannot hold every request. 0 =
   * none.
   */
  readonly statementTimeoutMs: number;
  readonly log: Logger;
}

export function createDataSource(settings: DataSourceSettings): DataSource {
  const { hostname, port, username, password } = new URL(settings.url);
  const isLimited = settings.statementTimeoutMs > 0;
  return new DataSource({
    type: 'mysql',
    host: hostname,
    port: port === '' ? 3306 : Number(port),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: SITE_SCHEMA,
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout: 3_000,
    poolSize: settings.poolMax,
    entities,
    migrations,
    migrationsTableName: 'migration',
    synchronize: false,
    logger: quietLogger(settings.log),
    ...(isLimited
      ? { maxQueryExecutionTime: settings.statementTimeoutMs, enableQueryTimeout: true }
      : {}),
    extra: { queueLimit: 500, enableKeepAlive: true },
  });
}

/** Statements may carry personal data, so only their shape and time reach the log. */
function quietLogger(log: Logger): TypeOrmLogger {
  return {
    logQuery: () => undefined,
    logQueryError: () => undefined,
    logQuerySlow: (timeMs, query) =>
      log.warn({ event: 'database.slow', timeMs, statement: query.slice(0, 120) }),
    logSchemaBuild: () => undefined,
    logMigration: (message) => log.info({ event: 'database.migration', message }),
    log: (level, message: unknown) => {
      if (level === 'warn') log.warn({ event: 'database.warning', message: String(message) });
    },
  };
}
