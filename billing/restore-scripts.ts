// The scripts that compare and rebuild a shard. They run by EVAL, because a new server knows
// nothing, and each but the first carries the token of the restore that it belongs to. Used by
// fence.ts and rebuild.ts.
import { defineScript, type Script, type ScriptArgument } from '../cluster/index.js';
import type { WalletLimits } from './scripts.js';
import { shardKeys, type ShardKeys } from './shard.js';

function script<Args extends { readonly shard: number }, Reply>(options: {
  readonly name: string;
  readonly keys: (keys: ShardKeys, args: Args) => readonly string[];
  readonly argv: (args: Args) => readonly ScriptArgument[];
  readonly reply: (reply: unknown) => Reply;
}): Script<Args, Reply> {
  return defineScript<Args, Reply>({
    file: new URL(`./lua/${options.name}.lua`, import.meta.url),
    encode: (args) => ({
      keys: options.keys(shardKeys(args.shard), args),
      argv: options.argv(args),
    }),
    decode: options.reply,
    onMissing: 'load',
  });
}

export type BootVerdict = 'missing' | 'behind' | 'ok' | 'ahead' | 'broken';

export const bootCheck = script({
  name: 'boot-check',
  keys: (k) => [k.meta, k.bal, k.sess, k.out],
  argv: (a: { shard: number; epoch: bigint; seq: bigint }) => [String(a.epoch), String(a.seq)],
  reply: (reply) => {
    const [verdict = 'broken', epoch = '0', seq = '0'] = (reply as unknown[]).map(String);
    return { verdict: verdict as BootVerdict, epoch: BigInt(epoch), seq: BigInt(seq) };
  },
});

interface Restore {
  readonly shard: number;
  readonly token: string;
}

export const beginRestore = script({
  name: 'begin-restore',
  keys: (k) => [k.meta, k.bal, k.out, k.sess, k.due, k.room, k.live, k.idem0, k.idem1, k.ticket],
  argv: (a: Restore) => [a.token],
  reply: () => undefined,
});

export interface RestoredWallet {
  readonly wallet: string;
  readonly cash: bigint;
  readonly debt: bigint;
  readonly flags: number;
  readonly cmdSeq: bigint;
  /** `id amount expires priority scope`, joined by commas. */
  readonly lots: string;
}

export const restoreWallets = script({
  name: 'restore-wallets',
  keys: (k) => [k.meta, k.bal],
  argv: (a: Restore & { version: bigint; wallets: readonly RestoredWallet[] }) => [
    a.token,
    String(a.version),
    ...a.wallets.flatMap((w) => [
      w.wallet,
      String(w.cash),
      String(w.debt),
      w.flags,
      String(w.cmdSeq),
      w.lots,
    ]),
  ],
  reply: (reply) => BigInt(String(reply)),
});

export const restoreLimits = script({
  name: 'restore-limits',
  keys: (k) => [k.meta, k.bal],
  argv: (a: Restore & { version: bigint; limits: readonly WalletLimits[] }) => [
    a.token,
    String(a.version),
    ...a.limits.flatMap((l) =>
      [l.wallet, l.version, l.perShow, l.perMinute, l.perDay, l.perTip].map(String),
    ),
  ],
  reply: () => undefined,
});

export interface RestoredSession {
  readonly sessionId: string;
  readonly wallet: string;
  readonly room: string;
  readonly payee: string;
  readonly tariff: string;
  readonly openedMs: string;
  readonly settledBillMs: string;
  readonly settledCost: string;
  /** '0' and '-' while it is open. */
  readonly endedMs: string;
  readonly reason: string;
}

export const restoreSessions = script({
  name: 'restore-sessions',
  keys: (k) => [k.meta, k.sess, k.due, k.room, k.ticket],
  argv: (a: Restore & { nowMs: number; dueMs: number; sessions: readonly RestoredSession[] }) => [
    a.token,
    a.nowMs,
    a.dueMs,
    ...a.sessions.flatMap((s) => [
      s.sessionId,
      s.wallet,
      s.room,
      s.payee,
      s.tariff,
      s.openedMs,
      s.settledBillMs,
      s.settledCost,
      s.endedMs,
      s.reason,
    ]),
  ],
  reply: Number,
});

export const restoreCommands = script({
  name: 'restore-commands',
  keys: (k, a) => [k.meta, a.day % 2 === 0 ? k.idem0 : k.idem1],
  argv: (a: Restore & { day: number; pairs: readonly (readonly [string, string])[] }) => [
    a.token,
    ...a.pairs.flat(),
  ],
  reply: () => undefined,
});

export const finishRestore = script({
  name: 'finish-restore',
  keys: (k) => [k.meta],
  argv: (a: Restore & { epoch: bigint; seq: bigint; nowMs: number; day: number }) => [
    a.token,
    String(a.epoch),
    String(a.seq),
    a.nowMs,
    a.day,
  ],
  reply: () => undefined,
});
