// The state of one subscribed channel: which link carries it, whether it is live, and whether its
// listener must still be told that messages may have been missed. Invariant: onGap comes once per
// loss, after the channel is whole again and before its next message.
import type { SubscriberLink } from './subscriber-link.js';

/**
 * What the owner of a channel is told. All are called synchronously; what they throw is a bug of
 * the owner, which is told and does not reach the other channels.
 */
export interface ChannelListener {
  /** @param payload belongs to the listener. */
  onMessage(payload: Buffer, channel: string): void;
  /**
   * Messages since the last one may be lost; from now on none is. Read the source of truth again.
   */
  onGap(channel: string): void;
}

/** Is also told, once, that the server has acknowledged: from now on nothing is missed. */
export interface FeedListener extends ChannelListener {
  onLive(channel: string): void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** There are as many as connections: no objects or closures beside it. */
export class Subscription {
  /** Undefined while nobody is known to own the slot. */
  link: SubscriberLink | undefined;
  private isLive = false;
  private isGapDue = false;
  private isOver = false;
  /** Undefined when nobody waits, which is nearly always. */
  private waiter: Waiter | undefined;
  private wasLive = false;

  constructor(
    readonly channel: string,
    /** Slot of the channel in a Cluster; 0 on a single server. */
    readonly slot: number,
    private readonly listener: ChannelListener | FeedListener,
    private readonly failed: (channel: string, thrown: unknown) => void,
  ) {}

  /** Resolves at the first acknowledgement of the server; for one who waits. */
  untilLive(): Promise<void> {
    return new Promise((resolve, reject) => (this.waiter = { resolve, reject }));
  }

  /**
   * The server has acknowledged: nothing published from now on is missed. @returns true after a
   * gap.
   */
  acknowledged(): boolean {
    if (this.isOver) return false;
    const isAfterGap = this.isGapDue;
    this.isLive = true;
    this.isGapDue = false;
    if (isAfterGap) this.tell('onGap');
    if (this.wasLive) return isAfterGap;
    this.wasLive = true;
    this.tell('onLive');
    this.waiter?.resolve();
    this.waiter = undefined;
    return isAfterGap;
  }

  /** The link that carried the channel is gone. */
  lost(): void {
    if (this.isLive) this.isGapDue = true;
    this.isLive = false;
  }

  /**
   * What arrives before the acknowledgement belongs to an earlier subscription of the channel that
   * the server has not ended yet; between the two it may miss messages, so nothing of it is passed
   * on.
   */
  deliver(payload: Buffer): void {
    if (!this.isLive || this.isOver) return;
    try {
      this.listener.onMessage(payload, this.channel);
    } catch (thrown) {
      this.failed(this.channel, thrown);
    }
  }

  private tell(what: 'onGap' | 'onLive'): void {
    const { listener } = this;
    try {
      if (what === 'onGap') listener.onGap(this.channel);
      else if ('onLive' in listener) listener.onLive(this.channel);
    } catch (thrown) {
      this.failed(this.channel, thrown);
    }
  }

  /** Nothing is delivered any more; those who still wait for the acknowledgement get `reason`. */
  end(reason: () => Error): void {
    this.isOver = true;
    if (this.waiter === undefined) return; // an error with its stack costs more than the rest
    this.waiter.reject(reason());
    this.waiter = undefined;
  }
}
