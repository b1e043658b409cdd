// A worker's listener and its clients' sockets over modelled links: frames take their time, keep
// their order within a link, and overtake each other between links. A client that does not read
// fills the kernel's window, then the worker's buffer. A cut link is noticed by both ends, the
// worker's later.
import type { SeededRandom } from '../../../cluster/testing/index.js';
import type { SocketEvent, WebSocketConstructor, WebSocketLike } from '../../client/web-socket.js';
import type { Gateway } from '../../gateway.js';
import { readOffer, type Frame } from '../../protocol/index.js';
import { Session } from '../../session.js';
import { ModelSocket } from './model-socket.js';
import type { VirtualTime } from './virtual-time.js';

const DELAY_MAX_MS = 30;
/** What the kernels of both ends take from a client that does not read. */
const WINDOW_BYTES = 2_000;
const LIMITS = { limitBytes: 3_000, corkBytes: 16_384 };

export interface Network {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  /** The worker at an address; undefined while nobody listens there. */
  workerAt(url: string): WorkerPort | undefined;
}

export class WorkerPort {
  readonly links = new Set<Link>();
  isListening = true;
  private sessionCount = 0;

  constructor(
    readonly gateway: Gateway,
    private readonly network: Network,
  ) {
    gateway.addPublisher({
      publish: (topic, frame) => {
        for (const { socket } of this.links) if (socket.topics.has(topic)) socket.hold(frame);
        if (this.links.size > 0) network.time.after(0, () => this.endTick());
      },
    });
  }

  accept(link: Link): Session {
    this.sessionCount += 1;
    const session = new Session({
      ...{ id: String(this.sessionCount), encoding: 'rt1.msgpack', transport: 'websocket' },
      ...{ address: '', openedAtMs: this.network.time.nowMs },
    });
    session.socket = link.socket;
    this.links.add(link);
    this.gateway.events.onOpen(session);
    return session;
  }

  /** The process is gone; nobody says goodbye. */
  kill(): void {
    this.isListening = false;
    for (const link of [...this.links]) link.cut(false);
  }

  private endTick(): void {
    for (const { socket } of [...this.links]) socket.drain();
  }
}

/** One connection, with the client's end of it. */
export class Link implements WebSocketLike {
  binaryType = 'arraybuffer';
  readonly protocol = 'rt1.msgpack';
  readonly socket: ModelSocket;
  private readonly listeners = new Map<string, ((event: SocketEvent) => void)[]>();
  private readonly waiting: Frame[] = [];
  /** Frames that have arrived at a client that does not read. */
  private readonly unread: Frame[] = [];
  private windowBytes = 0;
  private downMs = 0;
  private upMs = 0;
  private isClosed = false;
  private isStalled = false;
  private ending: { readonly code: number; readonly reason: string } | undefined;
  private port: WorkerPort | undefined;
  private session: Session | undefined;

  constructor(
    private readonly network: Network,
    readonly url: string,
    private readonly protocols: readonly string[],
  ) {
    this.socket = new ModelSocket(
      {
        onDropped: (frame) => {
          if (this.session !== undefined) this.port?.gateway.events.onDropped(this.session, frame);
        },
        onTaken: (frame) => {
          this.waiting.push(frame);
          this.fillWindow();
        },
        onEnd: (code, reason) => {
          this.ending = { code, reason };
          this.leavePort(code, reason);
          this.fillWindow();
        },
      },
      LIMITS,
    );
    this.later('down', () => this.open());
  }

  addEventListener(type: string, listener: (event: SocketEvent) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  send(data: string | Uint8Array): void {
    const frame = typeof data === 'string' ? data : Buffer.from(data);
    this.later('up', () => {
      if (this.session !== undefined) this.port?.gateway.events.onFrame(this.session, frame);
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.later('up', () => this.leavePort(1000, ''));
  }

  stall(): void {
    this.isStalled = true;
  }

  resume(): void {
    this.isStalled = false;
    for (const frame of this.unread.splice(0)) this.arrive(frame);
  }

  /** @param isNoticed the worker hears of it too, after a while */
  cut(isNoticed = true): void {
    const { time, random } = this.network;
    if (isNoticed) time.after(random.int(0, 3_000), () => this.leavePort(1006, ''));
    else this.port?.links.delete(this);
    this.closeClient(1006, '');
  }

  private open(): void {
    if (this.isClosed) return;
    const port = this.network.workerAt(this.url);
    if (port?.isListening !== true) {
      this.closeClient(1006, '');
      return;
    }
    this.port = port;
    this.session = port.accept(this);
    this.emit({ type: 'open' });
    const first = readOffer(this.protocols.join(', '))?.first;
    if (first === undefined) return;
    port.gateway.events.onFrame(this.session, Buffer.from(first, 'base64url'));
  }

  private fillWindow(): void {
    const before = this.socket.buffered;
    while (this.windowBytes < WINDOW_BYTES) {
      const frame = this.waiting.shift();
      if (frame === undefined) break;
      this.windowBytes += frame.length;
      this.socket.buffered -= frame.length;
      this.later('down', () => this.arrive(frame));
    }
    const { session, ending } = this;
    if (ending !== undefined && this.waiting.length === 0) {
      this.later('down', () => this.closeClient(ending.code, ending.reason));
    } else if (session !== undefined && before > 0 && this.socket.buffered < before) {
      this.network.time.after(0, () => {
        if (!session.isEnded) this.port?.gateway.events.onDrain(session);
      });
    }
  }

  private arrive(frame: Frame): void {
    if (this.isStalled) {
      this.unread.push(frame);
      return;
    }
    this.windowBytes -= frame.length;
    if (!this.isClosed) this.emit({ type: 'message', data: frame });
    this.fillWindow();
  }

  private leavePort(code: number, reason: string): void {
    const { session, port } = this;
    this.port = undefined;
    if (session === undefined || port?.links.delete(this) !== true) return;
    port.gateway.events.onClose(session, code, reason);
  }

  private closeClient(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.emit({ type: 'close', code, reason });
  }

  private emit(event: SocketEvent): void {
    for (const listener of this.listeners.get(event.type) ?? []) listener(event);
  }

  /** In order within one direction. */
  private later(way: 'up' | 'down', work: () => void): void {
    const { time, random } = this.network;
    const wanted = time.nowMs + random.int(1, DELAY_MAX_MS);
    const atMs = Math.max(wanted, way === 'up' ? this.upMs : this.downMs);
    if (way === 'up') this.upMs = atMs;
    else this.downMs = atMs;
    time.after(atMs - time.nowMs, work);
  }
}

/** The constructor that one client gets; `onLink` hears of every connection that it makes. */
export function webSocketOf(network: Network, onLink: (link: Link) => void): WebSocketConstructor {
  return class extends Link {
    constructor(url: string, protocols: string[]) {
      super(network, url, protocols);
      onLink(this);
    }
  };
}
