// Wraps packed messages into pushes, byte for byte as the protocol's codecs would write them,
// without
// unpacking: the hot path of delivery. One encoding per message, worker and sub-protocol.
import { unpackTail, type LatestPacket, type Tail, type VolatilePacket } from './packet.js';
import { packValue } from './protocol/index.js';

const FIXARRAY = 0x90;
const HEAD_MAX = 1 + 9 + 9 + 9;
const head = Buffer.allocUnsafe(HEAD_MAX);

function writeUint(value: number, at: number): number {
  if (value < 0x80) {
    head[at] = value;
    return at + 1;
  }
  if (value < 0x100) {
    head[at] = 0xcc;
    head[at + 1] = value;
    return at + 2;
  }
  if (value < 0x10000) {
    head[at] = 0xcd;
    head.writeUInt16BE(value, at + 1);
    return at + 3;
  }
  if (value < 2 ** 32) {
    head[at] = 0xce;
    head.writeUInt32BE(value, at + 1);
    return at + 5;
  }
  head[at] = 0xcb; // as msgpackr writes larger integers
  head.writeDoubleBE(value, at + 1);
  return at + 9;
}

function withHead(
  place: { readonly alias: number; readonly offset: number; readonly ts: number },
  tail: Tail,
  more: readonly Uint8Array[] = [],
): Buffer {
  const elements = place.offset > 0 ? 6 : 5 + more.length;
  head[0] = FIXARRAY + elements;
  let length = writeUint(place.alias, 1);
  length = writeUint(place.offset, length);
  length = writeUint(place.ts, length);
  const size = length + tail.length + more.reduce((sum, part) => sum + part.length, 0);
  const push = Buffer.allocUnsafe(size);
  head.copy(push, 0, 0, length);
  tail.copy(push, length);
  let at = length + tail.length;
  for (const part of more) {
    push.set(part, at);
    at += part.length;
  }
  return push;
}

/** `[alias, offset, ts, kind, body, mid]` */
export function encodeReliable(
  place: { readonly alias: number; readonly offset: number; readonly ts: number },
  tail: Tail,
): Buffer {
  return withHead(place, tail);
}

/** `[alias, 0, ts, kind, body, version, key]` */
export function encodeLatest(alias: number, { ts, tail, version, key }: LatestPacket): Buffer {
  return withHead({ alias, offset: 0, ts }, tail, [packValue(version), packValue(key)]);
}

/** `[alias, 0, ts, kind, body]` */
export function encodeVolatile(alias: number, { ts, tail }: Omit<VolatilePacket, 'cls'>): Buffer {
  return withHead({ alias, offset: 0, ts }, tail);
}

export function reliableJson(
  { alias, offset, ts }: { readonly alias: number; readonly offset: number; readonly ts: number },
  tail: Tail,
): string {
  const { kind, body, mid } = unpackTail(tail);
  return JSON.stringify([alias, offset, ts, kind, body, mid]);
}

export function latestJson(alias: number, { ts, tail, version, key }: LatestPacket): string {
  const { kind, body } = unpackTail(tail);
  return JSON.stringify([alias, 0, ts, kind, body, version, key]);
}

export function volatileJson(alias: number, { ts, tail }: Omit<VolatilePacket, 'cls'>): string {
  const { kind, body } = unpackTail(tail);
  return JSON.stringify([alias, 0, ts, kind, body]);
}
