// A viewer who leaves a show and comes back goes on where the last visit ended: grace, free time,
// least charge, paid units and limits are for the show, not for the visit.
import t from 'tap';
import type { TestScope } from '../../cluster/testing/index.js';
import { ALL_SHARDS, shardKeys, shardOfWallet } from '../shard.js';
import { perMinute, type Tariff, tariffText } from '../tariff.js';
import { credit, goLive, grant, mismatches, open, type Stage, startLedger } from './stage.js';
import { startStage, touch } from './stage.js';

const MINUTE = perMinute(6_000n, 6_000);
const DAY_MS = 86_400_000;
type Show = Pick<Stage, 'engine' | 'clock'>;

async function startShow(t: TestScope): Promise<Stage> {
  const stage = await startStage(t);
  await credit(stage.engine, '42', 1_000_000n);
  await goLive(stage);
  return stage;
}

/** Opens, stays that long, leaves. @returns what it cost, or why it was refused or ended before */
async function visit({ engine, clock }: Show, tariff: Tariff, ms: number) {
  const { status, sessionId } = await open({ engine, clock }, { tariff });
  if (status !== 'OK') return status;
  clock.advance(ms);
  const { reason } = await touch({ engine }, sessionId);
  const { charged } = await engine.end(sessionId, 'left');
  return reason === undefined ? charged : `${reason} ${charged}`;
}

async function endShow(stage: Stage): Promise<void> {
  await stage.engine.setRoom({ room: '7', state: 'ended', sinceMs: 0, reason: 'show_ended' });
}

t.test('grace is for the show, whether one stays or comes back', async (t) => {
  const stage = await startShow(t);
  const tariff = { ...MINUTE, freeMs: 10_000n };
  t.equal(await visit(stage, tariff, 4_000), 0n);
  stage.clock.advance(60_000);
  t.equal(await visit(stage, tariff, 4_000), 0n, 'what is left of it');
  t.equal(await visit(stage, tariff, 4_000), 200n, 'two seconds are over it');
  t.equal(await visit(stage, tariff, 4_000), 400n, 'none is left');
  await endShow(stage);
  await goLive(stage);
  t.equal(await visit(stage, tariff, 10_000), 0n, 'another show, another grace');
  t.equal(await visit(stage, tariff, 1_000), 100n);
});

t.test('what is paid for is used up first', async (t) => {
  const stage = await startShow(t);
  const started: Tariff = { ...MINUTE, model: 'u' };
  t.equal(await visit(stage, started, 10_000), 6_000n);
  t.equal(await visit(stage, started, 25_000), 0n, 'within the minute');
  t.equal(await visit(stage, started, 25_000), 0n, 'to its end');
  t.equal(await visit(stage, started, 1), 6_000n, 'the next minute');
  await endShow(stage);
  await goLive(stage);
  const least = { ...MINUTE, minCharge: 2_000n };
  t.equal(await visit(stage, least, 5_000), 2_000n, 'the least charge');
  t.equal(await visit(stage, least, 15_000), 0n, 'pays for twenty seconds');
  t.equal(await visit(stage, least, 5_000), 500n, 'and is due once');
});

t.test('the longest time of a viewer is for the show', async (t) => {
  const stage = await startShow(t);
  const tariff = { ...MINUTE, maxMs: 25_000n };
  t.equal(await visit(stage, tariff, 10_000), 1_000n);
  t.equal(await visit(stage, tariff, 10_000), 1_000n);
  t.equal(await visit(stage, tariff, 10_000), 'time_limit 500');
  t.equal(await visit(stage, tariff, 1_000), 'BILLING_TIME_LIMIT');
  const free = { ...tariff, price: 0n };
  t.equal(await visit(stage, free, 1_000), 'BILLING_TIME_LIMIT', 'also when nothing is asked');
  await endShow(stage);
  await goLive(stage);
  t.equal(await visit(stage, free, 10_000), 0n);
  t.equal(await visit(stage, free, 15_000), 'time_limit 0', 'the seconds of a free show');
});

