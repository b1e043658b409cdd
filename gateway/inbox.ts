// A user's notifications: the reliable messages of the user channel. Unread = above the mark, so
// there is no counter that could drift: top offset minus mark, whatever arrives where in the
// meantime.
import { defineScript, type RedisClient } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { ChannelKeys } from './channel-keys.js';
import { asNumber } from './scripts.js';

export interface MarkReadArgs {
  readonly keys: ChannelKeys;
  readonly nowMs: number;
  readonly upto: number;
  readonly ttlSec: number;
}

export const markRead = defineScript<MarkReadArgs, number>({
  file: new URL('./lua/mark-read.lua', import.meta.url),
  encode: ({ keys, nowMs, upto, ttlSec }) => ({
    keys: [keys.meta, keys.values, keys.feed],
    argv: [nowMs, upto, ttlSec],
  }),
  decode: asNumber,
});

export interface Inbox {
  /** Everything up to offset `upto` is read. Resolves to the number of unread notifications. */
  markRead(channel: Channel, upto: number): Promise<number>;
}

export function createInbox(redis: RedisClient, ttlSec: number): Inbox {
  return {
    markRead: (channel, upto) =>
      markRead.run(redis, { keys: channel.keys, nowMs: 0, upto, ttlSec }),
  };
}
