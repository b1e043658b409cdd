// Names of everything that a channel has in Redis. All carry the tag of the channel's partition, so
// that one script can touch them on one node of a Cluster.
import { channelTag } from '../cluster/index.js';

export interface ChannelKeys {
  /** Of the partition: keys with the same tag are in one slot. */
  readonly tag: string;
  readonly meta: string;
  readonly history: string;
  readonly mids: string;
  readonly midsBefore: string;
  readonly restrictions: string;
  /** What is known of a ban or mute, and their order. */
  readonly banNotes: string;
  readonly banOrder: string;
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

/** Names are made when they are asked for: most user channels need only two of them. */
class LazyKeys implements ChannelKeys {
  constructor(
    readonly tag: string,
    private readonly channel: string,
  ) {}

  get meta(): string {
    return this.key('m');
  }

  get history(): string {
    return this.key('h');
  }

  get mids(): string {
    return this.key('k');
  }

  get midsBefore(): string {
    return this.key('q');
  }

  get restrictions(): string {
    return this.key('x');
  }

  get banNotes(): string {
    return this.key('xn');
  }

  get banOrder(): string {
    return this.key('xo');
  }

  get users(): string {
    return this.key('u');
  }

  get settings(): string {
    return this.key('r');
  }

  get values(): string {
    return this.key('v');
  }

  get counts(): string {
    return this.key('c');
  }

  get order(): string {
    return this.key('po');
  }

  get people(): string {
    return this.key('pp');
  }

  get leaving(): string {
    return this.key('pl');
  }

  get audit(): string {
    return this.key('a');
  }

  get held(): string {
    return this.key('w');
  }

  get heldOrder(): string {
    return this.key('wo');
  }

  get tips(): string {
    return this.key('t');
  }

  get tippers(): string {
    return this.key('tl');
  }

  get feed(): string {
    return this.key('f');
  }

  private key(part: string): string {
    return `rt:{${this.tag}}:${part}:${this.channel}`;
  }
}

const tags = new Map<string, string>();
const TAGS_MAX = 2_000;

/** Keys of a channel; about 1 µs when it was not asked for lately. */
export function channelKeys(channel: string): ChannelKeys {
  let tag = tags.get(channel);
  if (tag === undefined) {
    tag = channelTag(channel);
    if (tags.size >= TAGS_MAX) tags.clear();
    tags.set(channel, tag);
  }
  return new LazyKeys(tag, channel);
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
