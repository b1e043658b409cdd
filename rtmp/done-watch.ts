// Watches for ingest nodes that are gone and has their done events sent by this one; after a
// restart also those of this node's former life. Used by main.ts, beside the member list.

import { coerceError, type Logger } from '../cluster/index.js';
import type { OwedEvents, RedisDoneLedger } from './done-ledger.js';

export interface DoneWatchOptions {
  readonly ledger: RedisDoneLedger;
  /** Ids of the ingest nodes that are alive; undefined while that is not known for certain. */
  readonly aliveNodeIds: () => ReadonlySet<string> | undefined;
  readonly settle: (owed: readonly OwedEvents[]) => void;
  readonly everyMs: number;
  readonly log: Logger;
}

export class DoneWatch {
  readonly #options: DoneWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #hasRecovered = false;
  #running: Promise<void> | undefined;

  constructor(options: DoneWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), this.#options.everyMs);
    this.check();
  }

  /** Resolves when what was under way is over. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Looks now; also to be called when the member list has changed. */
  check(): void {
    this.#running ??= this.#look()
      .catch((thrown: unknown) => {
        const reason = coerceError(thrown).message;
        this.#options.log.warn({ event: 'rtmp.done.unwatched', reason });
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #look(): Promise<void> {
    const { ledger, aliveNodeIds, settle } = this.#options;
    if (!this.#hasRecovered) {
      settle(await ledger.recover());
      this.#hasRecovered = true;
    }
    const alive = aliveNodeIds();
    if (alive !== undefined) settle(await ledger.adopt(alive));
  }
}
