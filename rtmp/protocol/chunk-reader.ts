// Chunk stream to messages. Pull-based: `push` bytes, then call `next` until it gives nothing; a
// caller that stops calling `next` (an undecided publish) keeps the rest unparsed. Memory is
// bounded by the limits.
// Reference: Adobe RTMP 1.0, 5.3 (chunks), 5.4.1–5.4.2 (set chunk size, abort), which act in here.

import type { RtmpMessage } from './message.js';
import { MSG_ABORT, MSG_SET_CHUNK_SIZE } from './message.js';
import { ProtocolError } from './protocol-error.js';

export interface ChunkReaderLimits {
  /** Longest message, bytes. A caller may raise it after it has authenticated the peer. */
  messageBytesMax: number;
  /** Chunk streams of one connection; encoders use four to six. */
  chunkStreamsMax: number;
  /** Sum of the lengths of all messages that have begun and not ended, bytes. */
  openBytesMax: number;
}

const DEFAULT_CHUNK_SIZE = 128;
/** No message is longer than 24 bits can say, so larger chunks mean nothing (5.4.1). */
const CHUNK_SIZE_MAX = 0xffffff;
const EXTENDED = 0xffffff;
const NOTHING = Buffer.alloc(0);
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const;

interface ChunkStream {
  hasHeader: boolean;
  timestamp: number;
  delta: number;
  /** Value of the last extended timestamp field, or undefined when the last header had none. */
  extended: number | undefined;
  length: number;
  type: number;
  streamId: number;
  payload: Buffer | undefined;
  filled: number;
}

export class ChunkReader {
  readonly limits: ChunkReaderLimits;
  readonly #streams = new Map<number, ChunkStream>();
  #input: Buffer = NOTHING;
  #at = 0;
  #chunkSize = DEFAULT_CHUNK_SIZE;
  #openBytes = 0;
  /** The chunk whose payload is being read. */
  #current: ChunkStream | undefined;
  #currentLeft = 0;

  constructor(limits: ChunkReaderLimits) {
    this.limits = limits;
  }

  /** Bytes that were pushed and not parsed yet. */
  get bufferedBytes(): number {
    return this.#input.length - this.#at;
  }

  /** Takes bytes that stay as they are until `keep`, or for as long as the reader lives. */
  push(data: Buffer): void {
    this.#input =
      this.#at >= this.#input.length ? data : Buffer.concat([this.#input.subarray(this.#at), data]);
    this.#at = 0;
  }

  /** Copies what is not parsed yet, so that the pushed buffer can be used for something else. */
  keep(): void {
    const { length } = this.#input;
    this.#input = this.#at >= length ? NOTHING : Buffer.from(this.#input.subarray(this.#at));
    this.#at = 0;
  }

