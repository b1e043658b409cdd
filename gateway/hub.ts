// The channels that this worker follows: opens them at the first listener, keeps them whole, closes
// them some time after the last one has left. Joins delivery and Redis.
import {
  coerceError,
  ownText,
  type FeedListener,
  type Logger,
  type RedisSubscriber,
} from '../cluster/index.js';
import { Channel, type ChannelEvents } from './channel.js';
import type { Delivery } from './delivery.js';
import type { History } from './history.js';
import type { GatewayMetrics } from './metrics.js';
import { parsePacket, parseEntry, parseValue, type Tail } from './packet.js';
import type { Control } from './protocol/index.js';
import type { ChannelState } from './scripts.js';
import type { Asker } from './turn-calls.js';
import { encodeReliable } from './push-encoder.js';
import type { Entry } from './ring.js';
import type { Session } from './session.js';

export interface HubOptions {
  readonly subscriber: Pick<RedisSubscriber, 'follow' | 'unsubscribe'>;
  readonly history: History;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** A reliable message has come; for side effects such as evicting the banned. */
  readonly onMessage: (channel: Channel, entry: Entry, tail: Tail) => void;
  /** The feed has brought a newer value; what a fill brings is not told. */
  readonly onValue: (channel: Channel, key: string) => void;
  readonly onClosed: (channel: Channel) => void;
  /** Further state of a channel that is needed before it can be joined; undefined = none. */
  readonly load: (channel: Channel) => Promise<void> | undefined;
  readonly end: (session: Session, reason: 'state_invalid') => void;
}

/** A channel without listeners is kept for this long: a page reload finds it warm. */
const LINGER_MS = 60_000;
/** … but a user's, which only that user can find warm: thousands leave when a show ends. */
const LINGER_USER_MS = 10_000;
/** A lost tail is noticed at the first sweep after this time: within 6 s, in every channel. */
const QUIET_CHECK_MS = 4_500;
const CHECKS_AT_ONCE = 8;
const BEACON_SOON_MS = 5_000;
const BEACON_MS = 25_000;
const OPEN_MESSAGES = 100;
const FILL_MESSAGES = 500;
const OPEN_DEADLINE_MS = 4_000;
const RETRY_MS = 500;

/** Who wants to join a channel: told once, at once when it is open. */
export interface OpenListener {
  opened(channel: Channel): void;
  /** Redis has not answered in time. */
  failed(reason: Error): void;
}

interface Waiter {
  readonly listener: OpenListener;
  readonly sinceMs: number;
}

/** What a slot hears of its channel, feed and history is for the hub. */
interface SlotOwner {
  followed(slot: Slot): void;
  receive(channel: Channel, payload: Buffer): void;
  filled(slot: Slot, state: ChannelState): void;
  notFilled(slot: Slot, thrown: unknown): void;
}

/** A channel and its feed. There are as many as connections: no closures. */
class Slot implements FeedListener, Asker<ChannelState> {
  readonly channel: Channel;
  /** The feed is there. */
  isFollowed = false;
  isOpen = false;
  isClosed = false;
  /** Those who want to join; undefined when there are none. */
  waiters: Waiter[] | undefined;
  /** Those who wait for the feed only. */
  followers: (() => void)[] | undefined;

  constructor(
    name: string,
    alias: number,
    events: ChannelEvents,
    private readonly owner: SlotOwner,
  ) {
    this.channel = new Channel(name, alias, events);
  }

  onLive(): void {
    this.owner.followed(this);
  }

  onMessage(payload: Buffer): void {
    this.owner.receive(this.channel, payload);
  }

  onGap(): void {
    this.channel.tracker.sync();
  }

  answered(state: ChannelState): void {
    this.owner.filled(this, state);
  }

  failed(reason: unknown): void {
    this.owner.notFilled(this, reason);
  }
}

export class Hub {
  private readonly slots = new Map<string, Slot>();
  private readonly opening = new Set<Slot>();
  private readonly events: ChannelEvents = {
    fill: (channel) => this.fill(channel),
    pending: (channel, isUrgent) => this.delivery.schedule(channel, isUrgent),
    appended: (channel, entry, tail) => this.options.onMessage(channel, entry, tail),
    overflowing: (channel) => this.delivery.flush(channel),
    restarting: (channel) => this.delivery.flush(channel),
    restarted: (channel) => this.restarted(channel),
  };
  private readonly owner: SlotOwner = {
    followed: (slot) => this.followed(slot),
    receive: (channel, payload) => this.receive(channel, payload),
    filled: (slot, state) => this.filled(slot, state),
    notFilled: (slot, thrown) => this.notFilled(slot, thrown),
  };
  private nextAlias = 1;
  private isChecking = false;

  constructor(
    private readonly options: HubOptions,
    private readonly delivery: Delivery,
  ) {}

  get channels(): Iterable<Channel> {
    return [...this.slots.values()].map((slot) => slot.channel);
  }

  get size(): number {
    return this.slots.size;
  }

