// The fallback for browsers behind proxies that break WebSockets: rt1.json through the sockjs
// package on an HTTP listener of its own. To the rest of the gateway its sessions look like any
// other socket: same limits, same topics, same way of treating slow readers.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import sockjs, { type Connection } from 'sockjs';
import { coerceError, randomId, type Logger } from '../../cluster/index.js';
import { retryAfterSec, type Refusal } from '../admission.js';
import type { AddressOf } from '../client-address.js';
import type { GatewayMetrics } from '../metrics.js';
import { limits } from '../protocol/index.js';
import { Session } from '../session.js';
import type { SessionEvents, TopicPublisher } from '../socket.js';
import { countIn } from '../traffic.js';
import { takeProxyHeaders } from './proxied-connections.js';
import {
  headerOf,
  limitBody,
  parseTarget,
  refuse,
  SOCKJS_PREFIX,
  type SockJsTarget,
} from './sockjs-request.js';
import { SockJsSocket, Topics } from './sockjs-socket.js';

export interface SockJsTransportOptions {
  readonly events: SessionEvents;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly addressOf: AddressOf;
  /** Balancers whose PROXY header is read; default none. */
  readonly isProxy?: (address: string) => boolean;
  readonly isOriginAllowed: (origin: string, host: string) => boolean;
  /** Why no connection is taken now; undefined = welcome. Counts the attempt. */
  readonly admit: (address: string) => Refusal | undefined;
  /**
   * Base address of this worker alone, as browsers see it; `/info` hands it out, so that all
   * requests of a session come here without a sticky balancer. '' = the one that they asked.
   */
  readonly baseUrl: (port: number) => string;
  readonly idleTimeoutSec: number;
  /** Default 64 KiB: what a slow reader may hold back before it is taken off live delivery. */
  readonly backpressureBytes?: number;
  /** Default 25 s. */
  readonly heartbeatMs?: number;
}

export interface SockJsTransport extends TopicPublisher {
  /** Resolves to the port. */
  listen(host: string, port: number): Promise<number>;
  /** Lets goodbyes be read for at most a second, then cuts what is left. */
  close(): Promise<void>;
}

type Handler = (req: IncomingMessage, res: ServerResponse | Duplex, head?: Buffer) => boolean;

const CLOSE_MS = 1_000;
const HEARTBEAT_MS = 25_000;
/** A session that has no request open for this long is over (sockjs-protocol 0.3.3). */
const DISCONNECT_MS = 5_000;

export function createSockJsTransport(options: SockJsTransportOptions): SockJsTransport {
  return new Transport(options);
}

class Transport implements SockJsTransport {
  private readonly topics = new Topics();
  /** By the id in the path; WebSockets have none that matters. */
  private readonly sockets = new Map<string, SockJsSocket>();
  private readonly http: Server;
  private readonly handle: Handler;
  private port = 0;

  constructor(private readonly options: SockJsTransportOptions) {
    const { log, heartbeatMs = HEARTBEAT_MS, idleTimeoutSec } = options;
    const settings = {
      prefix: SOCKJS_PREFIX,
      heartbeat_delay: heartbeatMs,
      disconnect_delay: DISCONNECT_MS,
      base_url: () => this.options.baseUrl(this.port) || undefined,
      faye_server_options: { maxLength: 8 * limits.frameBytesMax },
      log(severity: string, message: string) {
        if (severity === 'error') log.warn({ event: 'sockjs.error', message });
      },
    };
    const server = sockjs.createServer(settings);
    server.on('connection', (connection: Connection | null) => {
      if (connection !== null) this.opened(connection);
    });
    this.handle = handlerOf(server);
    this.http = createServer({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: HEARTBEAT_MS,
      maxHeaderSize: limits.frameBytesMax,
    });
    // Heartbeats keep a good link alive; this ends one whose peer takes nothing any more.
    this.http.setTimeout(Math.max(idleTimeoutSec * 1_000, 2 * heartbeatMs));
    const { isProxy = () => false } = options;
    takeProxyHeaders(this.http, { isProxy, log });
    this.http.on('request', (req, res) => this.request(req, res));
    this.http.on('upgrade', (req, socket, head) => this.upgrade(req, socket, head));
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.http.once('error', reject);
      this.http.listen(port, host, () => {
        this.port = (this.http.address() as AddressInfo).port;
        resolve(this.port);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      const cut = setTimeout(() => this.http.closeAllConnections(), CLOSE_MS);
      this.http.close(() => {
        clearTimeout(cut);
        resolve();
      });
      this.http.closeIdleConnections();
    });
  }

