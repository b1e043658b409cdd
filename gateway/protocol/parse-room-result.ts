// Shapes of results of a room's commands (mod, held, pres, hist), read by clients. What is
// malformed is left out of lists; a result that lacks what it must hold is undefined.
import { isCount, isFields, type Fields } from './fields.js';
import {
  messageKinds,
  type Body,
  type HeldMessage,
  type HeldResult,
  type HistoryItem,
  type HistoryResult,
  type MessageKind,
  type ModerateResult,
  type PresenceResult,
  type PresentUser,
} from './messages.js';
import { isAccessLevel } from './parse-result.js';

const kinds: ReadonlySet<unknown> = new Set(messageKinds);

export function parseModerateResult({ version, offset }: Fields): ModerateResult | undefined {
  return isCount(version) && isCount(offset) ? { version, offset } : undefined;
}

export function parsePresenceResult(fields: Fields): PresenceResult | undefined {
  const { count, version, users } = fields;
  if (!isCount(count) || !isCount(version) || !Array.isArray(users)) return undefined;
  return { count, version, users: keep(users, parseUser) };
}

export function parseHeldResult({ items }: Fields): HeldResult | undefined {
  if (!Array.isArray(items)) return undefined;
  return {
    items: keep(items, (item) => (isFields(item) ? readHeld(item, item['ts']) : undefined)),
  };
}

/**
 * Reads a push `h` by its body and time; undefined for one that says that a message is gone.
 */
export function parseHeldMessage(body: Body, ts: number): HeldMessage | undefined {
  return readHeld(body, ts);
}

function readHeld(value: Fields, ts: unknown): HeldMessage | undefined {
  const { held, text, reason } = value;
  if (!isFields(value['from'])) return undefined;
  const { id, name, role } = value['from'];
  if (typeof held !== 'string' || typeof text !== 'string' || !isCount(ts)) return undefined;
  if (typeof id !== 'string' || typeof name !== 'string') return undefined;
  const from = { id, name, ...(typeof role === 'string' ? { role } : {}) };
  return { held, from, text, reason: typeof reason === 'string' ? reason : '', ts };
}

export function parseHistoryResult({ epoch, top, msgs }: Fields): HistoryResult | undefined {
  if (typeof epoch !== 'string' || !isCount(top) || !Array.isArray(msgs)) return undefined;
  return { epoch, top, msgs: keep(msgs, parseHistoryItem) };
}

function parseUser(value: unknown): PresentUser | undefined {
  if (!Array.isArray(value)) return undefined;
  const [id, name, level] = value as unknown[];
  const isWhole = typeof id === 'string' && typeof name === 'string' && isAccessLevel(level);
  return isWhole ? [id, name, level] : undefined;
}

function parseHistoryItem(value: unknown): HistoryItem | undefined {
  if (!Array.isArray(value)) return undefined;
  const [offset, ts, kind, body, mid] = value as unknown[];
  if (!isCount(offset) || !isCount(ts) || !kinds.has(kind) || !isFields(body)) return undefined;
  return [offset, ts, kind as MessageKind, body, typeof mid === 'string' ? mid : ''];
}

function keep<T>(values: readonly unknown[], parse: (value: unknown) => T | undefined): T[] {
  return values.flatMap((value) => {
    const parsed = parse(value);
    return parsed === undefined ? [] : [parsed];
  });
}
