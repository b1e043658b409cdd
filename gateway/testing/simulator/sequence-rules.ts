// The rules of lua/sequence-batch.lua in plain TypeScript, one after another, for the simulator;
// test/redis-model.test.ts compares them with the script on a real Redis. Review and tips are left
// out: the simulated rooms have neither.
import { messageFlags } from '../../scripts.js';

/** What a channel's rows in Redis hold. */
export class ChannelRow {
  epoch = '';
  top = 0;
  lastMs = 0;
  history = new Map<number, Buffer>();
  mids = new Map<string, string>();
  midsBefore = new Map<string, string>();
  /** 0 = there are none. */
  midsBegunMs = 0;
  readonly restrictions = new Map<string, number>();
  readonly users = new Map<string, { last: number; text: string; tat: number }>();
  roomTat = 0;
  readonly settings = new Map<string, string>();
  readonly lease = { owner: '', token: 0, untilMs: 0 };
  /** Users that each worker has reported. */
  readonly present = new Map<string, { reports: number; untilMs: number; users: Set<string> }>();
}

export interface ModelMessage {
  readonly sender: string;
  readonly mid: string;
  readonly flags: number;
  readonly textHash: string;
  readonly tail: Buffer;
}

export interface RuleContext {
  readonly row: ChannelRow;
  readonly nowMs: number;
  readonly settingsVersion: string;
}

const GROUPS = ['followers_only', 'fans_only', 'tippers_only', 'members_only'] as const;
const { exempt, hasLink, notEmoteOnly, hasWord, insider, follower, fan } = messageFlags;

const has = (flags: number, bit: number): boolean => (flags & bit) > 0;
const wait = (reason: string, ms: number): string => `${reason}:${Math.ceil(ms)}`;

function restrictedMs({ row, nowMs }: RuleContext, member: string): number {
  return Math.max(0, (row.restrictions.get(member) ?? 0) - nowMs);
}

/** Why a message gets no place; undefined = it may have one, and the sender's state has moved. */
export function refuse(context: RuleContext, message: ModelMessage): string | undefined {
  const { row } = context;
  const { sender, flags } = message;
  for (const [kind, reason] of [
    ['b', 'banned'],
    ['m', 'muted'],
  ] as const) {
    const left = restrictedMs(context, `${kind}:${sender}`);
    if (left > 0) return wait(reason, left);
  }
  const version = row.settings.get('v') ?? '0';
  if (context.settingsVersion !== '' && version !== context.settingsVersion) {
    return 'stale_settings:0';
  }
  if (has(flags, exempt)) return undefined;
  const closed = refuseByMode(row.settings, flags);
  return closed ?? refuseByRate(context, message);
}

function refuseByMode(settings: ReadonlyMap<string, string>, flags: number): string | undefined {
  const isOn = (name: string): boolean => settings.get(name) === '1';
  if (settings.get('online') === '0') return 'room_offline:0';
  if (isOn('private') && !has(flags, insider)) return 'room_private:0';
  if (isOn('lock')) return 'room_locked:0';
  const only = Number(settings.get('only') ?? '0');
  if (only > 0) {
    const wanted = GROUPS.filter((_, at) => has(only, 2 ** at));
    const isMember = GROUPS.some((_, at) => has(only, 2 ** at) && has(flags, follower * 2 ** at));
    if (!isMember) return `${wanted[0] ?? ''}:0`;
  }
  if (isOn('links') && has(flags, hasLink)) return 'links_blocked:0';
  if (isOn('emote') && has(flags, notEmoteOnly)) return 'emote_only:0';
  return has(flags, hasWord) ? 'word_blocked:0' : undefined;
}

function refuseByRate(context: RuleContext, message: ModelMessage): string | undefined {
  const { row, nowMs } = context;
  const { sender, flags, textHash } = message;
  const setting = (name: string, fallback: number): number =>
    Number(row.settings.get(name) ?? fallback);
  const state = row.users.get(sender) ?? { last: 0, text: '', tat: 0 };
  const slowMs = setting('slow', 0) * 1_000;
  if (slowMs > 0 && state.last + slowMs > nowMs) {
    return wait('slow_mode', state.last + slowMs - nowMs);
  }
  const uniqueMs = setting('unique', 0) * 1_000;
  const isSame = textHash !== '' && state.text === textHash;
  if (uniqueMs > 0 && isSame && state.last + uniqueMs > nowMs) return 'duplicate_text:0';
  const periodMs = setting('period', 1_500);
  const tat = Math.max(state.tat, nowMs) + periodMs;
  const excess = tat - nowMs - setting('burst', 10) * periodMs;
  if (excess > 0) return wait('rate_limited', excess);
  if (restrictedMs(context, `s:${sender}`) > 0) return 'shadow:0';
  const isCounted = !has(flags, fan) && state.tat !== 0;
  if (isCounted) {
    const roomTat = Math.max(row.roomTat, nowMs) + 1_000 / setting('cap', 20);
    if (roomTat - nowMs > 1_000) return 'sampled:0';
    row.roomTat = roomTat;
  }
  const keepsText = slowMs > 0 || uniqueMs > 0;
  const kept = keepsText ? { last: nowMs, text: textHash } : { last: state.last, text: state.text };
  row.users.set(sender, { ...kept, tat });
  return undefined;
}
