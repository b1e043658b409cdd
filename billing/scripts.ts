// The money scripts as typed values, one per file in lua/, for engine, fence and bench. Those that
// charge are fenced: a server that does not know them is new and must be compared first.
import { defineScript, type Script, type ScriptArgument } from '../cluster/index.js';
import { type EndReason, END_REASONS, type TouchVerdict } from './schema.js';
import { shardKeys, type ShardKeys } from './shard.js';
import { readTouchReply } from './touch-reply.js';

/** Ms; 0 = the server's own clock. Only tests pass another value. */
export type Now = number;

interface Base {
  readonly shard: number;
  readonly now: Now;
}

/** `quantum maxGap grace settle` in ms, see tariff.ts. */
export type TimingText = string;

/** A wallet right after the call. `owned` includes `held`. */
export interface WalletState {
  readonly owned: bigint;
  readonly held: bigint;
  readonly version: number;
}

export type TouchSource = 'g' | 'h' | 'r' | 'p' | 'q';

export interface TouchRow extends WalletState {
  readonly sessionId: string;
  readonly verdict: TouchVerdict;
  /** -1 when the session goes on for more than a minute. */
  readonly leftMs: number;
  readonly reason?: EndReason;
  readonly wallet: string;
  readonly room: string;
  /** 1 or 2 when a warning threshold was crossed just now, else 0. */
  readonly crossed: number;
  /** Ms since the end, for verdict `ended`; else 0. */
  readonly overMs: number;
}

export interface NoticeRow extends WalletState {
  readonly sessionId: string;
  readonly kind: 'cut' | 'repeat';
  readonly reason: EndReason;
  readonly wallet: string;
  readonly room: string;
}

type KeyName = keyof ShardKeys;

function script<Args extends { readonly shard: number }, Reply>(options: {
  readonly name: string;
  readonly keys: readonly KeyName[];
  readonly argv: (args: Args) => readonly ScriptArgument[];
  readonly reply: (fields: readonly string[]) => Reply;
  readonly isFenced?: boolean;
}): Script<Args, Reply> {
  return defineScript<Args, Reply>({
    file: new URL(`./lua/${options.name}.lua`, import.meta.url),
    encode: (args) => {
      const keys = shardKeys(args.shard);
      return { keys: options.keys.map((name) => keys[name]), argv: options.argv(args) };
    },
    decode: (reply) => options.reply(toFields(reply)),
    onMissing: (options.isFenced ?? true) ? 'fence' : 'load',
  });
}

/** Replies are flat lists of strings and small integers, or one such value. */
function toFields(reply: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(reply) ? reply : [reply];
  return list.map(String);
}

function field(fields: readonly string[], at: number): string {
  const value = fields[at];
  if (value === undefined) throw new Error(`reply has no field ${at}`);
  return value;
}

function walletAt(fields: readonly string[], at: number): WalletState {
  return {
    owned: BigInt(field(fields, at)),
    held: BigInt(field(fields, at + 1)),
    version: Number(field(fields, at + 2)),
  };
}

function rowsOf<T>(
  fields: readonly string[],
  shape: { from: number; width: number },
  build: (fields: readonly string[], at: number) => T,
): T[] {
  const rows: T[] = [];
  for (let at = shape.from; at < fields.length; at += shape.width) rows.push(build(fields, at));
  return rows;
}

function reasonOf(text: string): EndReason | undefined {
  return END_REASONS.find((one) => one === text);
}

function sureReason(text: string): EndReason {
  return reasonOf(text) ?? 'admin';
}

