// Done events on their way to the hooks. An accepted session must be closed at the back end exactly
// once, so each event is repeated with back-off until a hook answers; the back end drops repeats by
// session id. Order within a session is kept; sessions do not wait for each other.

import type { Logger } from '../cluster/index.js';
import type { DoneLedger } from './done-ledger.js';
import type { HookClient, HookRequest } from './hooks.js';
import type { IngestMetrics } from './metrics.js';

export interface DoneQueueOptions {
  readonly ledger: DoneLedger;
  readonly hooks: HookClient;
  readonly log: Logger;
  readonly metrics: IngestMetrics;
  /** First pause after a failure, ms; doubles up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** Sessions kept during an outage; beyond it the oldest is given up with an error line. */
  readonly sessionsMax: number;
}

/** The done events of one session, in order. */
export interface DoneEvents {
  readonly session: string;
  readonly requests: readonly HookRequest[];
  /** Settles when the session's last other call is over. */
  readonly after: Promise<unknown>;
}

interface Entry {
  readonly session: string;
  readonly after: Promise<unknown>;
  readonly requests: HookRequest[];
  attempts: number;
  timer: NodeJS.Timeout | undefined;
}

export class DoneQueue {
  readonly #options: DoneQueueOptions;
  readonly #entries = new Set<Entry>();
  #waiters: (() => void)[] = [];

  constructor(options: DoneQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  push({ session, requests, after }: DoneEvents): void {
    const { sessionsMax, log, metrics } = this.#options;
    const [oldest] = this.#entries;
    if (this.#entries.size >= sessionsMax && oldest !== undefined) {
      log.error({ event: 'rtmp.done.lost', session: oldest.session });
      this.#remove(oldest);
    }
    const entry: Entry = {
      session,
      after,
      requests: [...requests],
      attempts: 0,
      timer: undefined,
    };
    this.#entries.add(entry);
    metrics.doneQueue.set(this.#entries.size);
    this.#deliver(entry).catch((thrown: unknown) => {
      log.error({ event: 'rtmp.done.failed', session, err: thrown });
      this.#remove(entry);
    });
  }

  /**
   * Waits until all events are delivered, at most `deadlineMs`; returns how many sessions are left.
   */
  async flush(deadlineMs: number): Promise<number> {
    if (this.#entries.size === 0) return 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#entries.size;
  }

  /** Stops repeating; what is left is logged, and sent by whoever adopts it from the ledger. */
  close(): void {
    for (const entry of [...this.#entries]) {
      this.#options.log.error({ event: 'rtmp.done.lost', session: entry.session });
      this.#remove(entry);
    }
  }

  async #deliver(entry: Entry): Promise<void> {
    const { hooks, log, retryMs, retryMsMax } = this.#options;
    await entry.after;
    for (let next = entry.requests[0]; next !== undefined; next = entry.requests[0]) {
      const verdict = await hooks.call(next);
      if (!this.#entries.has(entry)) return;
      if (verdict.kind === 'failed') {
        const pauseMs = Math.min(retryMsMax, retryMs * 2 ** Math.min(entry.attempts, 20));
        entry.attempts++;
        log.warn({ event: 'rtmp.done.retry', session: entry.session, reason: verdict.reason });
        await new Promise<void>((resolve) => {
          entry.timer = setTimeout(resolve, pauseMs);
        });
        if (!this.#entries.has(entry)) return;
      } else {
        // A deny changes nothing: the session is over here and was told.
        entry.requests.shift();
      }
    }
    this.#options.ledger.settle(entry.session);
    this.#remove(entry);
  }

  #remove(entry: Entry): void {
    clearTimeout(entry.timer);
    this.#entries.delete(entry);
    this.#options.metrics.doneQueue.set(this.#entries.size);
    if (this.#entries.size > 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
