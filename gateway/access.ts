// Who may do what: connect tokens, room and resume tickets, access levels. Pure but for the check
// that a room ticket is used once, which is a write in Redis.
import { assert, type RedisClient, type TokenClaims, type TokenService } from '../cluster/index.js';
import { channelKeys } from './channel-keys.js';
import {
  channelId,
  channelNamespace,
  isAccessLevel,
  isRole,
  type AccessLevel,
  type ErrorCode,
} from './protocol/index.js';
import { claimTickets, messageFlags } from './scripts.js';
import type { Membership, User } from './session.js';
import { TurnCalls, type Asker } from './turn-calls.js';

interface ConnectClaims extends TokenClaims {
  readonly name: string;
  readonly role: string;
}

interface RoomClaims extends TokenClaims {
  readonly room: string;
  readonly level: string;
  readonly bill?: string;
  /** What the user is to the room, comma-separated: follower, fan, tipper, member. */
  readonly groups?: string;
  /**
   * What the ticket allows or denies besides the level, comma-separated: `invited` = may be there
   * while the room is private, `nochat` = gets no messages.
   */
  readonly flags?: string;
}

export interface LevelRights {
  readonly mayRead: boolean;
  readonly mayWrite: boolean;
  readonly mayModerate: boolean;
  /** Whether the viewer counts and is shown in the list. */
  readonly isListed: boolean;
}

/** The whole matrix of access levels; a banned user has none of them. */
export const levelRights: Readonly<Record<AccessLevel, LevelRights>> = {
  ghost: { mayRead: true, mayWrite: false, mayModerate: false, isListed: false },
  view: { mayRead: true, mayWrite: false, mayModerate: false, isListed: true },
  participant: { mayRead: true, mayWrite: true, mayModerate: false, isListed: true },
  performer: { mayRead: true, mayWrite: true, mayModerate: true, isListed: true },
  moderator: { mayRead: true, mayWrite: true, mayModerate: true, isListed: true },
  admin: { mayRead: true, mayWrite: true, mayModerate: true, isListed: false },
};

export type Verdict<T> =
  ({ readonly ok: true } & T) | { readonly ok: false; readonly code: ErrorCode };

/** Life of a resume ticket. */
export const RESUME_TTL_SEC = 900;
/** One that is good for longer than this is kept by who comes back with it. */
const RESUME_KEPT_SEC = 600;
/** A room ticket lives 30 s; its mark outlives it. */
const USED_TTL_SEC = 90;
const CLAIMS_PER_CALL = 100;

const GROUP_BITS: Readonly<Record<string, number>> = {
  follower: messageFlags.follower,
  fan: messageFlags.fan,
  tipper: messageFlags.tipper,
  member: messageFlags.member,
};

/** What a good ticket gives, or a channel that needs none. */
export interface Admittance {
  readonly membership: Membership;
  readonly isFirstUse: boolean;
  /** Of the ticket, Unix ms in whole seconds; absent = there is none. */
  readonly issuedMs?: number;
  /** The ticket is good for the next time, too. */
  readonly isKept: boolean;
}

export interface Access {
  connect(token: string): Verdict<{ user: User; expMs: number; issuedMs: number }>;
  /** Checks what the channel asks for; the ticket's single use is left to `claim`. */
  join(user: User, channel: string, ticket: string | undefined): Verdict<Admittance>;
  /** Marks a room ticket as used. The answer false = it was used before; fails without Redis. */
  claim(channel: string, ticket: string, asker: Asker<boolean>): void;
  /**
   * A ticket to come back with, without asking the site again; undefined where none is needed, or
   * the one that was shown is good for that.
   */
  resumeTicket(user: User, channel: string, admittance: Admittance): string | undefined;
}

/**
 * 128 bits that tell a verified ticket from all others: of its signature as bytes, since a text can
 * be changed (the last character holds two bits that say nothing) and still be verified.
 */
function markOf(ticket: string): string {
  const signature = Buffer.from(ticket.slice(ticket.lastIndexOf('.') + 1), 'base64url');
  return signature.toString('base64url', 0, 16);
}

function groupNames(groups: number): string[] {
  return Object.keys(GROUP_BITS).filter((name) => (groups & (GROUP_BITS[name] ?? 0)) > 0);
}

