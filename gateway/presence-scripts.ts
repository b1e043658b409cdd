// The scripts of who is in a room as typed values; lua/includes/presence.lua says how it rests in
// Redis.
import { defineScript, type RedisClient } from '../cluster/index.js';
import { channelKeys, presenceOf, type ChannelKeys } from './channel-keys.js';
import { leaseKey } from './coordinator-scripts.js';
import {
  isAccessLevel,
  packValue,
  type AccessLevel,
  type PresenceResult,
} from './protocol/index.js';
import { asArray, asNumber, asText } from './scripts.js';

const file = (name: string): URL => new URL(`./lua/${name}.lua`, import.meta.url);

/** In larger rooms nobody reads who comes and goes, and each notice costs a frame per listener. */
export const NOTICES_MAX = 100;

export interface PresenceChange {
  /** + came, or is another now; - lost the connection, x left. */
  readonly what: '+' | '-' | 'x';
  readonly user: string;
  /** 0 performers, 1 moderators, 2 others, 3 anonymous visitors. */
  readonly rank: number;
  readonly level: AccessLevel;
  readonly name: string;
}

export interface ReportArgs {
  readonly keys: ChannelKeys;
  /** 0 = Redis' own clock. */
  readonly nowMs: number;
  readonly worker: string;
  /** As the last reply had it; 0 = all users of the worker follow. */
  readonly reports: number;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly noticesMax: number;
  readonly changes: readonly PresenceChange[];
}

interface DropArgs {
  readonly keys: ChannelKeys;
  readonly worker: string;
  readonly nowMs: number;
}

interface AnnounceArgs {
  readonly channel: { readonly name: string; readonly keys: ChannelKeys };
  readonly worker: string;
  readonly token: number;
  readonly leaseMs: number;
  /** Default: Redis' own clock. */
  readonly nowMs?: number;
}

export interface ReportReply {
  /** True = something was lost on either side: report all users. */
  readonly isOutOfStep: boolean;
  readonly reports: number;
  /** Workers whose reports about the room hold. */
  readonly workers: readonly string[];
}

export const reportPresence = defineScript<ReportArgs, ReportReply>({
  file: file('report-presence'),
  encode: ({ keys, changes, ...args }) => ({
    keys: [...peopleKeys(keys), presenceOf(keys, args.worker), keys.values, keys.feed],
    argv: [
      ...[args.nowMs, args.worker, args.reports, args.leaseMs, args.graceMs, args.noticesMax],
      // One argument: a crowd's would be thousands, each at the cost of its own.
      Buffer.from(packValue(changes.map(rowOf))),
    ],
  }),
  decode(reply) {
    const [reports, ...workers] = asArray(reply);
    return {
      isOutOfStep: reports === -1,
      reports: asNumber(reports),
      workers: workers.map(asText),
    };
  },
});

function rowOf({ what, user, rank, level, name }: PresenceChange): readonly unknown[] {
  return [what, user, rank, level, name];
}

const dropScript = defineScript<DropArgs, boolean>({
  file: file('drop-presence'),
  encode: ({ keys, worker, nowMs }) => ({
    keys: [...peopleKeys(keys), presenceOf(keys, worker), keys.feed],
    argv: [nowMs, worker, NOTICES_MAX],
  }),
  decode: (reply) => reply === 1,
});

const announcements = {
  '-1': 'fenced',
  '0': 'unchanged',
  '1': 'published',
  '2': 'waiting',
} as const;
type Announced = (typeof announcements)[keyof typeof announcements];

const announceScript = defineScript<
  AnnounceArgs,
  { readonly outcome: Announced; readonly stale: readonly string[] }
>({
  file: file('announce-presence'),
  encode: ({ channel: { name, keys }, worker, token, leaseMs, nowMs = 0 }) => ({
    keys: [...peopleKeys(keys), keys.values, keys.feed, leaseKey(name)],
    argv: [nowMs, worker, token, leaseMs, NOTICES_MAX],
  }),
  decode(reply) {
    const [outcome, ...stale] = asArray(reply);
    return {
      outcome: announcements[String(outcome) as keyof typeof announcements],
      stale: stale.map(asText),
    };
  },
});

/**
 * What a room's coordinator does: renews its lease, tells the room how many there are, and takes
 * those of dead workers off. @throws Redis' errors
 */
export async function announcePresence(redis: RedisClient, args: AnnounceArgs): Promise<Announced> {
  const { outcome, stale } = await announceScript.run(redis, args);
  const { nowMs = 0, channel } = args;
  let isChanged = false;
  for (const worker of stale) {
    const isDropped = await dropScript.run(redis, { keys: channel.keys, worker, nowMs });
    isChanged ||= isDropped;
  }
  return isChanged && outcome === 'unchanged' ? 'published' : outcome;
}

const readScript = defineScript<
  { keys: ChannelKeys; nowMs: number; limit: number },
  PresenceResult
>({
  file: file('read-presence'),
  encode: ({ keys, nowMs, limit }) => ({
    keys: peopleKeys(keys),
    argv: [nowMs, limit],
  }),
  decode(reply) {
    const [count, version, ...flat] = asArray(reply);
    const users: PresenceResult['users'][number][] = [];
    for (let at = 0; at < flat.length; at += 3) {
      const level = asText(flat[at + 1]);
      const name = asText(flat[at + 2]);
      users.push([asText(flat[at]), name, isAccessLevel(level) ? level : 'view']);
    }
    return { count: asNumber(count), version: asNumber(version), users };
  },
});

/** @param limit people to be named @param nowMs 0 = Redis' own clock */
export function readPresence(
  redis: RedisClient,
  keys: ChannelKeys,
  limit: number,
  nowMs = 0,
): Promise<PresenceResult> {
  return readScript.run(redis, { keys, nowMs, limit });
}

/** Of one who is in the room, or has just left. @throws Redis' errors */
export async function readPerson(
  redis: RedisClient,
  { people }: ChannelKeys,
  user: string,
): Promise<{ readonly name: string; readonly level: string } | undefined> {
  const row = await redis.hget(people, user);
  if (row === null) return undefined;
  // "<references>|<rank>|<level>|<name>", see lua/includes/presence.lua
  const [, , level = '', ...name] = row.split('|');
  return { level, name: name.join('|') };
}

/** Viewers of each room now, for lists; a room that nobody watches has 0. @throws Redis' errors */
export async function readViewerCounts(
  redis: RedisClient,
  roomIds: readonly string[],
  nowMs = 0,
): Promise<number[]> {
  const rooms = roomIds.map((id) => channelKeys(`room:${id}`));
  const found = await Promise.all(rooms.map((keys) => readPresence(redis, keys, 0, nowMs)));
  return found.map(({ count }) => count);
}

function peopleKeys({ counts, order, people, leaving }: ChannelKeys): string[] {
  return [counts, order, people, leaving];
}
