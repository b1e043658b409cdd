// Slows down guessing one account's password from many addresses: after too many failures in a
// window the account cannot be logged into until the window ends. Limits per address are set at the
// routes.
import { siteError } from '../errors.js';
import type { HitCounter } from '../ports.js';

const FAILURES_MAX = 10;
const WINDOW_MS = 5 * 60_000;

export interface LoginGuard {
  /** Runs a login attempt; counts it when it fails. @throws RATE_LIMITED before trying */
  attempt<T>(login: string, tryLogin: () => Promise<T>): Promise<T>;
}

export function createLoginGuard(hits: HitCounter): LoginGuard {
  return {
    async attempt(login, tryLogin) {
      const key = `login-failed:${login.toLowerCase()}`;
      // While Redis is away the limit per address (kept in the process) is what remains.
      const failures = await hits.count(key).catch(() => 0);
      if (failures >= FAILURES_MAX) throw siteError('RATE_LIMITED');
      try {
        return await tryLogin();
      } catch (thrown) {
        await hits.hit(key, WINDOW_MS).catch(() => undefined);
        throw thrown;
      }
    },
  };
}
