// Messages of a room that wait for a moderator, as they rest in Redis: lua/includes/held.lua puts
// them there and takes them out.
import type { RedisClient } from '../cluster/index.js';
import type { ChannelKeys } from './channel-keys.js';
import { parseEntry, unpackTail } from './packet.js';
import { isFields, limits, type HeldMessage } from './protocol/index.js';

/** Waiting messages, oldest first; those whose time is over are left out. @throws Redis' errors */
export async function readHeld(
  redis: RedisClient,
  keys: ChannelKeys,
  nowMs: number,
): Promise<readonly HeldMessage[]> {
  const names = await redis.zrangebyscore(
    keys.heldOrder,
    nowMs,
    '+inf',
    'LIMIT',
    0,
    limits.heldMax,
  );
  if (names.length === 0) return [];
  const records = await redis.hmgetBuffer(keys.held, ...names);
  return names.flatMap((name, at) => {
    const record = records[at];
    const item = Buffer.isBuffer(record) ? parseHeld(name, record) : undefined;
    return item === undefined ? [] : [item];
  });
}

/** One waiting message; undefined when it does not wait any more. @throws Redis' errors */
export async function findHeld(
  redis: RedisClient,
  keys: ChannelKeys,
  name: string,
): Promise<HeldMessage | undefined> {
  const record = await redis.hgetBuffer(keys.held, name);
  return record === null ? undefined : parseHeld(name, record);
}

/** A record is: time (8 bytes), length of the reason, reason, packed message. */
function parseHeld(held: string, record: Buffer): HeldMessage | undefined {
  const reasonEnd = 9 + (record[8] ?? 0);
  const reason = record.toString('latin1', 9, reasonEnd);
  const { body } = unpackTail(record.subarray(reasonEnd));
  const { text } = body;
  if (!isFields(body['from']) || typeof text !== 'string') return undefined;
  const { id, name, role } = body['from'];
  if (typeof id !== 'string' || typeof name !== 'string') return undefined;
  const from = { id, name, ...(typeof role === 'string' ? { role } : {}) };
  return { held, from, text, reason, ts: parseEntry(record).ts };
}
