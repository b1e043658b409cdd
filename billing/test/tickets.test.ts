// A ticket is for the whole show: its viewer may leave, fall silent and come back until the show or
// the time of the ticket ends, also when Redis has lost everything in between.
import t from 'tap';
import { ALL_SHARDS, shardKeys, shardOfWallet } from '../shard.js';
import { perMinute, type Tariff } from '../tariff.js';
import { credit, goLive, grant, mismatches, open, type Stage, startLedger } from './stage.js';
import { startStage, touch } from './stage.js';

const TICKET: Tariff = { ...perMinute(7_000n, 6_000), model: 't', maxMs: 600_000n };
const DAY_MS = 86_400_000;

async function visit(stage: Pick<Stage, 'engine' | 'clock'>, wallet = '42') {
  const { status, sessionId, wallet: after, price } = await open(stage, { wallet, tariff: TICKET });
  return { status, sessionId, owned: after.owned, price };
}

function tickets({ redis }: Pick<Stage, 'redis'>, wallet = '42'): Promise<number> {
  return redis.zcard(shardKeys(shardOfWallet(wallet)).ticket);
}

t.test('who leaves or falls silent comes back by the same ticket', async (t) => {
  const stage = await startLedger(t);
  const { engine, clock, settler, database } = stage;
  await grant(stage, '42', 10_000n);
  await goLive(stage);
  const first = await visit(stage);
  t.match(first, { status: 'OK', owned: 3_000n, price: 7_000n });
  clock.advance(20_000);
  await engine.end(first.sessionId, 'left');
  const second = await visit(stage);
  t.match(second, { status: 'OK', owned: 3_000n, price: 0n }, 'nothing to pay');
  clock.advance(31_000);
  const shard = shardOfWallet('42');
  const { notices } = await engine.sweep(shard, { limit: 10, isSuspended: false });
  t.match(notices, [{ sessionId: second.sessionId, reason: 'stale' }]);
  const third = await visit(stage);
  t.match(third, { owned: 3_000n, price: 0n });
  t.equal(await tickets(stage), 1, 'one for each viewer and show');
  await engine.end(third.sessionId, 'kicked');
  t.equal((await visit(stage)).status, 'BILLING_INSUFFICIENT_CREDIT', 'who was sent away pays');
  await settler.drain();
  const [row] = await database.query(
    "SELECT SUM(settled_cost) AS cost, COUNT(*) AS visits FROM session WHERE wallet = '42'",
  );
  t.match(row, { cost: '7000' });
  t.same(await mismatches(stage), []);
});

t.test('the end of the show ends its tickets', async (t) => {
  const stage = await startStage(t);
  const { engine } = stage;
  await credit(engine, '42', 20_000n);
  await goLive(stage);
  const { sessionId } = await visit(stage);
  await engine.end(sessionId, 'left');
  await engine.setRoom({ room: '7', state: 'ended', sinceMs: 0, reason: 'show_ended' });
  t.equal(await tickets(stage), 0);
  await goLive(stage);
  t.match(await visit(stage), { owned: 6_000n, price: 7_000n }, 'another show, another ticket');
});

t.test('a ticket is forgotten with its session, a day after the last visit', async (t) => {
  const stage = await startStage(t);
  const { engine, clock } = stage;
  await credit(engine, '42', 10_000n);
  await goLive(stage);
  const { sessionId } = await visit(stage);
  await engine.end(sessionId, 'left');
  clock.advance(DAY_MS);
  await engine.sweep(shardOfWallet('42'), { limit: 10, isSuspended: false });
  t.equal(await tickets(stage), 0);
});

t.test('tickets outlive the loss of Redis, but not their show', async (t) => {
  const stage = await startLedger(t);
  const { engine, clock, settler, redis, fence } = stage;
  // Of one shard, so that the end of a show is known to it.
  const shard = shardOfWallet('42');
  const others = Array.from({ length: 1_000 }, (_, at) => String(at + 100));
  const [left = '', gone = '', last = ''] = others.filter((one) => shardOfWallet(one) === shard);
  for (const wallet of ['42', left, gone, last]) await grant(stage, wallet, 7_500n);
  await goLive(stage);
  for (const wallet of [gone, last]) {
    const { sessionId } = await visit(stage, wallet);
    clock.advance(1_000);
    if (wallet === gone) await engine.end(sessionId, 'left');
  }
  clock.advance(1_000);
  await engine.setRoom({ room: '7', state: 'ended', sinceMs: 0, reason: 'show_ended' });
  clock.advance(1_000);
  await goLive(stage);
  const inside = await visit(stage);
  const outside = await visit(stage, left);
  clock.advance(10_000);
  await touch(stage, inside.sessionId);
  await engine.end(outside.sessionId, 'left');
  await settler.drain();
  for (const at of ALL_SHARDS) await redis.unlink(shardKeys(at).meta);
  await fence.lift();
  await goLive(stage);
  const back = await visit(stage, left);
  t.match(back, { status: 'OK', owned: 500n, price: 0n }, 'who had left comes back');
  clock.advance(591_000);
  const { billMs } = await engine.end(back.sessionId, 'left');
  t.ok(billMs <= 590_000, 'for the rest of the time');
  t.match(await visit(stage), { sessionId: inside.sessionId }, 'who was inside still is');
  await engine.end(inside.sessionId, 'left');
  t.match(await visit(stage), { status: 'OK', owned: 500n, price: 0n }, 'and comes back as well');
  t.equal((await visit(stage, gone)).status, 'BILLING_INSUFFICIENT_CREDIT', 'of the show before');
  t.same(await mismatches(stage), []);
});
