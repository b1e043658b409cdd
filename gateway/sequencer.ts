// Messages of this worker's clients on their way to a place in the sequence: one script call per
// channel at a time, with everything that came meanwhile. Bounded in number and age: while Redis is
// away a message is answered `temporary` within a second, and the client repeats it with the same
// mid.
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { GatewayMetrics } from './metrics.js';
import { limits } from './protocol/index.js';
import { newEpoch } from './publisher.js';
import { sequenceBatch, type SequenceMessage, type SequenceVerdict } from './scripts.js';

export type SequenceOutcome =
  | (SequenceVerdict & { readonly epoch: string; readonly ts: number })
  | { readonly is: 'unavailable' };

export interface SequencerOptions {
  readonly redis: RedisClient;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly historyMax: number;
  readonly historyTtlSec: number;
}

interface Waiting extends SequenceMessage {
  readonly sinceMs: number;
  /** Of the settings by which the text was filtered, '' = none. */
  readonly settingsVersion: string;
  readonly done: (outcome: SequenceOutcome) => void;
}

interface Lane {
  queue: Waiting[];
  isBusy: boolean;
}

const BATCH_MAX = 64;
const QUEUE_MAX = 1_000;
const PENDING_MAX = 10_000;
/** An answer that takes longer counts as none; the same mid tells later whether it was one. */
const CALL_DEADLINE_MS = 900;
/** After a missed deadline one call in this time tries whether Redis is back. */
const PROBE_MS = 300;

export class Sequencer {
  private readonly lanes = new Map<Channel, Lane>();
  private pendingCount = 0;
  private stalledSince = 0;
  private probedMs = 0;

  constructor(private readonly options: SequencerOptions) {}

  get pending(): number {
    return this.pendingCount;
  }

  /** False while Redis does not answer. */
  get isHealthy(): boolean {
    return this.stalledSince === 0 && this.options.redis.status === 'ready';
  }

  /** `done` is called once, within about a second. */
  add(
    channel: Channel,
    message: SequenceMessage,
    settingsVersion: string,
    done: (outcome: SequenceOutcome) => void,
  ): void {
    const lane = this.lanes.get(channel) ?? this.newLane(channel);
    const isFull = lane.queue.length >= QUEUE_MAX || this.pendingCount >= PENDING_MAX;
    if (isFull || !this.mayTry()) {
      done({ is: 'unavailable' });
      return;
    }
    this.pendingCount += 1;
    lane.queue.push({ settingsVersion, sinceMs: this.options.nowMs(), done, ...message });
    if (!lane.isBusy && lane.queue.length === 1) queueMicrotask(() => void this.run(channel, lane));
  }

  forget(channel: Channel): void {
    const lane = this.lanes.get(channel);
    if (lane?.isBusy === false && lane.queue.length === 0) this.lanes.delete(channel);
  }

  /** Resolves when everything that was added has its answer. */
  async drain(): Promise<void> {
    while (this.pendingCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  private newLane(channel: Channel): Lane {
    const lane: Lane = { queue: [], isBusy: false };
    this.lanes.set(channel, lane);
    return lane;
  }

  private mayTry(): boolean {
    if (this.options.redis.status !== 'ready') return false;
    if (this.stalledSince === 0) return true;
    const now = this.options.nowMs();
    if (now - this.probedMs < PROBE_MS) return false;
    this.probedMs = now;
    return true;
  }

  private async run(channel: Channel, lane: Lane): Promise<void> {
    if (lane.isBusy) return;
    lane.isBusy = true;
    while (lane.queue.length > 0) {
      const batch = takeBatch(lane);
      const outcomes = await this.sequence(channel, batch);
      this.pendingCount -= batch.length;
      batch.forEach((one, at) => one.done(outcomes[at] ?? { is: 'unavailable' }));
    }
    lane.isBusy = false;
  }

  private async sequence(
    channel: Channel,
    batch: readonly Waiting[],
  ): Promise<readonly SequenceOutcome[]> {
    const { redis, metrics, log, nowMs, historyMax, historyTtlSec } = this.options;
    const { epoch: knownEpoch, top: knownTop } = channel.tracker.position();
    const startedMs = nowMs();
    let timer: NodeJS.Timeout | undefined;
    try {
      const call = sequenceBatch.run(redis, {
        keys: channel.keys,
        nowMs: 0,
        newEpoch: newEpoch(),
        knownEpoch,
        knownTop,
        historyMax,
        historyTtlSec,
        midTtlMs: limits.midTtlMs,
        settingsVersion: batch[0]?.settingsVersion ?? '',
        messages: batch,
      });
      const late = new Promise<never>((_, reject) => {
        const waited = startedMs - (batch[0]?.sinceMs ?? startedMs);
        const left = Math.max(1, CALL_DEADLINE_MS - waited);
        timer = setTimeout(() => reject(new Error('Redis did not answer in time')), left);
      });
      call.then(() => (this.stalledSince = 0)).catch(() => undefined);
      const { epoch, ts, verdicts } = await Promise.race([call, late]);
      metrics.batchSize.observe(batch.length);
      metrics.publishLatency.observe((nowMs() - startedMs) / 1_000);
      return verdicts.map((verdict) => ({ epoch, ts, ...verdict }));
    } catch (thrown) {
      if (this.stalledSince === 0) {
        this.stalledSince = nowMs();
        log.warn({ event: 'sequencer.stalled', err: coerceError(thrown) });
      }
      metrics.redisErrors.inc({ operation: 'sequence' });
      return batch.map(() => ({ is: 'unavailable' }));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Messages at the head of the queue that were filtered by the same settings. */
function takeBatch(lane: Lane): Waiting[] {
  const version = lane.queue[0]?.settingsVersion;
  const end = lane.queue.findIndex((one, at) => at >= BATCH_MAX || one.settingsVersion !== version);
  return lane.queue.splice(0, end < 0 ? lane.queue.length : end);
}
