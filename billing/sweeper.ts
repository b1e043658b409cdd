// Looks after sessions that nobody touches: cuts at the end of the credit, ends the silent ones,
// repeats notices, settles what has waited. Any number of sweepers may run; each look is one
// atomic script.
import { setTimeout as delay } from 'node:timers/promises';
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import type { Announcer } from './announcer.js';
import type { Breaker } from './breaker.js';
import { BATCH_MAX, type Engine } from './engine.js';
import { ALL_SHARDS, shardKeys } from './shard.js';
import { ShardReach } from './shard-reach.js';

export interface SweeperOptions {
  readonly redis: RedisClient;
  readonly engine: Pick<Engine, 'sweep' | 'countSilent'>;
  readonly announcer: Announcer;
  readonly log: Logger;
  readonly breaker: Pick<Breaker, 'isOpen' | 'isMass' | 'foresee' | 'found' | 'total'>;
  /** Also run once a second. */
  readonly everySecond: () => Promise<void>;
  /** A session is silent after this; ms. */
  readonly maxGapMs: number;
  /** Default 200 ms: the most by which a cut is late. */
  readonly periodMs?: number;
}

/** Calls per shard and turn, so that one crowded shard does not starve the others. */
const CALLS_PER_TURN = 4;
/** Sessions that are looked at beforehand, per shard: 1 ms of Redis' time. */
const FORESIGHT_MAX = 200;
/** Redis judges what is due by show time; our guess only saves calls and may be that wrong. */
const SKEW_MS = 2_000;

export class Sweeper {
  private running: Promise<void> | undefined;
  /** Last turn that could not do its work; at the start nobody knows how long nobody swept. */
  private outageAtMs = performance.now();
  /** By shard: its clock as it was last written, and when that was seen first. */
  private readonly clocks = new Map<number, { clk: number; atMs: number }>();
  /** Open sessions of each shard when it last answered. */
  private readonly openIn = new Map<number, number>();
  private readonly stopping = new AbortController();
  private readonly reach: ShardReach;
  private aside: Promise<void> | undefined;

  constructor(private readonly options: SweeperOptions) {
    this.reach = new ShardReach({ ...options, who: 'sweeper' });
  }

  start(): void {
    this.running ??= this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.aside;
    await this.reach.stop();
  }

  /**
   * One turn over the shards that may have something due, without those that do not answer.
   * @returns sessions looked at
   */
  async turn(): Promise<number> {
    const { redis } = this.options;
    const clocks = await this.reach.ask(ALL_SHARDS, (shard) =>
      redis.hget(shardKeys(shard).meta, 'clk'),
    );
    const counts = await this.reach.ask([...clocks.keys()], (shard) => {
      const soon = this.showTime(shard, Number(clocks.get(shard))) + SKEW_MS;
      return redis.zcount(shardKeys(shard).due, '-inf', soon);
    });
    const due = [...counts].flatMap(([shard, count]) => (count > 0 ? [shard] : []));
    await this.foresee(due, sumOf(counts));
    return sumOf(await this.reach.ask(due, (shard) => this.sweepShard(shard)));
  }

  /** So many due that they may be a mass event: looked at before the first of them is ended. */
  private async foresee(due: readonly number[], count: number): Promise<void> {
    const { engine, breaker } = this.options;
    if (breaker.isOpen || !breaker.isMass(count)) return;
    const silent = await this.reach.ask(due, (one) => engine.countSilent(one, FORESIGHT_MAX));
    breaker.foresee(sumOf(silent));
  }

  /** The shard's last instant and what has passed since, whatever the clock of its server says. */
  private showTime(shard: number, clk: number): number {
    const nowMs = performance.now();
    const seen = this.clocks.get(shard);
    if (seen?.clk !== clk) this.clocks.set(shard, { clk, atMs: nowMs });
    const passedMs = seen?.clk === clk ? nowMs - seen.atMs : 0;
    return Math.max(Date.now(), clk + passedMs);
  }

  /**
   * After an outage of ours, or of the shard, sessions get one gap's time to prove themselves
   * before they are silent.
   */
  private isSparing(shard: number): boolean {
    const outageAtMs = Math.max(this.outageAtMs, this.reach.lastAwayMs(shard));
    return performance.now() - outageAtMs <= this.options.maxGapMs;
  }

  private async countOpen(): Promise<void> {
    const { redis, breaker } = this.options;
    const counts = await this.reach.ask(ALL_SHARDS, (one) => redis.zcard(shardKeys(one).room));
    for (const [shard, count] of counts) this.openIn.set(shard, count);
    breaker.total(sumOf(this.openIn));
  }

  /** Beside the turns: it may wait for a shard that does not answer. */
  private doAside(): void {
    const { everySecond, log } = this.options;
    this.aside ??= everySecond()
      .catch((thrown: unknown) => {
        log.warn({ event: 'sweeper.second_failed', err: coerceError(thrown) });
      })
      .finally(() => (this.aside = undefined));
  }

  private async sweepShard(shard: number): Promise<number> {
    const { engine, announcer, breaker } = this.options;
    let sum = 0;
    for (let call = 0; call < CALLS_PER_TURN; call += 1) {
      const { isOpen: isSuspended } = breaker;
      const options = { limit: BATCH_MAX, isSuspended, isSparing: this.isSparing(shard) };
      const { looked, silent, notices } = await engine.sweep(shard, options);
      for (const notice of notices) announcer.cut(notice, notice.kind);
      breaker.found(silent);
      sum += looked;
      if (looked < BATCH_MAX) break;
    }
    return sum;
  }

  private async loop(): Promise<void> {
    const { log, periodMs = 200 } = this.options;
    const { signal } = this.stopping;
    let lastSecond = 0;
    while (!signal.aborted) {
      try {
        await this.turn();
        if (performance.now() - lastSecond >= 1_000) {
          lastSecond = performance.now();
          await this.countOpen();
          this.doAside();
        }
      } catch (thrown) {
        this.outageAtMs = performance.now();
        log.warn({ event: 'sweeper.turn_failed', err: coerceError(thrown) });
        await delay(500, undefined, { signal }).catch(() => undefined);
      }
      await delay(periodMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function sumOf(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((sum, one) => sum + one, 0);
}
