// Turns room messages as they come over the wire into chat lines. Foreign input: every member is
// checked, what does not fit is left out.
import type { ChatAuthor, ChatLine } from './chat-log.js';

export interface WireMessage {
  kind: string;
  body: unknown;
  mid?: string | undefined;
  offset?: number | undefined;
  atMs?: number | undefined;
}

type Fields = Record<string, unknown>;

export function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

function readAuthor(value: unknown): ChatAuthor | undefined {
  const from = asFields(value);
  const id = asText(from['id']);
  const name = asText(from['name']);
  if (id === undefined || name === undefined) return undefined;
  return { id, name, role: asText(from['role']) ?? 'viewer' };
}

function isPlace(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/** What the house tells everybody in the room. */
function noticeOf({ mid, offset, atMs }: WireMessage, text: string, nowMs: number): ChatLine {
  const key = mid ?? `at-${String(offset ?? nowMs)}`;
  const place = {
    ...(mid === undefined ? {} : { mid }),
    ...(offset === undefined ? {} : { offset }),
  };
  return { key, kind: 'notice', text, atMs: atMs ?? nowMs, status: 'sent', ...place };
}

/**
 * A chat message, tip or notice as a line; undefined for kinds that chat does not show and for
 * malformed bodies.
 */
export function readLine(message: WireMessage, nowMs: number): ChatLine | undefined {
  const body = asFields(message.body);
  const from = readAuthor(body['from']);
  const title = asText(body['title']);
  if (message.kind === 'n' && title !== undefined && title !== '') {
    return noticeOf(message, title, nowMs);
  }
  if (!from) return undefined;
  const common = {
    key: message.mid ?? `at-${String(message.offset ?? nowMs)}`,
    from,
    text: asText(body['text']) ?? '',
    atMs: message.atMs ?? nowMs,
    status: 'sent' as const,
    ...(message.mid === undefined ? {} : { mid: message.mid }),
    ...(message.offset === undefined ? {} : { offset: message.offset }),
    ...(isPlace(body['reply']) ? { reply: body['reply'] } : {}),
  };
  if (message.kind === 'm' && common.text !== '') return { ...common, kind: 'message' };
  const amountMilli = asText(body['amount']);
  if (message.kind === 't' && amountMilli !== undefined && /^\d+$/.test(amountMilli))
    return { ...common, kind: 'tip', amountMilli };
  return undefined;
}

/** Messages that only their senders and those who moderate see, as lines that say so. */
export function readUnseen({ body, atMs }: WireMessage, nowMs: number): ChatLine[] {
  const { msgs } = asFields(body);
  if (!Array.isArray(msgs)) return [];
  return msgs.flatMap((item: unknown): ChatLine[] => {
    if (!Array.isArray(item)) return [];
    const [status, kind, said, mid] = item as unknown[];
    if (typeof kind !== 'string' || typeof mid !== 'string') return [];
    if (status !== 'sampled' && status !== 'shadow') return [];
    const line = readLine({ kind, body: said, mid, atMs }, nowMs);
    return line === undefined ? [] : [{ ...line, status }];
  });
}

/**
 * One `[offset, ts, kind, body, mid]` of a history page; undefined when it is none or not shown in
 * chat.
 */
export function readHistoryItem(item: unknown): ChatLine | undefined {
  if (!Array.isArray(item)) return undefined;
  const [offset, atMs, kind, body, mid] = item as unknown[];
  if (typeof offset !== 'number' || typeof atMs !== 'number' || typeof kind !== 'string') {
    return undefined;
  }
  return readLine({ kind, body, offset, atMs, mid: asText(mid) }, atMs);
}

export interface Pin {
  from: string | undefined;
  text: string;
  untilMs: number | undefined;
}

/** A pinned message; undefined when nothing is pinned any more. */
export function readPin(body: unknown): Pin | undefined {
  const fields = asFields(body);
  const text = asText(fields['text']);
  if (text === undefined || text === '') return undefined;
  const until = fields['until'];
  return {
    from: readAuthor(fields['from'])?.name,
    text,
    untilMs: typeof until === 'number' ? until : undefined,
  };
}

/** Somebody came or went. */
export function readMove(
  body: unknown,
): { is: 'in' | 'out'; id: string; name: string } | undefined {
  const fields = asFields(body);
  const user = asFields(fields['user']);
  const id = asText(user['id']);
  const name = asText(user['name']);
  const { is } = fields;
  if (id === undefined || name === undefined || (is !== 'in' && is !== 'out')) return undefined;
  return { is, id, name };
}

/** What a delete or clear message removes; `all` for the whole chat. */
export function readRemoval(
  message: WireMessage,
): 'all' | { offset?: number; mid?: string; userId?: string } {
  const body = asFields(message.body);
  const offset = Number(body['offset']);
  const mid = asText(body['mid']);
  const userId = asText(body['user']) ?? asText(body['userId']);
  if (message.kind === 'c') return userId === undefined ? 'all' : { userId };
  return {
    ...(Number.isInteger(offset) && offset > 0 ? { offset } : {}),
    ...(mid === undefined ? {} : { mid }),
  };
}