  /** The channel if it can be joined without waiting. */
  peek(name: string): Channel | undefined {
    const slot = this.slots.get(name);
    return slot?.isOpen === true ? slot.channel : undefined;
  }

  /** Tells `listener` of the channel as soon as it is followed and whole. */
  whenOpen(name: string, listener: OpenListener): void {
    const slot = this.slots.get(name) ?? this.create(name);
    if (slot.isOpen) {
      listener.opened(slot.channel);
      return;
    }
    (slot.waiters ??= []).push({ listener, sinceMs: this.options.nowMs() });
    this.opening.add(slot);
  }

  /**
   * Calls `then` as soon as the feed of a channel that is being opened is there, or was given up:
   * in the turn in which the channel is read, so that what else is asked of Redis leaves with that.
   * False = it is there already, and `then` is not called.
   */
  onceFollowed(name: string, then: () => void): boolean {
    const slot = this.slots.get(name);
    if (slot?.isFollowed !== false) return false;
    (slot.followers ??= []).push(then);
    return true;
  }

  /** Once a second: closes what nobody needs, beacons, looks for lost tails. */
  sweep(): void {
    const now = this.options.nowMs();
    this.refuseLate(now);
    const quiet: Channel[] = [];
    for (const slot of this.slots.values()) {
      const { channel, isOpen } = slot;
      if (!isOpen) continue;
      if (channel.members.size > 0) {
        channel.emptySinceMs = 0;
        this.beacon(channel, now);
        // One that nobody listens to is looked after when somebody does again.
        if (now - channel.heardMs >= QUIET_CHECK_MS) quiet.push(channel);
      } else if (channel.emptySinceMs === 0) {
        channel.emptySinceMs = now;
      } else if (now - channel.emptySinceMs > lingerMs(channel)) {
        this.close(slot);
      }
    }
    if (quiet.length > 0 && !this.isChecking) void this.checkTops(quiet);
  }

  stop(): void {
    for (const { channel } of this.slots.values()) {
      this.options.subscriber.unsubscribe(channel.keys.feed);
    }
  }

  private create(asked: string): Slot {
    const name = ownText(asked);
    const slot = new Slot(name, this.nextAlias, this.events, this.owner);
    this.nextAlias += 1;
    this.slots.set(name, slot);
    slot.channel.heardMs = this.options.nowMs();
    this.follow(slot);
    return slot;
  }

  private refuseLate(now: number): void {
    for (const slot of this.opening) {
      const { waiters = [] } = slot;
      const late = waiters.filter(({ sinceMs }) => now - sinceMs >= OPEN_DEADLINE_MS);
      slot.waiters = waiters.filter((one) => !late.includes(one));
      if (slot.waiters.length === 0) this.opening.delete(slot);
      for (const { listener } of late) {
        listener.failed(new Error('the channel could not be opened in time'));
      }
      if (late.length > 0) tellFollowers(slot);
    }
  }

  private follow(slot: Slot): void {
    try {
      this.options.subscriber.follow(slot.channel.keys.feed, slot);
    } catch (thrown) {
      this.options.log.warn({ event: 'feed.failed', err: coerceError(thrown) });
    }
  }

  /** From here on the feed brings everything: what was before is read once. */
  private followed(slot: Slot): void {
    slot.isFollowed = true;
    slot.channel.tracker.sync();
    tellFollowers(slot);
  }

  private receive(channel: Channel, payload: Buffer): void {
    const packet = parsePacket(payload);
    if (packet === undefined) return;
    const now = this.options.nowMs();
    // Only a message shows that those before it have come; values may come for hours.
    if (packet.cls === 'reliable') channel.heardMs = now;
    this.options.metrics.feedLatency.observe(Math.max(0, now - packet.ts) / 1_000);
    if (packet.cls === 'latest') {
      if (channel.takeLatest(packet)) this.options.onValue(channel, packet.key);
    } else if (packet.cls === 'volatile') channel.takeVolatile(packet);
    else if (!channel.tracker.offer(packet)) this.options.metrics.gaps.inc();
  }

  private fill(channel: Channel): void {
    const slot = this.slots.get(channel.name);
    if (slot?.channel !== channel) return;
    const { history, load } = this.options;
    const { epoch, top } = channel.tracker.position();
    const after = epoch === '' ? -1 : top;
    const max = epoch === '' ? OPEN_MESSAGES : FILL_MESSAGES;
    const loading = load(channel);
    if (loading === undefined) {
      history.ask(channel, after, max, slot);
      return;
    }
    const reading = new Promise<ChannelState>((answered, failed) => {
      history.ask(channel, after, max, { answered, failed });
    });
    Promise.all([reading, loading]).then(
      ([state]) => this.filled(slot, state),
      (thrown: unknown) => this.notFilled(slot, thrown),
    );
  }

