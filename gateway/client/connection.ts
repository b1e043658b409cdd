// One socket to one gateway: frames, calls with time-outs, liveness. Knows nothing of reconnecting.
// Invariant: after `onClosed` nothing more is reported, and every open call has been answered.
import {
  codecOf,
  isPush,
  limits,
  offerOf,
  parseServerMessage,
  type ClientCommand,
  type Codec,
  type Control,
  type ErrorReply,
  type Fields,
  type OkReply,
  type Push,
  type Subprotocol,
} from '../protocol/index.js';
import { RealtimeError } from './errors.js';
import type { Way } from './way.js';
import { frameOf, type WebSocketConstructor, type WebSocketLike } from './web-socket.js';

export interface ConnectionEvents {
  onPush(connection: Connection, push: Push): void;
  onControl(connection: Connection, control: Control): void;
  onClosed(connection: Connection, code: number, reason: string): void;
}

export interface ConnectionOptions {
  readonly way: Way;
  readonly url: string;
  readonly encoding: Subprotocol;
  readonly WebSocket: WebSocketConstructor;
  readonly openTimeoutMs: number;
  readonly callTimeoutMs: number;
  /** The first command. */
  readonly hello: { readonly request: Request } & Answer;
  /** Send it with the handshake where it fits. */
  readonly isHelloEarly: boolean;
}

/** How a call ended. Called before the next message of the same frame is looked at. */
export interface Answer {
  readonly ok: (fields: Fields) => void;
  readonly failed: (error: RealtimeError) => void;
}

interface Call extends Answer {
  deadline: number;
}

type WithoutId<C> = C extends ClientCommand ? Omit<C, 'i'> : never;
export type Request = WithoutId<ClientCommand>;

const SWEEP_MS = 1_000;
const HELLO_ID = 1;

