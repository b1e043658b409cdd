// Tells viewers who leave from a media tier that has gone quiet. When too many sessions fall
// silent within one window, sweeping suspends charges, ends and cut-offs: the customer never pays
// for our outage and no show ends over it. Proofs of life that do come are charged as ever. Used
// by the sweeper.
import type { Clock, Logger } from '../cluster/index.js';
import type { BillingMetrics } from './metrics.js';

export interface BreakerOptions {
  readonly clock: Clock;
  readonly metrics: Pick<BillingMetrics, 'isBreakerOpen'>;
  readonly log: Logger;
  /** One interval of proofs of life: the window in which silent sessions are counted. */
  readonly windowMs: number;
  /** A session is silent after this; a suspended one is found silent again every so often. */
  readonly maxGapMs: number;
  /** Opens above this part of the open sessions … */
  readonly share?: number;
  /** … and above this many, so that a small site is not suspended over five closed laptops. */
  readonly countMin?: number;
  /** After this long the silent sessions end after all; default 10 min. */
  readonly giveUpMs?: number;
}

const SHARE = 0.05;
const COUNT_MIN = 5;
const GIVE_UP_MS = 600_000;

export class Breaker {
  private silent: { atMs: number; count: number }[] = [];
  private openSessions = 0;
  private openedAtMs: number | undefined;
  private foundAtMs = -Infinity;
  private gaveUpAtMs = -Infinity;

  constructor(private readonly options: BreakerOptions) {}

  /** True while nothing may be ended or cut by the sweeper. */
  get isOpen(): boolean {
    return this.openedAtMs !== undefined;
  }

  /** Whether so many silent sessions more would be a mass event. */
  isMass(more: number): boolean {
    const { countMin = COUNT_MIN, share = SHARE } = this.options;
    const count = this.silent.reduce((sum, one) => sum + one.count, more);
    return count > countMin && count > share * (this.openSessions + count);
  }

  /**
   * The sweeper is about to find this many silent. Media nodes that prove the life of thousands in
   * one call fall silent in one instant: this opens before the first of their sessions is ended.
   */
  foresee(count: number): void {
    const { clock } = this.options;
    this.judge();
    if (count === 0 || this.isOpen || !this.isMass(count) || this.hasGivenUp()) return;
    this.foundAtMs = clock.monotonicMs();
    this.open(this.foundAtMs, count);
  }

  /** The sweeper found this many sessions silent, ended or spared. */
  found(count: number): void {
    if (count > 0) {
      this.foundAtMs = this.options.clock.monotonicMs();
      this.silent.push({ atMs: this.foundAtMs, count });
    }
    this.judge();
  }

  /** How many sessions are open in all; told every second. */
  total(openSessions: number): void {
    this.openSessions = openSessions;
    this.judge();
  }

  private judge(): void {
    const { clock, windowMs, metrics } = this.options;
    const { maxGapMs, giveUpMs = GIVE_UP_MS } = this.options;
    const now = clock.monotonicMs();
    this.silent = this.silent.filter((one) => now - one.atMs < windowMs);
    const count = this.silent.reduce((sum, one) => sum + one.count, 0);
    if (this.openedAtMs === undefined) {
      if (this.isMass(0) && !this.hasGivenUp()) this.open(now, count);
    } else if (now - this.openedAtMs >= giveUpMs) {
      this.gaveUpAtMs = now;
      this.close('given up');
    } else if (now - this.foundAtMs >= maxGapMs + windowMs) {
      // Sooner, each of them would have had no time to fall silent once more, and would be ended.
      this.close('proofs of life are back');
    }
    metrics.isBreakerOpen.set(this.isOpen ? 1 : 0);
  }

  /** The silence that it gave up on is over when it has been closed for as long. */
  private hasGivenUp(): boolean {
    const { clock, giveUpMs = GIVE_UP_MS } = this.options;
    return clock.monotonicMs() - this.gaveUpAtMs < giveUpMs;
  }

  private open(now: number, count: number): void {
    this.openedAtMs = now;
    this.options.metrics.isBreakerOpen.set(1);
    this.options.log.error({ event: 'breaker.opened', silent: count, open: this.openSessions });
  }

  private close(why: string): void {
    this.openedAtMs = undefined;
    this.options.log.warn({ event: 'breaker.closed', why });
  }
}
