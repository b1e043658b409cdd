// Which billing process polls for all: a lease in Redis with a fencing token, renewed three times
// within its life. Used by the SRS poller. Invariant: at most one process believes that it holds
// the lease, as long as clocks run alike; what a late one writes carries an older token.
import { setTimeout as delay } from 'node:timers/promises';
import { defineScript, type RedisClient } from '../cluster/index.js';

export interface PollLeaseOptions {
  readonly redis: RedisClient;
  /** Unique among the processes and their lives. */
  readonly holder: string;
  /** Default 3 s: how long nobody polls after the holder has died. */
  readonly ttlMs?: number;
}

export const LEASE_KEY = '{live}:srs:lease';
const TTL_MS = 3_000;

const holdLease = defineScript<readonly [number, string, number], number>({
  file: new URL('./lua/hold-lease.lua', import.meta.url),
  encode: (argv) => ({ keys: [LEASE_KEY], argv }),
  decode: Number,
  onMissing: 'load',
});

export class PollLease {
  private readonly ttlMs: number;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private held = { token: 0, untilMs: 0 };

  constructor(private readonly options: PollLeaseOptions) {
    this.ttlMs = options.ttlMs ?? TTL_MS;
  }

  /** The fencing token while this process holds the lease. */
  get token(): number | undefined {
    const { token, untilMs } = this.held;
    return token > 0 && performance.now() < untilMs ? token : undefined;
  }

  start(): void {
    this.running ??= this.loop();
  }

  /** Gives the lease back, so that another process goes on at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    if (this.token === undefined) return;
    await this.ask(0).catch(() => undefined);
    this.held = { token: 0, untilMs: 0 };
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const askedMs = performance.now();
      // A Redis that is away renews nothing; the lease ends by itself.
      const token = await this.ask(this.ttlMs).catch(() => undefined);
      if (token !== undefined) this.held = { token, untilMs: askedMs + this.ttlMs };
      await delay(this.ttlMs / 3, undefined, { signal }).catch(() => undefined);
    }
  }

  private ask(ttlMs: number): Promise<number> {
    const { redis, holder } = this.options;
    return holdLease.run(redis, [0, holder, ttlMs]);
  }
}
