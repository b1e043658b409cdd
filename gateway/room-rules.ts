// What this worker knows of a room's moderation and flags: who is banned, who may be there, which
// words are not allowed. Only a copy for quick answers and for texts; the script that gives places
// has the last word.
import type { RedisClient } from '../cluster/index.js';
import { isInsider } from './access.js';
import type { Channel } from './channel.js';
import type { ErrorCode } from './protocol/index.js';
import { flagFieldNames, openRoom, readFlags, type RoomFlags } from './room-flags.js';
import { cleanWord, splitWords } from './room-settings.js';
import type { Membership, User } from './session.js';

interface Rules {
  version: string;
  words: readonly string[];
  readonly flags: RoomFlags;
  /** User -> end of the ban, ms. */
  readonly bans: Map<string, number>;
}

export class RoomRules {
  /** What is read of a room that was closed meanwhile goes with it. */
  private readonly rooms = new WeakMap<Channel, Rules>();
  /** Bans (0 = lifted) that the feed tells while rules are read: what is read may be older. */
  private readonly told = new WeakMap<Channel, Set<Map<string, number>>>();

  constructor(
    private readonly redis: RedisClient,
    private readonly nowMs: () => number,
  ) {}

  /**
   * Reads them anew and says whether the flags are others than before, or somebody is banned who
   * was not. @throws Redis' errors
   */
  async load(channel: Channel): Promise<{ readonly isChanged: boolean }> {
    if (channel.namespace !== 'room') return { isChanged: false };
    const told = new Map<string, number>();
    const listening = this.told.get(channel) ?? new Set();
    this.told.set(channel, listening.add(told));
    const [row, restricted] = await Promise.all([
      this.redis.hmget(channel.keys.settings, 'v', 'words', ...flagFieldNames),
      this.redis.zrange(channel.keys.restrictions, 0, -1, 'WITHSCORES'),
    ]).finally(() => listening.delete(told));
    const bans = new Map<string, number>();
    for (let at = 0; at < restricted.length; at += 2) {
      const member = restricted[at] ?? '';
      if (member.startsWith('b:')) bans.set(member.slice(2), Number(restricted[at + 1]));
    }
    for (const [user, untilMs] of told) bans.set(user, untilMs);
    const [version, words, ...values] = row;
    const before = this.flags(channel);
    const bansBefore = this.rooms.get(channel)?.bans;
    const flags = readFlags(values);
    this.rooms.set(channel, { version: version ?? '0', words: splitWords(words), bans, flags });
    const hasNewFlag = Object.entries(flags).some(([name, value]) => {
      return before[name as keyof RoomFlags] !== value;
    });
    const hasNewBan = [...bans].some(([user, untilMs]) => bansBefore?.get(user) !== untilMs);
    return { isChanged: hasNewFlag || hasNewBan };
  }

  forget(channel: Channel): void {
    this.rooms.delete(channel);
  }

  banned(channel: Channel, user: string, untilMs: number): void {
    this.rooms.get(channel)?.bans.set(user, untilMs);
    for (const told of this.told.get(channel) ?? []) told.set(user, untilMs);
  }

  unbanned(channel: Channel, user: string): void {
    this.banned(channel, user, 0);
  }

  /** Why a user may not be in a room. */
  refuse(
    user: User,
    channel: Channel,
    membership: Membership,
  ): { code: ErrorCode; waitMs?: number } | undefined {
    const room = this.rooms.get(channel);
    const { isPrivate, anonsMayEnter } = room?.flags ?? openRoom;
    if (user.role === 'anon' && !anonsMayEnter) return { code: 'anons_refused' };
    if (isPrivate && !isInsider(membership)) return { code: 'room_private' };
    const untilMs = room?.bans.get(user.id);
    const leftMs = untilMs === undefined ? 0 : untilMs - this.nowMs();
    if (leftMs <= 0) return undefined;
    return leftMs > 1e12 ? { code: 'banned' } : { code: 'banned', waitMs: Math.ceil(leftMs) };
  }

  /** Whether a user gets the room's values only, not its messages. */
  isQuiet(user: User, channel: Channel, { isChatless }: Membership): boolean {
    return isChatless === true || (user.role === 'anon' && !this.flags(channel).anonsSeeChat);
  }

  private flags(channel: Channel): RoomFlags {
    return this.rooms.get(channel)?.flags ?? openRoom;
  }

  /**
   * Whether a text holds a word that the room does not allow, and by which version of the settings
   * that was looked at: the script sends messages back that were looked at by an old one.
   */
  check(channel: Channel, text: string): { isBlocked: boolean; version: string } {
    const rules = this.rooms.get(channel);
    if (rules === undefined) return { isBlocked: false, version: '' };
    if (rules.words.length === 0) return { isBlocked: false, version: rules.version };
    const lower = ` ${cleanWord(text)} `;
    const isBlocked = rules.words.some((word) => lower.includes(` ${word} `));
    return { isBlocked, version: rules.version };
  }
}
