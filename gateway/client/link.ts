// Keeps one good connection: credentials, the list of addresses, pauses, hand-over to another
// gateway. Invariant: at most one connection is current; a new one replaces it only when it has
// connected.
import {
  adviseOnClose,
  type CloseAdvice,
  type ConnectResult,
  type Fields,
  type LeaveControl,
  parseConnectResult,
  type Subprotocol,
  type SubscribeRequest,
} from '../protocol/index.js';
import { reconnectPause, type BackoffOptions } from './backoff.js';
import { Connection, type ConnectionEvents } from './connection.js';
import { RealtimeError } from './errors.js';
import { asWebSocket, WayChooser, type SockJsConstructor, type Way } from './way.js';
import type { WebSocketConstructor } from './web-socket.js';

export interface Credentials {
  /** Connect token. */
  readonly token: string;
  /** Gateways, best first. */
  readonly urls: readonly string[];
  /** SockJS addresses of gateways, best first. */
  readonly sockjsUrls?: readonly string[];
}

/** online = connected · waiting = a pause before the next attempt · closed = for good. */
export type ClientState = 'idle' | 'connecting' | 'online' | 'waiting' | 'closed';

export interface LinkOptions {
  readonly credentials: () => Promise<Credentials>;
  readonly WebSocket: WebSocketConstructor;
  readonly loadSockJs: (() => Promise<SockJsConstructor>) | undefined;
  /** Failed attempts in a row before the other way is tried. */
  readonly fallbackAfter: number;
  /** How long on SockJS before WebSocket is tried again; doubles up to TRY_MAX_MS. */
  readonly webSocketRetryMs: number;
  readonly encoding: Subprotocol;
  readonly random: () => number;
  readonly backoff: BackoffOptions;
  readonly openTimeoutMs: number;
  readonly callTimeoutMs: number;
}

export interface LinkEvents extends Pick<ConnectionEvents, 'onPush' | 'onControl'> {
  /** Subscriptions that belong into the connect command; may wait for tickets. */
  prepare(): Promise<readonly SubscribeRequest[]>;
  /** Called before the pushes that follow in the same frame. */
  onConnected(connection: Connection, result: ConnectResult): void;
  onGone(connection: Connection): void;
  onState(state: ClientState, reason: string): void;
}

const STABLE_MS = 5_000;
const REFRESH_EARLY_MS = 60_000;
const TRY_MAX_MS = 900_000;
const TIMER_MAX_MS = 2_000_000_000;

export class Link {
  private state: ClientState = 'idle';
  private current: Connection | undefined;
  private next: Connection | undefined;
  private cached: Credentials | undefined;
  private urlIndex = 0;
  private attempt = 0;
  private onlineSince = 0;
  private wasTokenRefused = false;
  /** `connect` goes with the handshake; after an attempt that failed so, not with the next one. */
  private isHelloEarly = true;
  /** The network takes handshakes and nothing after them: only a late `connect` finds that out. */
  private isNetworkMute = false;
  private pause: ReturnType<typeof setTimeout> | undefined;
  private refreshTimer: ReturnType<typeof setTimeout> | undefined;
  private tryTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly ways: WayChooser;
  private tryPauseMs: number;

