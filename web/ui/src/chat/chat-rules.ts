// The rules of a room's chat as moderators set them, and how long this visitor has to wait before
// the next message. Pure; foreign input that does not fit is ignored.
import { asFields } from './chat-wire.js';

export interface ChatRules {
  /** Seconds between two messages of one person; 0 = any time. */
  slowSec: number;
  isLocked: boolean;
  emotesOnly: boolean;
  /** True where links are not allowed. */
  noLinks: boolean;
  /** Groups that may write; empty = everybody. */
  only: string[];
}

export const openChat: ChatRules = {
  slowSec: 0,
  isLocked: false,
  emotesOnly: false,
  noLinks: false,
  only: [],
};

/** Reads `{ modes: { slow, lock, links, emote, only } }`; undefined when it is something else. */
export function readRules(body: unknown): ChatRules | undefined {
  const raw = asFields(body)['modes'];
  if (typeof raw !== 'object' || raw === null) return undefined;
  const modes = asFields(raw);
  const slow = Number(modes['slow'] ?? 0);
  const only = Array.isArray(modes['only']) ? (modes['only'] as unknown[]) : [];
  return {
    slowSec: Number.isFinite(slow) && slow > 0 ? slow : 0,
    isLocked: modes['lock'] === true,
    emotesOnly: modes['emote'] === true,
    noLinks: modes['links'] === true,
    only: only.filter((group): group is string => typeof group === 'string'),
  };
}

const groupNames: Record<string, string> = {
  followers: 'followers',
  fans: 'the fan club',
  tippers: 'those who have tipped',
  members: 'members',
};

function seconds(sec: number): string {
  return sec % 60 === 0 ? `${String(sec / 60)} min` : `${String(sec)} s`;
}

/** What a writer should know before writing, one short sentence; '' when everything goes. */
export function describeRules(rules: ChatRules): string {
  const parts: string[] = [];
  if (rules.isLocked) return 'Chat is locked for now.';
  if (rules.slowSec > 0) parts.push(`Slow mode: one message every ${seconds(rules.slowSec)}`);
  if (rules.emotesOnly) parts.push('Emotes only');
  if (rules.noLinks) parts.push('No links');
  if (rules.only.length > 0) {
    parts.push(`Only for ${rules.only.map((group) => groupNames[group] ?? group).join(' or ')}`);
  }
  return parts.length === 0 ? '' : `${parts.join(' · ')}.`;
}

/** Performers, moderators and admins stand above the rules. */
export function isExempt(level: string | undefined): boolean {
  return level === 'performer' || level === 'moderator' || level === 'admin';
}

/** Unix ms from which the next message may be said, after one was accepted at `atMs`. */
export function nextTurnMs(rules: ChatRules, level: string | undefined, atMs: number): number {
  return isExempt(level) || rules.slowSec === 0 ? 0 : atMs + rules.slowSec * 1000;
}

/** Unix ms until which a refusal asks to wait; undefined when waiting does not help. */
export function refusedUntilMs(error: unknown, nowMs: number): number | undefined {
  const { code, retryMs } = asFields(error);
  const isTimed = code === 'slow_mode' || code === 'muted' || code === 'rate_limited';
  return isTimed && typeof retryMs === 'number' && retryMs > 0 ? nowMs + retryMs : undefined;
}
