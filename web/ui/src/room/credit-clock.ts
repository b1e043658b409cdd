// How long the credit lasts in a paid show. Counted from the newest balance; the ledger alone
// decides, this only shows.
import type { Entry } from '../api/rooms.js';
import { secondsForCredits } from '../format/credits.js';
import type { Balance } from '../session/balance.js';

/** Below this the countdown asks for attention. */
export const warnSec = 120;

/**
 * Unix ms when the credit ends at this price; undefined in a free room or while nothing is known.
 */
export function creditEndsAtMs(
  entry: Entry,
  balance: Balance | undefined,
  priceMilliPerMin: string,
): number | undefined {
  const granted = entry.grantedUntilMs ?? undefined;
  const left = balance ? secondsForCredits(balance.amount, priceMilliPerMin) : undefined;
  if (left === Infinity) return undefined;
  if (!balance || left === undefined) return granted;
  const ends = balance.atMs + left * 1000;
  // What is granted is granted, even if the balance that we know is older than the grant.
  return granted === undefined ? ends : Math.max(ends, granted);
}
