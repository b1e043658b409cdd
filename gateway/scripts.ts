// The gateway's Lua scripts as typed values. Replies come as Buffers, since messages stay packed.
import { defineScript, type ScriptArgument } from '../cluster/index.js';
import type { ChannelKeys } from './channel-keys.js';
import { isErrorCode, type ErrorCode } from './protocol/codes.js';

const file = (name: string): URL => new URL(`./lua/${name}.lua`, import.meta.url);

/** Bits of a message's flags; sequence-batch.lua has the same. */
export const messageFlags = {
  /** From the backend: no checks. */
  checkFree: 1,
  /** A moderator or the model: modes do not apply. */
  exempt: 2,
  hasLink: 4,
  notEmoteOnly: 8,
  follower: 16,
  fan: 32,
  tipper: 64,
  member: 128,
  /** Holds a word of the room's list. */
  hasWord: 256,
  /** May be in the room while it is private. */
  insider: 512,
} as const;

export interface SequenceMessage {
  /** '' = the backend. */
  readonly sender: string;
  readonly mid: string;
  readonly flags: number;
  readonly textHash: string;
  readonly tail: Buffer;
}

export interface SequenceArgs {
  readonly keys: ChannelKeys;
  /** 0 = Redis' own clock. */
  readonly nowMs: number;
  readonly newEpoch: string;
  readonly knownEpoch: string;
  readonly knownTop: number;
  readonly historyMax: number;
  readonly historyTtlSec: number;
  readonly midTtlMs: number;
  readonly settingsVersion: string;
  readonly messages: readonly SequenceMessage[];
}

export type SequenceVerdict =
  | {
      readonly is: 'accepted';
      readonly offset: number;
      readonly ts: number;
      readonly isRepeat: boolean;
    }
  /** The sender believes that it was said; nobody else sees it. */
  | { readonly is: 'shadow' }
  /** Waits for a moderator. */
  | { readonly is: 'held' }
  /** More messages than people can read: it got no place, and the sender is told. */
  | { readonly is: 'sampled' }
  /** Texts were filtered by settings that are out of date: look again. */
  | { readonly is: 'stale' }
  | { readonly is: 'refused'; readonly code: ErrorCode; readonly waitMs: number };

export interface SequenceReply {
  readonly epoch: string;
  readonly ts: number;
  readonly verdicts: readonly SequenceVerdict[];
}

export const sequenceBatch = defineScript<SequenceArgs, SequenceReply>({
  file: file('sequence-batch'),
  isBinary: true,
  encode: ({ keys, messages, ...args }) => ({
    keys: [
      keys.meta,
      keys.history,
      keys.mids,
      keys.midsBefore,
      keys.restrictions,
      keys.users,
      keys.settings,
      keys.feed,
      keys.held,
      keys.heldOrder,
      keys.tips,
      keys.tippers,
    ],
    argv: [
      args.nowMs,
      args.newEpoch,
      args.knownEpoch,
      args.knownTop,
      args.historyMax,
      args.historyTtlSec,
      args.midTtlMs,
      args.settingsVersion,
      ...messages.flatMap((one): ScriptArgument[] => [
        one.sender,
        one.mid,
        one.flags,
        one.textHash,
        one.tail,
      ]),
    ],
  }),
  decode(reply) {
    const [epoch, ts, ...verdicts] = asArray(reply);
    const nowMs = asNumber(ts);
    return {
      epoch: asText(epoch),
      ts: nowMs,
      verdicts: verdicts.map((one) => readVerdict(one, nowMs)),
    };
  },
});

function readVerdict(raw: unknown, nowMs: number): SequenceVerdict {
  if (typeof raw === 'number') return { is: 'accepted', offset: raw, ts: nowMs, isRepeat: false };
  const [reason = '', value = '0'] = asText(raw).split(':');
  if (reason === 'held' || reason === '=held') return { is: 'held' };
  if (reason.startsWith('=')) {
    return { is: 'accepted', offset: Number(reason.slice(1)), ts: Number(value), isRepeat: true };
  }
  if (reason === 'shadow' || reason === 'sampled') return { is: reason };
  if (reason === 'stale_settings') return { is: 'stale' };
  if (!isErrorCode(reason)) throw new Error(`sequence-batch gave the verdict ${reason}`);
  return { is: 'refused', code: reason, waitMs: Number(value) };
}

export interface SetLatestArgs {
  readonly keys: ChannelKeys;
  readonly nowMs: number;
  readonly key: string;
  /** Undefined = the time, but more than the one before. */
  readonly version: number | undefined;
  readonly ttlSec: number;
  readonly tail: Buffer;
}

