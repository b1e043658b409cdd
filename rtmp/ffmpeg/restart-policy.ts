// When a failed ffmpeg is started again: at once, then 1, 2, 4 … 30 s later; after too many
// failures in a short time not at all (open circuit). A run that was healthy for a minute clears
// the score. Pure.

export interface RestartRules {
  readonly firstDelayMs: number;
  readonly delayMaxMs: number;
  readonly healthyMs: number;
  readonly failuresMax: number;
  readonly failureWindowMs: number;
}

export const RESTART_RULES: RestartRules = {
  firstDelayMs: 100,
  delayMaxMs: 30_000,
  healthyMs: 60_000,
  failuresMax: 5,
  failureWindowMs: 120_000,
};

export class RestartPolicy {
  #failures: number[] = [];
  #streak = 0;

  /** @param random in [0, 1), spreads restarts by ±20 % */
  constructor(
    private readonly rules: RestartRules = RESTART_RULES,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * Counts a failure.
   * @returns ms to wait before the next start, or undefined when the circuit is open
   */
  failed(nowMs: number, ranMs: number): number | undefined {
    const { firstDelayMs, delayMaxMs, healthyMs, failuresMax, failureWindowMs } = this.rules;
    if (ranMs >= healthyMs) this.#streak = 0;
    this.#failures = this.#failures.filter((at) => nowMs - at < failureWindowMs);
    this.#failures.push(nowMs);
    if (this.#failures.length >= failuresMax) return undefined;
    const delayMs = this.#streak === 0 ? firstDelayMs : 1_000 * 2 ** (this.#streak - 1);
    this.#streak += 1;
    return Math.min(delayMaxMs, delayMs) * (0.8 + 0.4 * this.random());
  }
}
