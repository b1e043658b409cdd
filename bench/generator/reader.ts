// One client: a raw TCP socket that upgrades, joins and then counts. Thousands of them share one
// read buffer, so that reading allocates nothing.
import { connect, type Socket } from 'node:net';
import { nextAddress } from './addresses.js';
import { clientFrame, opcodes, upgradeRequest } from './client-frames.js';
import type { Dialect, Introduction, Witness } from './dialects.js';
import { FrameScanner } from './frame-scanner.js';

export interface ReaderOptions {
  readonly dialect: Dialect;
  /** Number of the reader within its group. */
  readonly index: number;
  readonly host: string;
  readonly port: number;
  /** Decodes everything it gets. */
  readonly witness?: Witness | undefined;
  /** Called instead when the link ends after joining. */
  readonly onLost: (reader: Reader) => void;
}

const sharedBuffer = Buffer.allocUnsafeSlow(256 * 1_024);
const PONG = clientFrame(opcodes.pong, '');
const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_MAX = 8_192;

export class Reader {
  readonly scanner: FrameScanner;
  isLost = false;
  /** Messages of the witness when counting began. */
  messagesBefore = 0;
  private readonly socket: Socket;
  private head: Buffer | undefined = Buffer.alloc(0);
  private framesSeen = 0;
  private isJoined = false;
  private readonly accept: string;
  private readonly introduction: Introduction;

  constructor(
    private readonly options: ReaderOptions,
    private readonly settle: { resolve: () => void; reject: (why: Error) => void },
  ) {
    this.scanner = new FrameScanner({
      onFrame: (_opcode, payload) => this.onFrame(payload),
      onControl: (opcode) => this.onControl(opcode),
    });
    const { host, port, dialect, index } = options;
    this.introduction = dialect.introduce(index);
    const request = upgradeRequest({
      host: `${host}:${port}`,
      path: dialect.path(index),
      offer: this.introduction.offer,
    });
    this.accept = request.accept;
    this.socket = connect({
      ...{ host, port, localAddress: nextAddress(), noDelay: true },
      onread: {
        buffer: sharedBuffer,
        callback: (length, data) => {
          this.onData(data as Buffer, length);
          return true;
        },
      },
    });
    this.socket.once('connect', () => this.socket.write(request.text));
    this.socket.once('error', (error) => this.fail(error));
    this.socket.once('close', () => this.fail(new Error('the server closed the connection')));
  }

  get witness(): Witness | undefined {
    return this.options.witness;
  }

  /** Stops reading: the kernel's buffers fill, then the server's. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  send(frame: Buffer): void {
    this.socket.write(frame);
  }

  close(): void {
    this.isLost = true;
    this.socket.destroy();
  }

  private onData(data: Buffer, length: number): void {
    if (this.head === undefined) {
      this.scanner.push(data, 0, length);
      return;
    }
    this.head = Buffer.concat([this.head, data.subarray(0, length)]);
    const end = this.head.indexOf(HEAD_END);
    if (end < 0) {
      if (this.head.length > HEAD_MAX) this.fail(new Error('no end of the response head'));
      return;
    }
    const head = this.head.toString('latin1', 0, end);
    const rest = this.head.subarray(end + HEAD_END.length);
    this.head = undefined;
    if (!head.startsWith('HTTP/1.1 101') || !head.includes(this.accept)) {
      this.fail(new Error(`upgrade refused: ${head.split('\r\n', 1)[0] ?? ''}`));
      return;
    }
    for (const frame of this.introduction.frames) this.socket.write(frame);
    if (this.introduction.isQuiet === true) this.joined();
    this.scanner.push(rest, 0, rest.length);
  }

  private onFrame(payload: Buffer): void {
    if (this.isJoined) {
      this.options.witness?.take(payload);
      return;
    }
    this.framesSeen += 1;
    try {
      const { isJoined, frames } = this.options.dialect.join(this.framesSeen, payload);
      for (const frame of frames) this.socket.write(frame);
      if (isJoined) this.joined();
    } catch (thrown) {
      this.fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  private joined(): void {
    this.isJoined = true;
    this.scanner.isGathering = this.options.witness !== undefined;
    this.settle.resolve();
  }

  private onControl(opcode: number): void {
    if (opcode === opcodes.ping) this.socket.write(PONG);
  }

  private fail(why: Error): void {
    if (this.isLost) return;
    this.isLost = true;
    this.socket.destroy();
    if (this.isJoined) this.options.onLost(this);
    else this.settle.reject(why);
  }
}

/** Resolves when the reader has joined. @throws Error with what the server said */
export function openReader(options: ReaderOptions): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const reader: Reader = new Reader(options, {
      resolve: () => queueMicrotask(() => resolve(reader)),
      reject,
    });
  });
}
