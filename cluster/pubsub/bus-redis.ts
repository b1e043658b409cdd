// The bus over Redis sharded pub/sub (SPUBLISH, SSUBSCRIBE; Redis 7 or newer), on one server or a
// Cluster. Each topic lives on the node of its partition, so that topics spread over the nodes.
// Invariant: a publish is sent once. One whose link broke is reported, never repeated.
import type { AppError } from '../errors.js';
import { clusterError } from '../errors.js';
import type { Logger } from '../log.js';
import { channelTag } from '../partitions.js';
import { closeRedis, connectRedis, type RedisClient } from '../redis.js';
import type { Bus, SubscribeOptions, Unsubscribe } from './bus.js';
import { connectSubscriber, type RedisSubscriber } from './redis-subscriber.js';
import { checkedPayload, checkTopic, TopicSubscribers } from './topic-subscribers.js';

export interface RedisBusOptions {
  /**
   * `redis://…` or `redis-cluster://…`; all processes that shall hear each other use the same
   * store.
   */
  readonly url: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly log: Logger;
  /** A silent broker is given up after twice this; default 5,000 ms. */
  readonly heartbeatMs?: number;
  /** How long a publish waits for a broken link before BUS_AWAY; default 1,000 ms. */
  readonly publishWaitMs?: number;
}

/** A bus that can say how it is. */
export interface RedisBus extends Bus {
  /** True while every subscription is live and publish would be sent at once. */
  isWhole(): boolean;
  /** Since the start; see RedisSubscriber. */
  stats(): ReturnType<RedisSubscriber['stats']>;
}

/** Publishes that may wait for the link at the same time; more are refused at once. */
const WAITING_MAX = 10_000;

/**
 * Connects a publisher and a subscriber.
 * @throws AppError REDIS_AWAY or REDIS_URL; Error of connectRedis. Nothing stays open.
 */
export async function createRedisBus(options: RedisBusOptions): Promise<RedisBus> {
  const { url, name, log } = options;
  // Role "money": no queue while offline and nothing sent twice, which is what at most once needs.
  const publisher = await connectRedis(url, { role: 'money', name: `${name}-bus`, log });
  try {
    const heartbeat = options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs };
    const subscriber = await connectSubscriber(url, { name: `${name}-bus`, log, ...heartbeat });
    return new PubSubBus(publisher, subscriber, log, options.publishWaitMs ?? 1_000);
  } catch (thrown) {
    await closeRedis(publisher);
    throw thrown;
  }
}

class PubSubBus implements RedisBus {
  private readonly subscribers: TopicSubscribers;
  private readonly opening = new Map<string, Promise<void>>();
  private readonly waiting = new Set<() => void>();
  private isClosed = false;

  constructor(
    private readonly publisher: RedisClient,
    private readonly subscriber: RedisSubscriber,
    log: Logger,
    private readonly publishWaitMs: number,
  ) {
    this.subscribers = new TopicSubscribers(log);
    publisher.on('ready', () => this.releaseWaiting());
  }

  async publish(topic: string, payload: Uint8Array | string): Promise<void> {
    this.assertOpen();
    const bytes = checkedPayload(topic, payload);
    const send = (): Promise<unknown> => this.publisher.spublish(channelOf(topic), bytes);
    try {
      await (this.publisher.status === 'ready' ? send() : this.whenReady(send));
    } catch (thrown) {
      throw this.isClosed ? clusterError('BUS_CLOSED', {}, thrown) : this.away(thrown);
    }
  }

  async subscribe(
    topic: string,
    onMessage: (payload: Buffer, topic: string) => void,
    options: SubscribeOptions = {},
  ): Promise<Unsubscribe> {
    this.assertOpen();
    checkTopic(topic);
    const subscriber = { onMessage, ...options };
    if (this.subscribers.add(topic, subscriber)) this.opening.set(topic, this.open(topic));
    const leave = (): void => {
      if (!this.subscribers.remove(topic, subscriber)) return;
      this.opening.delete(topic);
      this.subscriber.unsubscribe(channelOf(topic));
    };
    try {
      await this.opening.get(topic);
    } catch (thrown) {
      leave();
      throw this.isClosed ? clusterError('BUS_CLOSED', {}, thrown) : thrown;
    }
    return async () => {
      leave();
      await Promise.resolve();
    };
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.subscribers.clear();
    this.subscriber.close();
    this.releaseWaiting();
    await closeRedis(this.publisher);
  }

  isWhole(): boolean {
    return this.publisher.status === 'ready' && this.subscriber.isWhole();
  }

  stats(): ReturnType<RedisSubscriber['stats']> {
    return this.subscriber.stats();
  }

  private open(topic: string): Promise<void> {
    const opened = this.subscriber.subscribe(channelOf(topic), {
      onMessage: (payload) => this.subscribers.deliver(topic, payload),
      onGap: () => this.subscribers.gap(topic),
    });
    // Every subscriber of the topic awaits it; this one only keeps a rejection from having no
    // owner.
    opened.catch(() => undefined);
    return opened;
  }

  /**
   * Sends when the link is back, within the same turn for all who wait, so that their order stays.
   */
  private async whenReady(send: () => Promise<unknown>): Promise<unknown> {
    if (this.waiting.size >= WAITING_MAX) throw new Error('too many publishes wait');
    return new Promise((resolve, reject) => {
      const go = (): void => {
        clearTimeout(timer);
        resolve(send());
      };
      const timer = setTimeout(() => {
        this.waiting.delete(go);
        reject(new Error(`not connected for ${this.publishWaitMs} ms`));
      }, this.publishWaitMs);
      this.waiting.add(go);
    });
  }

  private releaseWaiting(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const go of waiting) go();
  }

  private away(cause: unknown): AppError {
    return clusterError('BUS_AWAY', { status: this.publisher.status }, cause);
  }

  private assertOpen(): void {
    if (this.isClosed) throw clusterError('BUS_CLOSED');
  }
}

function channelOf(topic: string): string {
  return `bus:{${channelTag(topic)}}:${topic}`;
}
