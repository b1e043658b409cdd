// Overload levels of a node, from how busy its processors are: first the dearest encodings go, one
// after the other, then new publishers are refused. Used by main.ts.
// Invariants: levels change by one, up only after a busy time and down only after a quiet one that
// is longer; whoever publishes already, or comes back to a show, is never refused.
import { cpus } from 'node:os';
import type { Clock, Logger } from '../cluster/index.js';
import type { OverloadMetrics } from './metrics.js';

/** 0 normal, 1 sheds encodings, 2 also refuses new publishers. */
export type OverloadLevel = 0 | 1 | 2;

/** Busy percent of all processors together is at least the limit for so long: a level up. */
const RISE_AFTER_MS = 10_000;
/** Below the limit by so much, for so long: a level down. */
const FALL_MARGIN_PERCENT = 15;
const FALL_AFTER_MS = 30_000;
/** Between two encodings that are given up: what the first one saved must be seen. */
const SHED_EVERY_MS = 10_000;
const SAMPLE_EVERY_MS = 1_000;

/** Decides the level. Pure: time and measurements are handed in. */
export class OverloadScale {
  readonly #limitPercent: number;
  #level: OverloadLevel = 0;
  #busySinceMs: number | undefined;
  #quietSinceMs: number | undefined;

  /** @param limitPercent 0 = there is no overload */
  constructor(limitPercent: number) {
    this.#limitPercent = limitPercent;
  }

  get level(): OverloadLevel {
    return this.#level;
  }

  /** @returns whether the level has changed */
  observe(busyPercent: number, nowMs: number): boolean {
    if (this.#limitPercent === 0) return false;
    const isBusy = busyPercent >= this.#limitPercent;
    const isQuiet = busyPercent < this.#limitPercent - FALL_MARGIN_PERCENT;
    this.#busySinceMs = isBusy ? (this.#busySinceMs ?? nowMs) : undefined;
    this.#quietSinceMs = isQuiet ? (this.#quietSinceMs ?? nowMs) : undefined;
    const before = this.#level;
    if (isBusy && nowMs - (this.#busySinceMs ?? nowMs) >= RISE_AFTER_MS) {
      this.#level = before === 0 ? 1 : 2;
      this.#busySinceMs = nowMs;
    } else if (isQuiet && nowMs - (this.#quietSinceMs ?? nowMs) >= FALL_AFTER_MS) {
      this.#level = before === 2 ? 1 : 0;
      this.#quietSinceMs = nowMs;
    }
    return this.#level !== before;
  }
}

export interface OverloadOptions {
  readonly limitPercent: number;
  /** Gives up the dearest encoding that some show can do without; false when there is none. */
  readonly shed: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OverloadMetrics;
  /** Default: all processors of this machine since the last call. */
  readonly busyPercent?: () => number;
}

export class OverloadGuard {
  readonly #options: OverloadOptions;
  readonly #scale: OverloadScale;
  readonly #busyPercent: () => number;
  #shedAtMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#scale = new OverloadScale(options.limitPercent);
    this.#busyPercent = options.busyPercent ?? processorMeter();
  }

  get level(): OverloadLevel {
    return this.#scale.level;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), SAMPLE_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Measures once; called every second. */
  look(): void {
    const { clock, log, metrics, shed } = this.#options;
    const nowMs = clock.monotonicMs();
    const busyPercent = this.#busyPercent();
    if (this.#scale.observe(busyPercent, nowMs)) {
      log.warn({ event: 'rtmp.overload', level: this.level, busyPercent: Math.round(busyPercent) });
    }
    metrics.level.set(this.level);
    if (this.level === 0 || nowMs - this.#shedAtMs < SHED_EVERY_MS) return;
    if (!shed()) return;
    this.#shedAtMs = nowMs;
    metrics.sheds.inc();
  }
}

function processorMeter(): () => number {
  let before = processorTimes();
  return () => {
    const now = processorTimes();
    const total = now.total - before.total;
    const idle = now.idle - before.idle;
    before = now;
    return total <= 0 ? 0 : 100 * (1 - idle / total);
  };
}

function processorTimes(): { readonly idle: number; readonly total: number } {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}
