// The driver process: opens sessions through the real engine and touches them in batches, several
// calls in flight. Keeps its own books by the TypeScript tariff and compares every wallet at the
// end.
import { defineScript } from '../../../cluster/index.js';
import { serveParent } from '../../lib/node-child.js';
import {
  ALL_SHARDS,
  BATCH_MAX,
  chargeFor,
  newSessionId,
  openEngine,
  shardOfWallet,
  TARIFF_TEXT,
  TIMING,
  UPDATE_MS,
  type EngineStage,
} from '../../testing/billing-engine.js';
import type { DriverCalls, TickMode, TickRun } from './calls.js';
import { Population, type Batch, type Member } from './population.js';

const START_MS = 1_700_000_000_000;
/** When the first pass of touches begins. */
const FIRST_PASS_MS = START_MS + TIMING.settleMs;
const INITIAL = 1_000_000_000n;
const ROOMS = 50;
const PREPARE_IN_FLIGHT = 64;
const PASSES_PER_SETTLE = TIMING.settleMs / UPDATE_MS;
/** The engine moves a due time when it has passed or would be too late: twice a settlement. */
const PASSES_PER_MOVE = 3;
const RECORD_BYTES = 116;
const DELTA = Number(chargeFor(UPDATE_MS));

const bareTouch = defineScript<{ batch: Batch }, string>({
  file: new URL('../../lua/bare-touch.lua', import.meta.url),
  encode: ({ batch }) => {
    const tag = bareTag(batch.shard);
    return {
      keys: [`${tag}:meta`, `${tag}:bal`, `${tag}:sess`, `${tag}:due`, `${tag}:out`],
      argv: [
        passMs(batch.pass),
        DELTA,
        batch.pass,
        PASSES_PER_SETTLE,
        PASSES_PER_MOVE,
        ...batch.members.flatMap(({ sessionId, wallet }) => [sessionId, wallet]),
      ],
    };
  },
  decode: String,
});

let stage: EngineStage | undefined;
let real = new Population([]);
let bare = new Population([]);

function passMs(pass: number): number {
  return FIRST_PASS_MS + pass * UPDATE_MS;
}

function bareTag(shard: number): string {
  return `bare:{b${String(shard).padStart(2, '0')}}`;
}

function theStage(): EngineStage {
  if (stage === undefined) throw new Error('prepare first');
  return stage;
}

async function prepare(args: { redisUrl: string; sessions: number }): Promise<{ ms: number }> {
  const started = performance.now();
  stage = await openEngine(args.redisUrl, START_MS);
  const { engine } = stage;
  for (let room = 1; room <= ROOMS; room += 1) {
    await engine.setRoom({ room: String(room), state: 'live', sinceMs: 0, reason: 'show_ended' });
  }
  const shards = ALL_SHARDS.map((): Member[] => []);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < args.sessions) {
      next += 1;
      const pass = Math.floor(((next - 1) * PASSES_PER_SETTLE) / args.sessions);
      const member = await openOne(next, START_MS + pass * UPDATE_MS);
      shards[shardOfWallet(member.wallet)]?.push(member);
    }
  };
  await Promise.all(Array.from({ length: PREPARE_IN_FLIGHT }, work));
  for (const members of shards) members.sort(byChance);
  real = new Population(shards);
  bare = new Population(shards);
  await fillBare(bare);
  // The first proof of who came long ago counts as the grace, by the rules: not what is measured.
  await run({ mode: 'engine', ms: Infinity, inFlight: 4, passes: 1 });
  return { ms: performance.now() - started };
}

/** Mixes early and late ones in every call; the end of a session id is random. */
function byChance(a: Member, b: Member): number {
  return a.sessionId.slice(10) < b.sessionId.slice(10) ? -1 : 1;
}

let nowMs = START_MS;

/**
 * Viewers come over time, so a sixth of the sessions settles in each pass and about as many in each
 * call. Had all come in one instant, every sixth call would settle all that it touches.
 */
async function openOne(number: number, atMs: number): Promise<Member> {
  const { engine } = theStage();
  const wallet = String(number);
  await engine.fund({ wallet, cmdSeq: 1n, kind: 'credit', amount: INITIAL });
  // Many open at once, and time never goes back.
  nowMs = Math.max(nowMs, atMs);
  const openedMs = nowMs;
  theStage().setNow(openedMs);
  const opened = await engine.open({
    ...{ sessionId: newSessionId(shardOfWallet(wallet), START_MS), wallet },
    ...{ room: String(1 + (number % ROOMS)), payee: '9999999', tariff: TARIFF_TEXT },
    ...{ entryMs: 1_000, key: `open-${number}`, fingerprint: '0123456789abcdef' },
  });
  if (opened.status !== 'OK') throw new Error(`open: ${opened.status}`);
  return { sessionId: opened.sessionId, wallet, openedMs };
}

