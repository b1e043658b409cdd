// Tip goal and leaderboard of a room. The sums follow the tips in the step that gives these their
// place; a worker that has seen a tip has the newest sums published, once a second at most in the
// whole fleet.
import { coerceError, defineScript, type Logger, type RedisClient } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { ChannelKeys } from './channel-keys.js';

/** Places of the leaderboard. */
const PLACES = 10;

export const publishTips = defineScript<
  { keys: ChannelKeys; nowMs: number },
  { isTooEarly: boolean }
>({
  file: new URL('./lua/publish-tips.lua', import.meta.url),
  encode: ({ keys, nowMs }) => ({
    keys: [keys.tips, keys.tippers, keys.values, keys.feed],
    argv: [nowMs, PLACES],
  }),
  decode: (reply) => ({ isTooEarly: reply === 1 }),
});

/** Empties the leaderboard: a new show begins. @throws Redis' errors */
export async function restartLeaderboard(redis: RedisClient, keys: ChannelKeys): Promise<void> {
  await redis.unlink(keys.tippers);
  // Whatever was published last: nobody may follow this room, who would do it later.
  await redis.hset(keys.tips, 'due', '1', 'at', '0');
  await publishTips.run(redis, { keys, nowMs: 0 });
}

export class RoomTips {
  private readonly due = new Set<Channel>();
  private isBusy = false;

  constructor(private readonly options: { readonly redis: RedisClient; readonly log: Logger }) {}

  /** A tip has come, or this worker begins to follow the room and does not know. */
  noted(channel: Channel): void {
    if (channel.namespace === 'room') this.due.add(channel);
  }

  forget(channel: Channel): void {
    this.due.delete(channel);
  }

  /** Once a second. */
  sweep(): void {
    if (this.due.size > 0 && !this.isBusy) void this.publish();
  }

  private async publish(): Promise<void> {
    const { redis, log } = this.options;
    this.isBusy = true;
    const channels = [...this.due];
    this.due.clear();
    await Promise.all(
      channels.map(async (channel) => {
        try {
          const { isTooEarly } = await publishTips.run(redis, { keys: channel.keys, nowMs: 0 });
          if (isTooEarly) this.due.add(channel);
        } catch (thrown) {
          this.due.add(channel);
          log.debug({ event: 'tips.publish_failed', err: coerceError(thrown) });
        }
      }),
    );
    this.isBusy = false;
  }
}
