// What this worker knows of a room's moderation: who is banned, which modes are on, which words are
// not allowed. Only a copy for quick answers and for texts; the script that gives places has the
// last word.
import type { RedisClient } from '../cluster/index.js';
import type { Channel } from './channel.js';
import { isFields, type ErrorCode } from './protocol/index.js';

export interface RoomSettings {
  /** Seconds between two messages of a user; 0 = off. */
  readonly slow: number;
  /** Seconds in which a user may not say the same twice; 0 = off. */
  readonly unique: number;
  readonly lock: boolean;
  /** True = messages with links are refused. */
  readonly links: boolean;
  readonly emote: boolean;
  /** Ordinary messages per second that are shown; what is beyond is sampled. */
  readonly cap: number;
  /**
   * Groups of whom at least one is needed: followers, fans, tippers, members; empty = everybody.
   */
  readonly only: readonly RoomGroup[];
  /** Lower-case words that may not occur. */
  readonly words: readonly string[];
}

const GROUPS = ['followers', 'fans', 'tippers', 'members'] as const;
export type RoomGroup = (typeof GROUPS)[number];

/** As in sequence-batch.lua. */
const CAP_DEFAULT = 20;
const WORDS_MAX = 200;
const WORD_LENGTH_MAX = 40;

interface Rules {
  version: string;
  words: readonly string[];
  /** User -> end of the ban, ms. */
  readonly bans: Map<string, number>;
}

export class RoomRules {
  private readonly rooms = new Map<Channel, Rules>();

  constructor(
    private readonly redis: RedisClient,
    private readonly nowMs: () => number,
  ) {}

  /** Reads them anew; part of opening a room. */
  async load(channel: Channel): Promise<void> {
    if (channel.namespace !== 'room') return;
    const [row, restricted] = await Promise.all([
      this.redis.hmget(channel.keys.settings, 'v', 'words'),
      this.redis.zrange(channel.keys.restrictions, 0, -1, 'WITHSCORES'),
    ]);
    const bans = new Map<string, number>();
    for (let at = 0; at < restricted.length; at += 2) {
      const member = restricted[at] ?? '';
      if (member.startsWith('b:')) bans.set(member.slice(2), Number(restricted[at + 1]));
    }
    this.rooms.set(channel, { version: row[0] ?? '0', words: splitWords(row[1]), bans });
  }

  forget(channel: Channel): void {
    this.rooms.delete(channel);
  }

  banned(channel: Channel, user: string, untilMs: number): void {
    this.rooms.get(channel)?.bans.set(user, untilMs);
  }

  unbanned(channel: Channel, user: string): void {
    this.rooms.get(channel)?.bans.delete(user);
  }

  /** Why a user may not join. */
  refuse(user: string, channel: Channel): { code: ErrorCode; waitMs?: number } | undefined {
    const untilMs = this.rooms.get(channel)?.bans.get(user);
    const leftMs = untilMs === undefined ? 0 : untilMs - this.nowMs();
    if (leftMs <= 0) return undefined;
    return leftMs > 1e12 ? { code: 'banned' } : { code: 'banned', waitMs: Math.ceil(leftMs) };
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

/** Settings from a moderator as fields of the settings hash; undefined when something is wrong. */
export function settingsFields(raw: unknown): string[] | undefined {
  if (!isFields(raw)) return undefined;
  const fields: string[] = [];
  for (const [name, value] of Object.entries(raw)) {
    const text = settingText(name, value);
    if (text === undefined) return undefined;
    fields.push(name, text);
  }
  return fields.length === 0 ? undefined : fields;
}

function settingText(name: string, value: unknown): string | undefined {
  switch (name) {
    case 'slow':
    case 'unique':
      return isWhole(value, 3_600) ? String(value) : undefined;
    case 'cap':
      return isWhole(value, 1_000) && Number(value) > 0 ? String(value) : undefined;
    case 'lock':
    case 'links':
    case 'emote':
      return typeof value === 'boolean' ? (value ? '1' : '0') : undefined;
    case 'only': {
      if (!Array.isArray(value)) return undefined;
      const bits = value.map((group) => GROUPS.indexOf(group as RoomGroup));
      return bits.includes(-1) ? undefined : String(bits.reduce((sum, bit) => sum | (1 << bit), 0));
    }
    case 'words': {
      if (!Array.isArray(value) || value.length > WORDS_MAX) return undefined;
      const words = value.map((word) => (typeof word === 'string' ? cleanWord(word) : ''));
      return words.some((word) => word === '' || word.length > WORD_LENGTH_MAX)
        ? undefined
        : words.join('\n');
    }
    default:
      return undefined;
  }
}

function isWhole(value: unknown, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= max;
}

function cleanWord(word: string): string {
  return word
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

function splitWords(text: string | null | undefined): string[] {
  return (text ?? '').split('\n').filter((word) => word !== '');
}

/** The settings that everybody in the room may see; words stay with the moderators. */
export function publicSettings(row: Readonly<Record<string, string>>): Omit<RoomSettings, 'words'> {
  const only = Number(row['only'] ?? '0');
  return {
    slow: Number(row['slow'] ?? '0'),
    unique: Number(row['unique'] ?? '0'),
    lock: row['lock'] === '1',
    links: row['links'] === '1',
    emote: row['emote'] === '1',
    cap: Number(row['cap'] ?? CAP_DEFAULT),
    only: GROUPS.filter((_, bit) => (only & (1 << bit)) !== 0),
  };
}
