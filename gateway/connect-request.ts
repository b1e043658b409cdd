// `connect` in MessagePack, read in one pass: a crowd sends thousands within a second, all alike.
// Whatever is unusual about a frame (other fields, other types, text beyond ASCII, a number that
// is large) is left to the codec and to parseCommand, which say what is wrong with it.
import {
  isChannelName,
  isPosition,
  isText,
  limits,
  type ConnectCommand,
  type Position,
  type SubscribeRequest,
} from './protocol/index.js';

let bytes: Uint8Array = new Uint8Array(0);
/** The frame as Latin-1: parts of it cost less than texts that are made one by one. */
let text = '';
let at = 0;

/** Count of a short map; -1 = something else. */
function readMap(): number {
  const marker = bytes[at] ?? 0;
  at += 1;
  return (marker & 0xf0) === 0x80 ? marker & 0x0f : -1;
}

function readArray(): number {
  const marker = bytes[at] ?? 0;
  at += 1;
  return (marker & 0xf0) === 0x90 ? marker & 0x0f : -1;
}

/** undefined = no text of ASCII characters, or the frame ends within it. */
function readText(): string | undefined {
  const marker = bytes[at] ?? 0;
  let length: number;
  if ((marker & 0xe0) === 0xa0) {
    length = marker & 0x1f;
    at += 1;
  } else if (marker === 0xd9) {
    length = bytes[at + 1] ?? 0;
    at += 2;
  } else if (marker === 0xda) {
    length = (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0);
    at += 3;
  } else {
    return undefined;
  }
  const start = at;
  at += length;
  if (at > bytes.length) return undefined;
  for (let i = start; i < at; i += 1) if ((bytes[i] ?? 0) > 0x7f) return undefined;
  return text.slice(start, at);
}

/** A whole number below 2^32; -1 = something else. */
function readCount(): number {
  const marker = bytes[at] ?? 0;
  const size = marker < 0x80 ? 0 : marker >= 0xcc && marker <= 0xce ? 1 << (marker - 0xcc) : -1;
  at += 1 + size;
  if (size < 0 || at > bytes.length) return -1;
  if (size === 0) return marker;
  let value = 0;
  for (let i = at - size; i < at; i += 1) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

function readPosition(): Position | undefined {
  if (readArray() !== 2) return undefined;
  const epoch = readText();
  const position = [epoch, readCount()];
  return isPosition(position) ? position : undefined;
}

function readRequest(): SubscribeRequest | undefined {
  const fields = readMap();
  let ch: string | undefined;
  let ticket: string | undefined;
  let pos: Position | undefined;
  for (let n = 0; n < fields; n += 1) {
    const name = readText();
    if (name === 'ch') {
      ch = readText();
    } else if (name === 'ticket') {
      ticket = readText();
      if (!isText(ticket, limits.tokenLengthMax)) return undefined;
    } else if (name === 'pos') {
      pos = readPosition();
      if (pos === undefined) return undefined;
    } else {
      return undefined;
    }
  }
  if (!isChannelName(ch)) return undefined;
  if (pos === undefined) return ticket === undefined ? { ch } : { ch, ticket };
  return ticket === undefined ? { ch, pos } : { ch, ticket, pos };
}

function readSubs(): readonly SubscribeRequest[] | undefined {
  const subs: SubscribeRequest[] = [];
  for (let left = readArray(); left !== 0; left -= 1) {
    const request = left < 0 ? undefined : readRequest();
    if (request === undefined) return undefined;
    subs.push(request);
  }
  return subs;
}

function readFields(): ConnectCommand | undefined {
  const fields = readMap();
  let isConnect = false;
  let i = -1;
  let token: string | undefined;
  let subs: readonly SubscribeRequest[] | undefined = [];
  for (let n = 0; n < fields; n += 1) {
    const name = readText();
    if (name === 'c') {
      isConnect = readText() === 'connect';
      if (!isConnect) return undefined;
    } else if (name === 'i') {
      i = readCount();
      if (i < 0) return undefined;
    } else if (name === 'token') {
      token = readText();
    } else if (name === 'subs') {
      subs = readSubs();
      if (subs === undefined) return undefined;
    } else {
      return undefined;
    }
  }
  const isWhole = isConnect && i >= 0 && at === bytes.length;
  if (!isWhole || !isText(token, limits.tokenLengthMax)) return undefined;
  return { c: 'connect', i, token, subs };
}

/**
 * The command of a frame that is one usual `connect`, the same as the codec and parseCommand make
 * of it; undefined = ask those.
 */
export function readConnect(frame: Uint8Array): ConnectCommand | undefined {
  bytes = frame;
  const buffer = Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset);
  text = buffer.toString('latin1', 0, frame.length);
  at = 0;
  return readFields();
}
