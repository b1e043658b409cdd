// Admission of transcodes: the sum of what running plans are expected to cost stays within the
// node's budget. Copies count too, but so little that a node is full of transcodes long before.

export interface Reservation {
  readonly percent: number;
  /** Idempotent. */
  release(): void;
}

export class CpuBudget {
  #used = 0;

  /** @param totalPercent 100 = one core */
  constructor(private readonly totalPercent: number) {}

  get usedPercent(): number {
    return this.#used;
  }

  get freePercent(): number {
    return Math.max(0, this.totalPercent - this.#used);
  }

  /** Takes its share unconditionally: the plan was made within `freePercent`. */
  reserve(percent: number): Reservation {
    this.#used += percent;
    let isHeld = true;
    return {
      percent,
      release: () => {
        if (isHeld) this.#used -= percent;
        isHeld = false;
      },
    };
  }
}
