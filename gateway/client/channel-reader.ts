// Position of one subscription and what may be shown next; pure. Invariant: every offset is applied
// once and in order, a mid is shown once, and a value under a key never goes back to an older
// version.
import type { Body, MessageKind, Position, Push } from '../protocol/index.js';

/** One message as handlers see it. */
export interface ReceivedMessage {
  readonly channel: string;
  readonly kind: MessageKind;
  readonly body: Body;
  /** Unix ms, by the server's clock. */
  readonly ts: number;
  /** Place in the channel's sequence; 0 for latest and volatile messages. */
  readonly offset: number;
  /** '' for latest and volatile messages. */
  readonly mid: string;
  /** Only for latest values. */
  readonly key?: string;
  readonly version?: number;
  /** Sent before this subscription was made or while it was away. */
  readonly isBacklog: boolean;
}

export type Verdict =
  | { readonly do: 'show'; readonly message: ReceivedMessage }
  | { readonly do: 'skip' }
  /** Something before this push is missing: subscribe again from the position. */
  | { readonly do: 'repair' };

/** A reader steps back by so many messages at most … */
const BACK_MAX = 256;
/** … and knows more than these, since what comes again takes a place, too. */
const KNOWN_MAX = 512;
const SKIP: Verdict = { do: 'skip' };

export class ChannelReader {
  private epoch: string | undefined;
  private offset = 0;
  /** Everything of this epoch above this offset was shown. */
  private since = 0;
  /** Time of the first of these; what has a place up to `since` and is not younger, was before. */
  private sinceTs = 0;
  private top = 0;
  /** From where it stepped back: up to here it has had something at every offset. */
  private high = 0;
  private isStalled = false;
  private readonly versions = new Map<string, number>();
  private readonly mids = new Map<string, true>();
  /** Offset and time of messages that were hidden when they came. */
  private readonly hidden = new Map<number, number>();

  constructor(readonly channel: string) {}

  /** Undefined before the first answer of a server. */
  position(): Position | undefined {
    return this.epoch === undefined ? undefined : [this.epoch, this.offset];
  }

  /**
   * Takes a server's answer to a subscribe. `isLossy` = messages between the old position and
   * `from` cannot be had any more. A server that has less than was shown is late, or has lost it
   * and gives those offsets again: the reader steps back, and knows by its mid what it has shown.
   */
  restart(answer: { epoch: string; from: number; top: number; recovered?: boolean }): {
    isLossy: boolean;
  } {
    const isSame = answer.epoch === this.epoch;
    const isLossy = this.epoch !== undefined && (!isSame || answer.from > this.offset);
    if (!isSame || answer.from > this.offset) {
      this.offset = this.since = answer.from;
      this.sinceTs = 0;
      if (!isSame) {
        this.high = 0;
        this.hidden.clear();
      }
    } else if (answer.recovered === false && answer.top < this.offset) {
      const back = Math.max(answer.from, Math.min(this.since, answer.top));
      if (this.offset - back <= BACK_MAX) {
        this.high = Math.max(this.high, this.offset);
        this.offset = back;
      }
    }
    this.epoch = answer.epoch;
    this.top = answer.top;
    this.isStalled = false;
    return { isLossy };
  }

  /**
   * A beacon: whether messages up to `offset` are missing here, or the word that the sequence began
   * anew was lost.
   */
  isBehind(epoch: string, offset: number): boolean {
    if (this.isStalled || this.epoch === undefined) return false;
    return epoch !== this.epoch || offset > this.offset;
  }

  /** After `repair` was answered by a new subscribe, pushes are ignored until `restart`. */
  stall(): void {
    this.isStalled = true;
  }

  accept(push: Push): Verdict {
    const [, offset, ts, kind, body, tag, key] = push;
    const base = { channel: this.channel, kind, body, ts };
    if (offset === 0) {
      if (typeof tag !== 'number') {
        return { do: 'show', message: { offset: 0, mid: '', isBacklog: false, ...base } };
      }
      return this.acceptLatest({ offset: 0, mid: '', isBacklog: false, ...base }, tag, key ?? kind);
    }
    if (this.isStalled || offset <= this.offset) return SKIP;
    if (offset > this.offset + 1) return { do: 'repair' };
    this.offset = offset;
    if (offset === this.since + 1) this.sinceTs = ts;
    const mid = typeof tag === 'string' ? tag : '';
    const wasHad = this.hasHad(offset, ts, mid);
    // Known or not, it has a place among the newest now, and may come again from there.
    if (mid === '') remember(this.hidden, offset, ts);
    else remember(this.mids, mid, true);
    if (wasHad) return SKIP;
    return { do: 'show', message: { offset, mid, isBacklog: offset <= this.top, ...base } };
  }

  private acceptLatest(message: ReceivedMessage, version: number, key: string): Verdict {
    if (version <= (this.versions.get(key) ?? -1)) return SKIP;
    this.versions.set(key, version);
    return { do: 'show', message: { key, version, ...message } };
  }

  /**
   * Whether a message comes once more because the reader has stepped back, or comes for the first
   * time but belongs before all that was shown. One that was hidden has no mid, but the time it had
   * before; a server that is late may still have it as it was.
   */
  private hasHad(offset: number, ts: number, mid: string): boolean {
    if (offset <= this.since && ts <= this.sinceTs) return true;
    if (mid === '') return offset <= this.high;
    return this.mids.has(mid) || this.hidden.get(offset) === ts;
  }
}

/** As the newest. */
function remember<K, V>(known: Map<K, V>, key: K, value: V): void {
  known.delete(key);
  known.set(key, value);
  if (known.size <= KNOWN_MAX) return;
  const [oldest] = known.keys();
  if (oldest !== undefined) known.delete(oldest);
}
