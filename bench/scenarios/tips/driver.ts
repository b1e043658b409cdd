// The driver process of `tips`: one shard, many wallets, a new key per tip, over several
// connections, for the billing processes of a fleet share a Redis. Keeps its own books and compares
// every wallet at the end.
import { defineScript } from '../../../cluster/index.js';
import { serveParent } from '../../lib/node-child.js';
import {
  type Engine,
  type EngineStage,
  joinEngine,
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

/** One for each connection. */
let stages: readonly EngineStage[] = [];
let wallets: string[] = [];
const paid = new Map<string, bigint>();
let tips = 0;
let bareTips = 0;

function stageAt(at: number): EngineStage {
  const stage = stages[at % stages.length];
  if (stage === undefined) throw new Error('prepare first');
  return stage;
}

async function prepare(args: TipCalls['prepare']['args']): Promise<null> {
  const { redisUrl, connections } = args;
  const first = await openEngine(redisUrl, START_MS);
  const others = Array.from({ length: connections - 1 }, () => joinEngine(redisUrl, START_MS));
  stages = [first, ...(await Promise.all(others))];
  wallets = [];
  for (let id = 1; wallets.length < WALLETS; id += 1) {
    if (shardOfWallet(String(id)) === SHARD) wallets.push(String(id));
  }
  const { engine, redis } = first;
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

const someId = newSessionId(SHARD, START_MS);

/** Time and shard like those of all others; a number where chance would be, which costs less. */
function tipIdOf(number: number): string {
  return `${someId.slice(0, 10)}${String(number).padStart(14, '0')}${someId.slice(24)}`;
}

async function tip(engine: Engine, number: number): Promise<boolean> {
  const wallet = walletOf(number);
  const { status, isDuplicate } = await engine.tip({
    ...{ wallet, room: '7', payee: '9999999', amount: AMOUNT, bps: 6_000 },
    ...{ tipId: tipIdOf(number), key: `tip-key-${number}` },
    fingerprint: '0123456789abcdef',
  });
  if (status !== 'OK') throw new Error(`tip: ${status}`);
  if (!isDuplicate) paid.set(wallet, (paid.get(wallet) ?? 0n) + AMOUNT);
  return isDuplicate;
}

async function one(mode: TipMode, { engine, redis }: EngineStage): Promise<void> {
  if (mode === 'bare') {
    bareTips += 1;
    const key = `tip-key-${bareTips}`;
    await bareTip.run(redis, { wallet: walletOf(bareTips), key });
    return;
  }
  tips += 1;
  await tip(engine, tips);
}

async function run(args: TipCalls['run']['args']): Promise<TipCalls['run']['reply']> {
  const callMs: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const work = async (at: number): Promise<void> => {
    const stage = stageAt(at);
    while (performance.now() - started < args.ms) {
      const sent = performance.now();
      await one(args.mode, stage);
      callMs.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: args.inFlight }, (_, at) => work(at)));
  const ms = performance.now() - started;
  const used = process.cpuUsage(cpu);
  const driverMicros = used.user + used.system;
  return { tips: callMs.length, ms, callMs: Float64Array.from(callMs), driverMicros };
}

async function verify(): Promise<TipCalls['verify']['reply']> {
  const mismatches: string[] = [];
  const { engine } = stageAt(0);
  for (let number = 1; number <= Math.min(REPEATS, tips); number += 1) {
    if (!(await tip(engine, number))) mismatches.push(`tip ${number} was paid twice`);
  }
  const snapshot = await engine.snapshot(SHARD);
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
