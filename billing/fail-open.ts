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
/** Longer than any interval of updates: an outage that goes on gives nobody a new allowance. */
const FORGET_MS = 1_800_000;

interface Failing {
  readonly sinceMs: number;
  readonly lastMs: number;
}

export class FailOpen {
  /** By the last failed check, oldest first. */
  private readonly failing = new Map<string, Failing>();

  constructor(private readonly options: FailOpenOptions) {}

  /** Its check failed. @returns whether it may go on for now */
  mayPass(sessionId: string): boolean {
    const { allowanceMs, clock, metrics } = this.options;
    const lastMs = clock.monotonicMs();
    const sinceMs = this.failing.get(sessionId)?.sinceMs ?? lastMs;
    this.failing.delete(sessionId);
    this.forgetOld(lastMs);
    if (this.failing.size >= SESSIONS_MAX) return false;
    this.failing.set(sessionId, { sinceMs, lastMs });
    if (lastMs - sinceMs >= allowanceMs) return false;
    metrics.failOpens.inc();
    return true;
  }

  /** Its check worked again: the allowance is whole. */
  succeeded(sessionId: string): void {
    this.failing.delete(sessionId);
  }

  /** Sessions that nobody has asked about since an outage that is over; those of this one stay. */
  private forgetOld(nowMs: number): void {
    for (const [sessionId, { lastMs }] of this.failing) {
      if (nowMs - lastMs < FORGET_MS) return;
      this.failing.delete(sessionId);
    }
  }
}
