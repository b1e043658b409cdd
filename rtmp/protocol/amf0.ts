// AMF0 values, as commands and metadata carry them. The decoder is meant for hostile bytes: bounded
// depth, members and strings, exact bounds, objects without a prototype.
// Reference: Adobe AMF0 (2007). AMF3 values (marker 0x11) are refused; of AMF3 only the wrapper is
// read.

import { ProtocolError } from './protocol-error.js';

export type AmfValue =
  number | boolean | string | null | undefined | Date | AmfObject | AmfArray | EcmaArray;

export interface AmfObject {
  readonly [key: string]: AmfValue;
}

export type AmfArray = readonly AmfValue[];

/**
 * An associative array (marker 8), the usual shape of onMetaData. Decoded as such, so round trips
 * are exact.
 */
export class EcmaArray {
  readonly entries: AmfObject;

  constructor(entries: AmfObject) {
    this.entries = entries;
  }
}

export interface AmfLimits {
  /** Nesting of objects and arrays. */
  readonly depthMax: number;
  /** Members of one object or array. */
  readonly membersMax: number;
  /** Values in the whole message. */
  readonly valuesMax: number;
}

/** Real encoders stay below depth 4, 60 members and 100 values. */
export const AMF_LIMITS: AmfLimits = { depthMax: 16, membersMax: 256, valuesMax: 2048 };

const NUMBER = 0;
const BOOLEAN = 1;
const STRING = 2;
const OBJECT = 3;
const NULL = 5;
const UNDEFINED = 6;
const ECMA_ARRAY = 8;
const OBJECT_END = 9;
const STRICT_ARRAY = 10;
const DATE = 11;
const LONG_STRING = 12;
const UNSUPPORTED = 13;
const XML = 15;
const TYPED_OBJECT = 16;

const SHORT_STRING_BYTES_MAX = 0xffff;

/**
 * Decodes all values of a message body.
 * @throws ProtocolError AMF_MALFORMED (truncated), AMF_LIMIT (too deep, too many) or AMF_TYPE
 */
export function decodeAmf0(data: Buffer, limits: AmfLimits = AMF_LIMITS): AmfValue[] {
  const reader = new Amf0Reader(data, limits);
  const values: AmfValue[] = [];
  while (!reader.isAtEnd) values.push(reader.value(0));
  return values;
}

/**
 * Encodes values one behind the other.
 * @throws RangeError for a key longer than 65,535 bytes
 */
export function encodeAmf0(...values: AmfValue[]): Buffer {
  const parts: Buffer[] = [];
  for (const value of values) writeValue(parts, value);
  return Buffer.concat(parts);
}

/** Members of an object or associative array; undefined for everything else. */
export function membersOf(value: AmfValue): AmfObject | undefined {
  if (value instanceof EcmaArray) return value.entries;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) || value instanceof Date) return undefined;
  return value as AmfObject;
}

class Amf0Reader {
  readonly #data: Buffer;
  readonly #limits: AmfLimits;
  #at = 0;
  #values = 0;

  constructor(data: Buffer, limits: AmfLimits) {
    this.#data = data;
    this.#limits = limits;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#data.length;
  }

  value(depth: number): AmfValue {
    if (depth > this.#limits.depthMax) throw new ProtocolError('AMF_LIMIT', 'AMF nested too deep');
    if (++this.#values > this.#limits.valuesMax) {
      throw new ProtocolError('AMF_LIMIT', 'AMF message with too many values');
    }
    const marker = this.#data.readUInt8(this.#take(1));
    switch (marker) {
      case NUMBER:
        return this.#data.readDoubleBE(this.#take(8));
      case BOOLEAN:
        return this.#data.readUInt8(this.#take(1)) !== 0;
      case STRING:
        return this.#shortString();
      case LONG_STRING:
      case XML:
        return this.#string(this.#data.readUInt32BE(this.#take(4)));
      case OBJECT:
        return this.#members(depth);
      case TYPED_OBJECT:
        this.#shortString();
        return this.#members(depth);
      case ECMA_ARRAY:
        // The count is a hint that encoders often get wrong; the end marker decides.
        this.#take(4);
        return new EcmaArray(this.#members(depth));
      case STRICT_ARRAY:
        return this.#strictArray(depth);
      case DATE: {
        const date = new Date(this.#data.readDoubleBE(this.#take(8)));
        this.#take(2);
        return date;
      }
      case NULL:
        return null;
      case UNDEFINED:
      case UNSUPPORTED:
        return undefined;
      default:
        throw new ProtocolError('AMF_TYPE', `AMF0 type ${marker} is not understood`);
    }
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#data.length - at) {
      throw new ProtocolError('AMF_MALFORMED', 'AMF value is truncated');
    }
    this.#at = at + bytes;
    return at;
  }

  #string(bytes: number): string {
    const at = this.#take(bytes);
    return this.#data.toString('utf8', at, at + bytes);
  }

  #shortString(): string {
    return this.#string(this.#data.readUInt16BE(this.#take(2)));
  }

