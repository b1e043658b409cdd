// How long a paid session may go on while its Redis is away: an allowance per session, counted
// from its first failed check. Used by the hooks. When Redis is back, the next update charges the
// time in between.
import type { Clock } from '../cluster/index.js';
import type { BillingMetrics } from './metrics.js';

export interface FailOpenOptions {
  readonly allowanceMs: number;
  readonly clock: Clock;
  readonly metrics: Pick<BillingMetrics, 'failOpens'>;
}

/** More sessions than one process can have; past it strangers are not let through. */
const SESSIONS_MAX = 200_000;

export class FailOpen {
  private readonly failingSinceMs = new Map<string, number>();

  constructor(private readonly options: FailOpenOptions) {}

  /** Its check failed. @returns whether it may go on for now */
  mayPass(sessionId: string): boolean {
    const { allowanceMs, clock, metrics } = this.options;
    const now = clock.monotonicMs();
    const since = this.failingSinceMs.get(sessionId) ?? now;
    if (!this.failingSinceMs.has(sessionId)) {
      if (this.failingSinceMs.size >= SESSIONS_MAX) return false;
      this.failingSinceMs.set(sessionId, since);
    }
    if (now - since >= allowanceMs) return false;
    metrics.failOpens.inc();
    return true;
  }

  /** Its check worked again: the allowance is whole. */
  succeeded(sessionId: string): void {
    this.failingSinceMs.delete(sessionId);
  }
}