  publish(topic: string, frame: Uint8Array | string): void {
    this.topics.publish(topic, frame);
  }

  private request(req: IncomingMessage, res: ServerResponse): void {
    const target = this.accept(req, res);
    if (target === undefined || !limitBody(req, res)) return;
    this.pass(req, res);
    if (target.kind === 'receive') this.sockets.get(target.session)?.attached();
  }

  private upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (this.accept(req, socket) !== undefined) this.pass(req, socket, head);
  }

  /** Undefined when the request has been answered: it may not go further. */
  private accept(req: IncomingMessage, answer: ServerResponse | Duplex): SockJsTarget | undefined {
    const { isOriginAllowed, admit, addressOf, metrics } = this.options;
    const target = parseTarget(req.url ?? '');
    if (target === undefined) {
      refuse(answer, 404, 'not found');
      return undefined;
    }
    if (!isOriginAllowed(headerOf(req, 'origin'), headerOf(req, 'host'))) {
      metrics.rejects.inc({ reason: 'origin' });
      refuse(answer, 403, 'origin');
      return undefined;
    }
    const address = addressOf(req.socket.remoteAddress ?? '', headerOf(req, 'x-forwarded-for'));
    const isNew = target.kind === 'receive' && !this.isRunning(target);
    const obstacle = isNew && req.method !== 'OPTIONS' ? admit(address) : undefined;
    if (obstacle === undefined) return target;
    metrics.rejects.inc({ reason: obstacle });
    refuse(answer, 503, obstacle, retryAfterSec());
    return undefined;
  }

  /** A poll or stream of a session that was let in; each WebSocket is a session of its own. */
  private isRunning({ session, transport }: { session: string; transport: string }): boolean {
    return transport !== 'websocket' && this.sockets.has(session);
  }

  private pass(req: IncomingMessage, answer: ServerResponse | Duplex, head?: Buffer): void {
    try {
      this.handle(req, answer, head);
    } catch (thrown) {
      this.options.log.warn({ event: 'sockjs.refused', err: coerceError(thrown) });
      answer.destroy();
    }
  }

  private opened(connection: Connection): void {
    const { addressOf, nowMs, events, backpressureBytes = 65_536 } = this.options;
    const session = new Session({
      id: randomId(9),
      encoding: 'rt1.json',
      transport: 'sockjs',
      address: addressOf(connection.remoteAddress, connection.headers['x-forwarded-for'] ?? ''),
      openedAtMs: nowMs(),
    });
    const target = parseTarget(connection.url);
    const id = target?.kind === 'receive' && target.transport !== 'websocket' ? target.session : '';
    const socket = new SockJsSocket({
      connection,
      session,
      events,
      topics: this.topics,
      traffic: this.options.metrics.traffic.sockjs,
      backpressureMax: backpressureBytes,
      onGone: () => this.sockets.delete(id),
    });
    if (id !== '') this.sockets.set(id, socket);
    session.socket = socket;
    connection.on('data', (message: unknown) => this.received(socket, message));
    events.onOpen(session);
  }

  private received(socket: SockJsSocket, message: unknown): void {
    const { session } = socket;
    if (session.isEnded) return;
    const text = typeof message === 'string' ? message : '';
    const bytes = Buffer.byteLength(text);
    countIn(this.options.metrics.traffic.sockjs, bytes);
    if (bytes > limits.frameBytesMax) socket.end(1009, 'frame too large');
    else this.options.events.onFrame(session, text);
  }
}

interface WithListener {
  listener(): { getHandler(): Handler };
}

/** The package's own `listener`, which its declarations lack: it leaves our HTTP server alone. */
function handlerOf(server: sockjs.Server): Handler {
  return (server as unknown as WithListener).listener().getHandler();
}
