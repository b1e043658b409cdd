// The client that applications hold: subscriptions, publishing, state. See index.ts for its use.
import {
  isFields,
  parsePublishResult,
  parseSubscribeOutcome,
  type ConnectResult,
  type Control,
  type Fields,
  type PublishResult,
  type Push,
  type Subprotocol,
  type SubscribeOutcome,
  type SubscribeRequest,
} from '../protocol/index.js';
import type { BackoffOptions } from './backoff.js';
import type { Connection, Request } from './connection.js';
import { RealtimeError } from './errors.js';
import { Link, type ClientState, type Credentials } from './link.js';
import { Outbox } from './outbox.js';
import { Subscription, type SubscribeOptions, type SubscriptionHandlers } from './subscription.js';
import type { SockJsConstructor, Way } from './way.js';
import type { WebSocketConstructor } from './web-socket.js';

export interface ClientOptions {
  /** Gets a connect token and the gateways' addresses; called again before the token ends. */
  readonly credentials: () => Promise<Credentials>;
  /** Default: the global WebSocket. */
  readonly WebSocket?: WebSocketConstructor;
  /** For networks that break WebSockets: loads sockjs-client when it is needed. */
  readonly loadSockJs?: () => Promise<SockJsConstructor>;
  /** Failed attempts in a row before the other way is tried. Default 2. */
  readonly fallbackAfter?: number;
  /** How long on SockJS before WebSocket is tried again; doubles up to 15 min. Default 60 s. */
  readonly webSocketRetryMs?: number;
  /** Default `rt1.msgpack`. */
  readonly encoding?: Subprotocol;
  readonly backoff?: BackoffOptions;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  /** Default 5 s. */
  readonly callTimeoutMs?: number;
  /** A connection that is not open by then is given up. Default 8 s. */
  readonly openTimeoutMs?: number;
  /** Unacknowledged messages kept while offline. Default 100. */
  readonly queueMax?: number;
  /** How long `publish` tries, over lost links too. Default 30 s. */
  readonly publishDeadlineMs?: number;
}

export interface ClientEvents {
  /** `reason` is machine-readable where a server gave one. */
  state: (state: ClientState, reason: string) => void;
  /** Connected (again): which node, who we are, the server's time. */
  connected: (result: ConnectResult) => void;
}

const RESUBSCRIBE_MS = 1_000;
const EXPIRE_MS = 1_000;

export class RealtimeClient {
  private readonly link: Link;
  private readonly outbox: Outbox;
  private readonly subscriptions = new Map<string, Subscription>();
  /** Which subscription an alias stands for, by connection: two are open during a hand-over. */
  private readonly aliases = new Map<Connection, Map<number, Subscription>>();
  private readonly listeners = {
    state: new Set<ClientEvents['state']>(),
    connected: new Set<ClientEvents['connected']>(),
  };
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private readonly midPrefix: string;
  private readonly expirer: ReturnType<typeof setInterval>;
  private midCount = 0;

  constructor(options: ClientOptions) {
    const WebSocket = options.WebSocket ?? globalWebSocket(options.loadSockJs !== undefined);
    const random = options.random ?? Math.random;
    this.midPrefix = `${Date.now().toString(36)}${Math.floor(random() * 2 ** 40).toString(36)}`;
    this.outbox = new Outbox({
      queueMax: options.queueMax ?? 100,
      deadlineMs: options.publishDeadlineMs ?? 30_000,
    });
    this.expirer = setInterval(() => {
      this.outbox.expire(Date.now());
      this.flush(); // what was to wait and whose timer came a moment too early
    }, EXPIRE_MS);
    this.link = new Link(
      {
        credentials: options.credentials,
        WebSocket,
        random,
        loadSockJs: options.loadSockJs,
        fallbackAfter: options.fallbackAfter ?? 2,
        webSocketRetryMs: options.webSocketRetryMs ?? 60_000,
        encoding: options.encoding ?? 'rt1.msgpack',
        backoff: options.backoff ?? {},
        openTimeoutMs: options.openTimeoutMs ?? 8_000,
        callTimeoutMs: options.callTimeoutMs ?? 5_000,
      },
      {
        prepare: () => this.prepare(),
        onConnected: (connection, result) => this.onConnected(connection, result),
        onPush: (connection, push) => this.onPush(connection, push),
        onControl: (connection, control) => this.onControl(connection, control),
        onGone: (connection) => this.aliases.delete(connection),
        onState: (state, reason) => {
          for (const listener of [...this.listeners.state]) listener(state, reason);
        },
      },
    );
  }

