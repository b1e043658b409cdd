// Long work of a process in small pieces, for its one thread answers hooks as well. Used by the
// settler. Invariant: of each turn of the event loop all pieces together get TURN_MS, however many
// ask; while somebody waits for an answer, a pause as long as the turn's work follows it.

export interface TurnsOptions {
  /** Whether an answer of this process is waited for just now; default: never. */
  readonly isWaitedFor?: () => boolean;
  /** Ms, monotonic; tests bring their own, and their own way to pass time. */
  readonly nowMs?: () => number;
  readonly later?: (work: () => void, ms: number) => void;
}

/**
 * A hook passes through about five turns (read, script, its answer, and twice the write): with 2 ms
 * of each it waits 10 ms longer than it would, and a backlog loses nothing.
 */
export const TURN_MS = 2;

export class Turns {
  private spentMs = 0;
  private isEnding = false;
  private line: (() => void)[] = [];

  constructor(private readonly options: TurnsOptions = {}) {}

  get isWaitedFor(): boolean {
    return this.options.isWaitedFor?.() ?? false;
  }

  /** Runs a piece, which should take less than a millisecond, when there is time for it. */
  async run<T>(piece: () => T): Promise<T> {
    const { nowMs = () => performance.now() } = this.options;
    while (this.spentMs >= TURN_MS) {
      await new Promise<void>((resolve) => {
        this.line.push(resolve);
      });
    }
    const startedMs = nowMs();
    try {
      return piece();
    } finally {
      this.spend(nowMs() - startedMs);
    }
  }

  /** `work` for each item, in order, `every` items a piece. */
  async each<T>(items: readonly T[], every: number, work: (item: T) => void): Promise<void> {
    for (let at = 0; at < items.length; at += every) {
      await this.run(() => {
        for (const item of items.slice(at, at + every)) work(item);
      });
    }
  }

  private spend(ms: number): void {
    this.spentMs += ms;
    if (this.isEnding) return;
    this.isEnding = true;
    setImmediate(() => this.endTurn());
  }

  private endTurn(): void {
    const { later = setTimeout } = this.options;
    if (this.isWaitedFor) later(() => this.nextTurn(), this.spentMs);
    else this.nextTurn();
  }

  private nextTurn(): void {
    this.spentMs = 0;
    this.isEnding = false;
    const { line } = this;
    this.line = [];
    for (const resume of line) resume();
  }
}
