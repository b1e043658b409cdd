// Turns a value of a server's frame into a ServerMessage; used by clients. Never throws: what this
// version does not know gives undefined and is skipped, so that servers may add messages.
import { isErrorCode } from './codes.js';
import { isCount, isFields, type Fields } from './fields.js';
import {
  messageKinds,
  type Control,
  type ErrorTuple,
  type MessageKind,
  type Push,
  type ServerMessage,
} from './messages.js';

const kinds: ReadonlySet<string> = new Set(messageKinds);

function isKind(value: unknown): value is MessageKind {
  return typeof value === 'string' && kinds.has(value);
}

export function isPush(message: ServerMessage): message is Push {
  return Array.isArray(message);
}

function parsePush(items: readonly unknown[]): Push | undefined {
  const [alias, offset, ts, kind, body, tag, key] = items;
  if (!isCount(alias) || !isCount(offset) || !isCount(ts)) return undefined;
  if (!isKind(kind) || !isFields(body)) return undefined;
  if (offset > 0) return [alias, offset, ts, kind, body, typeof tag === 'string' ? tag : ''];
  if (typeof tag !== 'number') return [alias, 0, ts, kind, body];
  return [alias, 0, ts, kind, body, tag, typeof key === 'string' ? key : kind];
}

/** Reads an error tuple; a reason that this client does not know counts as `internal`. */
export function parseErrorTuple(value: unknown): ErrorTuple {
  if (!Array.isArray(value)) return ['internal', 'malformed error'];
  const [code, message, retryMs] = value as unknown[];
  const reason = typeof code === 'string' && isErrorCode(code) ? code : 'internal';
  const sentence = typeof message === 'string' ? message : '';
  return isCount(retryMs) ? [reason, sentence, retryMs] : [reason, sentence];
}

function parseControl(fields: Fields): Control | undefined {
  const { p, a, ch, epoch, offset, from, reason, retry, ms, url } = fields;
  if (p === 'bye' && isCount(ms)) {
    return { p, ms, ...(typeof url === 'string' ? { url } : {}) };
  }
  if (!isCount(a)) return undefined;
  if (p === 'pos' && typeof epoch === 'string' && isCount(offset)) return { p, a, epoch, offset };
  if (p === 'reset' && typeof epoch === 'string' && isCount(from)) return { p, a, epoch, from };
  if (p === 'unsub' && typeof ch === 'string') {
    return { p, a, ch, reason: typeof reason === 'string' ? reason : '', retry: retry === true };
  }
  return undefined;
}

export function parseServerMessage(value: unknown): ServerMessage | undefined {
  if (Array.isArray(value)) return parsePush(value);
  if (!isFields(value)) return undefined;
  if (typeof value['p'] === 'string') return parseControl(value);
  const { i, r, e } = value;
  if (!isCount(i)) return undefined;
  if (e !== undefined) return { i, e: parseErrorTuple(e) };
  return isFields(r) ? { i, r } : undefined;
}
