// The driver process of settle, catchup and rebuild: real engine, settler and fence on a Redis and
// a MariaDB of their own. At the end the reconciler compares every wallet.
import { setTimeout as delay } from 'node:timers/promises';
import { serveParent } from '../../lib/node-child.js';
import {
  ALL_SHARDS,
  BATCH_MAX,
  newSessionId,
  shardOfWallet,
  TARIFF_TEXT,
} from '../../testing/billing-engine.js';
import { giveInSql, type LedgerStage, openLedger } from '../../testing/billing-ledger.js';
import { BarePaths } from './bare-paths.js';
import type { LedgerCalls, Work } from './calls.js';

const START_MS = 1_700_000_000_000;
const EACH = 1_000_000_000n;
const ROOMS = 50;
const IN_FLIGHT = 64;
/** As long as a gap may be and still count in full. */
const STEP_MS = 30_000;
const STEPS_PER_MINUTE = 2;

let stage: LedgerStage | undefined;
let bare: BarePaths | undefined;
/** Sessions by shard. */
const sessions = ALL_SHARDS.map((): string[] => []);

function theStage(): LedgerStage {
  if (stage === undefined) throw new Error('prepare first');
  return stage;
}

async function timed(work: () => Promise<number>): Promise<Work> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const rows = await work();
  const used = process.cpuUsage(cpu);
  return { rows, ms: performance.now() - started, driverMicros: used.user + used.system };
}

/** `count` pieces of work, some at a time. */
async function parallel(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

async function prepare(args: LedgerCalls['prepare']['args']): Promise<null> {
  stage = await openLedger({ ...args, startMs: START_MS });
  const { engine, fence, clock, database, redis } = stage;
  bare = new BarePaths(database, redis);
  await giveInSql(stage, { count: args.wallets, amount: EACH });
  await fence.lift();
  for (let room = 1; room <= ROOMS; room += 1) {
    await engine.setRoom({ room: String(room), state: 'live', sinceMs: 0, reason: 'show_ended' });
  }
  await parallel(args.sessions, async (number) => {
    const wallet = String(number);
    const shard = shardOfWallet(wallet);
    const opened = await engine.open({
      ...{ sessionId: newSessionId(shard, clock.nowMs()), wallet, tariff: TARIFF_TEXT },
      ...{ room: String(1 + (number % ROOMS)), payee: String(9_000_000 + (number % ROOMS)) },
      ...{ entryMs: 1_000, key: `open-${number}`, fingerprint: '0123456789abcdef' },
    });
    if (opened.status !== 'OK') throw new Error(`open: ${opened.status}`);
    sessions[shard]?.push(opened.sessionId);
  });
  await touchAll();
  await stage.settler.drain();
  return null;
}

interface Batch {
  readonly shard: number;
  readonly ids: readonly string[];
}

function batches(): readonly Batch[] {
  return sessions.flatMap((ids, shard) =>
    Array.from({ length: Math.ceil(ids.length / BATCH_MAX) }, (_, at) => {
      return { shard, ids: ids.slice(at * BATCH_MAX, (at + 1) * BATCH_MAX) };
    }),
  );
}

async function touch({ shard, ids }: Batch): Promise<void> {
  const rows = await theStage().engine.touch(
    shard,
    ids.map((id) => [id, 'g'] as const),
  );
  const strange = rows.find(({ verdict }) => verdict !== 'ok');
  if (strange !== undefined) throw new Error(`verdict ${strange.verdict}`);
}

async function touchAll(): Promise<void> {
  const all = batches();
  await parallel(all.length, async (at) => {
    const batch = all[at - 1];
    if (batch !== undefined) await touch(batch);
  });
}

async function backlog({ minutes }: { minutes: number }): Promise<{ charges: number }> {
  for (let step = 0; step < minutes * STEPS_PER_MINUTE; step += 1) {
    theStage().clock.advance(STEP_MS);
    await touchAll();
  }
  return { charges: minutes * sessions.reduce((sum, ids) => sum + ids.length, 0) };
}

/**
 * A minute of show passes on the clock of the scripts while a few seconds pass on ours: lag is
 * taken on ours, from the call that charged to the commit that booked it.
 */
async function pace(
  args: LedgerCalls['pace']['args'],
): Promise<{ lagsMs: Float64Array; rows: number; ms: number }> {
  const { settler, clock, metrics } = theStage();
  const lagsMs: number[] = [];
  const chargedAt: number[] = [];
  const settled = async (): Promise<number> =>
    (await metrics.settledRows.get()).values[0]?.value ?? 0;
  const before = await settled();
  const all = batches();
  const rowsPerBatch = (2 * sessions.reduce((sum, ids) => sum + ids.length, 0)) / all.length;
  const stepMs = (1_000 * rowsPerBatch) / args.rowsPerSec;
  let booked = 0;
  const charging = { isOver: false };
  const settling = (async () => {
    while (!charging.isOver || booked < chargedAt.length) {
      await settler.drain();
      const now = performance.now();
      const until = Math.floor(((await settled()) - before) / rowsPerBatch);
      for (; booked < Math.min(until, chargedAt.length); booked += 1) {
        lagsMs.push(now - (chargedAt[booked] ?? now));
      }
      await delay(200);
    }
  })();
  const started = performance.now();
  let at = 0;
  while (performance.now() - started < args.ms) {
    if (at % all.length === 0) clock.advance(2 * STEP_MS);
    const batch = all[at % all.length];
    if (batch !== undefined) await touch(batch);
    chargedAt.push(performance.now());
    at += 1;
    const early = started + at * stepMs - performance.now();
    if (early > 1) await delay(early);
  }
  charging.isOver = true;
  await settling;
  const rows = (await settled()) - before;
  return { lagsMs: Float64Array.from(lagsMs), rows, ms: performance.now() - started };
}

async function rebuild(): Promise<Work> {
  const { redis, fence, database } = theStage();
  await redis.call('FLUSHALL');
  await redis.call('SCRIPT', ['FLUSH']);
  return timed(async () => {
    await fence.lift();
    const [row] = await database.query("SELECT COUNT(*) AS n FROM account WHERE kind = 'wallet'");
    return Number(row?.['n']);
  });
}

function theBare(): BarePaths {
  if (bare === undefined) throw new Error('prepare first');
  return bare;
}

async function verify(): Promise<{ wallets: number; mismatches: string[] }> {
  const { settler, reconcile } = theStage();
  await settler.drain();
  const { wallets, mismatches } = await reconcile();
  return { wallets, mismatches: mismatches.slice(0, 5).map((one) => JSON.stringify(one)) };
}

serveParent<LedgerCalls>({
  ...{ prepare, backlog, pace, rebuild, verify },
  drain: () => timed(() => theStage().settler.drain()),
  insert: ({ rows }) => timed(() => theBare().insert(rows)),
  book: ({ rows }) => timed(() => theBare().book(rows)),
  copy: () => timed(() => theBare().copy()),
  copyOneByOne: ({ wallets }) => timed(() => theBare().copyOneByOne(wallets)),
});
