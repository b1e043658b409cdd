// One RTMP connection below its commands: handshake, chunks, acknowledgements, pings, limits, and
// an end that is final. Used by RtmpSession. Invariants: nothing is handed up after the end began;
// `onClosed` comes once; what a peer makes us hold is bounded in both directions.

import type { Clock, Logger } from '../cluster/index.js';
import type { IngestOptions } from './ingest-options.js';
import type { ByteSocket } from './loopback.js';
import { ChunkReader } from './protocol/chunk-reader.js';
import { ChunkWriter } from './protocol/chunk-writer.js';
import { acknowledgement, parseControl, pingRequest, pingResponse } from './protocol/control.js';
import { ServerHandshake } from './protocol/handshake.js';
import { CSID_CONTROL, type RtmpMessage } from './protocol/message.js';
import { ProtocolError } from './protocol/protocol-error.js';

/** Why a connection ended; a closed set, also a metric label. */
export type EndCode =
  | 'peer-closed'
  | 'socket-error'
  | 'handshake-timeout'
  | 'command-timeout'
  | 'ping-timeout'
  | 'byte-cap'
  | 'send-queue'
  | 'protocol'
  | 'fault'
  | 'refused'
  | 'kicked'
  | 'replaced'
  | 'idle'
  | 'bitrate'
  | 'duration'
  | 'stalled'
  | 'unpublished'
  | 'stream-ended'
  | 'stopping';

export interface ConnectionEnd {
  readonly code: EndCode;
  /** For the log; never holds anything secret. */
  readonly detail?: string;
}

export interface ConnectionHandler {
  /** A message that is not protocol control. May throw ProtocolError to end the connection. */
  onMessage(message: RtmpMessage): void;
  /** All messages that arrived together were handed up. */
  onBatchEnd(): void;
  onClosed(end: ConnectionEnd): void;
}

export interface ConnectionOptions {
  readonly socket: ByteSocket;
  readonly limits: IngestOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly handler: ConnectionHandler;
}

const CHUNK_STREAMS_MAX = 32;
/** Until the peer names a window. ffmpeg and OBS name 2.5 MB. */
const ACK_WINDOW_DEFAULT = 2_500_000;
const ACK_WINDOW_MIN = 4_096;
/** From the final status to the hard end: enough for one slow round trip. */
const LINGER_MS = 500;
const KEEP_ALIVE_MS = 30_000;
const LAST_CONTROL_TYPE = 6;

export class RtmpConnection {
  readonly #socket: ByteSocket;
  readonly #limits: IngestOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #handler: ConnectionHandler;
  readonly #writer = new ChunkWriter();
  readonly #reader: ChunkReader;
  #handshake: ServerHandshake | undefined = new ServerHandshake();
  #isInputPaused = false;
  #isPumping = false;
  #isAuthorised = false;
  #end: ConnectionEnd | undefined;
  #allowedQueue = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #ackWindow = ACK_WINDOW_DEFAULT;
  #ackedBytes = 0;
  #heardAtMs: number;
  #pingedAtMs: number | undefined;
  readonly #openedAtMs: number;

