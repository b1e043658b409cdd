// Counters and marks of the site in the realtime Redis, shared by all web processes. Used through the
// HitCounter and MarkStore ports.
import { defineScript, type RedisClient } from '../../cluster/index.js';
import type { HitCounter, MarkStore } from '../ports.js';

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
export function createRedisCounts(redis: () => RedisClient): HitCounter & MarkStore {
  return {
    async hit(key, windowMs) {
      return countHit.run(redis(), { key: `web:hits:${key}`, windowMs });
    },
    async count(key) {
      return Number((await redis().get(`web:hits:${key}`)) ?? 0);
    },
    async mark(key, ttlSec) {
      await redis().set(`web:mark:${key}`, '1', 'EX', ttlSec);
    },
    async isMarked(key) {
      return (await redis().exists(`web:mark:${key}`)) === 1;
    },
  };
}