export const setLatest = defineScript<SetLatestArgs, { isWritten: boolean; version: number }>({
  file: file('set-latest'),
  encode: ({ keys, nowMs, key, version, ttlSec, tail }) => ({
    keys: [keys.values, keys.feed],
    argv: [nowMs, key, version ?? '', ttlSec, tail],
  }),
  decode(reply) {
    const [isWritten, version] = asArray(reply);
    return { isWritten: isWritten === 1, version: asNumber(version) };
  },
});

export interface OpenArgs {
  readonly keys: ChannelKeys;
  readonly newEpoch: string;
  readonly knownEpoch: string;
  readonly knownTop: number;
  /** Messages above this offset, oldest first; -1 = the newest. */
  readonly after: number;
  readonly max: number;
  /** Of the message at `knownTop` (ms), 0 = not known. */
  readonly knownMs: number;
}

export interface ChannelState {
  readonly epoch: string;
  readonly top: number;
  /** Offset of entries[0]. */
  readonly first: number;
  /** Undefined where the history does not hold the message any more. */
  readonly entries: readonly (Buffer | undefined)[];
  readonly values: readonly { readonly key: string; readonly value: Buffer }[];
}

/** All channels of one call have the same tag, or the server is no Cluster. */
export const openChannels = defineScript<
  { readonly channels: readonly OpenArgs[]; readonly ttlSec: number },
  readonly ChannelState[]
>({
  file: file('open-channels'),
  isBinary: true,
  encode: ({ channels, ttlSec }) => {
    const keys: string[] = [];
    for (const { keys: of } of channels) keys.push(of.meta, of.history, of.values);
    // Newcomers all ask the same: once, and of a new epoch it is enough that nobody has seen it.
    const isSame = channels.every((one) => one.knownEpoch === '' && isSameRange(one, channels[0]));
    const argv: ScriptArgument[] = [ttlSec];
    for (const one of isSame ? channels.slice(0, 1) : channels) {
      const { newEpoch, knownEpoch, knownTop, after, max, knownMs } = one;
      argv.push(newEpoch, knownEpoch, knownTop, after, max, knownMs);
    }
    return { keys, argv };
  },
  decode: (reply) => asArray(reply).map(readState),
});

function isSameRange({ after, max }: OpenArgs, other: OpenArgs | undefined): boolean {
  return after === other?.after && max === other.max;
}

function readState(reply: unknown): ChannelState {
  const [epoch, top, first, entries, values] = asArray(reply);
  const flat = asArray(values);
  return {
    epoch: asText(epoch),
    top: asNumber(top),
    first: asNumber(first),
    entries: asArray(entries).map((one) => (Buffer.isBuffer(one) ? one : undefined)),
    values: flat.flatMap((key, at) => {
      const value = flat[at + 1];
      return at % 2 === 0 && Buffer.isBuffer(value) ? [{ key: asText(key), value }] : [];
    }),
  };
}

/** Marks tickets as used. Answers whether each was not used before. */
export const claimTickets = defineScript<
  { readonly marks: readonly string[]; readonly ttlSec: number },
  readonly boolean[]
>({
  file: file('claim-tickets'),
  encode: ({ marks, ttlSec }) => ({ keys: marks, argv: [ttlSec] }),
  decode: (reply) => asArray(reply).map((one) => one === 1),
});

export interface KnownTop {
  readonly keys: ChannelKeys;
  readonly epoch: string;
  readonly top: number;
}

/** All channels of one call have the same tag. Answers with those that differ, by their place. */
export const compareTops = defineScript<
  readonly KnownTop[],
  ReadonlyMap<number, { readonly epoch: string; readonly top: number }>
>({
  file: file('compare-tops'),
  encode: (channels) => {
    const argv: ScriptArgument[] = [];
    for (const { epoch, top } of channels) argv.push(epoch, top);
    return { keys: channels.map(({ keys }) => keys.meta), argv };
  },
  decode(reply) {
    const rows = asArray(reply);
    const changed = new Map<number, { epoch: string; top: number }>();
    for (let at = 0; at + 2 < rows.length; at += 3) {
      changed.set(asNumber(rows[at]) - 1, {
        epoch: asText(rows[at + 1]),
        top: asNumber(rows[at + 2]),
      });
    }
    return changed;
  },
});

export function asArray(reply: unknown): unknown[] {
  if (Array.isArray(reply)) return reply as unknown[];
  throw new Error('Redis did not answer with an array');
}

export function asNumber(reply: unknown): number {
  const value = Buffer.isBuffer(reply) ? Number(reply.toString('latin1')) : Number(reply);
  if (Number.isSafeInteger(value)) return value;
  throw new Error('Redis did not answer with an integer');
}

export function asText(reply: unknown): string {
  if (Buffer.isBuffer(reply)) return reply.toString('utf8');
  if (typeof reply === 'string') return reply;
  throw new Error('Redis did not answer with a string');
}