  get state(): ClientState {
    return this.link.currentState;
  }

  /** How the current connection came about; undefined while there is none. */
  get way(): Way | undefined {
    return this.link.way;
  }

  /** Messages that no server has acknowledged yet. */
  get unsent(): number {
    return this.outbox.size;
  }

  /** Starts to connect; channels subscribed before this travel in the first round trip. */
  connect(): void {
    this.link.start();
  }

  /** Ends for good. */
  close(): void {
    clearInterval(this.expirer);
    for (const timer of this.timers) clearTimeout(timer);
    this.link.stop('closed by the application');
    this.outbox.clear(new RealtimeError('closed', 'The client was closed.'));
  }

  /** Tries to reconnect at once if a pause is on; for `window.ononline` and the like. */
  wake(): void {
    this.link.hurry();
  }

  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    const set = this.listeners[event] as Set<ClientEvents[E]>;
    set.add(listener);
    return () => void set.delete(listener);
  }

  /** One subscription per channel: a second one replaces the first. */
  subscribe(
    channel: string,
    options: SubscribeOptions,
    handlers: SubscriptionHandlers,
  ): Subscription {
    const subscription = new Subscription(channel, options, handlers, (ended) => {
      if (this.subscriptions.get(ended.channel) !== ended) return;
      this.subscriptions.delete(ended.channel);
      void this.link.connection?.call({ c: 'unsub', ch: ended.channel }).catch(() => undefined);
    });
    this.subscriptions.set(channel, subscription);
    void this.resubscribe(subscription);
    return subscription;
  }

  /**
   * Says `text` in a channel. Kept and sent again over lost links with the same `mid`, so it
   * appears once. `reply` is the offset of the message that it answers.
   * @throws RealtimeError when refused, too late or the queue is full
   */
  publish(
    channel: string,
    text: string,
    mid = this.newMid(),
    reply?: number,
  ): Promise<PublishResult> {
    const acknowledged = this.outbox.add({ channel, text, mid, reply }, Date.now());
    this.flush();
    return acknowledged;
  }

  /** Any other command on the open connection; not kept while offline. */
  call(request: Request): Promise<Fields> {
    const { connection } = this.link;
    if (connection !== undefined) return connection.call(request);
    return Promise.reject(new RealtimeError('closed', 'There is no connection.'));
  }

  newMid(): string {
    this.midCount += 1;
    return `${this.midPrefix}.${this.midCount.toString(36)}`;
  }

  private async prepare(): Promise<readonly SubscribeRequest[]> {
    const subscriptions = [...this.subscriptions.values()];
    await Promise.all(
      subscriptions.map(async (subscription) => {
        if (!subscription.needsTicket()) return;
        await subscription.fetchTicket().catch(() => this.drop(subscription, 'no_ticket'));
      }),
    );
    return subscriptions.filter((one) => one.isActive).map((one) => one.request());
  }

  private onConnected(connection: Connection, result: ConnectResult): void {
    this.aliases.set(connection, new Map());
    for (const outcome of result.subs) this.applyOutcome(connection, outcome);
    const answered = new Set(result.subs.map((outcome) => outcome.ch));
    for (const subscription of this.subscriptions.values()) {
      // Made while the connect command was on its way.
      if (!answered.has(subscription.channel)) void this.resubscribe(subscription);
    }
    for (const listener of [...this.listeners.connected]) listener(result);
    this.outbox.rewind();
    this.flush();
  }

  private applyOutcome(connection: Connection, outcome: SubscribeOutcome): void {
    const subscription = this.subscriptions.get(outcome.ch);
    if (subscription === undefined) return;
    if ('e' in outcome) {
      this.refuse(subscription, RealtimeError.fromTuple(outcome.e));
    } else {
      this.aliases.get(connection)?.set(outcome.a, subscription);
      subscription.ready(outcome);
    }
  }

  private refuse(subscription: Subscription, error: RealtimeError): void {
    if (subscription.refused(error)) {
      this.later(error.retryMs ?? RESUBSCRIBE_MS, () => void this.resubscribe(subscription));
    } else {
      this.drop(subscription, error.code);
    }
  }

  private drop(subscription: Subscription, reason: string): void {
    if (this.subscriptions.get(subscription.channel) === subscription) {
      this.subscriptions.delete(subscription.channel);
    }
    subscription.end(reason);
  }

  private async resubscribe(subscription: Subscription): Promise<void> {
    if (!this.hasConnection()) return; // the connect command will carry it
    if (subscription.needsTicket()) {
      try {
        await subscription.fetchTicket();
      } catch {
        this.drop(subscription, 'no_ticket');
        return;
      }
    }
    const { connection } = this.link;
    if (connection === undefined || !this.isWanted(subscription)) return;
    connection.request(
      { c: 'sub', ...subscription.request() },
      {
        ok: (fields) => {
          const outcome = parseSubscribeOutcome(fields);
          if (outcome !== undefined && this.isWanted(subscription)) {
            this.applyOutcome(connection, outcome);
          }
        },
        failed: (error) => {
          if (error.code !== 'closed' && this.isWanted(subscription)) {
            this.refuse(subscription, error);
          }
        },
      },
    );
  }

  private hasConnection(): boolean {
    return this.link.connection !== undefined;
  }

  private isWanted(subscription: Subscription): boolean {
    return this.subscriptions.get(subscription.channel) === subscription;
  }

  private onPush(connection: Connection, push: Push): void {
    const subscription = this.aliases.get(connection)?.get(push[0]);
    if (subscription === undefined || !this.isWanted(subscription)) return;
    const verdict = subscription.reader.accept(push);
    if (verdict.do === 'show') subscription.show(verdict.message);
    else if (verdict.do === 'repair') this.repair(subscription);
  }

  private repair(subscription: Subscription): void {
    subscription.reader.stall();
    void this.resubscribe(subscription);
  }

  private onControl(connection: Connection, control: Control): void {
    if (control.p === 'bye') {
      if (connection === this.link.connection) this.link.leave(control);
      return;
    }
    const subscription = this.aliases.get(connection)?.get(control.a);
    if (subscription === undefined || !this.isWanted(subscription)) return;
    if (control.p === 'reset') {
      subscription.reset(control);
    } else if (control.p === 'pos') {
      if (subscription.reader.isBehind(control.epoch, control.offset)) this.repair(subscription);
    } else if (control.retry) {
      void this.resubscribe(subscription);
    } else {
      this.drop(subscription, control.reason);
    }
  }

  private flush(): void {
    const { connection } = this.link;
    if (connection === undefined) return;
    for (const { channel, text, mid, reply } of this.outbox.take(Date.now())) {
      const body = reply === undefined ? { text } : { text, reply };
      connection.request(
        { c: 'pub', ch: channel, mid, kind: 'm', body },
        {
          ok: (fields) => {
            const result = isFields(fields) ? parsePublishResult(fields) : undefined;
            if (result !== undefined) this.outbox.accept(mid, result);
          },
          failed: (error) => {
            const pauseMs = this.outbox.fail(mid, error, Date.now());
            if (pauseMs !== undefined) this.later(pauseMs, () => this.flush());
          },
        },
      );
    }
  }

  private later(ms: number, work: () => void): void {
    if (this.state === 'closed') return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }
}

function globalWebSocket(hasFallback: boolean): WebSocketConstructor {
  const found = (globalThis as { WebSocket?: unknown }).WebSocket;
  if (typeof found === 'function') return found as WebSocketConstructor;
  if (!hasFallback) {
    throw new Error('Pass `WebSocket` in the options: this platform has none of its own.');
  }
  // Fails like one that cannot be opened.
  const missing = function missing(): never {
    throw new Error('This platform has no WebSocket.');
  };
  return missing as unknown as WebSocketConstructor;
}
