// Names of everything that a channel has in Redis. All carry the tag of the channel's partition, so
// that one script can touch them on one node of a Cluster.
import { channelTag } from '../cluster/index.js';

export interface ChannelKeys {
  readonly meta: string;
  readonly history: string;
  readonly mids: string;
  readonly midsBefore: string;
  readonly restrictions: string;
  readonly users: string;
  readonly settings: string;
  readonly values: string;
  /** Who is there: reports of the workers, users by level and arrival, what is known of each. */
  readonly counts: string;
  readonly order: string;
  readonly people: string;
  readonly leaving: string;
  /** Acts of moderation, newest first. */
  readonly audit: string;
  /** Messages that wait for a moderator, and their order. */
  readonly held: string;
  readonly heldOrder: string;
  /** Goal and sums of tips, and who has given how much. */
  readonly tips: string;
  readonly tippers: string;
  /** Sharded pub/sub channel. */
  readonly feed: string;
}

const cache = new Map<string, ChannelKeys>();
const CACHE_MAX = 20_000;

/** Keys of a channel; about 1 µs when it was not asked for lately. */
export function channelKeys(channel: string): ChannelKeys {
  const known = cache.get(channel);
  if (known !== undefined) return known;
  const key = (part: string): string => `rt:{${channelTag(channel)}}:${part}:${channel}`;
  const keys: ChannelKeys = {
    meta: key('m'),
    history: key('h'),
    mids: key('k'),
    midsBefore: key('q'),
    restrictions: key('x'),
    users: key('u'),
    settings: key('r'),
    values: key('v'),
    counts: key('c'),
    order: key('po'),
    people: key('pp'),
    leaving: key('pl'),
    audit: key('a'),
    held: key('w'),
    heldOrder: key('wo'),
    tips: key('t'),
    tippers: key('tl'),
    feed: key('f'),
  };
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(channel, keys);
  return keys;
}

/** The set of users that one worker has in a room. */
export function presenceOf({ counts }: ChannelKeys, worker: string): string {
  return `${counts}:${worker}`;
}

/** The channel that a feed name belongs to; '' for a foreign name. */
export function channelOfFeed(feed: string): string {
  const at = feed.indexOf('}:f:');
  return at < 0 ? '' : feed.slice(at + 4);
}