  #members(depth: number): AmfObject {
    const members = Object.create(null) as Record<string, AmfValue>;
    for (let count = 0; ; count++) {
      const key = this.#shortString();
      if (key === '' && this.#data[this.#at] === OBJECT_END) {
        this.#at++;
        return members;
      }
      if (count >= this.#limits.membersMax) {
        throw new ProtocolError('AMF_LIMIT', 'AMF object with too many members');
      }
      members[key] = this.value(depth + 1);
    }
  }

  #strictArray(depth: number): AmfArray {
    const count = this.#data.readUInt32BE(this.#take(4));
    if (count > this.#limits.membersMax) {
      throw new ProtocolError('AMF_LIMIT', 'AMF array with too many elements');
    }
    const values: AmfValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.value(depth + 1));
    return values;
  }
}

function writeValue(parts: Buffer[], value: AmfValue): void {
  if (typeof value === 'number') {
    const out = Buffer.allocUnsafe(9);
    out[0] = NUMBER;
    out.writeDoubleBE(value, 1);
    parts.push(out);
  } else if (typeof value === 'boolean') {
    parts.push(Buffer.from([BOOLEAN, value ? 1 : 0]));
  } else if (typeof value === 'string') {
    writeString(parts, value);
  } else if (value === undefined || value === null) {
    parts.push(Buffer.from([value === null ? NULL : UNDEFINED]));
  } else if (value instanceof Date) {
    const out = Buffer.alloc(11);
    out[0] = DATE;
    out.writeDoubleBE(value.getTime(), 1);
    parts.push(out);
  } else if (value instanceof EcmaArray) {
    const head = Buffer.allocUnsafe(5);
    head[0] = ECMA_ARRAY;
    head.writeUInt32BE(Object.keys(value.entries).length, 1);
    parts.push(head);
    writeMembers(parts, value.entries);
  } else if (isAmfArray(value)) {
    const head = Buffer.allocUnsafe(5);
    head[0] = STRICT_ARRAY;
    head.writeUInt32BE(value.length, 1);
    parts.push(head);
    for (const element of value) writeValue(parts, element);
  } else {
    parts.push(Buffer.from([OBJECT]));
    writeMembers(parts, value);
  }
}

function isAmfArray(value: AmfObject | AmfArray): value is AmfArray {
  return Array.isArray(value);
}

function writeString(parts: Buffer[], value: string): void {
  const bytes = Buffer.from(value, 'utf8');
  if (bytes.length <= SHORT_STRING_BYTES_MAX) {
    parts.push(Buffer.from([STRING, bytes.length >> 8, bytes.length & 0xff]), bytes);
    return;
  }
  const head = Buffer.allocUnsafe(5);
  head[0] = LONG_STRING;
  head.writeUInt32BE(bytes.length, 1);
  parts.push(head, bytes);
}

function writeMembers(parts: Buffer[], members: AmfObject): void {
  for (const [key, value] of Object.entries(members)) {
    const bytes = Buffer.from(key, 'utf8');
    if (bytes.length > SHORT_STRING_BYTES_MAX) throw new RangeError('AMF key is too long');
    parts.push(Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes);
    writeValue(parts, value);
  }
  parts.push(Buffer.from([0, 0, OBJECT_END]));
}
