// The driver process of `tips`: one shard, many wallets, a new key per tip. Keeps its own books and
// compares every wallet at the end.
import { defineScript } from '../../../cluster/index.js';
import { serveParent } from '../../lib/node-child.js';
import {
  type EngineStage,
  newSessionId,
  openEngine,
  shardOfWallet,
} from '../../testing/billing-engine.js';
import type { TipCalls, TipMode } from './calls.js';

const START_MS = 1_700_000_000_000;
const INITIAL = 1_000_000_000n;
const AMOUNT = 1_000n;
const SHARD = 7;
const WALLETS = 2_000;
const REPEATS = 500;
const FUNDED_AT_ONCE = 100;
const MISMATCHES_MAX = 5;

const bareTip = defineScript<{ wallet: string; key: string }, string>({
  file: new URL('../../lua/bare-tip.lua', import.meta.url),
  encode: ({ wallet, key }) => ({
    keys: ['bare:{b07}:bal', 'bare:{b07}:idem', 'bare:{b07}:out'],
    argv: [wallet, String(AMOUNT), key],
  }),
  decode: String,
});

let stage: EngineStage | undefined;
let wallets: string[] = [];
const paid = new Map<string, bigint>();
let tips = 0;
let bareTips = 0;

function theStage(): EngineStage {
  if (stage === undefined) throw new Error('prepare first');
  return stage;
}

async function prepare({ redisUrl }: { redisUrl: string }): Promise<null> {
  stage = await openEngine(redisUrl, START_MS);
  wallets = [];
  for (let id = 1; wallets.length < WALLETS; id += 1) {
    if (shardOfWallet(String(id)) === SHARD) wallets.push(String(id));
  }
  const { engine, redis } = stage;
  for (let at = 0; at < wallets.length; at += FUNDED_AT_ONCE) {
    await Promise.all(
      wallets.slice(at, at + FUNDED_AT_ONCE).map(async (wallet) => {
        await engine.fund({ wallet, cmdSeq: 1n, kind: 'credit', amount: INITIAL });
        await redis.hset('bare:{b07}:bal', wallet, String(INITIAL));
      }),
    );
  }
  return null;
}

const walletOf = (number: number): string => wallets[number % wallets.length] ?? '1';

async function tip(number: number): Promise<boolean> {
  const wallet = walletOf(number);
  const { status, isDuplicate } = await theStage().engine.tip({
    ...{ wallet, room: '7', payee: '9999999', amount: AMOUNT, bps: 6_000 },
    ...{ tipId: newSessionId(SHARD, START_MS), key: `tip-key-${number}` },
    fingerprint: '0123456789abcdef',
  });
  if (status !== 'OK') throw new Error(`tip: ${status}`);
  if (!isDuplicate) paid.set(wallet, (paid.get(wallet) ?? 0n) + AMOUNT);
  return isDuplicate;
}

async function one(mode: TipMode): Promise<void> {
  if (mode === 'bare') {
    bareTips += 1;
    const key = `tip-key-${bareTips}`;
    await bareTip.run(theStage().redis, { wallet: walletOf(bareTips), key });
    return;
  }
  tips += 1;
  await tip(tips);
}

async function run(args: TipCalls['run']['args']): Promise<TipCalls['run']['reply']> {
  const callMs: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const work = async (): Promise<void> => {
    while (performance.now() - started < args.ms) {
      const sent = performance.now();
      await one(args.mode);
      callMs.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: args.inFlight }, work));
  const ms = performance.now() - started;
  const used = process.cpuUsage(cpu);
  const driverMicros = used.user + used.system;
  return { tips: callMs.length, ms, callMs: Float64Array.from(callMs), driverMicros };
}

async function verify(): Promise<TipCalls['verify']['reply']> {
  const mismatches: string[] = [];
  for (let number = 1; number <= Math.min(REPEATS, tips); number += 1) {
    if (!(await tip(number))) mismatches.push(`tip ${number} was paid twice`);
  }
  const snapshot = await theStage().engine.snapshot(SHARD);
  for (const { wallet, owned } of snapshot.wallets) {
    const due = INITIAL - (paid.get(wallet) ?? 0n);
    if (owned !== due) mismatches.push(`wallet ${wallet} has ${owned}, not ${due}`);
  }
  return {
    wallets: snapshot.wallets.length,
    tips,
    mismatches: mismatches.slice(0, MISMATCHES_MAX),
  };
}

serveParent<TipCalls>({ prepare, run, verify });
