// Sharded pub/sub (SSUBSCRIBE) on one server or a whole Redis Cluster, Redis 7 or newer: one
// connection per node that carries channels, subscriptions restored after every loss, channels
// followed when their slot moves. The bus is built on it; the gateway subscribes its room feeds
// with it. Invariant: what is lost is announced (onGap); what is not announced was not lost.
import { assert, clusterError, coerceError } from '../errors.js';
import type { Logger } from '../log.js';
import { parseRedisUrl, type RedisNode, type RedisTarget } from '../redis-url.js';
import { slotOf } from '../redis-slot.js';
import { openRespConnection } from './resp-connection.js';
import { fetchSlotRanges, SlotMap, type SlotRange } from './slot-map.js';
import { type LinkOwner, SubscriberLink } from './subscriber-link.js';
import { type ChannelListener, type FeedListener, Subscription } from './subscription.js';

export interface RedisSubscriberOptions {
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly log: Logger;
  /** A node that is silent for twice this long is given up and connected anew; default 5,000 ms. */
  readonly heartbeatMs?: number;
  /**
   * How often a Cluster is asked for moved slots; default 5,000 ms. Most moves are noticed at once.
   */
  readonly slotPollMs?: number;
}

export interface SubscriberStats {
  readonly channels: number;
  readonly messages: number;
  readonly gaps: number;
  readonly reconnects: number;
  readonly moves: number;
}

export interface RedisSubscriber {
  /**
   * Subscribes a raw channel name; in a Cluster its hash tag decides the node. Resolves when the
   * server has acknowledged, so that every later SPUBLISH arrives or is covered by onGap; while
   * Redis is away it waits. One listener per channel.
   * @throws AppError SUBSCRIBER_CLOSED; AssertionError when the channel has a listener already.
   */
  subscribe(channel: string, listener: ChannelListener): Promise<void>;
  /** The same without a promise, for those who subscribe thousands: onLive tells. */
  follow(channel: string, listener: FeedListener): void;
  /** From now on the listener is not called. */
  unsubscribe(channel: string): void;
  /**
   * Since the start. `gaps` counts channels, once per loss; `moves` those that went to another node
   * with their slot.
   */
  stats(): SubscriberStats;
  /** True while every node that carries channels is connected. */
  isWhole(): boolean;
  close(): void;
}

const SLOTS_TIMEOUT_MS = 2_000;
const MOVED_PAUSE_MS = 20;

/**
 * Connects to the server, or to a seed node of the Cluster.
 * @throws AppError REDIS_AWAY when none has answered; REDIS_URL.
 */
export async function connectSubscriber(
  url: string,
  options: RedisSubscriberOptions,
): Promise<RedisSubscriber> {
  const subscriber = new Subscriber(parseRedisUrl(url), options);
  try {
    await subscriber.open();
    return subscriber;
  } catch (thrown) {
    subscriber.close();
    throw thrown;
  }
}

