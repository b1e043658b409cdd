// Settings of one stream that differ from those of the fleet: written by web when a room is set up,
// read by the node when a show begins. A hash per stream in the realtime Redis.
import type { RedisClient } from '../cluster/index.js';

export interface StreamSettings {
  /** How far viewers can go back, ms, 0 = not at all; absent: HLS_DVR_MS. At most 24 h. */
  readonly dvrMs?: number;
}

const DVR_MS_MAX = 24 * 3_600_000;

/** Every call asks Redis once; rejects when it is away. */
export class StreamOptions {
  constructor(private readonly redis: RedisClient) {}

  /** What is malformed counts as absent. */
  async get(streamId: string): Promise<StreamSettings> {
    const dvrMs = await this.redis.hget(keyOf(streamId), 'dvrMs');
    const isNumber = dvrMs !== null && /^\d{1,8}$/.test(dvrMs);
    return isNumber ? { dvrMs: Math.min(DVR_MS_MAX, Number(dvrMs)) } : {};
  }

  /** Replaces all settings of the stream; its next show has them. */
  async set(streamId: string, { dvrMs }: StreamSettings): Promise<void> {
    await this.redis.del(keyOf(streamId));
    if (dvrMs === undefined) return;
    await this.redis.hset(keyOf(streamId), 'dvrMs', String(Math.max(0, Math.round(dvrMs))));
  }
}

function keyOf(streamId: string): string {
  return `rtmp:{${streamId}}:options`;
}
