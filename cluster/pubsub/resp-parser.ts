// Incremental parser of the Redis serialisation protocol, version 2, for subscriber connections.
// ioredis is not used for these: it takes an unasked-for "sunsubscribe" (a slot has moved) for the
// reply to another command, and never settles an SSUBSCRIBE that was answered with MOVED.
// Specification: redis.io/docs/latest/develop/reference/protocol-spec.

/** An error reply, as a value: who asked decides what it means. */
export class RespError {
  constructor(readonly message: string) {}
}

/** Bulk strings are copies, so that keeping a small one does not keep a whole network buffer. */
export type RespValue = string | number | null | RespError | Buffer | RespValue[];

const TYPES: ReadonlySet<number> = new Set(Buffer.from('+-:$*'));
const CR = 0x0d;
const MINUS = 0x2d;
const ZERO = 0x30;
const DIGITS_MAX = 16;
const EMPTY = Buffer.alloc(0);
const INCOMPLETE = Symbol('incomplete');

/** No reply that we ask for is longer; a longer one means that this is not a Redis. */
const BULK_BYTES_MAX = 64 * 1024 * 1024;
const LINE_BYTES_MAX = 64 * 1024;
const ITEMS_MAX = 1_000_000;
const DEPTH_MAX = 8;

/** Feed it chunks in order; it calls `onValue` once per whole reply. */
export class RespParser {
  private buffer: Buffer = EMPTY;
  private at = 0;
  /** Chunks not yet joined to the buffer: parsing is pointless before there are `needed` bytes. */
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  private needed = 0;

  constructor(private readonly onValue: (value: RespValue) => void) {}

  /** @throws RangeError on bytes that are not RESP2; the connection is then useless. */
  push(chunk: Buffer): void {
    this.waiting.push(chunk);
    this.waitingBytes += chunk.length;
    if (this.buffer.length + this.waitingBytes < this.needed) return;
    this.join();
    while (this.buffer.length > 0) {
      this.at = 0;
      const value = this.read(0);
      if (value === INCOMPLETE) break;
      this.buffer = this.at === this.buffer.length ? EMPTY : this.buffer.subarray(this.at);
      this.needed = 0;
      this.onValue(value);
    }
  }

  private join(): void {
    const [only] = this.waiting;
    const isOne = this.buffer.length === 0 && this.waiting.length === 1 && only !== undefined;
    this.buffer = isOne ? only : Buffer.concat([this.buffer, ...this.waiting]);
    this.waiting.length = 0;
    this.waitingBytes = 0;
  }

  private read(depth: number): RespValue | typeof INCOMPLETE {
    const type = this.buffer[this.at];
    if (type === undefined || !TYPES.has(type))
      throw new RangeError(`not a RESP2 type: ${type ?? ''}`);
    const end = this.lineEnd();
    if (end < 0) return INCOMPLETE;
    const start = this.at + 1;
    this.at = end + 2;
    switch (type) {
      case 0x2b: // +
        return this.buffer.toString('utf8', start, end);
      case 0x2d: // -
        return new RespError(this.buffer.toString('utf8', start, end));
      case 0x3a: // :
        return this.integer(start, end, Number.MAX_SAFE_INTEGER);
      case 0x24: // $
        return this.readBulk(this.integer(start, end, BULK_BYTES_MAX));
      default: // *
        return this.readArray(this.integer(start, end, ITEMS_MAX), depth);
    }
  }

  /** Where the carriage return of this line is; -1 = its end has not come yet. */
  private lineEnd(): number {
    const end = this.buffer.indexOf(CR, this.at);
    const length = (end < 0 ? this.buffer.length : end) - this.at;
    if (length > LINE_BYTES_MAX) throw new RangeError('a RESP2 line without an end');
    return end + 1 < this.buffer.length ? end : -1;
  }

  private readBulk(length: number): Buffer | null | typeof INCOMPLETE {
    if (length < 0) return null;
    const end = this.at + length;
    if (this.buffer.length < end + 2) {
      this.needed = end + 2;
      return INCOMPLETE;
    }
    const bulk = Buffer.from(this.buffer.subarray(this.at, end));
    this.at = end + 2;
    return bulk;
  }

  private readArray(length: number, depth: number): RespValue[] | null | typeof INCOMPLETE {
    if (length < 0) return null;
    if (depth >= DEPTH_MAX) throw new RangeError('RESP2 arrays nested too deeply');
    const items: RespValue[] = [];
    while (items.length < length) {
      if (this.at >= this.buffer.length) return INCOMPLETE;
      const item = this.read(depth + 1);
      if (item === INCOMPLETE) return INCOMPLETE;
      items.push(item);
    }
    return items;
  }

  /** Of the digits between two places: every value has one, so no text is made of them. */
  private integer(start: number, end: number, max: number): number {
    const { buffer } = this;
    const first = buffer[start] === MINUS ? start + 1 : start;
    let value = first < end && end - first <= DIGITS_MAX ? 0 : NaN;
    for (let at = first; at < end; at += 1) {
      const digit = (buffer[at] ?? 0) - ZERO;
      value = digit >= 0 && digit <= 9 ? value * 10 + digit : NaN;
    }
    if (first > start) value = -value;
    if (value <= max) return value;
    throw new RangeError(`not a RESP2 number: ${buffer.toString('utf8', start, start + 20)}`);
  }
}

/** One command as an array of bulk strings. */
export function encodeCommand(parts: readonly string[]): string {
  const bulks = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${parts.length}\r\n${bulks.join('')}`;
}