function joinRoom(
  tokens: TokenService,
  user: User,
  room: string,
  { ticket, nowMs }: { readonly ticket: string | undefined; readonly nowMs: number },
): Verdict<Admittance> {
  if (ticket === undefined) return { ok: false, code: 'bad_ticket' };
  const verified = tokens.verifyOneOf<RoomClaims, 'room' | 'resume'>(['room', 'resume'], ticket);
  if (!verified.ok) {
    return { ok: false, code: verified.reason === 'expired' ? 'ticket_expired' : 'bad_ticket' };
  }
  const { sub, room: named, level, bill, groups = '', flags = '', iat, exp } = verified.claims;
  if (sub !== user.id || named !== room || !isAccessLevel(level)) {
    return { ok: false, code: 'bad_ticket' };
  }
  const isFirstUse = verified.claims.aud === 'room';
  const issuedMs = iat * 1_000;
  const isKept = !isFirstUse && exp * 1_000 - nowMs > RESUME_KEPT_SEC * 1_000;
  if (groups === '' && flags === '' && bill === undefined) {
    return { ok: true, membership: { level, groups: 0 }, isFirstUse, issuedMs, isKept };
  }
  const bits = groups.split(',').reduce((sum, name) => sum | (GROUP_BITS[name] ?? 0), 0);
  const has = new Set(flags.split(','));
  const membership = {
    ...{ level, groups: bits },
    ...(bill === undefined ? {} : { bill }),
    ...(has.has('invited') ? { isInvited: true } : {}),
    ...(has.has('nochat') ? { isChatless: true } : {}),
  };
  return { ok: true, membership, isFirstUse, issuedMs, isKept };
}

export function createAccess(
  tokens: TokenService,
  redis: RedisClient,
  nowMs: () => number,
): Access {
  const claims = new TurnCalls<{ readonly tag: string; readonly mark: string }, boolean>({
    redis,
    tagOf: ({ tag }) => tag,
    asksMax: CLAIMS_PER_CALL,
    call: (asks) =>
      claimTickets.run(redis, { marks: asks.map(({ mark }) => mark), ttlSec: USED_TTL_SEC }),
  });
  return {
    connect(token) {
      const verified = tokens.verify<ConnectClaims>('connect', token);
      if (!verified.ok) {
        return { ok: false, code: verified.reason === 'expired' ? 'token_expired' : 'bad_token' };
      }
      const { sub, name, role, iat, exp } = verified.claims;
      if (!isRole(role) || typeof name !== 'string') return { ok: false, code: 'bad_token' };
      const user = { id: sub, name, role };
      return { ok: true, user, expMs: exp * 1_000, issuedMs: iat * 1_000 };
    },

    join(user, channel, ticket) {
      const open = {
        ok: true,
        membership: { level: 'view', groups: 0 },
        isFirstUse: false,
        isKept: false,
      } as const;
      switch (channelNamespace(channel)) {
        case 'lobby':
          return channel === 'lobby' ? open : { ok: false, code: 'unknown_channel' };
        case 'user':
          return channelId(channel) === user.id ? open : { ok: false, code: 'forbidden' };
        case 'room':
          return joinRoom(tokens, user, channelId(channel), { ticket, nowMs: nowMs() });
        default:
          return { ok: false, code: 'unknown_channel' };
      }
    },

    claim(channel, ticket, asker) {
      const { tag, meta } = channelKeys(channel);
      claims.add({ tag, mark: `${meta}:${markOf(ticket)}` }, asker);
    },

    resumeTicket(user, channel, { membership, isKept }) {
      if (isKept || channelNamespace(channel) !== 'room') return undefined;
      const { level, bill, groups, isInvited, isChatless } = membership;
      const names = groups === 0 ? [] : groupNames(groups);
      const flags = [
        ...(isInvited === true ? ['invited'] : []),
        ...(isChatless === true ? ['nochat'] : []),
      ];
      const claims = {
        sub: user.id,
        room: channelId(channel),
        level,
        ...(bill === undefined ? {} : { bill }),
        ...(names.length === 0 ? {} : { groups: names.join(',') }),
        ...(flags.length === 0 ? {} : { flags: flags.join(',') }),
      };
      return tokens.sign('resume', claims, RESUME_TTL_SEC);
    },
  };
}

/**
 * Whether a user may say something in a channel: anonymous visitors never, others by their level.
 */
export function mayPublish(user: User, channel: string, { level }: Membership): boolean {
  assert(channel.length > 0, 'a channel has a name');
  return (
    user.role !== 'anon' && channelNamespace(channel) === 'room' && levelRights[level].mayWrite
  );
}

export function mayModerate(user: User, channel: string, { level }: Membership): boolean {
  return (
    user.role !== 'anon' && channelNamespace(channel) === 'room' && levelRights[level].mayModerate
  );
}

/** What a level is worth to the script that gives places: bits of messageFlags. */
export function rightFlags(membership: Membership): number {
  return (
    (levelRights[membership.level].mayModerate ? messageFlags.exempt : 0) |
    (isInsider(membership) ? messageFlags.insider : 0)
  );
}

/** Whether somebody may be in the room while it is private. */
export function isInsider({ level, bill, groups, isInvited }: Membership): boolean {
  const isStaff = levelRights[level].mayModerate || level === 'ghost';
  const isMember = (groups & messageFlags.member) > 0;
  return isStaff || isMember || bill !== undefined || isInvited === true;
}