  /** What history has after the position of a channel. */
  private filled(slot: Slot, state: ChannelState): void {
    if (slot.isClosed) return;
    const { channel } = slot;
    const { tracker } = channel;
    const { metrics, nowMs } = this.options;
    try {
      channel.heardMs = nowMs();
      for (const { key, value } of state.values) {
        channel.takeLatest({ cls: 'latest', key, ...parseValue(value) });
      }
      const isFirst = tracker.position().epoch === '';
      const lostBefore = tracker.lostCount;
      const taken = tracker.filled(state);
      if (tracker.lostCount > lostBefore) {
        metrics.lostMessages.inc(tracker.lostCount - lostBefore);
      }
      if (!isFirst) metrics.gapMessages.inc(taken);
    } catch (thrown) {
      this.notFilled(slot, thrown);
      return;
    }
    if (tracker.isWhole) this.ready(slot);
  }

  private notFilled({ channel, isClosed }: Slot, thrown: unknown): void {
    if (isClosed) return;
    this.options.metrics.redisErrors.inc({ operation: 'history' });
    this.options.log.debug({ event: 'history.failed', err: coerceError(thrown) });
    channel.tracker.failed();
    setTimeout(() => {
      if (this.slots.get(channel.name)?.channel === channel) channel.tracker.sync();
    }, RETRY_MS).unref();
  }

  private ready(slot: Slot): void {
    if (slot.isOpen) return;
    const { channel } = slot;
    slot.isOpen = true;
    this.delivery.flush(channel);
    this.opening.delete(slot);
    const { waiters = [] } = slot;
    slot.waiters = undefined;
    for (const { listener } of waiters) listener.opened(channel);
  }

  private restarted(channel: Channel): void {
    const slot = this.slots.get(channel.name);
    if (slot?.isOpen !== true) return;
    this.options.metrics.resets.inc();
    const { epoch, top } = channel.tracker.position();
    this.say(channel, { p: 'reset', a: channel.alias, epoch, from: top });
    for (const session of channel.members.keys()) {
      if (session.lagging?.has(channel) === true) this.options.end(session, 'state_invalid');
    }
  }

  private beacon(channel: Channel, now: number): void {
    const quietMs = now - channel.lastFlushMs;
    const wait = channel.beaconMs < channel.lastFlushMs ? BEACON_SOON_MS : BEACON_MS;
    const since = Math.max(channel.beaconMs, channel.lastFlushMs);
    if (channel.flushedTop === 0 || quietMs < BEACON_SOON_MS || now - since < wait) return;
    channel.beaconMs = now;
    const { epoch, flushedTop: offset, alias: a } = channel;
    this.say(channel, { p: 'pos', a, epoch, offset });
  }

  /** A control message to every live listener, in order with the messages. */
  say(channel: Channel, control: Control): void {
    this.delivery.announce(channel, control);
  }

  /**
   * A few parts at a time: all at once would be so much that the garbage collector takes it for
   * something that stays.
   */
  private async checkTops(channels: readonly Channel[]): Promise<void> {
    this.isChecking = true;
    const parts = this.options.history.partsOf(channels).values();
    const checkSome = async (): Promise<void> => {
      for (const part of parts) await this.checkPart(part);
    };
    await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, checkSome));
    this.isChecking = false;
  }

  private async checkPart(channels: readonly Channel[]): Promise<void> {
    const askedMs = this.options.nowMs();
    try {
      const moved = await this.options.history.moved(channels);
      for (const channel of channels) {
        // The feed has brought something meanwhile: the answer is out of date.
        if (channel.heardMs > askedMs) continue;
        channel.heardMs = askedMs;
        const found = moved.get(channel);
        const { epoch, top } = channel.tracker.position();
        if (found === undefined || (found.epoch === epoch && found.top === top)) continue;
        if (!channel.tracker.isWhole) continue;
        this.options.metrics.gaps.inc();
        channel.tracker.sync();
      }
    } catch {
      this.options.metrics.redisErrors.inc({ operation: 'tops' });
    }
  }

  private close(slot: Slot): void {
    const { channel } = slot;
    slot.isClosed = true;
    this.slots.delete(channel.name);
    this.options.subscriber.unsubscribe(channel.keys.feed);
    this.delivery.forgetChannel(channel);
    this.options.onClosed(channel);
  }

  /**
   * Entries after `from` that the ring does not hold any more, at most `max`, as far back as
   * history goes.
   */
  async older(channel: Channel, from: number, max: number): Promise<readonly Entry[] | undefined> {
    const { epoch } = channel.tracker.position();
    const state = await this.options.history.read(channel, from, max);
    if (state.epoch !== epoch) return undefined;
    const entries: Entry[] = [];
    for (const [at, raw] of state.entries.entries()) {
      const offset = state.first + at;
      if (raw === undefined || offset > channel.flushedTop) break;
      const { ts, tail } = parseEntry(raw);
      const binary = encodeReliable({ alias: channel.alias, offset, ts }, tail);
      entries.push({ offset, ts, kind: '', binary, json: undefined });
    }
    return entries;
  }
}

function tellFollowers(slot: Slot): void {
  const { followers = [] } = slot;
  slot.followers = undefined;
  for (const tell of followers) tell();
}

function lingerMs({ namespace }: Channel): number {
  return namespace === 'user' ? LINGER_USER_MS : LINGER_MS;
}
