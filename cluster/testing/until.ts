// Waiting in tests: for a condition with a deadline, never for a length of time.
import { setTimeout as delay } from 'node:timers/promises';
import { coerceError } from '../errors.js';

export interface UntilOptions {
  /** Words for the error: what was waited for. */
  readonly what: string;
  /** Default 60,000 ms. Generous: it only costs time when the test fails. */
  readonly deadlineMs?: number;
  /** Default 5 ms. */
  readonly everyMs?: number;
}

type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>;

/**
 * Asks until the answer is truthy and resolves to it. An exception counts as "not yet".
 * @throws Error after the deadline, with what was waited for and what was last seen.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Truthy<T>> {
  const { what, deadlineMs = 60_000, everyMs = 5 } = options;
  const startedAt = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const seen = await condition();
      if (isTruthy(seen)) return seen;
      last = seen;
    } catch (thrown) {
      last = coerceError(thrown).message;
    }
    if (performance.now() - startedAt > deadlineMs) {
      throw new Error(`not within ${deadlineMs} ms: ${what}; last seen: ${String(last)}`);
    }
    await delay(everyMs);
  }
}

function isTruthy<T>(value: T): value is Truthy<T> {
  return Boolean(value);
}
