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

    incr(key: string, callback: Callback, timeWindow: number): void {
      const name = `${this.scope} ${key}`;
      hits
        .hit(name, timeWindow)
        .catch(() => local.hit(name, timeWindow))
        .then(({ hits: current, leftMs: ttl }) => callback(null, { current, ttl }))
        .catch((thrown: unknown) => callback(thrown as Error));
    }

    child(options: object): HitStore {
      return new HitStore(options);
    }
  };
}

function createLocalCounter(clock: Clock) {
  const windows = new Map<string, { hits: number; readonly untilMs: number }>();
  return {
    hit(key: string, windowMs: number): { hits: number; leftMs: number } {
      const nowMs = clock.monotonicMs();
      if (windows.size >= LOCAL_KEYS_MAX) windows.clear();
      const known = windows.get(key);
      const entry =
        known !== undefined && known.untilMs > nowMs
          ? known
          : { hits: 0, untilMs: nowMs + windowMs };
      entry.hits += 1;
      windows.set(key, entry);
      return { hits: entry.hits, leftMs: entry.untilMs - nowMs };
    },
  };
}