export const openSession = script({
  name: 'open-session',
  keys: ['meta', 'bal', 'out', 'sess', 'due', 'room', 'live', 'idem0', 'idem1', 'ticket'],
  argv: (a: OpenArgs) => [
    a.now,
    a.timing,
    a.sessionId,
    a.wallet,
    a.room,
    a.payee,
    a.tariff,
    a.entryMs,
    a.key,
    a.fingerprint,
    a.termsVersion ?? 0,
  ],
  reply: (f) => ({
    status: field(f, 0),
    isDuplicate: field(f, 1) === '1',
    sessionId: field(f, 2),
    price: BigInt(field(f, 3)),
    wallet: walletAt(f, 4),
    grantedUntilMs: Number(field(f, 7)),
    billMs: Number(field(f, 8)),
  }),
});
export interface OpenArgs extends Base {
  readonly timing: TimingText;
  readonly sessionId: string;
  readonly wallet: string;
  readonly room: string;
  readonly payee: string;
  readonly tariff: string;
  readonly entryMs: number;
  readonly key: string;
  readonly fingerprint: string;
  /** Of the terms that the tariff is from; a shard that knows newer ones takes theirs. */
  readonly termsVersion?: number;
}

interface TouchArgs extends Base {
  readonly timing: TimingText;
  readonly items: readonly (readonly [sessionId: string, source: TouchSource])[];
}

export const touchSessions = defineScript<TouchArgs, TouchRow[]>({
  file: new URL('./lua/touch-sessions.lua', import.meta.url),
  encode: ({ shard, now, timing, items }) => {
    const { meta, bal, out, sess, due, room, live } = shardKeys(shard);
    const sources = items.map(([, source]) => source).join('');
    const argv = [now, timing, sources, ...items.map(([sessionId]) => sessionId)];
    return { keys: [meta, bal, out, sess, due, room, live], argv };
  },
  decode: (reply, { items }) => readTouchReply(reply, items),
  isBinary: true,
  onMissing: 'fence',
});

export const endSession = script({
  name: 'end-session',
  keys: ['meta', 'bal', 'out', 'sess', 'due', 'room'],
  argv: (a: Base & { timing: TimingText; sessionId: string; reason: EndReason }) => [
    a.now,
    a.timing,
    a.sessionId,
    a.reason,
  ],
  reply: (f) => ({
    status: field(f, 0),
    wasEnded: field(f, 1) === '1',
    wallet: field(f, 2),
    room: field(f, 3),
    reason: sureReason(field(f, 4)),
    ...walletAt(f, 5),
    charged: BigInt(field(f, 8)),
    billMs: Number(field(f, 9)),
    openedMs: Number(field(f, 10)),
  }),
});

export const sweepSessions = script({
  name: 'sweep-sessions',
  keys: ['meta', 'bal', 'out', 'sess', 'due', 'room', 'ticket'],
  argv: (
    a: Base & { timing: TimingText; limit: number; isSuspended: boolean; isSparing?: boolean },
  ) => [a.now, a.timing, a.limit, a.isSuspended ? 1 : a.isSparing === true ? 2 : 0],
  reply: (f) => ({
    looked: Number(field(f, 0)),
    silent: Number(field(f, 1)),
    notices: rowsOf(f, { from: 2, width: 8 }, (row, at): NoticeRow => ({
      sessionId: field(row, at),
      kind: field(row, at + 1) === 'cut' ? 'cut' : 'repeat',
      reason: sureReason(field(row, at + 2)),
      wallet: field(row, at + 3),
      room: field(row, at + 4),
      ...walletAt(row, at + 5),
    })),
  }),
});

/** Before a sweep: how many sessions it would find silent, of the `limit` that are due longest. */
export const countSilent = script({
  name: 'count-silent',
  keys: ['meta', 'sess', 'due'],
  argv: (a: Base & { timing: TimingText; limit: number }) => [a.now, a.timing, a.limit],
  reply: (f) => Number(field(f, 0)),
});

export const tipPayee = script({
  name: 'tip-payee',
  keys: ['meta', 'bal', 'out', 'idem0', 'idem1'],
  argv: (a: TipArgs) => [
    a.now,
    a.wallet,
    a.room,
    a.payee,
    String(a.amount),
    a.bps,
    a.tipId,
    a.key,
    a.fingerprint,
  ],
  reply: (f) => ({
    status: field(f, 0),
    isDuplicate: field(f, 1) === '1',
    tipId: field(f, 2),
    wallet: walletAt(f, 3),
  }),
});
export interface TipArgs extends Base {
  readonly wallet: string;
  readonly room: string;
  readonly payee: string;
  readonly amount: bigint;
  readonly bps: number;
  readonly tipId: string;
  readonly key: string;
  readonly fingerprint: string;
}

