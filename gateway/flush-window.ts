// How long a channel collects messages before they go out as one frame. Cost = subscribers ×
// flushes × about 3 µs, whatever the message rate: a quiet room never waits, a hot one is kept
// within the budget.

export interface FlushBudget {
  /**
   * Socket writes per second that this worker may spend on flushes; 150,000 is about half a core.
   */
  readonly sendsPerSec: number;
  /** No message waits longer. */
  readonly windowMaxMs: number;
}

export const defaultFlushBudget: FlushBudget = { sendsPerSec: 150_000, windowMaxMs: 100 };

const SMOOTHING_MS = 500;

/** Watches what flushes cost in sum and widens all windows when many rooms are hot at once. */
export class FlushWindow {
  private rate = 0;
  private lastMs = 0;

  constructor(private readonly budget: FlushBudget = defaultFlushBudget) {}

  /**
   * Shortest time between two flushes of a channel with so many subscribers, in ms; 0 = same tick.
   */
  windowMs(subscribers: number): number {
    const pressure = Math.max(1, this.rate / this.budget.sendsPerSec);
    const ms = ((subscribers * 1_000) / this.budget.sendsPerSec) * pressure;
    return ms < 1 ? 0 : Math.min(ms, this.budget.windowMaxMs);
  }

  /** Accounts for one flush to `subscribers` sockets. */
  spent(subscribers: number, nowMs: number): void {
    const elapsed = Math.max(0, nowMs - this.lastMs);
    this.lastMs = nowMs;
    this.rate =
      this.rate * Math.exp(-elapsed / SMOOTHING_MS) + (subscribers * 1_000) / SMOOTHING_MS;
  }

  /** Socket writes per second, smoothed over half a second. */
  sendsPerSec(nowMs: number): number {
    return this.rate * Math.exp(-Math.max(0, nowMs - this.lastMs) / SMOOTHING_MS);
  }
}
