// Counters and marks of the site in the realtime Redis, shared by all web processes. Used through
// the HitCounter and MarkStore ports. Invariant: they help, so they never hold a request up: while
// Redis is down or slow they refuse at once and their users go on without.
import { defineScript, type Clock, type RedisClient } from '../../cluster/index.js';
import { siteError } from '../errors.js';
import type { HitCounter, MarkStore } from '../ports.js';

/** Redis answers in under a millisecond; whoever waits longer than this waits for an outage. */
const PATIENCE_MS = 250;
/** After a slow answer nobody asks for this long. */
const PAUSE_MS = 1_000;

interface CountRequest {
  readonly key: string;
  readonly windowMs: number;
  readonly max: number;
  readonly step: 0 | 1;
  readonly nowMs: number;
}

const countHit = defineScript({
  file: new URL('../lua/count-hit.lua', import.meta.url),
  encode: ({ key, windowMs, max, step, nowMs }: CountRequest) => ({
    keys: [`web:hit-log:${key}`],
    argv: [windowMs, max, step, nowMs],
  }),
  decode: (reply) => {
    const [hits, leftMs] = Array.isArray(reply) ? reply.map(Number) : [];
    if (hits === undefined || leftMs === undefined) throw new Error('count-hit: odd reply');
    return { hits, leftMs };
  },
});

/**
 * @param redis gives the connection, or throws REALTIME_UNAVAILABLE while there is none.
 * @param options.nowMs Unix time of hits; default: the Redis server's, one for all processes
 */
export function createRedisCounts(
  redis: () => RedisClient,
  clock: Clock,
  options: { readonly patienceMs?: number; readonly nowMs?: () => number } = {},
): HitCounter & MarkStore {
  const { patienceMs = PATIENCE_MS, nowMs = () => 0 } = options;
  let pausedUntilMs = 0;

  async function ask<T>(question: (client: RedisClient) => Promise<T>): Promise<T> {
    const client = redis();
    if (client.status !== 'ready' || clock.monotonicMs() < pausedUntilMs) {
      throw siteError('REALTIME_UNAVAILABLE');
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        pausedUntilMs = clock.monotonicMs() + PAUSE_MS;
        reject(siteError('REALTIME_UNAVAILABLE'));
      }, patienceMs);
    });
    try {
      return await Promise.race([question(client), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    hit: (key, limit) =>
      ask((client) => countHit.run(client, { key, ...limit, step: 1, nowMs: nowMs() })),
    async count(key, windowMs) {
      const look = { key, windowMs, max: 1, step: 0, nowMs: nowMs() } as const;
      return (await ask((client) => countHit.run(client, look))).hits;
    },
    async mark(key, ttlSec) {
      await ask((client) => client.set(`web:mark:${key}`, '1', 'EX', ttlSec));
    },
    isMarked: async (key) => (await ask((client) => client.exists(`web:mark:${key}`))) === 1,
  };
}