  constructor(options: ConnectionOptions) {
    this.#socket = options.socket;
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#handler = options.handler;
    this.#openedAtMs = this.#heardAtMs = options.clock.monotonicMs();
    const { unauthorisedBytesMax } = options.limits;
    this.#reader = new ChunkReader({
      messageBytesMax: unauthorisedBytesMax,
      openBytesMax: unauthorisedBytesMax,
      chunkStreamsMax: CHUNK_STREAMS_MAX,
    });
    this.#listen();
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** Bytes that the peer has not taken yet. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  get isEnding(): boolean {
    return this.#end !== undefined;
  }

  get hasShakenHands(): boolean {
    return this.#handshake === undefined;
  }

  /** Stops handing messages up; what was read already waits, and the peer is held back by TCP. */
  pauseInput(): void {
    this.#isInputPaused = true;
    this.#socket.pause();
  }

  resumeInput(): void {
    if (!this.#isInputPaused || this.isEnding) return;
    this.#isInputPaused = false;
    this.#socket.resume();
    this.#pump();
  }

  /** The peer was accepted: the byte cap is off, and a publisher may send long messages. */
  authorise(role: 'publisher' | 'player'): void {
    this.#isAuthorised = true;
    if (role === 'player') return;
    this.#reader.limits.messageBytesMax = this.#limits.messageBytesMax;
    this.#reader.limits.openBytesMax = 2 * this.#limits.messageBytesMax;
  }

  send(csid: number, message: RtmpMessage): void {
    this.write(this.#writer.encode(csid, message));
    if (this.queuedBytes > this.#limits.controlQueueBytesMax + this.#allowedQueue) {
      this.destroy('send-queue');
    }
  }

  /** Media bytes may pile up to what the player's own limits allow. */
  allowQueue(bytes: number): void {
    this.#allowedQueue = bytes;
  }

  /** Writes bytes that are chunks already. */
  write(bytes: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#bytesOut += bytes.length;
    this.#socket.write(bytes);
  }

  /** Ends after what was sent: FIN, then destroyed. Input is thrown away from now on. */
  end(code: EndCode, detail?: string): void {
    if (this.isEnding) return;
    this.#end = connectionEnd(code, detail);
    this.#socket.end();
    // Unread input would turn the FIN into a reset, which can overtake the final status.
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), LINGER_MS);
  }

  /** Ends at once. */
  destroy(code: EndCode, detail?: string): void {
    this.#end ??= connectionEnd(code, detail);
    this.#socket.destroy();
  }

  /** Called every few hundred ms: handshake time-out and pings. */
  tick(nowMs: number): void {
    const { handshakeTimeoutMs, pingIntervalMs, pingTimeoutMs } = this.#limits;
    if (this.isEnding) return;
    if (!this.hasShakenHands) {
      if (nowMs - this.#openedAtMs > handshakeTimeoutMs) this.destroy('handshake-timeout');
      return;
    }
    if (this.#pingedAtMs !== undefined) {
      if (this.#heardAtMs >= this.#pingedAtMs) this.#pingedAtMs = undefined;
      else if (nowMs - this.#pingedAtMs > pingTimeoutMs) this.destroy('ping-timeout');
      return;
    }
    // A peer that is being held back cannot answer.
    if (this.#isInputPaused || nowMs - this.#heardAtMs < pingIntervalMs) return;
    this.#pingedAtMs = nowMs;
    this.send(CSID_CONTROL, pingRequest(nowMs >>> 0));
  }

  #listen(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (data: Buffer) => this.#receive(data));
    // Whoever read a PROXY header has left it paused.
    socket.resume();
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#end ??= connectionEnd('socket-error', error.code);
    });
    socket.on('close', () => {
      const end = (this.#end ??= { code: 'peer-closed' });
      this.#guard(() => this.#handler.onClosed(end));
    });
  }

  #receive(data: Buffer): void {
    this.#bytesIn += data.length;
    if (this.isEnding) return;
    this.#heardAtMs = this.#clock.monotonicMs();
    if (!this.#isAuthorised && this.#bytesIn > this.#limits.unauthorisedBytesMax) {
      this.destroy('byte-cap');
      return;
    }
    this.#guard(() => {
      const bytes = this.#shakeHands(data);
      if (bytes === undefined) return;
      this.#reader.push(bytes);
      this.#pump();
      // The socket reads into the same memory again.
      this.#reader.keep();
    });
  }

  /** What belongs to the chunk stream; undefined while the handshake goes on. */
  #shakeHands(data: Buffer): Buffer | undefined {
    const handshake = this.#handshake;
    if (handshake === undefined) return data;
    const answer = handshake.push(data);
    if (answer !== undefined) this.write(answer);
    if (!handshake.isDone) return undefined;
    this.#handshake = undefined;
    return handshake.rest;
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#guard(() => {
      while (!this.#isInputPaused && !this.isEnding) {
        const message = this.#reader.next();
        if (message === undefined) break;
        if (message.type <= LAST_CONTROL_TYPE) this.#control(message);
        else this.#handler.onMessage(message);
      }
      this.#acknowledge();
    });
    this.#isPumping = false;
    this.#guard(() => this.#handler.onBatchEnd());
  }

  #control(message: RtmpMessage): void {
    const event = parseControl(message);
    if (event.kind === 'windowAckSize') this.#ackWindow = Math.max(ACK_WINDOW_MIN, event.bytes);
    if (event.kind === 'pingRequest') this.send(CSID_CONTROL, pingResponse(event.timestampMs));
  }

  #acknowledge(): void {
    if (this.isEnding || this.#bytesIn - this.#ackedBytes < this.#ackWindow) return;
    this.#ackedBytes = this.#bytesIn;
    this.send(CSID_CONTROL, acknowledgement(this.#bytesIn));
  }

  /** Whatever goes wrong with one peer ends its connection and nothing else. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      if (thrown instanceof ProtocolError) {
        this.destroy('protocol', thrown.message);
        return;
      }
      this.#log.error({ event: 'rtmp.session.fault', err: thrown });
      this.destroy('fault');
    }
  }
}

function connectionEnd(code: EndCode, detail: string | undefined): ConnectionEnd {
  return detail === undefined ? { code } : { code, detail };
}
