// Commands of a room as typed calls: moderation, the held queue, who is there, older messages. For
// pages of performers and moderators as well as of viewers. Unlike `publish` they are not kept
// while offline: each rejects with a RealtimeError (`closed`, `timeout`, or the server's code).
import {
  parseHeldResult,
  parseHistoryResult,
  parseModerateResult,
  parsePresenceResult,
  type Fields,
  type HeldMessage,
  type HistoryResult,
  type ModerateCommand,
  type ModerateResult,
  type PresenceResult,
} from '../protocol/index.js';
import type { Request } from './connection.js';
import { RealtimeError } from './errors.js';

/** What these calls need of a RealtimeClient. */
export interface Caller {
  call(request: Request): Promise<Fields>;
  newMid(): string;
}

/** `mid` is chosen when absent; give one to make a repeat of the same click harmless. */
export type ModerationAct = Omit<ModerateCommand, 'c' | 'i' | 'ch' | 'mid'> & { mid?: string };

export interface RoomCalls {
  moderate(act: ModerationAct): Promise<ModerateResult>;
  approve(held: string): Promise<ModerateResult>;
  deny(held: string, reason?: string): Promise<ModerateResult>;
  /** A new tip goal; its sum begins at 0. `target` in milli-credits, '0' = no goal. */
  setGoal(goal: { target: string; text?: string }): Promise<ModerateResult>;
  /** Messages that wait, oldest first; later ones come as `h`. */
  held(): Promise<readonly HeldMessage[]>;
  presence(): Promise<PresenceResult>;
  history(page?: { before?: number; limit?: number }): Promise<HistoryResult>;
}

/** @param channel `room:<id>`, subscribed by the same client */
export function roomCalls(client: Caller, channel: string): RoomCalls {
  const moderate = async (act: ModerationAct): Promise<ModerateResult> => {
    const mid = act.mid ?? client.newMid();
    return want(await client.call({ ...act, c: 'mod', ch: channel, mid }), parseModerateResult);
  };
  return {
    moderate,
    approve: (held) => moderate({ action: 'approve', held }),
    deny: (held, reason) =>
      moderate({ action: 'deny', held, ...(reason === undefined ? {} : { reason }) }),
    setGoal: (goal) => moderate({ action: 'goal', settings: { ...goal } }),
    held: async () => want(await client.call({ c: 'held', ch: channel }), parseHeldResult).items,
    presence: async () => want(await client.call({ c: 'pres', ch: channel }), parsePresenceResult),
    history: async (page = {}) =>
      want(await client.call({ ...page, c: 'hist', ch: channel }), parseHistoryResult),
  };
}

function want<T>(fields: Fields, parse: (fields: Fields) => T | undefined): T {
  const result = parse(fields);
  if (result === undefined) throw new RealtimeError('internal', 'The answer was malformed.');
  return result;
}
