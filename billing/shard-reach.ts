// Which shards answer. A Redis Cluster may lose one master: its shards are left alone, and asked
// every half second whether they are back, so that nobody waits for them who serves the others.
// Used by settler, sweeper and funder. Holds no promise about money: every call says for itself
// whether it was done.
import { setTimeout as delay } from 'node:timers/promises';
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import { shardKeys } from './shard.js';

export interface ShardReachOptions {
  readonly redis: RedisClient;
  readonly log: Logger;
  /** Who asks, for the log. */
  readonly who: string;
  /** From one knock at the shards that are away to the next; default 500 ms. */
  readonly knockMs?: number;
}

export class ShardReach {
  private readonly away = new Set<number>();
  /** By shard: when it was last known to be away (monotonic ms). */
  private readonly lastAway = new Map<number, number>();
  private readonly stopping = new AbortController();
  private knocking: Promise<void> | undefined;

  constructor(private readonly options: ShardReachOptions) {}

  /** Asks every shard that is not away. One that fails is away from now on, not in the answer. */
  async ask<T>(
    shards: readonly number[],
    question: (shard: number) => Promise<T>,
  ): Promise<ReadonlyMap<number, T>> {
    const asked = shards.filter((shard) => !this.away.has(shard));
    const answers = await Promise.allSettled(asked.map(question));
    const found = new Map<number, T>();
    const lost: number[] = [];
    let reason: unknown;
    for (const [at, shard] of asked.entries()) {
      const answer = answers[at];
      if (answer?.status === 'fulfilled') found.set(shard, answer.value);
      else {
        lost.push(shard);
        reason ??= answer?.reason;
      }
    }
    if (lost.length > 0) this.leave(lost, reason);
    return found;
  }

  /** Monotonic ms; -Infinity for a shard that has always answered. */
  lastAwayMs(shard: number): number {
    return this.away.has(shard) ? performance.now() : (this.lastAway.get(shard) ?? -Infinity);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.knocking;
  }

  private leave(lost: readonly number[], reason: unknown): void {
    const { log, who } = this.options;
    log.warn({ event: 'shards.away', who, shards: lost, err: coerceError(reason) });
    for (const shard of lost) this.away.add(shard);
    this.knocking ??= this.knock().finally(() => (this.knocking = undefined));
  }

  private async knock(): Promise<void> {
    const { redis, log, who, knockMs = 500 } = this.options;
    const { signal } = this.stopping;
    while (this.away.size > 0) {
      await delay(knockMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const asked = [...this.away];
      const answers = await Promise.allSettled(
        asked.map((shard) => redis.hget(shardKeys(shard).meta, 'epoch')),
      );
      const back = asked.filter((_, at) => answers[at]?.status === 'fulfilled');
      for (const shard of back) {
        this.away.delete(shard);
        this.lastAway.set(shard, performance.now());
      }
      if (back.length > 0) log.info({ event: 'shards.back', who, shards: back });
    }
  }
}
