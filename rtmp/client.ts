// An RTMP client for one connection that publishes or plays: restreaming, pulling between nodes,
// benchmarks and tests. Invariant: every promise settles, at the latest when the connection closes
// or the time is up.

import { connect as openSocket } from 'node:net';
import type { ByteSocket } from './loopback.js';
import type { AmfObject, AmfValue } from './protocol/amf0.js';
import { membersOf } from './protocol/amf0.js';
import { ChunkReader } from './protocol/chunk-reader.js';
import { ChunkWriter } from './protocol/chunk-writer.js';
import { command, parseCommand } from './protocol/commands.js';
import {
  acknowledgement,
  parseControl,
  pingResponse,
  setBufferLength,
  setChunkSize,
} from './protocol/control.js';
import { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO, FlvTag } from './protocol/flv.js';
import { ClientHandshake } from './protocol/handshake.js';
import * as rtmp from './protocol/message.js';

export interface RtmpClientOptions {
  readonly host: string;
  readonly port: number;
  readonly app: string;
  /** Default `rtmp://host:port/app`. */
  readonly tcUrl?: string;
  readonly flashVer?: string;
  /** Default: none. */
  readonly pageUrl?: string;
  /** Default: a TCP connection to host and port. */
  readonly socket?: ByteSocket;
  readonly hasDigest?: boolean;
  /** For each answer, ms. */
  readonly timeoutMs?: number;
}

/** The server answered with a status of level error, or not at all. */
export class RtmpStatusError extends Error {
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.name = 'RtmpStatusError';
    this.code = code;
  }
}

interface Waiter {
  readonly wants: (name: string, transactionId: number, code: string) => boolean;
  readonly resolve: (info: AmfObject) => void;
  readonly reject: (error: Error) => void;
}

const CHUNK_SIZE = 65_536;
const TIMEOUT_MS = 10_000;
const CSIDS = {
  [FLV_AUDIO]: rtmp.CSID_AUDIO,
  [FLV_VIDEO]: rtmp.CSID_VIDEO,
  [FLV_SCRIPT]: rtmp.CSID_DATA,
} as const;

