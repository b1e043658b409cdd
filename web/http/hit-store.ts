// Counts for rate limits that hold over all web processes; while Redis is away each process counts
// for itself, so that limits weaken but never vanish. Given to @fastify/rate-limit as its store.
import type { Clock } from '../../cluster/index.js';
import type { HitCounter } from '../ports.js';

type Callback = (error: Error | null, result?: { current: number; ttl: number }) => void;

const LOCAL_KEYS_MAX = 20_000;

/** The class that the plugin makes one instance of for each limited route. */
export function createHitStore({ hits, clock }: { hits: HitCounter; clock: Clock }) {
  const local = createLocalCounter(clock);

  return class HitStore {
    scope = 'all';

    constructor(options: object = {}) {
      const { routeInfo } = options as { routeInfo?: { method?: unknown; url?: unknown } };
      if (typeof routeInfo?.url === 'string') {
        this.scope = `${String(routeInfo.method)} ${routeInfo.url}`;
      }
    }

    incr(key: string, callback: Callback, windowMs: number, max: number): void {
      const name = `${this.scope} ${key}`;
      const limit = { windowMs, max };
      hits
        .hit(name, limit)
        .catch(() => local.hit(name, limit))
        .then(({ hits: current, leftMs: ttl }) => callback(null, { current, ttl }))
        .catch((thrown: unknown) => callback(thrown as Error));
    }

    child(options: object): HitStore {
      return new HitStore(options);
    }
  };
}

/** The same rule as lua/count-hit.lua, in the memory of this process. */
export function createLocalCounter(clock: Pick<Clock, 'monotonicMs'>) {
  const logs = new Map<string, number[]>();
  const recent = (key: string, windowMs: number): number[] => {
    const sinceMs = clock.monotonicMs() - windowMs;
    return (logs.get(key) ?? []).filter((atMs) => atMs > sinceMs);
  };
  return {
    hit(key: string, { windowMs, max }: { windowMs: number; max: number }) {
      const nowMs = clock.monotonicMs();
      if (logs.size >= LOCAL_KEYS_MAX) logs.clear();
      const log = recent(key, windowMs);
      const hits = log.length + 1;
      if (hits <= max) log.push(nowMs);
      logs.set(key, log);
      return { hits, leftMs: (log[0] ?? nowMs) + windowMs - nowMs };
    },
    count: (key: string, windowMs: number): number => recent(key, windowMs).length,
  };
}
