// The subscribers of each topic within one process, whatever the bus. Owned by a bus
// implementation. Invariant: a handler that has been removed is not called again, also within the
// delivery under way.
import { clusterError, coerceError } from '../errors.js';
import type { Logger } from '../log.js';
import { PAYLOAD_BYTES_MAX, type SubscribeOptions, TOPIC_PATTERN } from './bus.js';

export interface TopicSubscriber extends SubscribeOptions {
  readonly onMessage: (payload: Buffer, topic: string) => void;
}

export class TopicSubscribers {
  private readonly byTopic = new Map<string, Set<TopicSubscriber>>();

  constructor(private readonly log: Logger) {}

  /** @returns true for the first subscriber of the topic. */
  add(topic: string, subscriber: TopicSubscriber): boolean {
    const subscribers = this.byTopic.get(topic);
    if (subscribers === undefined) this.byTopic.set(topic, new Set([subscriber]));
    else subscribers.add(subscriber);
    return subscribers === undefined;
  }

  /** @returns true when it was the last subscriber of the topic. */
  remove(topic: string, subscriber: TopicSubscriber): boolean {
    const subscribers = this.byTopic.get(topic);
    if (subscribers?.delete(subscriber) !== true || subscribers.size > 0) return false;
    return this.byTopic.delete(topic);
  }

  clear(): void {
    for (const subscribers of this.byTopic.values()) subscribers.clear();
    this.byTopic.clear();
  }

  deliver(topic: string, payload: Buffer): void {
    const subscribers = [...(this.byTopic.get(topic) ?? [])];
    for (const [at, one] of subscribers.entries()) {
      // Each owns its bytes; the last may have the original.
      const own = at === subscribers.length - 1 ? payload : Buffer.from(payload);
      this.guard(topic, one, () => one.onMessage(own, topic));
    }
  }

  gap(topic: string): void {
    for (const one of [...(this.byTopic.get(topic) ?? [])]) {
      this.guard(topic, one, () => one.onGap?.(topic));
    }
  }

  private guard(topic: string, subscriber: TopicSubscriber, call: () => void): void {
    if (this.byTopic.get(topic)?.has(subscriber) !== true) return;
    try {
      call();
    } catch (thrown) {
      this.log.error({ event: 'bus.handler_failed', topic, err: coerceError(thrown) });
    }
  }
}

/** The payload as bytes of our own. @throws AppError BUS_MESSAGE */
export function checkedPayload(topic: string, payload: Uint8Array | string): Buffer {
  checkTopic(topic);
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : Buffer.from(payload);
  if (bytes.length > PAYLOAD_BYTES_MAX) {
    throw clusterError('BUS_MESSAGE', { what: `a payload of ${bytes.length} bytes on ${topic}` });
  }
  return bytes;
}

/** @throws AppError BUS_MESSAGE */
export function checkTopic(topic: string): void {
  if (!TOPIC_PATTERN.test(topic)) throw clusterError('BUS_MESSAGE', { what: 'this topic name' });
}