export class RtmpClient {
  readonly socket: ByteSocket;
  /** Called for each tag while playing. */
  onTag: (tag: FlvTag) => void = () => undefined;
  /** Called for each onStatus, also those that a promise waits for. */
  onStatus: (code: string, description: string) => void = () => undefined;
  /** Called for each message before it is handled. */
  onMessage: (message: rtmp.RtmpMessage) => void = () => undefined;
  readonly closed: Promise<void>;
  readonly #options: RtmpClientOptions;
  readonly #writer = new ChunkWriter();
  readonly #reader = new ChunkReader({
    messageBytesMax: 16 << 20,
    openBytesMax: 64 << 20,
    chunkStreamsMax: 64,
  });
  readonly #handshake: ClientHandshake;
  readonly #waiters = new Set<Waiter>();
  #shaken: (() => void) | undefined;
  #failure: Error | undefined;
  #transaction = 0;
  #bytesIn = 0;
  #ackedBytes = 0;
  #ackWindow = 2_500_000;

  private constructor(options: RtmpClientOptions) {
    this.#options = options;
    this.#handshake = new ClientHandshake({ digest: options.hasDigest ?? false });
    const { host, port } = options;
    this.socket = options.socket ?? openSocket({ host, port, noDelay: true });
    this.socket.on('data', (data: Buffer) => this.#receive(data));
    this.socket.on('error', (error: Error) => this.#fail(error));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#fail(new RtmpStatusError('closed', 'the server closed the connection'));
        resolve();
      });
    });
  }

  /**
   * Opens a connection up to the accepted connect.
   * @throws RtmpStatusError or a socket error
   */
  static async open(options: RtmpClientOptions): Promise<RtmpClient> {
    const client = new RtmpClient(options);
    try {
      await client.#start();
    } catch (error) {
      client.socket.destroy();
      throw error;
    }
    return client;
  }

  /** @throws RtmpStatusError with the server's code and description */
  async publish(name: string): Promise<void> {
    // Not every server answers these two, and none needs them.
    this.send(rtmp.CSID_COMMAND, this.#command('releaseStream', [name], 0));
    this.send(rtmp.CSID_COMMAND, this.#command('FCPublish', [name], 0));
    await this.#call('createStream', []);
    const started = this.#wait((call) => call === 'onStatus');
    this.send(rtmp.CSID_COMMAND, this.#command('publish', [name, 'live'], 1));
    await started;
  }

  /** @throws RtmpStatusError with the server's code and description */
  async play(name: string): Promise<void> {
    await this.#call('createStream', []);
    const started = this.#wait(
      (call, _, code) => call === 'onStatus' && code !== 'NetStream.Play.Reset',
    );
    this.send(rtmp.CSID_COMMAND, this.#command('play', [name, -1000], 1));
    this.send(rtmp.CSID_CONTROL, setBufferLength(1, 3_000));
    await started;
  }

  /** Sends a tag; false when the socket's buffer is full. */
  sendTag(tag: FlvTag): boolean {
    const { type, timestampMs, payload } = tag;
    return this.send(CSIDS[type], { type, timestampMs, streamId: 1, payload });
  }

  send(csid: number, message: rtmp.RtmpMessage): boolean {
    return this.socket.write(this.#writer.encode(csid, message));
  }

  /** Says goodbye to a publish and closes. */
  unpublish(name: string): void {
    this.send(rtmp.CSID_COMMAND, this.#command('FCUnpublish', [name], 0));
    this.send(rtmp.CSID_COMMAND, this.#command('deleteStream', [1], 0));
    this.socket.end();
  }

  async #start(): Promise<void> {
    const {
      app,
      host,
      port,
      tcUrl,
      pageUrl,
      flashVer = 'FMLE/3.0 (compatible; showbill)',
    } = this.#options;
    const shaken = new Promise<void>((resolve) => (this.#shaken = resolve));
    this.socket.write(this.#handshake.hello());
    await this.#within(shaken);
    this.send(rtmp.CSID_CONTROL, setChunkSize(CHUNK_SIZE));
    const object = {
      app,
      type: 'nonprivate',
      flashVer,
      tcUrl: tcUrl ?? `rtmp://${host}:${port}/${app}`,
      ...(pageUrl === undefined ? {} : { pageUrl }),
    };
    const answered = this.#wait((_, transactionId) => transactionId === 1);
    this.#transaction = 1;
    this.send(rtmp.CSID_COMMAND, command('connect', 1, { object }));
    await answered;
  }

  async #call(name: string, args: readonly AmfValue[]): Promise<AmfObject> {
    const message = this.#command(name, args, 0);
    const transaction = this.#transaction;
    const answered = this.#wait((_, transactionId) => transactionId === transaction);
    this.send(rtmp.CSID_COMMAND, message);
    return answered;
  }

  #command(name: string, args: readonly AmfValue[], streamId: number): rtmp.RtmpMessage {
    return command(name, ++this.#transaction, { args, streamId });
  }

  #receive(data: Buffer): void {
    this.#bytesIn += data.length;
    try {
      let bytes = data;
      if (!this.#handshake.isDone) {
        const answer = this.#handshake.push(data);
        if (answer === undefined) return;
        this.socket.write(answer);
        bytes = this.#handshake.rest;
        this.#shaken?.();
      }
      this.#reader.push(bytes);
      for (let one = this.#reader.next(); one !== undefined; one = this.#reader.next()) {
        this.#handle(one);
      }
    } catch (error) {
      this.socket.destroy(error instanceof Error ? error : undefined);
      return;
    }
    if (this.#bytesIn - this.#ackedBytes < this.#ackWindow) return;
    this.#ackedBytes = this.#bytesIn;
    this.send(rtmp.CSID_CONTROL, acknowledgement(this.#bytesIn));
  }

  #handle(message: rtmp.RtmpMessage): void {
    const { type, timestampMs, payload } = message;
    this.onMessage(message);
    if (type === FLV_AUDIO || type === FLV_VIDEO || type === FLV_SCRIPT) {
      this.onTag(new FlvTag(type, timestampMs, payload));
    } else if (type === rtmp.MSG_COMMAND_AMF0) {
      this.#reply(message);
    } else {
      const event = parseControl(message);
      if (event.kind === 'windowAckSize') this.#ackWindow = Math.max(4_096, event.bytes / 2);
      if (event.kind === 'pingRequest') {
        this.send(rtmp.CSID_CONTROL, pingResponse(event.timestampMs));
      }
    }
  }

  #reply(message: rtmp.RtmpMessage): void {
    const reply = parseCommand(message);
    if (reply.kind !== 'reply') return;
    const info = reply.values.map(membersOf).findLast((value) => value !== undefined) ?? {};
    const code = typeof info['code'] === 'string' ? info['code'] : '';
    const description = typeof info['description'] === 'string' ? info['description'] : code;
    const isError = reply.name === '_error' || info['level'] === 'error';
    if (reply.name === 'onStatus') this.onStatus(code, description);
    for (const waiter of [...this.#waiters]) {
      if (!waiter.wants(reply.name, reply.transactionId, code)) continue;
      if (isError) waiter.reject(new RtmpStatusError(code, description));
      else waiter.resolve(info);
    }
  }

  async #wait(wants: Waiter['wants']): Promise<AmfObject> {
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, ...settle } = openPromise<AmfObject>();
    const waiter: Waiter = { wants, ...settle };
    this.#waiters.add(waiter);
    try {
      return await this.#within(promise);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  async #within<T>(promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let onClose: (() => void) | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new RtmpStatusError('timeout', 'the server does not answer')),
        this.#options.timeoutMs ?? TIMEOUT_MS,
      );
      onClose = () => reject(this.#failure ?? new RtmpStatusError('closed', 'closed'));
      this.socket.once('close', onClose);
    });
    try {
      return await Promise.race([promise, limit]);
    } finally {
      clearTimeout(timer);
      if (onClose !== undefined) this.socket.off('close', onClose);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiter of [...this.#waiters]) waiter.reject(this.#failure);
  }
}

function openPromise<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((accept, refuse) => {
    resolve = accept;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
