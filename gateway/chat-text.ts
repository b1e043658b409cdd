// What a chat text is before it is said: cleaned, measured, and marked with what rooms may not
// want. Pure.
import { hash32 } from '../cluster/index.js';
import { messageFlags } from './scripts.js';

export interface ChatText {
  readonly text: string;
  /** Bits hasLink and notEmoteOnly of messageFlags. */
  readonly flags: number;
  /** Equal for texts that differ in case and spacing only. */
  readonly hash: string;
}

// Control characters, and those that reverse or hide text; line breaks become spaces.
const UNWANTED = /[\p{Cc}\p{Cs}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gu;
const LINK = new RegExp(
  String.raw`(?:https?://|www\.)\S|\b[a-z0-9-]{2,}\.` +
    '(?:com|net|org|io|tv|me|co|gg|ru|info|biz|xyz|link|live|app|de|uk)' +
    String.raw`\b`,
  'iu',
);
const EMOTES =
  /^(?:\s|:[a-z0-9_]+:|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u200d|\ufe0f|\u20e3)+$/iu;

/** @returns undefined when nothing is left, or when it is longer than `lengthMax` characters */
export function prepareText(raw: string, lengthMax: number): ChatText | undefined {
  if (raw.length > lengthMax * 4) return undefined;
  const text = raw.replace(UNWANTED, ' ').replace(/\s+/gu, ' ').trim();
  if (text === '' || Array.from(text).length > lengthMax) return undefined;
  const flags =
    (LINK.test(text) ? messageFlags.hasLink : 0) |
    (EMOTES.test(text) ? 0 : messageFlags.notEmoteOnly);
  return { text, flags, hash: hash32(text.toLowerCase()).toString(36) };
}
