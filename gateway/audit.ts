// The audit record of a room: who did what, newest first. lua/moderate-channel.lua writes it in the
// step that does the act; the newest 10,000 are kept.
import type { RedisClient } from '../cluster/index.js';
import type { ChannelKeys } from './channel-keys.js';
import { isFields, type Body } from './protocol/index.js';

export interface AuditRecord {
  /** Grows by one with each act in the room. */
  readonly id: number;
  /** Unix ms. */
  readonly at: number;
  readonly by: string;
  readonly byName: string;
  /** An action of `mod`, or `flags`. */
  readonly action: string;
  readonly user?: string;
  /** Of an act against a user who was in the room. */
  readonly userName?: string;
  readonly offset?: number;
  readonly held?: string;
  readonly seconds?: number;
  readonly reason?: string;
  readonly settings?: Body;
  /** Of a held message. */
  readonly text?: string;
}

/** @param page `before` = only records with a lower id */
export async function readAudit(
  redis: RedisClient,
  keys: ChannelKeys,
  { before, limit }: { readonly before?: number; readonly limit: number },
): Promise<readonly AuditRecord[]> {
  const newest = parseRecord((await redis.lindex(keys.audit, 0)) ?? '');
  if (newest === undefined) return [];
  const first = before === undefined ? 0 : Math.max(0, newest.id - before + 1);
  const lines = await redis.lrange(keys.audit, first, first + limit - 1);
  const records = lines.flatMap((line) => parseRecord(line) ?? []);
  // Acts of this very moment have moved the list.
  return records.filter(({ id }) => before === undefined || id < before);
}

/** @param line "<number> <record>" */
export function parseRecord(line: string): AuditRecord | undefined {
  const space = line.indexOf(' ');
  if (space < 0) return undefined;
  const value: unknown = JSON.parse(line.slice(space + 1));
  if (!isFields(value)) return undefined;
  const { at, by, byName, action } = value;
  return {
    ...value,
    id: Number(line.slice(0, space)),
    at: Number(at),
    by: String(by),
    byName: String(byName),
    action: String(action),
  };
}
