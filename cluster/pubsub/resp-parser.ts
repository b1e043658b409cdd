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
    const line = this.readLine();
    if (line === INCOMPLETE) return INCOMPLETE;
    switch (type) {
      case 0x2b: // +
        return line;
      case 0x2d: // -
        return new RespError(line);
      case 0x3a: // :
        return this.integer(line, Number.MAX_SAFE_INTEGER);
      case 0x24: // $
        return this.readBulk(this.integer(line, BULK_BYTES_MAX));
      default: // *
        return this.readArray(this.integer(line, ITEMS_MAX), depth);
    }
  }

  private readLine(): string | typeof INCOMPLETE {
    const end = this.buffer.indexOf(CR, this.at);
    const length = (end < 0 ? this.buffer.length : end) - this.at;
    if (length > LINE_BYTES_MAX) throw new RangeError('a RESP2 line without an end');
    if (end < 0 || end + 1 >= this.buffer.length) return INCOMPLETE;
    const line = this.buffer.toString('utf8', this.at + 1, end);
    this.at = end + 2;
    return line;
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

  private integer(line: string, max: number): number {
    const value = /^-?\d{1,16}$/.test(line) ? Number(line) : NaN;
    if (!(value <= max)) throw new RangeError(`not a RESP2 number: ${line.slice(0, 20)}`);
    return value;
  }
}

/** One command as an array of bulk strings. */
export function encodeCommand(parts: readonly string[]): string {
  const bulks = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${parts.length}\r\n${bulks.join('')}`;
}