  /**
   * The next complete message, or undefined when more bytes are needed.
   * @throws ProtocolError; the reader is unusable afterwards
   */
  next(): RtmpMessage | undefined {
    for (;;) {
      if (this.#current === undefined && !this.#readHeader()) return undefined;
      const stream = this.#current;
      if (stream === undefined) return undefined;
      if (!this.#readPayload(stream)) return undefined;
      this.#current = undefined;
      if (stream.filled < stream.length) continue;
      const message = this.#finish(stream);
      if (message.type === MSG_SET_CHUNK_SIZE) this.#setChunkSize(message.payload);
      else if (message.type === MSG_ABORT) this.#abort(message.payload);
      else return message;
    }
  }

  /**
   * Parses one chunk header when all its bytes are there, and starts its message if it opens one.
   */
  #readHeader(): boolean {
    const input = this.#input;
    let at = this.#at;
    const available = input.length;
    if (at >= available) return false;
    const first = input.readUInt8(at++);
    const format = first >> 6;
    let csid = first & 0x3f;
    if (csid < 2) {
      if (at + csid >= available) return false;
      csid = csid === 0 ? input.readUInt8(at) + 64 : input.readUInt16LE(at) + 64;
      at += (first & 0x3f) + 1;
    }
    const headerBytes = MESSAGE_HEADER_BYTES[format] ?? 0;
    if (at + headerBytes > available) return false;
    const stream = this.#streams.get(csid);
    if (format === 3) return this.#readContinuation(csid, at);

    const field = input.readUIntBE(at, 3);
    const isExtended = field === EXTENDED;
    if (isExtended && at + headerBytes + 4 > available) return false;
    if (stream?.payload !== undefined) {
      throw new ProtocolError('CHUNK_HEADER_INSIDE_MESSAGE', `new message inside one on ${csid}`);
    }
    const target = stream ?? this.#open(csid);
    if (format !== 0 && !target.hasHeader) {
      throw new ProtocolError('CHUNK_NO_HEADER', `chunk stream ${csid} begins without a header`);
    }
    if (format < 2) {
      target.length = input.readUIntBE(at + 3, 3);
      target.type = input.readUInt8(at + 6);
    }
    if (format === 0) target.streamId = input.readUInt32LE(at + 7);
    at += headerBytes;
    const time = isExtended ? input.readUInt32BE(at) : field;
    target.extended = isExtended ? time : undefined;
    // A type 3 chunk that opens a message repeats this field as its delta, also behind type 0
    // (5.3.1.2.4).
    target.delta = time;
    target.timestamp = (format === 0 ? time : target.timestamp + time) >>> 0;
    target.hasHeader = true;
    this.#at = isExtended ? at + 4 : at;
    this.#begin(target);
    return true;
  }

  #readContinuation(csid: number, at: number): boolean {
    const stream = this.#streams.get(csid);
    if (stream?.hasHeader !== true) {
      throw new ProtocolError('CHUNK_NO_HEADER', `chunk stream ${csid} begins without a header`);
    }
    const isInside = stream.payload !== undefined;
    if (stream.extended !== undefined) {
      if (at + 4 > this.#input.length) return false;
      // Some encoders leave the extended timestamp out of the later chunks of a message, so it is
      // taken only when it repeats the known value.
      if (!isInside || this.#input.readUInt32BE(at) === stream.extended) at += 4;
    }
    this.#at = at;
    if (isInside) {
      this.#current = stream;
      this.#currentLeft = Math.min(this.#chunkSize, stream.length - stream.filled);
    } else {
      stream.timestamp = (stream.timestamp + stream.delta) >>> 0;
      this.#begin(stream);
    }
    return true;
  }

  #open(csid: number): ChunkStream {
    if (this.#streams.size >= this.limits.chunkStreamsMax) {
      throw new ProtocolError('CHUNK_STREAMS_MAX', 'too many chunk streams');
    }
    const stream: ChunkStream = {
      hasHeader: false,
      timestamp: 0,
      delta: 0,
      extended: undefined,
      length: 0,
      type: 0,
      streamId: 0,
      payload: undefined,
      filled: 0,
    };
    this.#streams.set(csid, stream);
    return stream;
  }

  #begin(stream: ChunkStream): void {
    const { length } = stream;
    if (length > this.limits.messageBytesMax) {
      throw new ProtocolError('MESSAGE_TOO_LONG', `message of ${length} bytes`);
    }
    this.#openBytes += length;
    if (this.#openBytes > this.limits.openBytesMax) {
      throw new ProtocolError('MESSAGE_TOO_LONG', 'too many bytes in unfinished messages');
    }
    stream.payload = Buffer.allocUnsafe(length);
    stream.filled = 0;
    this.#current = stream;
    this.#currentLeft = Math.min(this.#chunkSize, length);
  }

  /** Copies what is there; true when the current chunk is complete. */
  #readPayload(stream: ChunkStream): boolean {
    const bytes = Math.min(this.#currentLeft, this.#input.length - this.#at);
    if (bytes > 0 && stream.payload !== undefined) {
      this.#input.copy(stream.payload, stream.filled, this.#at, this.#at + bytes);
      stream.filled += bytes;
      this.#at += bytes;
      this.#currentLeft -= bytes;
    }
    return this.#currentLeft === 0;
  }

  #finish(stream: ChunkStream): RtmpMessage {
    const { type, timestamp, streamId, payload } = stream;
    this.#openBytes -= stream.length;
    stream.payload = undefined;
    stream.filled = 0;
    return { type, timestampMs: timestamp, streamId, payload: payload ?? Buffer.alloc(0) };
  }

  #setChunkSize(payload: Buffer): void {
    const size = payload.length >= 4 ? payload.readUInt32BE(0) : 0;
    if (size < 1 || size > CHUNK_SIZE_MAX) {
      throw new ProtocolError('CHUNK_SIZE_INVALID', `chunk size ${size}`);
    }
    this.#chunkSize = size;
  }

  #abort(payload: Buffer): void {
    if (payload.length < 4) throw new ProtocolError('MESSAGE_MALFORMED', 'abort without an id');
    const stream = this.#streams.get(payload.readUInt32BE(0));
    if (stream?.payload === undefined) return;
    this.#openBytes -= stream.length;
    stream.payload = undefined;
    stream.filled = 0;
  }
}
