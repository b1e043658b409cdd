// A clock that moves only when told, for everything that takes a Clock.
import type { Clock } from '../clock.js';

export class ManualClock implements Clock {
  private monotonic = 0;

  /** @param wall Unix milliseconds at the start; an arbitrary fixed moment by default. */
  constructor(private wall = 1_760_000_000_000) {}

  nowMs(): number {
    return this.wall;
  }

  monotonicMs(): number {
    return this.monotonic;
  }

  /** Time passes: both clocks move forward by `ms` ≥ 0. */
  advance(ms: number): void {
    if (ms < 0) throw new RangeError('time does not go back; use stepWall for a corrected clock');
    this.wall += ms;
    this.monotonic += ms;
  }

  /** Somebody sets the wall clock: it jumps by `ms`, also backwards; monotonic time does not. */
  stepWall(ms: number): void {
    this.wall += ms;
  }
}
