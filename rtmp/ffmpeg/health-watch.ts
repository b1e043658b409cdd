// Tells from outside whether an ffmpeg still works: stale (frozen: it gets media and writes none)
// or overloaded (too slow for real time: its backlog does not go down). Pure; one per run, asked
// every second.
import type { Progress } from './progress.js';

export type HealthVerdict = 'stale' | 'overloaded';

export interface FeedState {
  readonly fedMs: number;
  readonly backlogBytes: number;
  readonly isDropping: boolean;
}

export interface HealthRules {
  readonly staleMs: number;
  readonly overloadMs: number;
}

export const HEALTH_RULES: HealthRules = { staleMs: 10_000, overloadMs: 15_000 };
/** A pipe of 64 KiB and a key frame or two wait even with a fast child. */
const BACKLOG_BYTES = 2 * 1024 * 1024;

export class HealthWatch {
  #verdict: HealthVerdict | undefined;
  #outTimeMs = -1;
  #fedAtAdvanceMs = 0;
  #advancedAtMs: number;
  #behindSinceMs: number | undefined;

  readonly #rules: HealthRules;

  constructor(nowMs: number, rules: HealthRules = HEALTH_RULES) {
    this.#rules = rules;
    this.#advancedAtMs = nowMs;
  }

  /** Why the run was ended, when it was. */
  get verdict(): HealthVerdict | undefined {
    return this.#verdict;
  }

  progressed({ outTimeMs }: Progress, nowMs: number): void {
    if (outTimeMs <= this.#outTimeMs) return;
    this.#outTimeMs = outTimeMs;
    this.#advancedAtMs = nowMs;
    this.#fedAtAdvanceMs = -1;
  }

  /** @returns a verdict at most once */
  check({ fedMs, backlogBytes, isDropping }: FeedState, nowMs: number): HealthVerdict | undefined {
    if (this.#verdict !== undefined) return undefined;
    if (this.#fedAtAdvanceMs < 0) this.#fedAtAdvanceMs = fedMs;
    // A publisher that pauses is not ffmpeg's fault: media must have gone in meanwhile.
    const hasFood = fedMs - this.#fedAtAdvanceMs > this.#rules.staleMs / 2 || isDropping;
    const isStale = hasFood && nowMs - this.#advancedAtMs > this.#rules.staleMs;
    const isBehind = backlogBytes > BACKLOG_BYTES;
    this.#behindSinceMs = isBehind ? (this.#behindSinceMs ?? nowMs) : undefined;
    const isOverloaded =
      this.#behindSinceMs !== undefined && nowMs - this.#behindSinceMs > this.#rules.overloadMs;
    this.#verdict = isStale ? 'stale' : isOverloaded ? 'overloaded' : undefined;
    return this.#verdict;
  }
}
