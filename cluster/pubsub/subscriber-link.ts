// The subscriptions that one Redis node carries, over one connection that is opened again for ever.
// Invariant: acknowledgements are matched to the SSUBSCRIBE that they answer, so a channel counts
// as live only when the newest subscription to it is.
import { setTimeout as delay } from 'node:timers/promises';
import { coerceError } from '../errors.js';
import type { Logger } from '../log.js';
import { reconnectDelayMs } from '../redis.js';
import type { RedisNode, RedisTarget } from '../redis-url.js';
import { openRespConnection, type RespConnection } from './resp-connection.js';
import { RespError, type RespValue } from './resp-parser.js';
import type { Subscription } from './subscription.js';

/** Channels per SSUBSCRIBE; one command may only name channels of one slot. */
const BATCH_MAX = 512;
const RETRY_MS = 200;

export interface LinkOwner {
  readonly target: RedisTarget;
  readonly name: string;
  readonly heartbeatMs: number;
  readonly log: Logger;
  readonly counts: { messages: number; gaps: number; reconnects: number };
  /** The node no longer carries these; `newOwner` does, if the node told. */
  onMoved(subscriptions: readonly Subscription[], newOwner: RedisNode | undefined): void;
  /** The node cannot be reached; perhaps another one has taken over. */
  onUnreachable(): void;
}

export class SubscriberLink {
  private readonly channels = new Map<string, Subscription>();
  private readonly unsent = new Set<Subscription>();
  private readonly unacknowledged: Map<string, Subscription>[] = [];
  private readonly ownUnsubscribes = new Map<string, number>();
  private connection: RespConnection | undefined;
  private isFlushDue = false;
  private isClosed = false;

  constructor(
    readonly node: RedisNode,
    private readonly owner: LinkOwner,
  ) {
    void this.keepOpen();
  }

  get isIdle(): boolean {
    return this.channels.size === 0;
  }

  get isOpen(): boolean {
    return this.connection !== undefined;
  }

  add(subscription: Subscription): void {
    this.channels.set(subscription.channel, subscription);
    this.send(subscription);
  }

  remove(subscription: Subscription): void {
    const { channel } = subscription;
    if (this.channels.get(channel) !== subscription) return;
    this.channels.delete(channel);
    if (this.unsent.delete(subscription) || this.connection === undefined) return;
    this.ownUnsubscribes.set(channel, (this.ownUnsubscribes.get(channel) ?? 0) + 1);
    this.connection.send('SUNSUBSCRIBE', channel);
  }

  /** Ends the connection for good. Its channels are left to the owner. */
  close(): void {
    this.isClosed = true;
    this.connection?.destroy(new Error('closed'));
  }

  private hasEnded(): boolean {
    return this.isClosed;
  }

  private async keepOpen(): Promise<void> {
    const { log, counts } = this.owner;
    const { host, port } = this.node;
    let failures = 0;
    for (;;) {
      const reason = await this.openUntilClosed(() => {
        if (failures > 0) log.info({ event: 'subscriber.up', host, port });
        if (failures > 0) counts.reconnects += 1;
        failures = 0;
      });
      if (this.hasEnded()) return;
      failures += 1;
      if (failures === 1) {
        log.warn({ event: 'subscriber.down', host, port, reason: reason.message });
      }
      this.owner.onUnreachable();
      await delay(reconnectDelayMs(failures), undefined, { ref: false });
      if (this.hasEnded()) return;
    }
  }

  /** One life of the connection; resolves with the reason of its end. */
  private async openUntilClosed(onOpen: () => void): Promise<Error> {
    const { target, name, heartbeatMs } = this.owner;
    try {
      return await new Promise<Error>((resolve, reject) => {
        openRespConnection({
          node: this.node,
          target,
          name,
          heartbeatMs,
          onValue: (value) => this.receive(value),
          onClose: resolve,
        }).then((connection) => {
          onOpen();
          this.opened(connection);
        }, reject);
      });
    } catch (thrown) {
      return coerceError(thrown);
    } finally {
      this.lost();
    }
  }

