// The two encodings of rt1. A frame is a batch: MessagePack values one after another, or a JSON
// array. Invariant: decode never throws and does no work beyond the size of its input.
import { Packr } from 'msgpackr';
import { limits } from './limits.js';
import { scanMsgpack } from './msgpack-scan.js';
import type { ClientCommand, ServerMessage } from './messages.js';

export const subprotocols = ['rt1.msgpack', 'rt1.json'] as const;
export type Subprotocol = (typeof subprotocols)[number];

export type Frame = Uint8Array | string;

export type DecodeResult =
  | { readonly ok: true; readonly items: readonly unknown[] }
  | { readonly ok: false; readonly reason: string };

export interface DecodeLimits {
  /** Most values in one frame. */
  readonly itemsMax: number;
  readonly depthMax: number;
}

export interface Codec {
  readonly name: Subprotocol;
  readonly isBinary: boolean;
  /** One frame with all messages of the batch, in order. */
  encode(batch: readonly (ClientCommand | ServerMessage)[]): Frame;
  /** Values of a frame, still to be checked one by one. */
  decode(frame: Frame, bounds?: DecodeLimits): DecodeResult;
}

// Plain MessagePack: no records, no extensions, maps with the shortest header, undefined as nil.
const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
  int64AsType: 'number',
});

const SERVER_FRAME: DecodeLimits = { itemsMax: 1_000_000, depthMax: 32 };

/** What a server accepts from a client. */
export const clientFrameLimits: DecodeLimits = {
  itemsMax: limits.commandsPerFrameMax,
  depthMax: limits.depthMax,
};

/**
 * One MessagePack value, as it stands in rt1.msgpack frames. May share memory with other results.
 */
export function packValue(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** Reads back values that this code base packed; throws on anything else. */
export function unpackValues(data: Uint8Array): unknown[] {
  return packr.unpackMultiple(data);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const msgpackCodec: Codec = {
  name: 'rt1.msgpack',
  isBinary: true,
  encode: (batch) => join(batch.map(packValue)),
  decode(frame, bounds = SERVER_FRAME) {
    if (typeof frame === 'string') return { ok: false, reason: 'a text frame in rt1.msgpack' };
    const scan = scanMsgpack(frame, bounds);
    if (!scan.ok) return scan;
    try {
      return { ok: true, items: frame.length === 0 ? [] : packr.unpackMultiple(frame) };
    } catch {
      return { ok: false, reason: 'not MessagePack' };
    }
  },
};

export const jsonCodec: Codec = {
  name: 'rt1.json',
  isBinary: false,
  encode: (batch) => JSON.stringify(batch),
  decode(frame, bounds = SERVER_FRAME) {
    if (typeof frame !== 'string') return { ok: false, reason: 'a binary frame in rt1.json' };
    let value: unknown;
    try {
      value = JSON.parse(frame);
    } catch {
      return { ok: false, reason: 'not JSON' };
    }
    if (!Array.isArray(value)) return { ok: false, reason: 'the frame must be an array' };
    if (value.length > bounds.itemsMax)
      return { ok: false, reason: 'too many values in one frame' };
    const isDeep = value.some((item) => !isShallow(item, bounds.depthMax));
    return isDeep ? { ok: false, reason: 'nested too deeply' } : { ok: true, items: value };
  },
};

/** Whether arrays and objects nest at most `depth` levels. */
export function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  return Object.values(value).every((inner) => isShallow(inner, depth - 1));
}

export function codecOf(name: Subprotocol): Codec {
  return name === 'rt1.msgpack' ? msgpackCodec : jsonCodec;
}
