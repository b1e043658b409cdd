// The pace at which clients that have to wait for Redis are let in: the first one at once, whoever
// comes within the next 5 ms together after that. Those of a crowd share writes to Redis and script
// calls; nobody who comes alone waits.
const PAUSE_MS = 5;

export class Arrivals {
  private waiting: (() => void)[] = [];
  private isPausing = false;

  /** Calls `enter` now, or with all others at the end of the pause. */
  add(enter: () => void): void {
    this.waiting.push(enter);
    if (!this.isPausing) this.letIn();
  }

  private letIn(): void {
    const { waiting } = this;
    this.waiting = [];
    this.isPausing = true;
    setTimeout(() => this.rested(), PAUSE_MS);
    for (const enter of waiting) enter();
  }

  private rested(): void {
    this.isPausing = false;
    if (this.waiting.length > 0) this.letIn();
  }
}
