// One SockJS session as a Socket of the gateway: how much it holds back, when it takes more, how it
// ends. The package keeps what a client has not fetched yet in an unbounded list; this file is what
// bounds it, and the only one that looks into the package's session.
import type { ServerResponse } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import type { Connection } from 'sockjs';
import type { Frame } from '../protocol/index.js';
import type { Session } from '../session.js';
import type { SendResult, SessionEvents, Socket } from '../socket.js';
import { countOut, type Traffic } from '../traffic.js';

/** What the package (0.3) has inside a connection and its declarations lack. */
interface InnerSession {
  /** Messages that wait for the next request of the client. */
  readonly send_buffer: readonly string[];
  /** The request, stream or WebSocket that is open now; null between two polls. */
  readonly recv: Receiver | null;
  close(code: number, reason: string): boolean;
}

interface Receiver {
  doSendFrame(payload: string): boolean;
  readonly response?: ServerResponse | null;
  readonly connection?: TcpSocket | null;
}

export interface SockJsSocketOptions {
  readonly connection: Connection;
  readonly session: Session;
  readonly events: SessionEvents;
  readonly topics: Topics;
  readonly traffic: Traffic;
  /** Characters that a session may hold back. */
  readonly backpressureMax: number;
  readonly onGone: () => void;
}

/** Messages that may wait between two polls, however small. */
const HELD_MAX = 500;

export class SockJsSocket implements Socket {
  private readonly inner: InnerSession;
  private readonly mine = new Set<string>();
  private watched: ServerResponse | TcpSocket | undefined;
  private held = 0;
  private isBlocked = false;
  private isOpen = true;

  constructor(private readonly options: SockJsSocketOptions) {
    const { connection } = options;
    this.inner = (connection as unknown as { _session: InnerSession })._session;
    connection.on('close', () => this.finish(1006, ''));
    this.attached();
  }

  get session(): Session {
    return this.options.session;
  }

  send(frame: Frame): SendResult {
    if (typeof frame !== 'string') return 'dropped';
    if (!this.isOpen || !this.hasRoom(frame)) return 'dropped';
    return this.write(frame, undefined);
  }

  /** A topic's frame; `quoted` is the same frame as the package would write it. */
  deliver(frame: string, quoted: string): void {
    if (!this.isOpen) return;
    if (this.hasRoom(frame)) this.write(frame, quoted);
    else this.options.events.onDropped(this.options.session, frame);
  }

  bufferedBytes(): number {
    if (!this.isOpen) return 0;
    if (this.inner.send_buffer.length === 0) this.held = 0;
    return this.held + (this.stream()?.writableLength ?? 0);
  }

  subscribe(topic: string): void {
    if (!this.isOpen) return;
    this.mine.add(topic);
    this.options.topics.join(topic, this);
  }

  unsubscribe(topic: string): void {
    if (this.mine.delete(topic)) this.options.topics.leave(topic, this);
  }

  end(code: number, reason: string): void {
    if (!this.isOpen) return;
    const stream = this.stream();
    // A client that reads nothing would never see the goodbye, and would keep what it has not read.
    const isStalled = stream?.writableNeedDrain === true;
    this.finish(code, reason);
    this.inner.close(code, reason);
    if (isStalled) destroy(stream);
  }

  terminate(): void {
    this.end(1006, '');
    destroy(this.watched);
  }

  /** The client has come with another request, which may have taken what was held back. */
  attached(): void {
    const stream = this.stream();
    if (stream !== undefined && stream !== this.watched) {
      this.watched = stream;
      stream.on('drain', () => this.unblock());
    }
    this.unblock();
  }

  private stream(): ServerResponse | TcpSocket | undefined {
    const { recv } = this.inner;
    return recv?.response ?? recv?.connection ?? undefined;
  }

  private hasRoom(frame: string): boolean {
    const buffered = this.bufferedBytes();
    const { length } = this.inner.send_buffer;
    const isFull = buffered + frame.length > this.options.backpressureMax || length >= HELD_MAX;
    if (buffered === 0 || !isFull) return true;
    this.isBlocked = true;
    return false;
  }

  private write(frame: string, quoted: string | undefined): SendResult {
    const { recv, send_buffer: waiting } = this.inner;
    countOut(this.options.traffic, frame, 1);
    if (quoted !== undefined && recv !== null && waiting.length === 0) {
      recv.doSendFrame(`a[${quoted}]`);
    } else {
      if (recv === null) this.held = (waiting.length === 0 ? 0 : this.held) + frame.length;
      this.options.connection.write(frame);
    }
    const isWaiting = this.inner.send_buffer.length > 0 || this.stream()?.writableNeedDrain;
    if (isWaiting !== true) return 'sent';
    this.isBlocked = true;
    return 'queued';
  }

  private unblock(): void {
    if (!this.isBlocked || !this.isOpen) return;
    if (this.inner.send_buffer.length > 0 || this.stream()?.writableNeedDrain === true) return;
    this.isBlocked = false;
    this.options.events.onDrain(this.options.session);
  }

  private finish(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const topic of this.mine) this.options.topics.leave(topic, this);
    this.mine.clear();
    this.options.onGone();
    this.options.events.onClose(this.options.session, code, reason);
  }
}

/** Who listens to which topic. Publishing quotes a frame once, whatever the number of listeners. */
export class Topics {
  private readonly members = new Map<string, Set<SockJsSocket>>();

  join(topic: string, socket: SockJsSocket): void {
    const known = this.members.get(topic);
    if (known === undefined) this.members.set(topic, new Set([socket]));
    else known.add(socket);
  }

  leave(topic: string, socket: SockJsSocket): void {
    const known = this.members.get(topic);
    known?.delete(socket);
    if (known?.size === 0) this.members.delete(topic);
  }

  publish(topic: string, frame: Frame): void {
    const known = this.members.get(topic);
    if (known === undefined || typeof frame !== 'string') return;
    const quoted = quote(frame);
    for (const socket of known) socket.deliver(frame, quoted);
  }
}

// eslint-disable-next-line no-control-regex
const ESCAPED = /[\x00-\x1f\ud800-\udfff\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]/g;

/**
 * A JSON string that survives every transport: what old browsers' parsers lose is escaped
 * (sockjs-protocol 0.3.3, section "Unicode").
 */
export function quote(text: string): string {
  return JSON.stringify(text).replace(
    ESCAPED,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function destroy(stream: ServerResponse | TcpSocket | undefined): void {
  if (stream === undefined) return;
  if ('socket' in stream) stream.socket?.destroy();
  else stream.destroy();
}
