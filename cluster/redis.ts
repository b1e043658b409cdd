// Redis connections by purpose, standalone or Cluster behind one type. Used by every role.
// Invariant: a money connection never sends a command twice and never queues one while offline.
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './log.js';

export type RedisClient = Redis | Cluster;

/**
 * - `command`: ordinary reads and writes; waits for a short outage, gives up after 1 s or 3 attempts.
 * - `subscriber`: pub/sub only; reconnects for ever. Subscriptions are restored by their owner's bus.
 * - `money`: fails at once when the link is down; what was in flight is rejected, never re-sent.
 */
export type RedisRole = 'command' | 'subscriber' | 'money';

export interface ConnectOptions {
  readonly role: RedisRole;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly log: Logger;
}

const ROLE_OPTIONS: Readonly<Record<RedisRole, RedisOptions>> = {
  command: { maxRetriesPerRequest: 3, commandTimeout: 5_000, autoResubscribe: false },
  subscriber: { maxRetriesPerRequest: null, autoResubscribe: true, enableReadyCheck: true },
  money: {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    commandTimeout: 5_000,
    autoResubscribe: false,
  },
};

/** Pause before the n-th reconnect: 50 ms, doubled up to 1 s; the outage ends within 1 s of Redis' return. */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(1_000, 50 * 2 ** Math.min(attempt - 1, 5));
}

/**
 * Connects; resolves when the server has answered.
 * @param url `redis://[user:pass@]host:port/db`, `rediss://…` or `redis-cluster://host:port,host:port`
 * @throws Error with the address (never the password) when the first connection fails within 10 s.
 */
export async function connectRedis(url: string, options: ConnectOptions): Promise<RedisClient> {
  const client = url.startsWith('redis-cluster://')
    ? newCluster(url, options)
    : newStandalone(url, options);
  const { log, name } = options;
  let isDown = false;
  client.on('error', (error: Error) => {
    if (!isDown) log.warn({ event: 'redis.down', connection: name, err: error });
    isDown = true;
  });
  client.on('ready', () => {
    if (isDown) log.info({ event: 'redis.up', connection: name });
    isDown = false;
  });
  try {
    await withDeadline(client.connect(), 10_000);
  } catch (thrown) {
    client.disconnect();
    throw new Error(`Redis at ${redactUrl(url)} cannot be reached (${name})`, { cause: thrown });
  }
  return client;
}

/** True for a Redis Cluster connection, where pub/sub is sharded and each key's slot decides the node. */
export function isCluster(client: RedisClient): client is Cluster {
  return client instanceof Cluster;
}

/** Closes without waiting for a server that is away; pending commands are rejected. */
export async function closeRedis(client: RedisClient): Promise<void> {
  if (client.status === 'ready') {
    await withDeadline(client.quit(), 1_000).catch(() => undefined);
  }
  client.disconnect();
}

/** The URL without its password. */
export function redactUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@');
}

function newStandalone(url: string, { role, name }: ConnectOptions): Redis {
  return new Redis(url, {
    ...ROLE_OPTIONS[role],
    connectionName: name,
    lazyConnect: true,
    connectTimeout: 3_000,
    retryStrategy: reconnectDelayMs,
  });
}

function newCluster(url: string, { role, name }: ConnectOptions): Cluster {
  const { maxRetriesPerRequest: _perRequest, ...roleOptions } = ROLE_OPTIONS[role];
  const nodes = url
    .slice('redis-cluster://'.length)
    .split(',')
    .map((one) => {
      const [host = '127.0.0.1', port = '6379'] = one.replace(/\/.*$/, '').split(':');
      return { host, port: Number(port) };
    });
  return new Cluster(nodes, {
    lazyConnect: true,
    clusterRetryStrategy: reconnectDelayMs,
    enableOfflineQueue: role !== 'money',
    slotsRefreshTimeout: 3_000,
    slotsRefreshInterval: 5_000,
    retryDelayOnTryAgain: 50,
    redisOptions: { ...roleOptions, connectionName: name, connectTimeout: 3_000 },
  });
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
