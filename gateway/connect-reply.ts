// The reply to `connect` in MessagePack, byte for byte as msgpackr writes it, at a fifth of the
// cost: a crowd gets thousands that differ in a few short strings, and a library that may be given
// anything looks at every key anew.
import {
  packValue,
  type ConnectResult,
  type SubscribeOutcome,
  type SubscribeResult,
} from './protocol/index.js';

const packed = (value: unknown): Uint8Array => Buffer.from(packValue(value));
const keys = <K extends string>(...names: readonly K[]): Readonly<Record<K, Uint8Array>> =>
  Object.fromEntries(names.map((name) => [name, packed(name)])) as Record<K, Uint8Array>;

const top = keys('i', 'r');
const connectKeys = keys('node', 'session', 'user', 'id', 'name', 'role', 'now', 'exp', 'subs');
const outcomeKeys = keys('ch', 'a', 'epoch', 'from', 'top', 'level', 'recovered', 'chat', 'resume');

/** Texts up to here are copied character by character; a call into the runtime costs more. */
const SHORT_MAX = 31;
const FIXED_MAP = 0x80;
const FIXED_ARRAY = 0x90;
const FIXED_STRING = 0xa0;
const FALSE = 0xc2;
const TRUE = 0xc3;
const FLOAT64 = 0xcb;
const FIXED_INT_MAX = 0x7f;
const FIXED_ITEMS_MAX = 15;

/** Longer replies are left to the library. */
const bytes = Buffer.allocUnsafeSlow(16_384);
const view = new DataView(bytes.buffer);
let at = 0;

function putByte(byte: number): void {
  bytes[at] = byte;
  at += 1;
}

function put(value: Uint8Array): void {
  if (value.length > SHORT_MAX) bytes.set(value, at);
  else for (let i = 0; i < value.length; i += 1) bytes[at + i] = value[i] ?? 0;
  at += value.length;
}

function putText(text: string): void {
  const start = at;
  if (text.length <= SHORT_MAX) {
    putByte(FIXED_STRING | text.length);
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > FIXED_INT_MAX) {
        at = start;
        put(packValue(text));
        return;
      }
      putByte(code);
    }
  } else {
    put(packValue(text));
  }
}

function putNumber(value: number): void {
  if (value >= 0 && value <= FIXED_INT_MAX) {
    putByte(value);
  } else if (value > 0xffff_ffff) {
    putByte(FLOAT64);
    view.setFloat64(at, value);
    at += 8;
  } else {
    put(packValue(value));
  }
}

function putResult(result: SubscribeResult): void {
  const { chat, resume } = result;
  putByte(FIXED_MAP | (7 + (chat === undefined ? 0 : 1) + (resume === undefined ? 0 : 1)));
  put(outcomeKeys.ch);
  putText(result.ch);
  put(outcomeKeys.a);
  putNumber(result.a);
  put(outcomeKeys.epoch);
  putText(result.epoch);
  put(outcomeKeys.from);
  putNumber(result.from);
  put(outcomeKeys.top);
  putNumber(result.top);
  put(outcomeKeys.level);
  putText(result.level);
  put(outcomeKeys.recovered);
  putByte(result.recovered ? TRUE : FALSE);
  if (chat !== undefined) {
    put(outcomeKeys.chat);
    putByte(FALSE);
  }
  if (resume !== undefined) {
    put(outcomeKeys.resume);
    putText(resume);
  }
}

/** Bytes that texts of these lengths take at most, and all else of a reply with one outcome. */
function roomFor(result: ConnectResult): number {
  const { node, session, user, subs } = result;
  let room = 128 + 3 * (node.length + session.length + user.id.length + user.name.length);
  for (const sub of subs) room += 128 + 3 * sub.ch.length + ('a' in sub ? lengthOf(sub) : 512);
  return room;
}

function lengthOf({ epoch, resume = '' }: SubscribeResult): number {
  return 3 * (epoch.length + resume.length);
}

function putOutcome(outcome: SubscribeOutcome): void {
  if ('e' in outcome) put(packValue(outcome));
  else putResult(outcome);
}

/** `{ i, r: result }`; to be copied before the next call. */
export function packConnectReply(i: number, result: ConnectResult): Uint8Array {
  const { subs, user } = result;
  if (subs.length > FIXED_ITEMS_MAX || roomFor(result) > bytes.length) {
    return packValue({ i, r: result });
  }
  at = 0;
  putByte(FIXED_MAP | 2);
  put(top.i);
  putNumber(i);
  put(top.r);
  putByte(FIXED_MAP | 6);
  put(connectKeys.node);
  putText(result.node);
  put(connectKeys.session);
  putText(result.session);
  put(connectKeys.user);
  putByte(FIXED_MAP | 3);
  put(connectKeys.id);
  putText(user.id);
  put(connectKeys.name);
  putText(user.name);
  put(connectKeys.role);
  putText(user.role);
  put(connectKeys.now);
  putNumber(result.now);
  put(connectKeys.exp);
  putNumber(result.exp);
  put(connectKeys.subs);
  putByte(FIXED_ARRAY | subs.length);
  for (const outcome of subs) putOutcome(outcome);
  return bytes.subarray(0, at);
}