  constructor(
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {
    this.ways = new WayChooser(options.fallbackAfter);
    this.tryPauseMs = options.webSocketRetryMs;
  }

  /** How the current connection came about; undefined while there is none. */
  get way(): Way | undefined {
    return this.current?.way;
  }

  /** The connection that calls go to; undefined while there is none. */
  get connection(): Connection | undefined {
    return this.current;
  }

  get currentState(): ClientState {
    return this.state;
  }

  start(): void {
    if (this.state === 'idle') void this.open();
  }

  stop(reason: string): void {
    clearTimeout(this.pause);
    clearTimeout(this.refreshTimer);
    clearTimeout(this.tryTimer);
    this.setState('closed', reason);
    this.next?.close();
    this.current?.close();
  }

  /** Tries at once, for example when the browser reports that it is online again. */
  hurry(): void {
    if (this.state !== 'waiting') return;
    clearTimeout(this.pause);
    void this.open();
  }

  /** A server asks to go: connect elsewhere first, then leave. */
  leave({ ms, url }: LeaveControl): void {
    if (this.next !== undefined) return;
    this.rotate(url);
    this.pause = setTimeout(() => void this.open(), Math.floor(this.options.random() * ms));
  }

  private setState(state: ClientState, reason: string): void {
    if (this.state === state) return;
    this.state = state;
    this.events.onState(state, reason);
  }

  private rotate(url?: string): void {
    const urls = this.cached?.urls ?? [];
    const wanted = url === undefined ? -1 : urls.indexOf(url);
    this.urlIndex = wanted >= 0 ? wanted : this.urlIndex + 1;
  }

  private async open(way = this.ways.next): Promise<void> {
    if (this.state === 'closed') return;
    if (this.current === undefined) this.setState('connecting', '');
    try {
      this.cached ??= await this.options.credentials();
      const subs = await this.events.prepare();
      const WebSocket = await this.socketFor(way);
      const { token, urls, sockjsUrls = [] } = this.cached;
      const list = way === 'sockjs' ? sockjsUrls : urls;
      const url = list[this.urlIndex % Math.max(1, list.length)];
      if (this.isStopped()) return;
      if (url === undefined) throw new RealtimeError('temporary', 'There is no gateway address.');
      this.connect({ way, url, WebSocket }, token, subs);
    } catch (thrown) {
      if (this.cached !== undefined) this.ways.failed(way, this.hasFallback());
      this.cached = undefined;
      if (this.wasTry(way)) this.scheduleTry();
      else this.retry('back-off', thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  private async socketFor(way: Way): Promise<WebSocketConstructor> {
    const { loadSockJs, WebSocket } = this.options;
    return way === 'sockjs' && loadSockJs !== undefined
      ? asWebSocket(await loadSockJs())
      : WebSocket;
  }

  private hasFallback(): boolean {
    const { sockjsUrls = [] } = this.cached ?? {};
    return this.options.loadSockJs !== undefined && sockjsUrls.length > 0;
  }

  private isStopped(): boolean {
    return this.state === 'closed';
  }

  private connect(
    { way, url, WebSocket }: { way: Way; url: string; WebSocket: WebSocketConstructor },
    token: string,
    subs: readonly SubscribeRequest[],
  ): void {
    const { openTimeoutMs, callTimeoutMs } = this.options;
    const encoding = way === 'sockjs' ? 'rt1.json' : this.options.encoding;
    const hello = {
      request: { c: 'connect', token, subs } as const,
      ok: (fields: Fields): void => {
        const result = parseConnectResult(fields);
        if (result === undefined) connection.close(1006, 'malformed connect reply');
        else this.connected(connection, result);
      },
      failed: (error: RealtimeError): void => connection.close(refusalCode(error), error.code),
    };
    const isHelloEarly = this.isHelloEarly && !this.isNetworkMute && way === 'websocket';
    const connection: Connection = new Connection(
      { way, url, encoding, WebSocket, openTimeoutMs, callTimeoutMs, hello, isHelloEarly },
      {
        onPush: (connection, push) => this.events.onPush(connection, push),
        onControl: (connection, control) => this.events.onControl(connection, control),
        onClosed: (connection, code, reason) => this.lost(connection, code, reason),
      },
    );
    this.next = connection;
  }

  private connected(connection: Connection, result: ConnectResult): void {
    const old = this.current;
    this.current = connection;
    this.next = undefined;
    this.wasTokenRefused = false;
    this.isHelloEarly = true;
    this.onlineSince = Date.now();
    this.ways.connected(connection.way);
    if (connection.way === 'sockjs') this.scheduleTry();
    else this.tryPauseMs = this.options.webSocketRetryMs;
    this.scheduleRefresh(result);
    this.events.onConnected(connection, result);
    this.setState('online', '');
    old?.close(1000, 'replaced');
  }

  private lost(connection: Connection, code: number, reason: string): void {
    this.events.onGone(connection);
    const wasCurrent = connection === this.current;
    if (!wasCurrent && connection !== this.next) return;
    if (wasCurrent) {
      this.isNetworkMute ||= connection.isMute;
      this.current = undefined;
      clearTimeout(this.refreshTimer);
      if (Date.now() - this.onlineSince > STABLE_MS) this.attempt = 0;
      if (this.next !== undefined) return; // its successor is on the way
    } else {
      this.next = undefined;
      this.rotate();
      // 4000 and above is a gateway's own word: this way works.
      if (code < 4000) {
        this.ways.failed(connection.way, this.hasFallback());
        this.isHelloEarly = !this.isHelloEarly;
      }
    }
    if (this.state === 'closed') return;
    if (this.wasTry(connection.way)) {
      this.scheduleTry();
      return;
    }
    const advice = adviseOnClose(code);
    if (code === 4001 && !this.wasTokenRefused) {
      // The token may have ended while we were away: one try with a new one.
      this.wasTokenRefused = true;
      this.cached = undefined;
      this.retry('at-once', reason);
    } else if (advice === 'stop') {
      this.stop(reason === '' ? String(code) : reason);
    } else {
      if (code === 4201 || this.attempt >= 3) this.cached = undefined;
      if (wasCurrent && advice === 'at-once') this.rotate();
      this.retry(advice, reason);
    }
  }

  private retry(advice: CloseAdvice, reason: string): void {
    if (this.state === 'closed') return;
    this.attempt += 1;
    const random = this.options.random();
    const ms = reconnectPause({ attempt: this.attempt, advice, random }, this.options.backoff);
    if (this.current === undefined) this.setState('waiting', reason);
    clearTimeout(this.pause);
    this.pause = setTimeout(() => void this.open(), ms ?? 0);
  }

  /** Whether an attempt was only to see if WebSocket works again; what we have goes on. */
  private wasTry(way: Way): boolean {
    return way === 'websocket' && this.current?.way === 'sockjs';
  }

  /** WebSocket costs both sides less: whoever is on SockJS looks now and then whether it works. */
  private scheduleTry(): void {
    clearTimeout(this.tryTimer);
    const ms = this.tryPauseMs * (0.5 + this.options.random() / 2);
    this.tryPauseMs = Math.min(TRY_MAX_MS, this.tryPauseMs * 2);
    this.tryTimer = setTimeout(() => {
      if (this.current?.way === 'sockjs' && this.next === undefined) void this.open('websocket');
    }, ms);
  }

  private scheduleRefresh({ exp, now }: ConnectResult): void {
    clearTimeout(this.refreshTimer);
    const ms = Math.min(TIMER_MAX_MS, Math.max(1_000, exp - now - REFRESH_EARLY_MS));
    this.refreshTimer = setTimeout(() => void this.refresh(), ms);
  }

  private async refresh(): Promise<void> {
    const connection = this.current;
    try {
      this.cached = await this.options.credentials();
      const fields = await connection?.call({ c: 'refresh', token: this.cached.token });
      const exp = fields?.['exp'];
      const now = fields?.['now'];
      if (connection !== this.current || typeof exp !== 'number' || typeof now !== 'number') return;
      clearTimeout(this.refreshTimer);
      const ms = Math.min(TIMER_MAX_MS, Math.max(1_000, exp - now - REFRESH_EARLY_MS));
      this.refreshTimer = setTimeout(() => void this.refresh(), ms);
    } catch {
      // The server closes with 4201 when the token ends; until then, once more in a while.
      this.refreshTimer = setTimeout(() => void this.refresh(), REFRESH_EARLY_MS / 4);
    }
  }
}

/** A refused connect as the close code that the server sends right after it. */
function refusalCode({ code }: RealtimeError): number {
  if (code === 'bad_token' || code === 'token_expired') return 4001;
  return code === 'banned' ? 4003 : 1006;
}