export type FundKind = 'credit' | 'lot' | 'end-lot' | 'debit' | 'freeze' | 'unfreeze';

export const fundWallet = script({
  name: 'fund-wallet',
  keys: ['meta', 'bal', 'out'],
  argv: (
    a: Base & { wallet: string; cmdSeq: bigint; kind: FundKind; amount: bigint; lot?: string },
  ) => [a.now, a.wallet, String(a.cmdSeq), a.kind, String(a.amount), a.lot ?? '-'],
  reply: (f) => ({
    status: field(f, 0),
    cmdSeq: BigInt(field(f, 1)),
    wallet: walletAt(f, 2),
  }),
});

export const expireLots = script({
  name: 'expire-lots',
  keys: ['meta', 'bal', 'out'],
  argv: (a: Base & { wallets: readonly string[] }) => [a.now, ...a.wallets],
  reply: (f) =>
    rowsOf(f, { from: 0, width: 4 }, (row, at) => ({
      wallet: field(row, at),
      ...walletAt(row, at + 1),
    })),
});

export const readLots = script({
  name: 'read-lots',
  keys: ['meta', 'bal'],
  argv: (a: { shard: number; wallet: string }) => [a.wallet],
  reply: (f) => ({
    cash: BigInt(field(f, 0)),
    debt: BigInt(field(f, 1)),
    isFrozen: Number(field(f, 2)) % 2 === 1,
    lots: rowsOf(f, { from: 3, width: 5 }, (row, at) => ({
      id: field(row, at),
      amount: BigInt(field(row, at + 1)),
      expiresMs: Number(field(row, at + 2)),
      priority: Number(field(row, at + 3)),
      scope: Number(field(row, at + 4)),
    })),
  }),
});

export const setRoom = script({
  name: 'set-room',
  keys: ['meta', 'bal', 'out', 'sess', 'due', 'room', 'live', 'ticket'],
  argv: (a: SetRoomArgs) => [
    a.now,
    a.timing,
    a.room,
    a.state,
    a.sinceMs,
    a.reason,
    a.after,
    a.limit,
  ],
  reply: (f) => ({
    next: field(f, 0),
    ended: rowsOf(f, { from: 1, width: 6 }, (row, at) => ({
      sessionId: field(row, at),
      reason: sureReason(field(row, at + 1)),
      wallet: field(row, at + 2),
      ...walletAt(row, at + 3),
    })),
  }),
});
export interface SetRoomArgs extends Base {
  readonly timing: TimingText;
  readonly room: string;
  readonly state: 'live' | 'down' | 'ended';
  readonly sinceMs: number;
  readonly reason: EndReason;
  readonly after: string;
  readonly limit: number;
}

export const setTariff = script({
  name: 'set-tariff',
  keys: ['meta', 'bal', 'out', 'sess', 'due', 'room', 'live'],
  argv: (a: SetTariffArgs) => [a.now, a.timing, a.room, a.tariff, a.version, a.after, a.limit],
  reply: (f) => ({
    next: field(f, 0),
    changed: rowsOf(f, { from: 1, width: 6 }, (row, at) => {
      const reason = reasonOf(field(row, at + 1));
      return {
        sessionId: field(row, at),
        /** Why the session ended; absent when it goes on at the new price. */
        ...(reason === undefined ? {} : { reason }),
        wallet: field(row, at + 2),
        ...walletAt(row, at + 3),
      };
    }),
  }),
});
export interface SetTariffArgs extends Base {
  readonly timing: TimingText;
  readonly room: string;
  readonly tariff: string;
  readonly version: number;
  readonly after: string;
  readonly limit: number;
}

/** Milli-credits; 0 = no such limit. */
export interface WalletLimits {
  readonly wallet: string;
  readonly version: bigint;
  readonly perShow: bigint;
  readonly perMinute: bigint;
  readonly perDay: bigint;
  readonly perTip: bigint;
}

