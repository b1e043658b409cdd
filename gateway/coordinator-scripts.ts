// The scripts by which workers agree who looks after a room, as typed values.
import { channelTag, defineScript, type RedisClient } from '../cluster/index.js';

const file = (name: string): URL => new URL(`./lua/${name}.lua`, import.meta.url);

/** Where the lease of a channel's coordinator is; on the slot of everything else of the channel. */
export function leaseKey(channel: string): string {
  return `rt:{${channelTag(channel)}}:o:${channel}`;
}

const LOADS_KEY = 'rt:coordinators';

export interface ClaimArgs {
  readonly channel: string;
  readonly worker: string;
  /** 0 = the worker holds none. */
  readonly token: number;
  /** 0 = give it back. */
  readonly ttlMs: number;
}

export interface ClaimReply {
  /** The worker's fencing token; 0 = it is not the coordinator. */
  readonly token: number;
  readonly owner: string;
  readonly leftMs: number;
}

export const claimRoom = defineScript<ClaimArgs, ClaimReply>({
  file: file('claim-room'),
  encode: ({ channel, worker, token, ttlMs }) => ({
    keys: [leaseKey(channel)],
    argv: [0, worker, token, ttlMs],
  }),
  decode(reply) {
    const [token, owner, leftMs] = reply as [number, string, number];
    return { token, owner, leftMs };
  },
});

interface ShareArgs {
  readonly worker: string;
  readonly rooms: number;
  readonly ttlMs: number;
}

const shareScript = defineScript<ShareArgs, ReadonlyMap<string, number>>({
  file: file('share-load'),
  encode: ({ worker, rooms, ttlMs }) => ({ keys: [LOADS_KEY], argv: [0, worker, rooms, ttlMs] }),
  decode(reply) {
    const rows = reply as (string | number)[];
    const loads = new Map<string, number>();
    for (let at = 0; at + 1 < rows.length; at += 2)
      loads.set(String(rows[at]), Number(rows[at + 1]));
    return loads;
  },
});

/** Reports the worker's load and reads everybody's; `rooms` −1 takes the worker off. */
export function shareLoad(
  redis: RedisClient,
  args: ShareArgs,
): Promise<ReadonlyMap<string, number>> {
  return shareScript.run(redis, args);
}
