// Slows down guessing one account's password from many addresses: after too many failures within a
// window the account cannot be logged into until the first of them is older than the window. Limits
// per address are set at the routes.
import type { Clock } from '../../cluster/index.js';
import { siteError } from '../errors.js';
import { createLocalCounter } from '../http/hit-store.js';
import type { HitCounter } from '../ports.js';

const FAILURES_MAX = 10;
const WINDOW_MS = 5 * 60_000;
const LIMIT = { windowMs: WINDOW_MS, max: FAILURES_MAX };

export interface LoginGuard {
  /** Runs a login attempt; counts it when it fails. @throws RATE_LIMITED before trying */
  attempt<T>(login: string, tryLogin: () => Promise<T>): Promise<T>;
}

export function createLoginGuard(hits: HitCounter, clock: Clock): LoginGuard {
  // Failures of this process count even when Redis is slow or away.
  const local = createLocalCounter(clock);
  return {
    async attempt(login, tryLogin) {
      const key = `login-failed:${login.toLowerCase()}`;
      const failures = await hits.count(key, WINDOW_MS).catch(() => 0);
      if (Math.max(failures, local.count(key, WINDOW_MS)) >= FAILURES_MAX) {
        throw siteError('RATE_LIMITED');
      }
      try {
        return await tryLogin();
      } catch (thrown) {
        local.hit(key, LIMIT);
        await hits.hit(key, LIMIT).catch(() => undefined);
        throw thrown;
      }
    },
  };
}