export const setLimits = script({
  name: 'set-limits',
  keys: ['meta', 'bal', 'out'],
  argv: (a: Base & WalletLimits) => [
    ...[a.now, a.wallet, String(a.version), String(a.perShow), String(a.perMinute)],
    ...[String(a.perDay), String(a.perTip)],
  ],
  reply: (f) => walletAt(f, 0),
});

export const readSession = script({
  name: 'read-session',
  keys: ['meta', 'sess'],
  argv: (a: { shard: number; sessionId: string }) => [a.sessionId],
  reply: (f) => {
    if (f.length === 0) return undefined;
    const reason = reasonOf(field(f, 3));
    return {
      wallet: field(f, 0),
      room: field(f, 1),
      isActive: field(f, 2) === '1',
      ...(reason === undefined ? {} : { reason }),
      charged: BigInt(field(f, 4)),
      billMs: Number(field(f, 5)),
      openedMs: Number(field(f, 6)),
    };
  },
});

export const readWallet = script({
  name: 'read-wallet',
  keys: ['meta', 'bal'],
  argv: (a: { shard: number; wallet: string }) => [a.wallet],
  reply: (f) => ({
    ...walletAt(f, 0),
    debt: BigInt(field(f, 3)),
    isFrozen: field(f, 4) === '1',
    cmdSeq: BigInt(field(f, 5)),
  }),
});

export interface SnapshotWallet {
  readonly wallet: string;
  readonly owned: bigint;
  readonly held: bigint;
  readonly debt: bigint;
  readonly cmdSeq: bigint;
  /** Charged by open sessions, not in the outbox yet. */
  readonly unsettled: bigint;
  /** Σ holds of its sessions; equal to `held`. */
  readonly holds: bigint;
  /** By lot id: what it has, and what sessions have used of it that is not in the outbox yet. */
  readonly lots: ReadonlyMap<string, bigint>;
}

const NO_LOTS: ReadonlyMap<string, bigint> = new Map();

/** `lot:amount,…`, a lot possibly more than once; `-` and '' are none. */
export function lotSums(text: string): ReadonlyMap<string, bigint> {
  if (text === '-') return NO_LOTS;
  const sums = new Map<string, bigint>();
  for (const [, lot = '', amount = '0'] of text.matchAll(/(\d+):(\d+)/g)) {
    sums.set(lot, (sums.get(lot) ?? 0n) + BigInt(amount));
  }
  return sums;
}

export const snapshotShard = script({
  name: 'snapshot-shard',
  keys: ['meta', 'bal', 'sess'],
  argv: (_: { shard: number }) => [],
  reply: (f) => ({
    epoch: BigInt(field(f, 0)),
    seq: BigInt(field(f, 1)),
    sum: BigInt(field(f, 2)),
    wallets: rowsOf(f, { from: 3, width: 8 }, (row, at): SnapshotWallet => ({
      wallet: field(row, at),
      owned: BigInt(field(row, at + 1)),
      held: BigInt(field(row, at + 2)),
      debt: BigInt(field(row, at + 3)),
      cmdSeq: BigInt(field(row, at + 4)),
      unsettled: BigInt(field(row, at + 5)),
      holds: BigInt(field(row, at + 6)),
      lots: lotSums(field(row, at + 7)),
    })),
  }),
});

export const trimOutbox = script({
  name: 'trim-outbox',
  keys: ['meta', 'out'],
  argv: (a: { shard: number; epoch: bigint; seq: bigint; tail: number }) => [
    String(a.epoch),
    String(a.seq),
    a.tail,
  ],
  reply: (f) => Number(field(f, 0)),
});

/** All that a server must know before money moves on it. */
export const FENCED_SCRIPTS: readonly { load(redis: ScriptLoader): Promise<void> }[] = [
  openSession,
  touchSessions,
  endSession,
  sweepSessions,
  countSilent,
  tipPayee,
  fundWallet,
  expireLots,
  setRoom,
  setTariff,
  setLimits,
  readSession,
  readWallet,
  readLots,
  snapshotShard,
  trimOutbox,
];

export interface ScriptLoader {
  script(subcommand: 'LOAD', body: string): Promise<unknown>;
}
