// Prices and limits as models and viewers set them: through the API, through the scripts, into the
// ledger and back after Redis has lost everything.
import t from 'tap';
import { silentLog, until } from '../../cluster/testing/index.js';
import { Reconciler } from '../reconcile.js';
import { ALL_SHARDS, shardKeys } from '../shard.js';
import { perMinute, tariffText } from '../tariff.js';
import { openShop, type RoleStage, startRole, STREAM_KEY } from './role-stage.js';
import { goLive, open, startLedger, touch } from './stage.js';

const grant = (amount: bigint) => ({
  ...{ idemKey: 'grant:key-12345', fingerprint: '0123456789abcdef', wallet: '42', amount },
  ...{ reason: 'test', actor: 'test' },
});

t.test('a price change in a show is a new segment, settled and restored exactly', async (t) => {
  const stage = await startLedger(t);
  const { engine, clock, funder, settler, database, metrics, fence, redis } = stage;
  await funder.grant(grant(100_000n));
  await goLive(stage);
  const { sessionId } = await open(stage);
  const charged = async () => (await engine.readSession(sessionId)).charged;
  clock.advance(10_000);
  await touch(stage, sessionId);
  clock.advance(4_000);
  const tariff = tariffText(perMinute(60_000n, 6_000));
  const changed = await engine.setTariff({ room: '7', tariff, version: 5 });
  t.match(changed, [{ sessionId, wallet: '42', held: 16_400n - 1_000n }]);
  t.same(await engine.setTariff({ room: '7', tariff, version: 5 }), [], 'said twice, done once');
  clock.advance(6_000);
  await touch(stage, sessionId);
  t.equal(await charged(), 1_400n + 6_000n, '14 s at the old price, 6 s at the new one');
  await settler.drain();
  const spans = await database.query(
    'SELECT from_bill_ms, to_bill_ms, from_cost, to_cost FROM settlement WHERE session_id = ?',
    [sessionId],
  );
  t.match(
    spans.map((row) => Object.values(row).map(Number)),
    [[0, 14_000, 0, 1_400]],
  );
  const late = await open(stage, { wallet: '43' });
  t.equal(late.status, 'BILLING_INSUFFICIENT_CREDIT');
  for (const shard of ALL_SHARDS) await redis.unlink(shardKeys(shard).meta);
  await fence.lift();
  await goLive(stage);
  await touch(stage, sessionId);
  clock.advance(1_000);
  await touch(stage, sessionId);
  t.equal(await charged(), 1_400n + 1_000n, 'rebuilt: the settled part, then the new price');
  await engine.end(sessionId, 'left');
  await settler.drain();
  const { mismatches } = await new Reconciler({ engine, database, metrics, log: silentLog }).run();
  t.same(mismatches, []);
});

t.test('who opens with an old price in hand pays the new one', async (t) => {
  const stage = await startLedger(t);
  await stage.funder.grant(grant(100_000n));
  const tariff = tariffText(perMinute(60_000n, 6_000));
  await stage.engine.setTariff({ room: '7', tariff, version: 9 });
  t.match(await open(stage), { status: 'OK', price: 60_000n });
});

const room = (more: object) => ({
  ...{ performerId: '99', streamId: 'stream-seven', priceMilliPerMin: 6_000n, isActive: true },
  ...more,
});

async function enter(stage: RoleStage, key: string) {
  return stage.client.openSession({ viewerId: '42', roomId: '7', key });
}

