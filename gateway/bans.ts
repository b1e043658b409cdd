// Who is banned, muted or shadow muted in a room, by whom and why, newest first.
// lua/moderate-channel.lua notes it in the step that does the act, and forgets it when the
// restriction is lifted or over.
import type { RedisClient } from '../cluster/index.js';
import { parseRecord } from './audit.js';
import type { ChannelKeys } from './channel-keys.js';

/** A shadow mute is known to those who moderate, and to nobody else. */
export type BanKind = 'ban' | 'mute' | 'shadow';

export interface Ban {
  readonly user: string;
  /** When the user was in the room. */
  readonly name?: string;
  readonly kind: BanKind;
  /** Unix ms; null = until somebody lifts it. */
  readonly untilMs: number | null;
  /** Unix ms. */
  readonly sinceMs: number;
  readonly reason?: string;
  /** Name of the moderator. */
  readonly by?: string;
}

export interface BanPage {
  readonly items: readonly Ban[];
  /** `before` of the next page; absent = that was all. */
  readonly next?: number;
}

const kinds: Readonly<Record<string, BanKind>> = { 'b:': 'ban', 'm:': 'mute', 's:': 'shadow' };

/** The score of what has no end, see lua/moderate-channel.lua. */
const FOREVER = Number.MAX_SAFE_INTEGER;

/** @throws Redis' errors */
export async function readBans(
  redis: RedisClient,
  keys: ChannelKeys,
  { before, limit, nowMs }: { before?: number; limit: number; nowMs: number },
): Promise<BanPage> {
  const items: Ban[] = [];
  let last = before;
  for (;;) {
    const wanted = limit - items.length;
    const below = last === undefined ? '+inf' : `(${last}`;
    const page = ['-inf', 'WITHSCORES', 'LIMIT', 0, wanted] as const;
    const rows = await redis.zrevrangebyscore(keys.banOrder, below, ...page);
    const members = rows.filter((_, at) => at % 2 === 0);
    if (members.length === 0) return { items };
    last = Number(rows.at(-1));
    const [untils, lines] = await Promise.all([
      redis.zmscore(keys.restrictions, ...members),
      redis.hmget(keys.banNotes, ...members),
    ]);
    for (const [at, member] of members.entries()) {
      const until = Number(untils[at] ?? 0);
      if (until > nowMs) items.push(toBan(member, until, lines[at] ?? ''));
    }
    if (members.length < wanted) return { items };
    // Some had ended and not been swept yet: the page is filled up with older ones.
    if (items.length === limit) return { items, next: last };
  }
}

function toBan(member: string, until: number, line: string): Ban {
  const note = parseRecord(line);
  const { userName, reason, byName = '', at = 0 } = note ?? {};
  return {
    user: member.slice(2),
    ...(userName === undefined ? {} : { name: userName }),
    kind: kinds[member.slice(0, 2)] ?? 'mute',
    untilMs: until >= FOREVER ? null : until,
    sinceMs: at,
    ...(reason === undefined ? {} : { reason }),
    ...(byName === '' ? {} : { by: byName }),
  };
}
