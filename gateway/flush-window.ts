// How long a channel collects messages before they go out as one frame. Cost = subscribers ×
// flushes × about 3 µs, whatever the message rate: a quiet room never waits, a hot one is kept
// within the budget, and nobody waits for the single lines of a room faster than people read.

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
/** Ten times what people can read: then lines may come a few at a time. */
const TORRENT_PER_SEC = 200;
/** Widest window for that reason, reached at 500 subscribers: two screen frames. */
const TORRENT_WINDOW_MS = 33;
const TORRENT_SUBSCRIBERS = 500;

/** Events per second, smoothed over half a second: `count` more, `elapsedMs` after the last. */
export function smoothedRate(rate: number, elapsedMs: number, count: number): number {
  return rate * Math.exp(-elapsedMs / SMOOTHING_MS) + (count * 1_000) / SMOOTHING_MS;
}

/** Above this share of its time a worker has too little left for what else comes. */
const BUSY_AIM = 0.6;
/** Windows are widened by no more than this because the worker is busy. */
const STRETCH_MAX = 4;
/** Below this share of the budget it is not the flushes that keep a worker busy, or calm. */
const SPENT_MIN = 0.1;

/**
 * Watches what flushes cost in sum and widens all windows when many rooms are hot at once, or when
 * this machine takes longer for a write than the budget thinks.
 */
export class FlushWindow {
  private rate = 0;
  private lastMs = 0;
  private stretch = 1;

  constructor(private readonly budget: FlushBudget = defaultFlushBudget) {}

  /**
   * Shortest time between two flushes of a channel with so many subscribers, in ms; 0 = same tick.
   */
  windowMs(subscribers: number, messagesPerSec = 0): number {
    const pressure = Math.max(1, this.rate / this.budget.sendsPerSec);
    const widening = Math.max(pressure, this.stretch);
    const budgetMs = ((subscribers * 1_000) / this.budget.sendsPerSec) * widening;
    const isTorrent = messagesPerSec > TORRENT_PER_SEC;
    const share = Math.min(1, subscribers / TORRENT_SUBSCRIBERS);
    const ms = Math.max(budgetMs, isTorrent ? TORRENT_WINDOW_MS * share : 0);
    return ms < 1 ? 0 : Math.min(ms, this.budget.windowMaxMs);
  }

  /** Accounts for one flush to `subscribers` sockets. */
  spent(subscribers: number, nowMs: number): void {
    const elapsed = Math.max(0, nowMs - this.lastMs);
    this.lastMs = nowMs;
    this.rate = smoothedRate(this.rate, elapsed, subscribers);
  }

  /**
   * Once a second: the share of its time that the event loop was at work, 0 … 1. As the load of a
   * hot room goes with the number of flushes, it is at the aim after the next second. What has been
   * learned of this machine stays while the rooms are quiet.
   */
  worked(share: number, nowMs: number): void {
    if (this.sendsPerSec(nowMs) < SPENT_MIN * this.budget.sendsPerSec) return;
    this.stretch = Math.min(STRETCH_MAX, Math.max(1, (this.stretch * share) / BUSY_AIM));
  }

  /** Socket writes per second, smoothed over half a second. */
  sendsPerSec(nowMs: number): number {
    return smoothedRate(this.rate, Math.max(0, nowMs - this.lastMs), 0);
  }
}