/** The same number of sessions and wallets for the bare script, in hashes of its own. */
async function fillBare(population: Population): Promise<void> {
  const { redis } = theStage();
  const record = '0'.padEnd(RECORD_BYTES, '0');
  for (const [shard, members] of population.shards.entries()) {
    const tag = bareTag(shard);
    for (let at = 0; at < members.length; at += 1_000) {
      const part = members.slice(at, at + 1_000);
      await redis.hset(
        `${tag}:sess`,
        part.flatMap(({ sessionId }) => [sessionId, record]),
      );
      await redis.hset(
        `${tag}:bal`,
        part.flatMap(({ wallet }) => [wallet, String(INITIAL)]),
      );
    }
  }
}

const SIZES: Readonly<Record<TickMode, number>> = { engine: BATCH_MAX, single: 1, bare: BATCH_MAX };

async function call(mode: TickMode, batch: Batch): Promise<void> {
  const { engine, redis } = theStage();
  if (mode === 'bare') {
    await bareTouch.run(redis, { batch });
    return;
  }
  theStage().setNow(passMs(batch.pass));
  const rows = await engine.touch(
    batch.shard,
    batch.members.map(({ sessionId }) => [sessionId, 'g'] as const),
  );
  const strange = rows.find(({ verdict }) => verdict !== 'ok');
  if (strange !== undefined) throw new Error(`verdict ${JSON.stringify(strange.verdict)}`);
}

async function run(args: DriverCalls['run']['args'] & { passes?: number }): Promise<TickRun> {
  const { ms: runMs, passes = Infinity } = args;
  const population = args.mode === 'bare' ? bare : real;
  const limit = SIZES[args.mode];
  const callMicros: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  let ticks = 0;
  const work = async (): Promise<void> => {
    while (performance.now() - started < runMs && population.pass < passes) {
      const batch = population.next(limit);
      const sent = performance.now();
      await call(args.mode, batch);
      callMicros.push((performance.now() - sent) * 1_000);
      population.touched(batch);
      ticks += batch.members.length;
    }
  };
  await Promise.all(Array.from({ length: args.inFlight }, work));
  const ms = performance.now() - started;
  const used = process.cpuUsage(cpu);
  return {
    ...{ ticks, ms, calls: callMicros.length },
    callMicros: Float64Array.from(callMicros),
    driverMicros: used.user + used.system,
  };
}

const MISMATCHES_MAX = 5;

/** The first touch counts the time since the opening, or the grace when that is too long ago. */
function billableMs({ wallet, openedMs }: Member): number {
  const touches = real.touches.get(wallet) ?? 0;
  if (touches === 0) return 0;
  const gapMs = FIRST_PASS_MS - openedMs;
  return (gapMs <= TIMING.maxGapMs ? gapMs : TIMING.graceMs) + (touches - 1) * UPDATE_MS;
}

async function verify(): Promise<{ wallets: number; mismatches: string[] }> {
  const { engine } = theStage();
  const mismatches: string[] = [];
  let wallets = 0;
  const billable = new Map(real.shards.flat().map((one) => [one.wallet, billableMs(one)]));
  for (const shard of ALL_SHARDS) {
    const snapshot = await engine.snapshot(shard);
    let sum = 0n;
    for (const { wallet, owned, held, holds } of snapshot.wallets) {
      wallets += 1;
      sum += owned;
      const due = INITIAL - chargeFor(billable.get(wallet) ?? 0);
      if (owned !== due) mismatches.push(`wallet ${wallet} has ${owned}, not ${due}`);
      if (held !== holds) mismatches.push(`wallet ${wallet} holds ${held}, sessions ${holds}`);
    }
    if (sum !== snapshot.sum) mismatches.push(`shard ${shard} sums to ${sum}, not ${snapshot.sum}`);
  }
  if (wallets !== real.size) mismatches.push(`${wallets} wallets, not ${real.size}`);
  return { wallets, mismatches: mismatches.slice(0, MISMATCHES_MAX) };
}

serveParent<DriverCalls>({ prepare, run, verify });