export class Connection {
  private readonly socket: WebSocketLike;
  private readonly codec: Codec;
  private readonly calls = new Map<number, Call>();
  private readonly sweeper: ReturnType<typeof setInterval>;
  private readonly openDeadline: number;
  private queue: ClientCommand[] = [];
  private nextId = HELLO_ID;
  private lastHeard = Date.now();
  private isOpen = false;
  private isClosed = false;
  private isPinging = false;
  /** The first command went with the handshake. */
  private isHelloGone = false;
  /** Something that was sent on the open socket was answered. */
  private isHeard = false;
  private wasUnheard = false;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly events: ConnectionEvents,
  ) {
    this.codec = codecOf(options.encoding);
    this.openDeadline = Date.now() + options.openTimeoutMs;
    const hello = this.numbered(options.hello.request, options.hello);
    const { encoding } = options;
    const offer = options.isHelloEarly ? offerOf(encoding, this.codec.encode([hello])) : [encoding];
    this.socket = new options.WebSocket(options.url, offer);
    this.socket.binaryType = 'arraybuffer';
    this.socket.addEventListener('open', () => {
      if (this.isClosed) return;
      this.isOpen = true;
      this.lastHeard = Date.now();
      // Opening has a time limit of its own.
      const deadline = this.lastHeard + options.callTimeoutMs;
      for (const call of this.calls.values()) call.deadline = deadline;
      this.begin(hello, offer);
    });
    this.socket.addEventListener('message', (event) => this.receive(event.data));
    this.socket.addEventListener('close', (event) =>
      this.finish(event.code ?? 1006, event.reason ?? ''),
    );
    this.socket.addEventListener('error', () => undefined); // a close event follows
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS);
  }

  get way(): Way {
    return this.options.way;
  }

  get url(): string {
    return this.options.url;
  }

  /** Ended because nothing that was sent on the open socket was ever answered. */
  get isMute(): boolean {
    return this.wasUnheard;
  }

  /** Sends a command; commands of one turn share a frame. */
  request(request: Request, { ok, failed }: Answer): void {
    if (this.isClosed) {
      failed(new RealtimeError('closed', 'The link is lost.'));
      return;
    }
    if (this.queue.length === 0) queueMicrotask(() => this.flush());
    this.queue.push(this.numbered(request, { ok, failed }));
  }

  /** The same as a promise; rejects with a RealtimeError. */
  call(request: Request): Promise<Fields> {
    return new Promise((resolve, reject) => {
      this.request(request, { ok: resolve, failed: reject });
    });
  }

  /** Ends the connection; `onClosed` is called before this returns. */
  close(code = 1000, reason = ''): void {
    this.socket.close(code >= 3000 || code === 1000 ? code : 1000);
    this.finish(code, reason);
  }

  private numbered(request: Request, { ok, failed }: Answer): ClientCommand {
    const i = this.nextId;
    this.nextId += 1;
    this.calls.set(i, { ok, failed, deadline: Date.now() + this.options.callTimeoutMs });
    return { ...request, i };
  }

  /** Sends the first command if it has not gone with the handshake. */
  private begin(hello: ClientCommand, offer: readonly string[]): void {
    this.isHelloGone = offer.length > 1 && this.socket.protocol === this.options.encoding;
    if (!this.isHelloGone) this.queue.unshift(hello);
    this.flush();
  }

  private flush(): void {
    if (!this.isOpen || this.isClosed) return;
    const commands = this.queue;
    this.queue = [];
    for (let at = 0; at < commands.length;) {
      const batch = this.fill(commands, at);
      const frame = this.codec.encode(batch);
      this.socket.send(typeof frame === 'string' ? frame : new Uint8Array(frame));
      at += batch.length;
    }
  }

  /** As many commands as the server takes in one frame. */
  private fill(commands: readonly ClientCommand[], from: number): ClientCommand[] {
    const batch: ClientCommand[] = [];
    let bytes = 2;
    for (const command of commands.slice(from, from + limits.commandsPerFrameMax)) {
      const frame = this.codec.encode([command]);
      const size = typeof frame === 'string' ? frame.length * 3 : frame.length;
      if (batch.length > 0 && bytes + size > limits.frameBytesMax) break;
      bytes += size + 1;
      batch.push(command);
    }
    return batch;
  }

  private receive(data: unknown): void {
    if (this.isClosed) return;
    this.lastHeard = Date.now();
    const frame = frameOf(data);
    const decoded = frame === undefined ? undefined : this.codec.decode(frame);
    if (decoded?.ok !== true) return;
    for (const item of decoded.items) {
      const message = parseServerMessage(item);
      if (message === undefined) continue;
      if (isPush(message)) this.events.onPush(this, message);
      else if ('p' in message) this.events.onControl(this, message);
      else this.answer(message);
      if (this.hasEnded()) return; // a handler closed this connection
    }
  }

  private hasEnded(): boolean {
    return this.isClosed;
  }

  private answer(reply: OkReply | ErrorReply): void {
    const call = this.calls.get(reply.i);
    if (call === undefined) return;
    this.calls.delete(reply.i);
    this.isHeard ||= reply.i !== HELLO_ID || !this.isHelloGone;
    if ('e' in reply) call.failed(RealtimeError.fromTuple(reply.e));
    else call.ok(reply.r);
  }

  private sweep(): void {
    const now = Date.now();
    if (!this.isOpen) {
      if (now >= this.openDeadline) this.close(1006, 'no answer');
      return;
    }
    for (const [i, call] of this.calls) {
      if (call.deadline > now) continue;
      this.calls.delete(i);
      call.failed(new RealtimeError('timeout', 'The server did not answer in time.'));
      if (!this.isHeard) this.giveUp('nothing is answered');
    }
    const quietMs = now - this.lastHeard;
    if (this.isClosed) return;
    if (quietMs > limits.quietMs + limits.pongDeadlineMs) {
      this.giveUp('the server is silent');
    } else if (quietMs > limits.quietMs && !this.isPinging) {
      this.isPinging = true;
      const done = (): void => {
        this.isPinging = false;
      };
      this.request({ c: 'ping' }, { ok: done, failed: done });
    }
  }

  private giveUp(reason: string): void {
    this.wasUnheard ||= !this.isClosed && !this.isHeard;
    this.close(1006, reason);
  }

  private finish(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.sweeper);
    const calls = [...this.calls.values()];
    this.calls.clear();
    for (const call of calls) call.failed(new RealtimeError('closed', 'The link is lost.'));
    this.events.onClosed(this, code, reason);
  }
}
