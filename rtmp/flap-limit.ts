// How often a key or a stream may begin to publish: an encoder that comes and goes would make a new
// run, a new discontinuity and two hooks each time. Used by publish-role.ts. Memory is bounded by
// what began within the window.
import type { Clock } from '../cluster/index.js';

export interface FlapRules {
  /** Starts within the window; further ones are refused. 0 = no limit. */
  readonly max: number;
  readonly windowMs: number;
}

const PRUNE_ABOVE = 1_000;

export class FlapLimit {
  readonly #rules: FlapRules;
  readonly #clock: Clock;
  #starts = new Map<string, readonly number[]>();

  constructor(rules: FlapRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  get max(): number {
    return this.#rules.max;
  }

  /** Whether one more start has to wait. */
  isOver(id: string): boolean {
    return this.#rules.max > 0 && this.#recent(id).length >= this.#rules.max;
  }

  /** An accepted publish began. Refused ones do not count, so that waiting helps. */
  note(id: string): void {
    if (this.#rules.max === 0) return;
    if (this.#starts.size >= PRUNE_ABOVE) this.#prune();
    this.#starts.set(id, [...this.#recent(id), this.#clock.monotonicMs()]);
  }

  #recent(id: string): readonly number[] {
    const sinceMs = this.#clock.monotonicMs() - this.#rules.windowMs;
    return (this.#starts.get(id) ?? []).filter((at) => at > sinceMs);
  }

  #prune(): void {
    const left = [...this.#starts.keys()].map((id) => [id, this.#recent(id)] as const);
    this.#starts = new Map(left.filter(([, starts]) => starts.length > 0));
  }
}
