// Reads of a channel's history in Redis, shared: many who ask for the same range cause one read.
import type { RedisClient } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { ChannelKeys } from './channel-keys.js';
import { parseEntry, unpackTail } from './packet.js';
import type { HistoryItem, HistoryResult } from './protocol/index.js';
import { newEpoch } from './publisher.js';
import { compareTops, openChannels, type ChannelState, type OpenArgs } from './scripts.js';
import { groupsOf, TurnCalls, type Asker } from './turn-calls.js';

export interface HistoryOptions {
  readonly redis: RedisClient;
  readonly historyTtlSec: number;
}

/** Epoch '' = Redis does not know the channel. */
export interface Top {
  readonly epoch: string;
  readonly top: number;
}

export interface History {
  /** Messages after `after` (oldest first), or the newest when it is -1; at most `max`. */
  ask(channel: Channel, after: number, max: number, asker: Asker<ChannelState>): void;
  /** The same, shared by all who ask for it at once. @throws Redis' errors */
  read(channel: Channel, after: number, max: number): Promise<ChannelState>;
  /** Parts of the channels that `moved` may be asked about. */
  partsOf(channels: readonly Channel[]): readonly (readonly Channel[])[];
  /** Those of a part that have moved on in Redis, and where they are: one script call. */
  moved(channels: readonly Channel[]): Promise<ReadonlyMap<Channel, Top>>;
}

/** Most are users' own and short; 16 full ones keep Redis for less than a millisecond. */
const CHANNELS_PER_CALL = 16;
/** Channels that one call asks about; a longer one would keep Redis for over 100 µs. */
const TOPS_PER_CALL = 200;

export function createHistory({ redis, historyTtlSec }: HistoryOptions): History {
  const running = new Map<string, Promise<ChannelState>>();
  const reads = new TurnCalls<OpenArgs, ChannelState>({
    redis,
    tagOf: ({ keys }) => keys.tag,
    asksMax: CHANNELS_PER_CALL,
    call: (channels) => openChannels.run(redis, { channels, ttlSec: historyTtlSec }),
  });

  function ask(channel: Channel, after: number, max: number, asker: Asker<ChannelState>): void {
    const { epoch: knownEpoch, top: knownTop } = channel.tracker.position();
    const knownMs = channel.ring.at(knownTop)?.ts ?? 0;
    const { keys } = channel;
    reads.add({ keys, newEpoch: newEpoch(), knownEpoch, knownTop, knownMs, after, max }, asker);
  }

  function read(channel: Channel, after: number, max: number): Promise<ChannelState> {
    const id = `${channel.name} ${channel.epoch} ${after} ${max}`;
    const known = running.get(id);
    if (known !== undefined) return known;
    const work = new Promise<ChannelState>((answered, failed) => {
      ask(channel, after, max, { answered, failed });
    }).finally(() => running.delete(id));
    running.set(id, work);
    return work;
  }

  async function moved(channels: readonly Channel[]): Promise<ReadonlyMap<Channel, Top>> {
    const known = channels.map(({ keys, tracker }) => {
      const { epoch, top } = tracker.position();
      return { keys, epoch, top };
    });
    const found = new Map<Channel, Top>();
    for (const [at, top] of await compareTops.run(redis, known)) {
      const channel = channels[at];
      if (channel !== undefined) found.set(channel, top);
    }
    return found;
  }

  const partsOf = (channels: readonly Channel[]): readonly (readonly Channel[])[] =>
    groupsOf(channels, redis, ({ keys }) => keys.tag, TOPS_PER_CALL);

  return { ask, read, moved, partsOf };
}

/** A page for those who do not follow the channel: before an offset, or the newest. */
export async function readPage(
  redis: RedisClient,
  keys: ChannelKeys,
  { before, limit }: { readonly before?: number; readonly limit: number },
): Promise<HistoryResult> {
  const [epoch, newest] = await redis.hmget(keys.meta, 'e', 'o');
  const top = Number(newest ?? '0');
  const last = Math.min(top, (before ?? Infinity) - 1);
  const first = Math.max(1, last - limit + 1);
  if (last < first) return { epoch: epoch ?? '', top, msgs: [] };
  const offsets = Array.from({ length: last - first + 1 }, (_, at) => String(first + at));
  const entries = await redis.hmgetBuffer(keys.history, ...offsets);
  return { epoch: epoch ?? '', top, msgs: historyItems(entries, first) };
}

/** What is gone from history is left out. @param first offset of the first entry */
export function historyItems(
  entries: readonly (Buffer | null | undefined)[],
  first: number,
): HistoryItem[] {
  return entries.flatMap((entry, at): HistoryItem[] => {
    if (!Buffer.isBuffer(entry)) return [];
    const { ts, tail } = parseEntry(entry);
    const { kind, body, mid } = unpackTail(tail);
    return [[first + at, ts, kind, body, mid]];
  });
}
