// What travels on a channel's feed in Redis and rests in its history: a few fixed fields around
// messages that stay packed (MessagePack of kind, body, and mid, one after another) from sender to
// socket. Layouts are written by lua/sequence-batch.lua and lua/set-latest.lua (big endian).
import { packValue, unpackValues, type Body, type MessageKind } from './protocol/index.js';

/** Kind, body and, for reliable messages, mid: MessagePack values without an array around them. */
export type Tail = Buffer;

export interface ReliablePacket {
  readonly cls: 'reliable';
  readonly epoch: string;
  /** Offset of the first message; the others follow without a gap. */
  readonly first: number;
  readonly ts: number;
  readonly tails: readonly Tail[];
}

export interface LatestPacket {
  readonly cls: 'latest';
  readonly key: string;
  readonly version: number;
  readonly ts: number;
  readonly tail: Tail;
}

export interface VolatilePacket {
  readonly cls: 'volatile';
  readonly ts: number;
  readonly tail: Tail;
}

export type Packet = ReliablePacket | LatestPacket | VolatilePacket;

const RELIABLE = 1;
const LATEST = 2;
const VOLATILE = 3;

export function packTail(kind: MessageKind, body: Body, mid?: string): Tail {
  const parts = [packValue(kind), packValue(body)];
  if (mid !== undefined) parts.push(packValue(mid));
  return Buffer.concat(parts);
}

export interface UnpackedTail {
  readonly kind: MessageKind;
  readonly body: Body;
  readonly mid: string;
}

export function unpackTail(tail: Uint8Array): UnpackedTail {
  const [kind, body, mid] = unpackValues(tail);
  return { kind: kind as MessageKind, body: body as Body, mid: typeof mid === 'string' ? mid : '' };
}

/** The one-letter kind at the start of a tail, without unpacking it. */
export function kindOfTail(tail: Uint8Array): string {
  return String.fromCharCode(tail[1] ?? 0);
}

function readUint64(data: Buffer, at: number): number {
  return data.readUInt32BE(at) * 2 ** 32 + data.readUInt32BE(at + 4);
}

function writeUint64(data: Buffer, value: number, at: number): void {
  data.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  data.writeUInt32BE(value % 2 ** 32, at + 4);
}

/** Volatile messages are packed here; the other classes by their scripts. */
export function packVolatile(ts: number, tail: Tail): Buffer {
  const packet = Buffer.allocUnsafe(9 + tail.length);
  packet[0] = VOLATILE;
  writeUint64(packet, ts, 1);
  tail.copy(packet, 9);
  return packet;
}

/**
 * Parses a packet from the feed; undefined when it is of a newer kind. Tails share `data`'s memory.
 */
export function parsePacket(data: Buffer): Packet | undefined {
  switch (data[0]) {
    case RELIABLE:
      return parseReliable(data);
    case LATEST: {
      const keyEnd = 2 + (data[1] ?? 0);
      const key = data.toString('latin1', 2, keyEnd);
      return { cls: 'latest', key, ...parseValue(data.subarray(keyEnd)) };
    }
    case VOLATILE:
      return { cls: 'volatile', ts: readUint64(data, 1), tail: data.subarray(9) };
    default:
      return undefined;
  }
}

function parseReliable(data: Buffer): ReliablePacket {
  let at = 2 + (data[1] ?? 0);
  const epoch = data.toString('latin1', 2, at);
  const first = readUint64(data, at);
  const ts = readUint64(data, at + 8);
  const count = data.readUInt32BE(at + 16);
  at += 20;
  const tails: Tail[] = [];
  for (let left = count; left > 0; left -= 1) {
    const end = at + 4 + data.readUInt32BE(at);
    tails.push(data.subarray(at + 4, end));
    at = end;
  }
  return { cls: 'reliable', epoch, first, ts, tails };
}

/** An entry of a channel's history. */
export function parseEntry(entry: Buffer): { readonly ts: number; readonly tail: Tail } {
  return { ts: readUint64(entry, 0), tail: entry.subarray(8) };
}

/** A latest value as it is stored. */
export function parseValue(value: Buffer): { version: number; ts: number; tail: Tail } {
  return { version: readUint64(value, 0), ts: readUint64(value, 8), tail: value.subarray(16) };
}