class Subscriber implements RedisSubscriber, LinkOwner {
  readonly name: string;
  readonly heartbeatMs: number;
  readonly log: Logger;
  readonly counts = { messages: 0, gaps: 0, reconnects: 0, moves: 0 };
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly links = new Map<string, SubscriberLink>();
  private readonly slots = new SlotMap();
  private readonly slotPollMs: number;
  private readonly failed = (channel: string, thrown: unknown): void =>
    this.log.error({ event: 'subscriber.listener_failed', channel, err: coerceError(thrown) });
  private refreshing: Promise<void> | undefined;
  private poll: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    readonly target: RedisTarget,
    { name, log, heartbeatMs = 5_000, slotPollMs = 5_000 }: RedisSubscriberOptions,
  ) {
    this.name = name;
    this.log = log;
    this.heartbeatMs = heartbeatMs;
    this.slotPollMs = slotPollMs;
  }

  async open(): Promise<void> {
    if (!this.target.isCluster) {
      const [node] = this.target.nodes;
      const { target, name, heartbeatMs } = this;
      const ignore = (): void => undefined;
      const probe = { node, target, name, heartbeatMs, onValue: ignore, onClose: ignore };
      (await openRespConnection(probe)).destroy(new Error('done'));
      this.linkTo(node);
      return;
    }
    this.slots.update(await this.askForSlots());
    this.poll = setInterval(() => this.refresh(), this.slotPollMs).unref();
  }

  async subscribe(channel: string, listener: ChannelListener): Promise<void> {
    const subscription = this.add(channel, listener);
    const isLive = subscription.untilLive();
    this.place(subscription);
    await isLive;
  }

  follow(channel: string, listener: FeedListener): void {
    this.place(this.add(channel, listener));
  }

  private add(channel: string, listener: ChannelListener | FeedListener): Subscription {
    assert(!this.subscriptions.has(channel), `${channel} has a listener already`);
    if (this.isClosed) throw clusterError('SUBSCRIBER_CLOSED');
    const slot = this.target.isCluster ? slotOf(channel) : 0;
    const subscription = new Subscription(channel, slot, listener, this.failed);
    this.subscriptions.set(channel, subscription);
    return subscription;
  }

  unsubscribe(channel: string): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription === undefined) return;
    this.subscriptions.delete(channel);
    subscription.end(() => clusterError('SUBSCRIBER_CLOSED'));
    subscription.link?.remove(subscription);
  }

  stats() {
    return { channels: this.subscriptions.size, ...this.counts };
  }

  isWhole(): boolean {
    for (const { link } of this.subscriptions.values()) if (link?.isOpen !== true) return false;
    return true;
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.poll);
    for (const link of this.links.values()) link.close();
    for (const channel of [...this.subscriptions.keys()]) this.unsubscribe(channel);
  }

  onUnreachable(): void {
    this.refresh();
  }

  onMoved(subscriptions: readonly Subscription[], owner: RedisNode | undefined): void {
    this.counts.moves += subscriptions.length;
    for (const subscription of subscriptions) {
      subscription.link = undefined;
      if (owner !== undefined) this.slots.setOwner(subscription.slot, owner);
    }
    if (owner === undefined && this.target.isCluster) {
      this.refresh();
      return;
    }
    // Two nodes that disagree for a moment would send us to and fro as fast as the network allows.
    setTimeout(() => {
      for (const one of subscriptions) this.place(one);
    }, MOVED_PAUSE_MS).unref();
  }

  private place(subscription: Subscription): void {
    const { channel, slot, link } = subscription;
    const isOver = this.isClosed || this.subscriptions.get(channel) !== subscription;
    if (link !== undefined || isOver) return;
    const owner = this.ownerOf(slot);
    if (owner === undefined) {
      this.refresh();
      return;
    }
    subscription.link = this.linkTo(owner);
    subscription.link.add(subscription);
  }

  private ownerOf(slot: number): RedisNode | undefined {
    return this.target.isCluster ? this.slots.ownerOf(slot) : this.target.nodes[0];
  }

  private linkTo(node: RedisNode): SubscriberLink {
    const address = addressOf(node);
    let link = this.links.get(address);
    if (link === undefined) {
      link = new SubscriberLink(node, this);
      this.links.set(address, link);
    }
    return link;
  }

  /** Asks for the slot map, unless that is under way, and moves what is in the wrong place. */
  private refresh(): void {
    if (!this.target.isCluster || this.isClosed) return;
    this.refreshing ??= this.askForSlots()
      .then((ranges) => {
        this.slots.update(ranges);
        this.rearrange();
      })
      .catch((thrown: unknown) => {
        this.log.warn({ event: 'subscriber.slots_unknown', err: coerceError(thrown) });
      })
      .finally(() => (this.refreshing = undefined));
  }

  private rearrange(): void {
    for (const subscription of this.subscriptions.values()) {
      const { link } = subscription;
      const owner = this.ownerOf(subscription.slot);
      if (link !== undefined && owner !== undefined && addressOf(owner) !== addressOf(link.node)) {
        link.remove(subscription);
        subscription.lost();
        this.counts.moves += 1;
        subscription.link = undefined;
      }
      this.place(subscription);
    }
    const owners = new Set(this.slots.nodes().map(addressOf));
    for (const [address, link] of this.links) {
      if (owners.has(address) || !link.isIdle) continue;
      link.close();
      this.links.delete(address);
    }
  }

  /** The first node that answers is believed; every node of a Cluster knows all slots. */
  private async askForSlots(): Promise<SlotRange[]> {
    const known = new Map(
      [...this.slots.nodes(), ...this.target.nodes].map((one) => [addressOf(one), one]),
    );
    let last: unknown;
    for (const node of known.values()) {
      try {
        const options = { name: this.name, timeoutMs: SLOTS_TIMEOUT_MS };
        return await fetchSlotRanges(node, this.target, options);
      } catch (thrown) {
        last = thrown;
      }
    }
    throw last;
  }
}

function addressOf({ host, port }: RedisNode): string {
  return `${host}:${port}`;
}
