// Time that jumps from event to event: takes the place of the timers and of Date.now while a run of
// the simulator lasts, so that the gateway and the client run unchanged and a minute costs
// milliseconds. Invariant: events happen in the order of their time, those of one time in the order
// in which they were made, and all promises settle between two events.
const realImmediate = globalThis.setImmediate;
const realDateNow = Date.now.bind(Date);

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly work: () => void;
}

class Handle {
  isOver = false;

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

type Work = (...args: never[]) => void;

export class VirtualTime {
  nowMs = 1_760_000_000_000;
  private readonly due: (Due & { readonly handle: Handle })[] = [];
  private order = 0;
  private waiting = 0;

  /** Timers that have not gone off and were not cleared. */
  get pending(): number {
    return this.waiting;
  }

  after(ms: number, work: () => void, everyMs?: number): Handle {
    return this.push(new Handle(), Math.max(0, ms), work, everyMs);
  }

  cancel(handle: unknown): boolean {
    if (!(handle instanceof Handle)) return false;
    if (!handle.isOver) this.waiting -= 1;
    handle.isOver = true;
    return true;
  }

  /** Everything that falls due within the next `ms`. */
  async run(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await settle();
    for (;;) {
      const next = this.due[0];
      if (next === undefined || next.atMs > endMs) break;
      this.pop();
      if (next.handle.isOver) continue;
      this.nowMs = next.atMs;
      this.waiting -= 1;
      if (next.everyMs === undefined) next.handle.isOver = true;
      else this.push(next.handle, next.everyMs, next.work, next.everyMs);
      next.work();
      await settle();
    }
    this.nowMs = endMs;
  }

  /** Puts itself in the place of the timers; returns how to take it away again. */
  install(): () => void {
    const { setTimeout, setInterval, setImmediate } = globalThis;
    const { clearTimeout, clearInterval, clearImmediate } = globalThis;
    const clear = (real: (handle?: never) => void) => (handle?: unknown) => {
      if (!this.cancel(handle)) real(handle as never);
    };
    const bound = (work: Work, args: readonly unknown[]) => () => work(...(args as never[]));
    Object.assign(globalThis, {
      setTimeout: (work: Work, ms = 0, ...args: unknown[]) => this.after(ms, bound(work, args)),
      setInterval: (work: Work, ms = 1, ...args: unknown[]) =>
        this.after(Math.max(1, ms), bound(work, args), Math.max(1, ms)),
      setImmediate: (work: Work, ...args: unknown[]) => this.after(0, bound(work, args)),
      clearTimeout: clear(clearTimeout),
      clearInterval: clear(clearInterval),
      clearImmediate: clear(clearImmediate),
    });
    Date.now = () => this.nowMs;
    return () => {
      Object.assign(globalThis, { setTimeout, setInterval, setImmediate });
      Object.assign(globalThis, { clearTimeout, clearInterval, clearImmediate });
      Date.now = realDateNow;
    };
  }

  private push(handle: Handle, ms: number, work: () => void, everyMs?: number): Handle {
    this.order += 1;
    this.waiting += 1;
    const one = { atMs: this.nowMs + ms, order: this.order, everyMs, work, handle };
    let at = this.due.push(one) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!this.swapIfEarlier(at, up)) break;
      at = up;
    }
    return handle;
  }

  private pop(): void {
    const last = this.due.pop();
    if (last === undefined || this.due.length === 0) return;
    this.due[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const least = isEarlier(this.due[left + 1], this.due[left]) ? left + 1 : left;
      if (least >= this.due.length || !this.swapIfEarlier(least, at)) return;
      at = least;
    }
  }

  private swapIfEarlier(at: number, up: number): boolean {
    const [one, other] = [this.due[at], this.due[up]];
    if (one === undefined || other === undefined || !isEarlier(one, other)) return false;
    this.due[at] = other;
    this.due[up] = one;
    return true;
  }
}

function isEarlier(one: Due | undefined, other: Due | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs;
}

/** A real turn of the event loop: all promises that can go on have gone on. */
function settle(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}
