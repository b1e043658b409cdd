// How the site looks after rooms: straight on Redis, no gateway has to be alive, and in the same
// atomic steps as the moderators in the room. Its effects reach sockets of the whole fleet.
import { randomBytes } from 'node:crypto';
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import { readAudit, type AuditRecord } from './audit.js';
import { readBans, type BanPage } from './bans.js';
import { channelKeys } from './channel-keys.js';
import { gatewayError } from './errors.js';
import { readHeld } from './held.js';
import { readPage } from './history.js';
import { readPresence } from './presence-scripts.js';
import {
  isChannelName,
  limits,
  parseCommand,
  type Body,
  type HeldMessage,
  type HistoryResult,
  type ModerateResult,
  type ModerationAction,
  type PresenceResult,
} from './protocol/index.js';
import { RoomActs, type Actor } from './room-acts.js';
import { flagsOf, type RoomFlags } from './room-flags.js';
import { roomSettings, type RoomSettings } from './room-settings.js';

export interface RoomAct {
  readonly action: ModerationAction;
  /** For the audit record; nobody can ban themselves. */
  readonly by: { readonly id: string; readonly name: string; readonly role: string };
  /** The same mid of the same `by` is done once within 5 minutes. */
  readonly mid: string;
  readonly user?: string;
  readonly offset?: number;
  readonly held?: string;
  readonly seconds?: number;
  readonly reason?: string;
  readonly settings?: Body;
}

/**
 * All methods throw GATEWAY_CHANNEL_INVALID for a room id that cannot be one, and
 * GATEWAY_REDIS_AWAY when the realtime Redis does not answer.
 */
export interface RoomAdmin {
  /**
   * Resolves when it is done: no message of a banned user gets a place after that.
   * @throws GATEWAY_ACT_INVALID, GATEWAY_ACT_FORBIDDEN, GATEWAY_NOT_FOUND
   */
  moderate(roomId: string, act: RoomAct): Promise<ModerateResult>;
  /** Messages that wait for a moderator, oldest first. */
  held(roomId: string): Promise<readonly HeldMessage[]>;
  /** Newest first; `limit` ≤ 200, `before` = an id. */
  audit(
    roomId: string,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<readonly AuditRecord[]>;
  /** Restrictions in force, newest first; `limit` ≤ 200, `before` = the last `next`. */
  bans(
    roomId: string,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<BanPage>;
  /** What is absent stays as it is. Who may not be there any more leaves at once. */
  setFlags(roomId: string, flags: Partial<RoomFlags>, by?: Actor): Promise<void>;
  settings(roomId: string): Promise<RoomSettings & { readonly flags: RoomFlags }>;
  /** The first 100 by level and arrival. */
  presence(roomId: string): Promise<PresenceResult>;
  /** Oldest first; `limit` ≤ 100, `before` = an offset. */
  history(
    roomId: string,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<HistoryResult>;
}

export interface RoomAdminOptions {
  /** Realtime Redis, role `command`. */
  readonly redis: RedisClient;
  readonly log: Logger;
  /** Default Date.now. */
  readonly nowMs?: () => number;
  /** As the gateways have it; default 1,000 messages. */
  readonly historyMax?: number;
  /** Default a day. */
  readonly historyTtlSec?: number;
}

const SITE: Actor = { id: '', name: 'site' };
const RECORDS_PAGE_MAX = 200;

export function createRoomAdmin(options: RoomAdminOptions): RoomAdmin {
  const { redis, log, nowMs = Date.now, historyMax = 1_000, historyTtlSec = 86_400 } = options;
  const acts = new RoomActs({ redis, log, nowMs, historyMax, historyTtlSec });

  async function ask<T>(roomId: string, work: (channel: string) => Promise<T>): Promise<T> {
    const channel = `room:${roomId}`;
    if (!isChannelName(channel)) throw gatewayError('GATEWAY_CHANNEL_INVALID', { channel });
    try {
      return await work(channel);
    } catch (thrown) {
      const error = coerceError(thrown);
      if (error.name === 'AssertionError') throw error;
      log.warn({ event: 'room_admin.failed', err: error });
      throw gatewayError('GATEWAY_REDIS_AWAY', {}, error);
    }
  }

  return {
    async moderate(roomId, { by, ...act }) {
      const parsed = parseCommand({ ...act, c: 'mod', i: 0, ch: `room:${roomId}` });
      if (!parsed.ok || parsed.command.c !== 'mod') {
        const reason = parsed.ok ? 'not an act' : parsed.error[1];
        throw gatewayError('GATEWAY_ACT_INVALID', { reason });
      }
      const { command } = parsed;
      const outcome = await ask(roomId, (channel) => acts.act(by, channel, command));
      if (outcome.ok) return { version: outcome.version, offset: outcome.offset };
      if (outcome.code === 'forbidden') throw gatewayError('GATEWAY_ACT_FORBIDDEN', {});
      if (outcome.code === 'not_found') throw gatewayError('GATEWAY_NOT_FOUND', {});
      throw gatewayError('GATEWAY_ACT_INVALID', { reason: outcome.code });
    },

    held: (roomId) => ask(roomId, (channel) => readHeld(redis, channelKeys(channel), nowMs())),

    audit: (roomId, { before, limit }) =>
      ask(roomId, (channel) =>
        readAudit(redis, channelKeys(channel), {
          limit: bounded(limit, RECORDS_PAGE_MAX),
          ...(before === undefined ? {} : { before }),
        }),
      ),

    bans: (roomId, { before, limit }) =>
      ask(roomId, (channel) =>
        readBans(redis, channelKeys(channel), {
          nowMs: nowMs(),
          limit: bounded(limit, RECORDS_PAGE_MAX),
          ...(before === undefined ? {} : { before }),
        }),
      ),

    async setFlags(roomId, flags, by = SITE) {
      const mid = randomBytes(12).toString('base64url');
      await ask(roomId, (channel) => acts.setFlags(by, channel, mid, flags));
    },

    settings: (roomId) =>
      ask(roomId, async (channel) => {
        const row = await redis.hgetall(channelKeys(channel).settings);
        return { ...roomSettings(row), flags: flagsOf(row) };
      }),

    presence: (roomId) =>
      ask(roomId, (channel) => readPresence(redis, channelKeys(channel), limits.presenceMax)),

    history: (roomId, { before, limit }) =>
      ask(roomId, (channel) =>
        readPage(redis, channelKeys(channel), {
          limit: bounded(limit, limits.historyPageMax),
          ...(before === undefined ? {} : { before }),
        }),
      ),
  };
}

function bounded(limit: number, max: number): number {
  return Math.min(max, Math.max(1, Math.floor(limit)));
}
