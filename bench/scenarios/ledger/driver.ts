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
const LOOK_EVERY_MS = 20;
const SETTLED_WITHIN_MS = 30_000;

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

/** Seq of each shard's cursor: what is booked and committed, as anybody else sees it. */
async function cursors(): Promise<ReadonlyMap<number, number>> {
  const rows = await theStage().database.query('SELECT shard, seq FROM shard_cursor');
  return new Map(rows.map((row) => [Number(row['shard']), Number(row['seq'])]));
}

/** Charges under way, by shard and in order; a call is one entry of the outbox. */
class Unbooked {
  readonly lagsMs: number[] = [];
  private readonly sentMs = ALL_SHARDS.map((): number[] => []);

  constructor(private readonly seqs: Map<number, number>) {}

  get isEmpty(): boolean {
    return this.sentMs.every((list) => list.length === 0);
  }

  sending(shard: number): void {
    this.sentMs[shard]?.push(performance.now());
  }

  async look(): Promise<void> {
    const seqs = await cursors();
    const now = performance.now();
    for (const [shard, seq] of seqs) {
      const booked = seq - (this.seqs.get(shard) ?? 0);
      this.seqs.set(shard, seq);
      for (const at of this.sentMs[shard]?.splice(0, booked) ?? []) this.lagsMs.push(now - at);
    }
  }
}

/**
 * A minute of show passes on the clock of the scripts while a few seconds pass on ours: lag is
 * taken on ours, from the call that charged until somebody else sees its shard's cursor behind it.
 * The settler runs by itself, as in production.
 */
async function pace(args: LedgerCalls['pace']['args']): Promise<LedgerCalls['pace']['reply']> {
  const { settler, clock } = theStage();
  const unbooked = new Unbooked(new Map(await cursors()));
  const all = batches();
  const rowsPerBatch = (2 * sessions.reduce((sum, ids) => sum + ids.length, 0)) / all.length;
  const stepMs = (1_000 * rowsPerBatch) / args.rowsPerSec;
  settler.start();
  const started = performance.now();
  const isOver = (): boolean => performance.now() - started >= args.ms;
  const watching = (async () => {
    while (!isOver() || !unbooked.isEmpty) {
      if (performance.now() - started > args.ms + SETTLED_WITHIN_MS) throw new Error('not settled');
      await delay(LOOK_EVERY_MS);
      await unbooked.look();
    }
  })();
  let rows = 0;
  const charging = (async () => {
    for (let at = 0; !isOver(); at += 1) {
      if (at % all.length === 0) clock.advance(2 * STEP_MS);
      const batch = all[at % all.length];
      if (batch === undefined) throw new Error('no sessions');
      unbooked.sending(batch.shard);
      await touch(batch);
      rows += 2 * batch.ids.length;
      const early = started + (at + 1) * stepMs - performance.now();
      if (early > 1) await delay(early);
    }
  })();
  const ms = charging.then(() => performance.now() - started);
  await Promise.all([charging, watching]);
  await settler.stop();
  return { lagsMs: Float64Array.from(unbooked.lagsMs), rowsPerSec: (rows / (await ms)) * 1_000 };
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
