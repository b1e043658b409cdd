// WebSockets through uWebSockets.js, and the only file that knows it. Copies what the library
// lends, checks handshakes, turns its callbacks into session events. Nothing is called on a socket
// after its close.
import uWS from 'uWebSockets.js';
import { randomId, type Logger } from '../../cluster/index.js';
import { retryAfterSec, type Refusal } from '../admission.js';
import type { AddressOf } from '../client-address.js';
import { isSameFrame } from '../flush-log.js';
import type { GatewayMetrics } from '../metrics.js';
import { countIn, countOut, type Traffic } from '../traffic.js';
import { limits, readOffer, type Frame, type Subprotocol } from '../protocol/index.js';
import { Session } from '../session.js';
import type { SendResult, SessionEvents, Socket, TopicPublisher } from '../socket.js';

export interface UwsTransportOptions {
  readonly events: SessionEvents;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly addressOf: AddressOf;
  /** Balancers whose X-Forwarded-For is read. */
  readonly isProxy: (address: string) => boolean;
  /** Not asked of clients that name no origin: those are no browsers. */
  readonly isOriginAllowed: (origin: string, host: string) => boolean;
  /** Why no connection is taken now; undefined = welcome. Counts the attempt. */
  readonly admit: (address: string) => Refusal | undefined;
  readonly idleTimeoutSec: number;
  /** Default 64 KiB: what a slow reader may hold back before it is taken off live delivery. */
  readonly backpressureBytes?: number;
}

export interface UwsTransport extends TopicPublisher {
  /** @param isShared several workers of this host listen on the same port. Resolves to the port. */
  listen(host: string, port: number, isShared: boolean): Promise<number>;
  /** Takes no new connections; open ones stay. */
  stopListening(): void;
  close(): void;
}

/** Properties of the library's own object, set as the first thing when the socket is open. */
interface UserData {
  session: Session;
}
type UwsSocket = uWS.WebSocket<UserData>;

/**
 * Keeps a socket that leaves a topic known to the topic tree: leaving its last one within a
 * callback would free it there. Those who leave none do without, at 0.1 KB less each.
 */
const ANCHOR_TOPIC = '*';

class UwsHandle implements Socket {
  isOpen = true;
  /** What is being sent to this socket alone. */
  sending: Frame | undefined;
  private isAnchored = false;

  constructor(
    private readonly ws: UwsSocket,
    private readonly isBinary: boolean,
    private readonly traffic: Traffic,
  ) {}

  send(frame: Frame): SendResult {
    if (!this.isOpen) return 'dropped';
    this.sending = frame;
    const result = this.ws.send(frame, this.isBinary);
    this.sending = undefined;
    if (result !== 2) countOut(this.traffic, frame, 1);
    return result === 1 ? 'sent' : result === 0 ? 'queued' : 'dropped';
  }

  bufferedBytes(): number {
    return this.isOpen ? this.ws.getBufferedAmount() : 0;
  }

  subscribe(topic: string): void {
    if (this.isOpen) this.ws.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    if (!this.isOpen) return;
    if (!this.isAnchored) this.ws.subscribe(ANCHOR_TOPIC);
    this.isAnchored = true;
    this.ws.unsubscribe(topic);
  }

  end(code: number, reason: string): void {
    if (!this.isOpen) return;
    // A socket with a full buffer would never see the goodbye.
    if (this.ws.getBufferedAmount() > 0) this.ws.close();
    else this.ws.end(code, reason);
  }

  terminate(): void {
    if (this.isOpen) this.ws.close();
  }
}

const noHandle = { sending: undefined };

