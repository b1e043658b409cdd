// Requests that wait for what a playlist does not list yet: blocking playlist reloads and hinted
// parts (RFC 8216bis, section 6.2.5). One per node.
// Invariants: what waits is bounded, for the node and for each session; a request waits no longer
// than its time, its connection and its show.
import type { ServerResponse } from 'node:http';
import { hlsError } from '../errors.js';

/** Something that grows. */
export interface Growing {
  /** Calls back after each change. @returns how to unsubscribe */
  onChange(listener: () => void): () => void;
}

export interface Wait {
  readonly what: Growing;
  readonly sid: string;
  readonly isThere: () => boolean;
  readonly timeoutMs: number;
  /** The wait ends with its connection. */
  readonly response: ServerResponse;
}

export interface WaitLimits {
  readonly waitingMax: number;
  /** A player asks for one playlist and one part of each of its tracks. */
  readonly perSessionMax: number;
}

const LIMITS: WaitLimits = { waitingMax: 20_000, perSessionMax: 8 };

export class ReloadWaits {
  readonly #limits: WaitLimits;
  readonly #bySid = new Map<string, number>();
  #waiting = 0;

  constructor(limits: WaitLimits = LIMITS) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * @returns whether it is there; false when the time is over or nobody asks any more
   * @throws AppError HLS_BUSY when too many wait already
   */
  async wait({ what, sid, isThere, timeoutMs, response }: Wait): Promise<boolean> {
    if (isThere()) return true;
    const own = this.#bySid.get(sid) ?? 0;
    if (this.#waiting >= this.#limits.waitingMax || own >= this.#limits.perSessionMax) {
      throw hlsError('HLS_BUSY');
    }
    this.#waiting += 1;
    this.#bySid.set(sid, own + 1);
    try {
      await new Promise<void>((resolve) => {
        let timer: NodeJS.Timeout | undefined = undefined;
        const end = (): void => {
          clearTimeout(timer);
          stopListening();
          response.off('close', end);
          resolve();
        };
        timer = setTimeout(end, timeoutMs);
        const stopListening = what.onChange(() => {
          if (isThere()) end();
        });
        response.once('close', end);
      });
    } finally {
      this.#waiting -= 1;
      const left = (this.#bySid.get(sid) ?? 1) - 1;
      if (left === 0) this.#bySid.delete(sid);
      else this.#bySid.set(sid, left);
    }
    return isThere() && !response.destroyed;
  }
}
