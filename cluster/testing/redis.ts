// Real redis-servers for tests: one alone, or a Redis Cluster of masters, with faults on command.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { AppError } from '../errors.js';
import { freePort } from '../processes/free-port.js';
import { type RedisServer, startRedisServer } from '../processes/redis-server.js';
import type { TestScope } from './scope.js';

export interface TestRedisOptions {
  /** Default `no`: nothing survives a restart. `always`: every acknowledged write does. */
  readonly appendFsync?: 'no' | 'everysec' | 'always';
  /** Default noeviction. */
  readonly maxmemoryPolicy?: 'noeviction' | 'allkeys-lru' | 'volatile-ttl';
  readonly maxmemoryBytes?: number;
  /** Further `--name value` arguments of redis-server. */
  readonly extraArgs?: readonly string[];
}

/** A running server. Port and data directory stay the same over restarts. */
export interface TestRedis {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** A plain ioredis connection for looking inside; closed by teardown. */
  client(): Redis;
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Orderly stop. */
  stop(): Promise<void>;
  /** Starts again after kill or stop; resolves when PING is answered. */
  start(): Promise<void>;
  /** kill, then start: what was not fsynced or not appended is lost. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  logTail(): string;
}

const START_ATTEMPTS = 5;

/**
 * Starts a redis-server in a temporary directory on a free port; stopped and removed by teardown.
 */
export async function startRedis(t: TestScope, options: TestRedisOptions = {}): Promise<TestRedis> {
  return startNode(t, options, false);
}

/** Starts it as a Cluster node when told; the bus gets a free port of its own. */
export async function startNode(
  t: TestScope,
  options: TestRedisOptions,
  isClusterNode: boolean,
): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'showbill-redis-'));
  const clients: Redis[] = [];
  let current: RedisServer | undefined;
  t.teardown(async () => {
    for (const client of clients) client.disconnect();
    if (!t.passing() && current !== undefined) t.comment(`redis-server: ${current.logTail()}`);
    await current?.kill();
    await rm(dir, { recursive: true, force: true });
  });
  const first = await retryOnBusyPort(async () => {
    const port = await freePort();
    const busPort = isClusterNode ? { clusterBusPort: await freePort() } : {};
    const chosen = { ...options, ...busPort, dir, port };
    return { chosen, server: await startRedisServer(chosen) };
  });
  current = first.server;
  const { url, host, port } = first.server;

  async function start(): Promise<void> {
    // The port may be held for an instant by a connection of the server that was killed.
    current = await retryOnBusyPort(() => startRedisServer(first.chosen));
  }
  return {
    url,
    host,
    port,
    client() {
      const client = new Redis({ host, port, maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
    kill: async () => current?.kill(),
    stop: async () => current?.stop(),
    start,
    async restart() {
      await current?.kill();
      await start();
    },
    pause: () => current?.pause(),
    resume: () => current?.resume(),
    logTail: () => current?.logTail() ?? '',
  };
}

/** Another process may take a free port before our server binds it; then the next one is tried. */
export async function retryOnBusyPort<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = START_ATTEMPTS - 1; ; left -= 1) {
    try {
      return await attempt();
    } catch (thrown) {
      const isBusy = thrown instanceof AppError && thrown.code === 'CHILD_PORT_BUSY';
      if (!isBusy || left === 0) throw thrown;
    }
  }
}
