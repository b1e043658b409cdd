// Seeded randomness for tests: the same numbers in each run, other ones with SHOWBILL_SEED=<n> or
// SHOWBILL_SEED=random; a failure prints its seed.
import { testSeed } from '../config.js';
import type { TestScope } from './scope.js';

export interface SeededRandom {
  /** In 0…2^31-1; also fit for fast-check's `seed`. */
  readonly seed: number;
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform whole number in [min, max], both included. */
  int(min: number, max: number): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/** Prints `SHOWBILL_SEED=<n>` when the test has failed. */
export function seededRandom(t: TestScope): SeededRandom {
  const seed = testSeed();
  t.teardown(() => {
    if (!t.passing()) t.comment(`run again with SHOWBILL_SEED=${seed}`);
  });
  return randomFromSeed(seed);
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, ample for test data. */
export function randomFromSeed(seed: number): SeededRandom {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  function pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[int(0, items.length - 1)] as T;
  }
  function shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let at = copy.length - 1; at > 0; at -= 1) {
      const other = int(0, at);
      [copy[at], copy[other]] = [copy[other] as T, copy[at] as T];
    }
    return copy;
  }
  return { seed, next, int, chance: (p) => next() < p, pick, shuffle };
}
