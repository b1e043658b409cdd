// The private data servers of a one-machine cluster, unless the environment names others.
import { join } from 'node:path';
import { type ChildServer, startMariadbServer, startRedisServer } from '../cluster/index.js';
import type { LocalOptions } from './local-options.js';
import type { LocalPorts, LocalSecrets } from './local-plan.js';

export interface ServerUrls {
  readonly realtimeRedis: string;
  readonly billingRedis: string;
  readonly mysql: string;
}

const DATABASE_USER = 'showbill';

/** Starts what is not replaced by the environment, each under `supervise`. */
export async function startPrivateServers(given: {
  readonly options: LocalOptions;
  readonly ports: LocalPorts;
  readonly secrets: LocalSecrets;
  readonly logDir: string;
  readonly supervise: (name: string, start: () => Promise<ChildServer>) => Promise<void>;
}): Promise<ServerUrls> {
  const { options, ports, secrets, logDir, supervise } = given;
  const { dataDir } = options;
  if (options.realtimeRedisUrl === undefined) {
    await supervise('store redis-realtime', () =>
      startRedisServer({
        dir: join(dataDir, 'redis-realtime'),
        port: ports.realtimeRedis,
        logFile: join(logDir, 'redis-realtime.log'),
      }),
    );
  }
  if (options.billingRedisUrl === undefined) {
    await supervise('store redis-billing', () =>
      startRedisServer({
        dir: join(dataDir, 'redis-billing'),
        port: ports.billingRedis,
        appendFsync: 'always',
        maxmemoryPolicy: 'noeviction',
        // By default a shard of up to 512 wallets is a list that Redis searches from the start.
        extraArgs: ['--hash-max-listpack-entries', '64'],
        logFile: join(logDir, 'redis-billing.log'),
      }),
    );
  }
  if (options.mysqlUrl === undefined) {
    await supervise('store mariadb', () =>
      startMariadbServer({
        dir: join(dataDir, 'mariadb'),
        port: ports.mariadb,
        user: DATABASE_USER,
        password: secrets.mariadbPassword,
        readyDeadlineMs: 60_000,
        logFile: join(logDir, 'mariadb.log'),
      }),
    );
  }
  const password = encodeURIComponent(secrets.mariadbPassword);
  return {
    realtimeRedis: options.realtimeRedisUrl ?? `redis://127.0.0.1:${ports.realtimeRedis}`,
    billingRedis: options.billingRedisUrl ?? `redis://127.0.0.1:${ports.billingRedis}`,
    mysql: options.mysqlUrl ?? `mysql://${DATABASE_USER}:${password}@127.0.0.1:${ports.mariadb}/`,
  };
}