t.test('every price model can be set, and one that makes no sense is refused', async (t) => {
  const stage = await startRole(t);
  const { client } = stage;
  await openShop(stage);
  const put = (tariff: object, more: object = {}) => client.putRoom('7', room({ tariff, ...more }));
  const heldFor = async (key: string) => {
    const { sessionId } = await enter(stage, key);
    const { held } = await client.getWallet('42');
    const view = await client.endSession({ sessionId, reason: 'left' });
    return [held, view.chargedMilli];
  };
  await put({ model: 'perMinute', graceSec: 1 });
  t.same(await heldFor('open-key-1'), [50n, 0n], 'one second of 1.5 is free');
  await put({ model: 'perMinute', minimumMilli: 2_000n });
  t.same(await heldFor('open-key-2'), [2_000n, 0n]);
  await put({ model: 'startedMinute' });
  t.same(await heldFor('open-key-3'), [6_000n, 0n]);
  await put({ model: 'block', blockSec: 600 });
  t.same(await heldFor('open-key-4'), [60_000n, 0n]);
  await put({ model: 'ticket', ticketMilli: 7_000n, maxSec: 3_600 });
  t.same(await heldFor('open-key-5'), [0n, 7_000n], 'paid at the door');
  await put({ model: 'free', freeSec: 60 });
  t.same(await heldFor('open-key-6'), [0n, 0n], 'a session that costs nothing but ends');
  for (const tariff of [
    { model: 'ticket' },
    { model: 'ticket', ticketMilli: 1n, graceSec: 5 },
    { model: 'free', minimumMilli: 1n },
    { model: 'gold' },
    { model: 'block', blockSec: 0 },
  ]) {
    await t.rejects(put(tariff), { code: /BILLING_(BAD_REQUEST|AMOUNT_INVALID)/ });
  }
  await client.putRoom('7', room({ priceMilliPerMin: 0n }));
  await t.rejects(enter(stage, 'open-key-7'), { code: 'BILLING_NOT_PAID_ROOM' });
});

t.test('viewers hear of a new price; who has not agreed to pay is let go', async (t) => {
  const stage = await startRole(t);
  const { client, said, cuts, hook } = stage;
  await openShop(stage);
  await hook('on_publish', { call: 'publish', name: STREAM_KEY });
  const first = await enter(stage, 'open-key-1');
  await client.putRoom('7', room({ priceMilliPerMin: 12_000n }));
  await until(() => said.some(({ what }) => what === 'priceChanged'), { what: 'the news' });
  const news = said.find(({ what }) => what === 'priceChanged');
  t.match(news, { to: '42', roomId: '7', price: 12_000n, sessionId: first.sessionId });
  await client.putRoom('7', room({ priceMilliPerMin: 0n }));
  const play = { call: 'play', name: 'stream-seven' };
  t.match(await hook('on_play', play), { status: 200 }, 'free for all');
  await client.putRoom('7', room({ priceMilliPerMin: 6_000n }));
  await until(() => cuts.length > 0, { what: 'the end of the free session' });
  t.match(cuts[0], { sessionId: first.sessionId, reason: 'price_changed' });
  const update = { call: 'update_play', name: 'stream-seven' };
  t.match(await hook('on_update', update), { status: 403 }, 'watching for nothing is over');
  await t.resolves(enter(stage, 'open-key-2'));
});

t.test('spending limits hold in tips and shows, also after a loss of Redis', async (t) => {
  const stage = await startRole(t);
  const { client, role } = stage;
  await openShop(stage);
  const tip = (key: string, amountMilli: bigint, more: object = {}) =>
    client.tip({
      ...{ key, viewerId: '42', viewerName: 'anna', roomId: '7', amountMilli },
      ...more,
    });
  const limits = { perDayMilli: 5_000n, tipMaxMilli: 3_000n };
  await client.putLimits('42', limits);
  t.same(await client.getLimits('42'), limits);
  await t.rejects(tip('tip-key-01', 3_001n), { code: 'BILLING_TIP_LIMIT' });
  await tip('tip-key-02', 3_000n, { note: 'for you alone' });
  await t.rejects(tip('tip-key-03', 2_001n), { code: 'BILLING_SPEND_LIMIT' });
  await until(() => stage.said.some(({ what }) => what === 'tipNote'), { what: 'the note' });
  t.match(
    stage.said.find(({ what }) => what === 'tipNote'),
    { to: '99', text: 'for you alone', amount: 3_000n },
  );
  await client.putLimits('42', { perMinuteMilli: 5_999n });
  await t.rejects(enter(stage, 'open-key-1'), { code: 'BILLING_SPEND_LIMIT' }, '6 a minute');
  await client.putLimits('42', { perShowMilli: 50n });
  await t.rejects(enter(stage, 'open-key-2'), { code: 'BILLING_SPEND_LIMIT' });
  await client.putLimits('42', limits);
  await role.settler.drain();
  const redis = stage.redis.client();
  for (const shard of ALL_SHARDS) await redis.unlink(shardKeys(shard).meta);
  await until(() => client.getWallet('42').catch(() => undefined), { what: 'the rebuild' });
  await t.rejects(tip('tip-key-04', 3_001n), { code: 'BILLING_TIP_LIMIT' });
  await client.putLimits('42', {});
  t.match(await tip('tip-key-05', 4_000n), { duplicate: false });
});
