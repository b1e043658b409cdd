// The bus within one process: for tests, and for tools that run without Redis. Several buses on one
// MemoryNetwork stand for several processes.
import { clusterError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Bus, SubscribeOptions, Unsubscribe } from './bus.js';
import { checkedPayload, checkTopic, TopicSubscribers } from './topic-subscribers.js';

/** What connects the buses of one test. */
export class MemoryNetwork {
  private readonly buses = new Set<MemoryBus>();

  /** What is on its way is lost for everybody, and everybody is told. */
  cut(): void {
    for (const bus of this.buses) bus.lose();
  }

  attach(bus: MemoryBus): void {
    this.buses.add(bus);
  }

  detach(bus: MemoryBus): void {
    this.buses.delete(bus);
  }

  send(topic: string, payload: Buffer): void {
    for (const bus of this.buses) bus.receive(topic, Buffer.from(payload));
  }
}

/** A bus on its own network unless given one. */
export function createMemoryBus(options: {
  readonly log: Logger;
  readonly network?: MemoryNetwork;
}): Bus {
  return new MemoryBus(options.network ?? new MemoryNetwork(), options.log);
}

class MemoryBus implements Bus {
  private readonly subscribers: TopicSubscribers;
  private readonly topics = new Set<string>();
  private inbox: { topic: string; payload: Buffer }[] = [];
  private isDrainDue = false;
  private isClosed = false;

  constructor(
    private readonly network: MemoryNetwork,
    log: Logger,
  ) {
    this.subscribers = new TopicSubscribers(log);
    network.attach(this);
  }

  async publish(topic: string, payload: Uint8Array | string): Promise<void> {
    this.assertOpen();
    this.network.send(topic, checkedPayload(topic, payload));
    await Promise.resolve();
  }

  async subscribe(
    topic: string,
    onMessage: (payload: Buffer, topic: string) => void,
    options: SubscribeOptions = {},
  ): Promise<Unsubscribe> {
    this.assertOpen();
    checkTopic(topic);
    const subscriber = { onMessage, ...options };
    if (this.subscribers.add(topic, subscriber)) this.topics.add(topic);
    await Promise.resolve();
    return async () => {
      if (this.subscribers.remove(topic, subscriber)) this.topics.delete(topic);
      await Promise.resolve();
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.network.detach(this);
    this.subscribers.clear();
    this.topics.clear();
    this.inbox = [];
    await Promise.resolve();
  }

  /** Called by the network; delivery follows in a later turn, as over a wire. */
  receive(topic: string, payload: Buffer): void {
    if (!this.topics.has(topic)) return;
    this.inbox.push({ topic, payload });
    if (this.isDrainDue) return;
    this.isDrainDue = true;
    setImmediate(() => {
      this.isDrainDue = false;
      for (const one of this.inbox.splice(0)) this.subscribers.deliver(one.topic, one.payload);
    });
  }

  /** Called by the network when it is cut. */
  lose(): void {
    this.inbox = [];
    setImmediate(() => {
      for (const topic of this.topics) this.subscribers.gap(topic);
    });
  }

  private assertOpen(): void {
    if (this.isClosed) throw clusterError('BUS_CLOSED');
  }
}
