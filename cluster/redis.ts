// Redis connections by purpose, standalone or Cluster behind one type. Used by every role.
// Invariant: a money connection never sends a command twice and never queues one while offline.
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './log.js';
import { parseRedisUrl, type RedisTarget } from './redis-url.js';
import { joinWrites } from './turn-writes.js';

export type RedisClient = Redis | Cluster;

/**
 * - `command`: ordinary reads and writes; waits for a short outage, gives up after 1 s or 3
 *   attempts.
 * - `subscriber`: pub/sub only; reconnects for ever. Subscriptions are restored by their owner's
 *   bus.
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
    // A link that answers nothing for so long is dead, whatever TCP says: drop it, take another.
    socketTimeout: 4_000,
    autoResubscribe: false,
  },
};

/**
 * Pause before the n-th reconnect: 50 ms, doubled up to 1 s; the outage ends within 1 s of Redis'
 * return.
 */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(1_000, 50 * 2 ** Math.min(attempt - 1, 5));
}

/**
 * Connects; resolves when the server has answered.
 * @param url as parseRedisUrl takes it; one server, or a Cluster.
 * @throws Error with the address (never the password) when the first connection fails within 10 s.
 */
export async function connectRedis(url: string, options: ConnectOptions): Promise<RedisClient> {
  const target = parseRedisUrl(url);
  const client = target.isCluster ? newCluster(target, options) : newStandalone(target, options);
  const { log, name } = options;
  if (options.role !== 'subscriber') joinAllWrites(client);
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
    await withDeadline(untilReady(client, options.role), 10_000);
  } catch (thrown) {
    client.disconnect();
    throw new Error(`Redis at ${redactUrl(url)} cannot be reached (${name})`, { cause: thrown });
  }
  return client;
}

/**
 * True for a Redis Cluster connection, where pub/sub is sharded and each key's slot decides the
 * node.
 */
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

/** On every connection that the client opens from now on. */
function joinAllWrites(client: RedisClient): void {
  if (client instanceof Redis) client.on('connect', () => joinWrites(client.stream));
  else client.on('+node', (node: Redis) => node.on('connect', () => joinWrites(node.stream)));
}

function newStandalone(target: RedisTarget, { role, name }: ConnectOptions): Redis {
  const [node] = target.nodes;
  return new Redis({
    ...ROLE_OPTIONS[role],
    ...accessOptions(target),
    host: node.host,
    port: node.port,
    db: target.database,
    connectionName: name,
    lazyConnect: true,
    connectTimeout: 3_000,
    retryStrategy: reconnectDelayMs,
  });
}

function newCluster(target: RedisTarget, { role, name }: ConnectOptions): Cluster {
  const { maxRetriesPerRequest: _perRequest, ...roleOptions } = ROLE_OPTIONS[role];
  const isMoney = role === 'money';
  return new Cluster([...target.nodes], {
    lazyConnect: true,
    clusterRetryStrategy: reconnectDelayMs,
    enableOfflineQueue: !isMoney,
    slotsRefreshTimeout: 3_000,
    slotsRefreshInterval: 5_000,
    retryDelayOnTryAgain: 50,
    // While a slot changes hands two nodes may send a command to each other for some milliseconds;
    // without a pause the 16 redirections are used up before they agree.
    retryDelayOnMoved: 20,
    // A command whose connection broke may have run. Without the 0 Cluster would send it once more.
    ...(isMoney ? { retryDelayOnFailover: 0 } : {}),
    redisOptions: {
      ...roleOptions,
      // The Cluster itself refuses commands for a node that is down. A node's own queue only holds
      // the first command to a node not yet connected; without it Cluster's ready check fails.
      enableOfflineQueue: true,
      ...accessOptions(target),
      connectionName: name,
      connectTimeout: 3_000,
    },
  });
}

function accessOptions({ username, password, isTls }: RedisTarget): RedisOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(isTls ? { tls: {} } : {}),
  };
}

/**
 * Resolves when commands are taken; for money on every node, because it waits for none later on.
 */
async function untilReady(client: RedisClient, role: RedisRole): Promise<void> {
  const ready = new Promise<void>((resolve) => client.once('ready', resolve));
  // Cluster's own promise hangs when the first attempt found the cluster not in order and a later
  // one did.
  await Promise.race([ready, client.connect().then(() => ready)]);
  if (role !== 'money' || !isCluster(client)) return;
  await Promise.all(client.nodes('master').map((node) => node.ping()));
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
