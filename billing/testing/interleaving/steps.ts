// Cuts asynchronous work into steps, and lets fast-check's scheduler decide which goes next: a step
// is one call of a script, one query or one SQL transaction, asked and answered. A step begins when
// all else stands still, so a schedule gives the same run again though the servers are real.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type fc from 'fast-check';

export class Steps {
  /** Absent: every step goes at once. */
  scheduler: fc.Scheduler | undefined;
  private readonly running = new Set<Promise<unknown>>();

  /** Waits for its turn before the work and again after it: answers may be overtaken. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    await this.turn(`${name} is asked`);
    try {
      return await this.watch(work());
    } finally {
      await this.turn(`${name} is answered`);
    }
  }

  /** Part of a step: nothing stands still before it has ended. */
  watch<T>(work: Promise<T>): Promise<T> {
    this.running.add(work);
    const forget = () => this.running.delete(work);
    void work.then(forget, forget);
    return work;
  }

  /** Resolves when all that was begun waits for its turn or is over. */
  async standStill(): Promise<void> {
    do {
      await Promise.allSettled(this.running);
      // Whoever had its answer has asked the next by then.
      await nextTurn();
    } while (this.running.size > 0);
  }

  private async turn(name: string): Promise<void> {
    await this.scheduler?.schedule(Promise.resolve(), name);
  }
}

type Taker = (name: string, work: () => Promise<unknown>) => Promise<unknown>;

/** The same object, but for each call of these methods goes through `take`. */
export function inSteps<T extends object>(
  target: T,
  methods: readonly (keyof T & string)[],
  take: Taker,
): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== 'function') return value;
      const call = (args: readonly unknown[]): unknown => Reflect.apply(value, object, args);
      return methods.some((one) => one === name)
        ? (...args: unknown[]) => take(String(name), () => Promise.resolve(call(args)))
        : (...args: unknown[]) => call(args);
    },
  });
}