export function createUwsTransport(options: UwsTransportOptions): UwsTransport {
  const { events, metrics, idleTimeoutSec, backpressureBytes = 65_536 } = options;
  const traffic = metrics.traffic.websocket;
  const app = uWS.App();
  const listening: uWS.us_listen_socket[] = [];

  app.ws<UserData>('/*', {
    maxPayloadLength: limits.frameBytesMax,
    maxBackpressure: backpressureBytes,
    idleTimeout: idleTimeoutSec,
    sendPingsAutomatically: true,
    compression: uWS.DISABLED,
    upgrade: (res, req, context) => upgrade(options, res, req, context),
    open(ws) {
      const { session } = opening;
      ws.getUserData().session = session;
      session.socket = new UwsHandle(ws, session.isBinary, traffic);
      events.onOpen(session);
    },
    message(ws, message, isBinary) {
      countIn(traffic, message.byteLength);
      const frame = isBinary ? new Uint8Array(message) : Buffer.from(message).toString('utf8');
      events.onFrame(ws.getUserData().session, frame);
    },
    dropped(ws, message, isBinary) {
      const frame = isBinary ? Buffer.from(message) : Buffer.from(message).toString('utf8');
      const { session } = ws.getUserData();
      // A refused `send` is told by its result; nothing of a topic is missing because of it.
      const { sending } = session.socket instanceof UwsHandle ? session.socket : noHandle;
      if (sending === undefined || !isSameFrame(sending, frame)) events.onDropped(session, frame);
    },
    drain: (ws) => events.onDrain(ws.getUserData().session),
    close(ws, code, message) {
      const session = ws.getUserData().session;
      if (session.socket instanceof UwsHandle) session.socket.isOpen = false;
      events.onClose(session, code, Buffer.from(message).toString('utf8'));
    },
  });
  app.any('/*', (res) => {
    res.writeStatus('426 Upgrade Required').writeHeader('upgrade', 'websocket').end();
  });

  return {
    listen: (host, port, isShared) =>
      new Promise((resolve, reject) => {
        const exclusive = isShared ? 0 : 1; // LIBUS_LISTEN_EXCLUSIVE_PORT: no SO_REUSEPORT
        const listen = app.listen.bind(app) as unknown as ListenWithHost;
        listen(host, port, exclusive, (socket) => {
          if (socket === false) {
            reject(new Error(`port ${port} is taken or not allowed`));
            return;
          }
          listening.push(socket);
          resolve(uWS.us_socket_local_port(socket));
        });
      }),
    stopListening() {
      for (const socket of listening.splice(0)) uWS.us_listen_socket_close(socket);
    },
    close() {
      listening.length = 0;
      app.close();
    },
    publish(topic, frame) {
      const listeners = app.numSubscribers(topic);
      if (listeners === 0) return;
      countOut(traffic, frame, listeners);
      app.publish(topic, frame, typeof frame !== 'string');
    },
  };
}

/**
 * Whose socket is opened: `open` is called before `upgrade` returns. The library would copy user
 * data property by property, at a microsecond each.
 */
const opening = {} as UserData;

/**
 * A handshake: refused with a status that says why, or a session. The request is read before it
 * dies.
 */
function upgrade(
  options: UwsTransportOptions,
  res: uWS.HttpResponse,
  req: uWS.HttpRequest,
  context: uWS.us_socket_context_t,
): void {
  const { events, metrics, isOriginAllowed, admit, addressOf, isProxy } = options;
  const refuse = (status: string, reason: string): void => {
    metrics.rejects.inc({ reason });
    res.writeStatus(status);
    if (status.startsWith('503')) res.writeHeader('retry-after', String(retryAfterSec()));
    res.end(reason);
  };
  const offer = readOffer(req.getHeader('sec-websocket-protocol'));
  if (offer === undefined) {
    refuse('400 Bad Request', 'subprotocol');
    return;
  }
  const origin = req.getHeader('origin');
  if (origin !== '' && !isOriginAllowed(origin, req.getHeader('host'))) {
    refuse('403 Forbidden', 'origin');
    return;
  }
  const peer = textOf(res.getRemoteAddressAsText());
  const address = addressOf(
    peer,
    isProxy(peer) ? allLinesOf(req, 'x-forwarded-for') : '',
    // The library reads a PROXY header (version 2) of any peer; addressOf minds who it is.
    () => textOf(res.getProxiedRemoteAddressAsText()),
  );
  const obstacle = admit(address);
  if (obstacle !== undefined) {
    refuse('503 Service Unavailable', obstacle);
    return;
  }
  const { protocol, first } = offer;
  const session = newSession(options, protocol, address);
  const key = req.getHeader('sec-websocket-key');
  opening.session = session;
  res.upgrade({}, key, protocol, '', context);
  // The socket is open now, and what is sent before this returns leaves with the handshake.
  if (first === undefined) return;
  const frame = frameOf(first, session.isBinary);
  countIn(metrics.traffic.websocket, frame.length);
  events.onFrame(session, frame);
}

/** A frame is done with when its event is: one buffer serves all. */
const firstFrame = Buffer.allocUnsafeSlow(limits.frameBytesMax);

function frameOf(first: string, isBinary: boolean): Frame {
  const length = firstFrame.write(first, 'base64url');
  return isBinary ? firstFrame.subarray(0, length) : firstFrame.toString('utf8', 0, length);
}

/** A balancer adds a line of its own after what the client sent; getHeader gives the first one. */
function allLinesOf(req: uWS.HttpRequest, name: string): string {
  const lines: string[] = [];
  req.forEach((key, value) => {
    if (key === name) lines.push(value);
  });
  return lines.join(',');
}

function newSession(
  { nowMs }: UwsTransportOptions,
  encoding: Subprotocol,
  address: string,
): Session {
  return new Session({
    id: randomId(9),
    encoding,
    transport: 'websocket',
    address,
    openedAtMs: nowMs(),
  });
}

function textOf(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('latin1');
}

/** The form with host and options, which the library has and its declarations lack. */
type ListenWithHost = (
  host: string,
  port: number,
  options: number,
  done: (socket: uWS.us_listen_socket | false) => void,
) => void;