t.test('a spending limit per show is for the show', async (t) => {
  const stage = await startShow(t);
  const limits = { wallet: '42', version: 1n, perMinute: 0n, perDay: 0n, perTip: 0n };
  await stage.engine.setLimits({ ...limits, perShow: 2_500n });
  t.equal(await visit(stage, MINUTE, 10_000), 1_000n);
  t.equal(await visit(stage, MINUTE, 20_000), 'spend_limit 1500');
  t.equal(await visit(stage, MINUTE, 1_000), 'BILLING_SPEND_LIMIT');
  await stage.engine.setLimits({ ...limits, version: 2n, perShow: 3_000n });
  t.equal(await visit(stage, MINUTE, 20_000), 'spend_limit 500', 'a limit that was raised');
});

t.test('a minute that is paid may be used though the limit is reached', async (t) => {
  const stage = await startShow(t);
  const block: Tariff = { ...MINUTE, model: 'u', maxCost: 6_000n };
  t.equal(await visit(stage, block, 20_000), 6_000n);
  t.equal(await visit(stage, block, 30_000), 0n);
  t.equal(await visit(stage, block, 30_000), 'spend_limit 0', 'to its end');
});

t.test('a new price counts what earlier visits have used', async (t) => {
  const stage = await startShow(t);
  const { engine, clock } = stage;
  t.equal(await visit(stage, MINUTE, 20_000), 2_000n);
  const { sessionId } = await open(stage, { tariff: MINUTE });
  const tariff = tariffText({ ...perMinute(12_000n, 0), minCharge: 2_500n, maxMs: 45_000n });
  await engine.setTariff({ room: '7', tariff, version: 0 });
  clock.advance(1_000);
  await touch(stage, sessionId);
  t.equal((await engine.readSession(sessionId)).charged, 500n, 'the rest of the least charge');
  clock.advance(29_000);
  t.match(await touch(stage, sessionId), { verdict: 'cut', reason: 'time_limit' });
  t.equal((await engine.readSession(sessionId)).billMs, 25_000);
});

t.test('whoever is sent away or runs out of credit has used it as well', async (t) => {
  const stage = await startShow(t);
  const tariff = { ...MINUTE, freeMs: 5_000n };
  const { sessionId } = await open(stage, { tariff });
  stage.clock.advance(5_000);
  await stage.engine.end(sessionId, 'kicked');
  t.equal(await visit(stage, tariff, 1_000), 100n);
});

t.test('a viewer and a room have one last visit, forgotten after a day', async (t) => {
  const stage = await startShow(t);
  const { engine, clock, redis } = stage;
  const visits = () => redis.zcard(shardKeys(shardOfWallet('42')).ticket);
  for (const ms of [1_000, 2_000, 3_000]) await visit(stage, MINUTE, ms);
  t.equal(await visits(), 1);
  clock.advance(DAY_MS);
  await engine.sweep(shardOfWallet('42'), { limit: 10, isSuspended: false });
  t.equal(await visits(), 0);
});

t.test('who is inside when Redis loses everything goes on with what was left', async (t) => {
  const stage = await startLedger(t);
  const { engine, clock, settler, redis, fence } = stage;
  await grant(stage, '42', 100_000n);
  await goLive(stage);
  const tariff = { ...MINUTE, freeMs: 10_000n };
  t.equal(await visit(stage, tariff, 8_000), 0n);
  const { sessionId } = await open(stage, { tariff });
  await settler.drain();
  for (const at of ALL_SHARDS) await redis.unlink(shardKeys(at).meta);
  await fence.lift();
  await goLive(stage);
  await touch(stage, sessionId);
  clock.advance(3_000);
  t.match(await engine.end(sessionId, 'left'), { charged: 100n }, 'two seconds were left');
  t.equal(await visit(stage, tariff, 1_000), 100n, 'the next visit finds this one');
  t.same(await mismatches(stage), []);
});
