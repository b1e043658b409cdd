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

const countHit = defineScript({
  file: new URL('../lua/count-hit.lua', import.meta.url),
  encode: ({ key, windowMs }: { key: string; windowMs: number }) => ({
    keys: [key],
    argv: [windowMs],
  }),
  decode: (reply) => {
    const [hits, leftMs] = Array.isArray(reply) ? reply.map(Number) : [];
    if (hits === undefined || leftMs === undefined) throw new Error('count-hit: odd reply');
    return { hits, leftMs };
  },
});

/** @param redis gives the connection, or throws REALTIME_UNAVAILABLE while there is none. */
export function createRedisCounts(redis: () => RedisClient, clock: Clock): HitCounter & MarkStore {
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
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([question(client), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    hit: (key, windowMs) =>
      ask((client) => countHit.run(client, { key: `web:hits:${key}`, windowMs })),
    count: async (key) => Number((await ask((client) => client.get(`web:hits:${key}`))) ?? 0),
    async mark(key, ttlSec) {
      await ask((client) => client.set(`web:mark:${key}`, '1', 'EX', ttlSec));
    },
    isMarked: async (key) => (await ask((client) => client.exists(`web:mark:${key}`))) === 1,
  };
}
