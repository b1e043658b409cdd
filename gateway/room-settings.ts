// Settings of a room that those in charge of it choose: modes of its chat, its word list, its tip
// goal. From a command to fields of the settings hash and back. Pure.
import { isFields } from './protocol/index.js';

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
  /** Which messages wait for a moderator: none, those with a listed word, with a link, or all. */
  readonly review: Review;
  /** Lower-case words that may not occur, or under review `words` and `all` have to wait. */
  readonly words: readonly string[];
}

const GROUPS = ['followers', 'fans', 'tippers', 'members'] as const;
export type RoomGroup = (typeof GROUPS)[number];

const REVIEWS = ['off', 'words', 'links', 'all'] as const;
export type Review = (typeof REVIEWS)[number];

/** As in sequence-batch.lua. */
const CAP_DEFAULT = 20;
const WORDS_MAX = 200;
const WORD_LENGTH_MAX = 40;
const GOAL_TEXT_MAX = 120;
/** A billion credits. */
const GOAL = /^(0|[1-9]\d{0,11})$/;

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
    case 'review':
      return isReview(value) ? value : undefined;
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

function isReview(value: unknown): value is Review {
  return REVIEWS.some((one) => one === value);
}

function isWhole(value: unknown, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= max;
}

/** A word as it is compared: lower case, letters and digits only. */
export function cleanWord(word: string): string {
  return word
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

export function splitWords(text: string | null | undefined): string[] {
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
    review: isReview(row['review']) ? row['review'] : 'off',
    only: GROUPS.filter((_, bit) => (only & (1 << bit)) !== 0),
  };
}

/** All settings, for those in charge. */
export function roomSettings(row: Readonly<Record<string, string>>): RoomSettings {
  return { ...publicSettings(row), words: splitWords(row['words']) };
}

/** A tip goal from a moderator; undefined when something is wrong. */
export function goalFields(raw: unknown): { target: string; text: string } | undefined {
  if (!isFields(raw)) return undefined;
  const { target, text = '' } = raw;
  if (typeof target !== 'string' || !GOAL.test(target)) return undefined;
  if (typeof text !== 'string' || text.length > GOAL_TEXT_MAX) return undefined;
  return { target, text: text.trim() };
}
