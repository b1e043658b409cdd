// How long to wait before the n-th attempt to reconnect. Pure; jitter keeps thousands of clients
// that lost the same server from returning in one moment.
import type { CloseAdvice } from '../protocol/index.js';

export interface BackoffOptions {
  /** Shortest pause from the second attempt on. Default 200 ms. */
  readonly minMs?: number;
  /** Longest pause. Default 10 s. */
  readonly capMs?: number;
  /** The first attempt after a lost link falls into [0, this). Default 1 s. */
  readonly firstMs?: number;
}

/**
 * @param attempt 1 for the first try after a connection that had been good
 * @param random in [0, 1)
 * @returns ms; undefined = do not reconnect
 */
export function reconnectPause(
  { attempt, advice, random }: { attempt: number; advice: CloseAdvice; random: number },
  { minMs = 200, capMs = 10_000, firstMs = 1_000 }: BackoffOptions = {},
): number | undefined {
  if (advice === 'stop') return undefined;
  if (attempt <= 1) return Math.floor(random * (advice === 'at-once' ? firstMs / 4 : firstMs));
  const ceiling = Math.min(capMs, firstMs * 2 ** Math.min(attempt - 1, 16));
  return Math.max(minMs, Math.floor(random * ceiling));
}
