// Rate of a growing byte count over a window, for statistics. Sampled from outside, so it costs no
// timer.

export class RateMeter {
  readonly #windowMs: number;
  #sinceMs: number;
  #sinceBytes = 0;
  #bps = 0;

  constructor(nowMs: number, windowMs: number) {
    this.#sinceMs = nowMs;
    this.#windowMs = windowMs;
  }

  /** Of the last full window; 0 before. */
  get bps(): number {
    return this.#bps;
  }

  sample(nowMs: number, bytes: number): void {
    const spanMs = nowMs - this.#sinceMs;
    if (spanMs < this.#windowMs) return;
    this.#bps = Math.round(((bytes - this.#sinceBytes) * 8_000) / spanMs);
    this.#sinceMs = nowMs;
    this.#sinceBytes = bytes;
  }
}