  private opened(connection: RespConnection): void {
    this.connection = connection;
    if (this.isClosed) connection.destroy(new Error('closed'));
    for (const subscription of this.channels.values()) this.unsent.add(subscription);
    this.flush();
  }

  private lost(): void {
    this.connection = undefined;
    this.unacknowledged.length = 0;
    this.ownUnsubscribes.clear();
    this.unsent.clear();
    for (const subscription of this.channels.values()) subscription.lost();
  }

  /** Subscriptions of one turn of the event loop leave together. */
  private send(subscription: Subscription): void {
    if (this.connection === undefined) return;
    this.unsent.add(subscription);
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    queueMicrotask(() => this.flush());
  }

  private flush(): void {
    this.isFlushDue = false;
    if (this.connection === undefined) return;
    const bySlot = new Map<number, Subscription[]>();
    for (const subscription of this.unsent) {
      const sameSlot = bySlot.get(subscription.slot);
      if (sameSlot === undefined) bySlot.set(subscription.slot, [subscription]);
      else sameSlot.push(subscription);
    }
    this.unsent.clear();
    for (const group of bySlot.values()) {
      for (let at = 0; at < group.length; at += BATCH_MAX) {
        const batch = new Map(group.slice(at, at + BATCH_MAX).map((one) => [one.channel, one]));
        this.unacknowledged.push(batch);
        this.connection.send('SSUBSCRIBE', ...batch.keys());
      }
    }
  }

  private receive(value: RespValue): void {
    if (value instanceof RespError) {
      this.refused(value.message);
      return;
    }
    // +PONG, or an array [kind, channel, …].
    if (!Array.isArray(value) || !Buffer.isBuffer(value[0]) || !Buffer.isBuffer(value[1])) return;
    const kind = value[0].toString('latin1');
    const channel = value[1].toString('utf8');
    if (kind === 'smessage') {
      this.deliver(channel, value[2]);
    } else if (kind === 'ssubscribe') {
      this.acknowledged(channel);
    } else if (kind === 'sunsubscribe') {
      this.unsubscribed(channel);
    }
  }

  private deliver(channel: string, payload: RespValue | undefined): void {
    const subscription = this.channels.get(channel);
    if (subscription === undefined || !Buffer.isBuffer(payload)) return;
    this.owner.counts.messages += 1;
    subscription.deliver(payload);
  }

  private acknowledged(channel: string): void {
    const [batch] = this.unacknowledged;
    const subscription = batch?.get(channel);
    batch?.delete(channel);
    if (batch?.size === 0) this.unacknowledged.shift();
    if (subscription === undefined || this.channels.get(channel) !== subscription) return;
    if (subscription.acknowledged()) this.owner.counts.gaps += 1;
  }

  private unsubscribed(channel: string): void {
    const own = this.ownUnsubscribes.get(channel) ?? 0;
    if (own > 1) this.ownUnsubscribes.set(channel, own - 1);
    else this.ownUnsubscribes.delete(channel);
    if (own > 0) return;
    // Not asked for: the slot has moved to another node.
    const subscription = this.channels.get(channel);
    if (subscription === undefined) return;
    this.channels.delete(channel);
    subscription.lost();
    this.owner.onMoved([subscription], undefined);
  }

  /**
   * An error answers the oldest SSUBSCRIBE: the slot is elsewhere, or the node is not in order yet.
   */
  private refused(message: string): void {
    const batch = [...(this.unacknowledged.shift()?.values() ?? [])].filter(
      (one) => this.channels.get(one.channel) === one,
    );
    const moved = /^MOVED \d+ (\S*):(\d+)$/.exec(message);
    if (moved !== null) {
      for (const { channel } of batch) this.channels.delete(channel);
      const [, host = '', port] = moved;
      this.owner.onMoved(batch, { host: host === '' ? this.node.host : host, port: Number(port) });
      return;
    }
    this.owner.log.warn({ event: 'subscriber.refused', reason: message, channels: batch.length });
    setTimeout(() => {
      for (const one of batch) if (this.channels.get(one.channel) === one) this.send(one);
    }, RETRY_MS).unref();
  }
}
