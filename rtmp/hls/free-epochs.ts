// Which free viewers may still watch: when a free show starts to cost credits, the site raises the
// epoch of its stream, and video addresses signed for an older one give nothing any more.
// HlsAccess reads it, web writes it. While Redis is away the last known epoch counts.
import type { Clock, RedisClient } from '../../cluster/index.js';

const KEY = 'rtmp:{live}:free-epochs';
const ANSWER_TTL_MS = 1_000;
const FREE_SID = /^free-(?:(\d{1,9}):)?/;

/** `free-<viewer>` for epoch 0, otherwise `free-<epoch>:<viewer>`. */
export function freeSid(viewer: string, epoch: number): string {
  return epoch === 0 ? `free-${viewer}` : `free-${epoch}:${viewer}`;
}

/** @returns undefined for the session of a paid show */
export function epochOfSid(sid: string): number | undefined {
  const match = FREE_SID.exec(sid);
  return match === null ? undefined : Number(match[1] ?? 0);
}

export class FreeEpochs {
  readonly #redis: RedisClient;
  readonly #clock: Clock;
  #epochs: ReadonlyMap<string, number> = new Map();
  #readAtMs = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(options: { redis: RedisClient; clock: Clock }) {
    this.#redis = options.redis;
    this.#clock = options.clock;
  }

  /** At most a second old; one question to Redis for all streams. Never rejects. */
  async current(streamId: string): Promise<number> {
    if (this.#clock.monotonicMs() - this.#readAtMs >= ANSWER_TTL_MS) {
      this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
      await this.#reading;
    }
    return this.#epochs.get(streamId) ?? 0;
  }

  /** Takes effect in the whole fleet within a second. Rejects when Redis is away. */
  async raise(streamId: string, epoch: number): Promise<void> {
    await this.#redis.hset(KEY, streamId, String(epoch));
  }

  async #read(): Promise<void> {
    try {
      const rows = Object.entries(await this.#redis.hgetall(KEY));
      this.#epochs = new Map(rows.map(([streamId, epoch]) => [streamId, Number(epoch)]));
    } catch {
      // The next question tries again.
    }
    this.#readAtMs = this.#clock.monotonicMs();
  }
}
