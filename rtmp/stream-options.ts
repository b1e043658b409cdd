// Settings of one stream that differ from those of the fleet: written by web when a room is set up,
// read by the node when a show begins. A hash per stream in the realtime Redis.
import type { RedisClient } from '../cluster/index.js';

export interface StreamSettings {
  /** How far viewers can go back, ms, 0 = not at all; absent: HLS_DVR_MS. At most 24 h. */
  readonly dvrMs?: number;
  /** Low latency: length of the parts, ms, 0 = none; absent: HLS_PART_MS. At most 1,000. */
  readonly partMs?: number;
}

const MAXIMA = { dvrMs: 24 * 3_600_000, partMs: 1_000 } as const;
const NAMES = Object.keys(MAXIMA) as readonly (keyof StreamSettings)[];

/** Every call asks Redis once; rejects when it is away. */
export class StreamOptions {
  constructor(private readonly redis: RedisClient) {}

  /** What is malformed counts as absent. */
  async get(streamId: string): Promise<StreamSettings> {
    const values = await this.redis.hmget(keyOf(streamId), ...NAMES);
    const found = NAMES.flatMap((name, index) => {
      const raw = values[index] ?? '';
      return /^\d{1,8}$/.test(raw) ? [[name, Math.min(MAXIMA[name], Number(raw))] as const] : [];
    });
    return Object.fromEntries(found);
  }

  /** Replaces all settings of the stream; its next show has them. */
  async set(streamId: string, settings: StreamSettings): Promise<void> {
    await this.redis.del(keyOf(streamId));
    const given = NAMES.flatMap((name) => {
      const value = settings[name];
      return value === undefined ? [] : [name, String(Math.max(0, Math.round(value)))];
    });
    if (given.length > 0) await this.redis.hset(keyOf(streamId), ...given);
  }
}

function keyOf(streamId: string): string {
  return `rtmp:{${streamId}}:options`;
}
