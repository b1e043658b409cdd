// Remembers answers that are the same for everybody for a fraction of a second, so that a crowd on
// the front page costs one query. Concurrent callers share one look-up; failures are not kept.
import type { Clock } from '../../cluster/index.js';

export interface BriefCache<T> {
  get(key: string, load: () => Promise<T>): Promise<T>;
  clear(): void;
}

export function createBriefCache<T>(options: {
  clock: Clock;
  ttlMs: number;
  /** Keys come from requests, so their number has an end. */
  entriesMax: number;
}): BriefCache<T> {
  const { clock, ttlMs, entriesMax } = options;
  const entries = new Map<string, { readonly value: Promise<T>; readonly untilMs: number }>();
  return {
    get(key, load) {
      const known = entries.get(key);
      if (known !== undefined && known.untilMs > clock.monotonicMs()) return known.value;
      if (entries.size >= entriesMax) entries.clear();
      const value = load();
      const entry = { value, untilMs: clock.monotonicMs() + ttlMs };
      entries.set(key, entry);
      value.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      return value;
    },
    clear: () => entries.clear(),
  };
}
