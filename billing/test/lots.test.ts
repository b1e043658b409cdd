// Bonus lots: the order of spending, scope, expiry with breakage, what survives a rebuild; and the
// campaigns that give them. The books and Redis agree after each test.
import t from 'tap';
import { seededRandom } from '../../cluster/testing/index.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { codeOf, DAY_MS, type FinanceStage, newKey, payment } from './finance-stage.js';
import { startFinance, tip, watch } from './finance-stage.js';
import { goLive, open, touch } from './stage.js';

const campaign = (stage: FinanceStage, more: object = {}) =>
  stage.finance.campaigns.create({
    ...{ key: newKey(), actor: 'admin:1', name: 'spring', budgetMilli: '100000' },
    ...{ expiresDays: 10, paysPerformer: true, ...more },
  });

const give = (stage: FinanceStage, id: string, amountMilli: string, more: object = {}) =>
  stage.finance.campaigns.grant(id, {
    ...{ key: newKey(), actor: 'admin:1', userId: '42', amountMilli, ...more },
  });

const remains = async (stage: FinanceStage, wallet = '42'): Promise<string[]> =>
  (await stage.finance.lots.of(wallet)).lots.map((lot) => lot.remainingMilli);

t.test('lots go by priority, then by expiry, then cash; shows-only lots pay no tip', async (t) => {
  const stage = await startFinance(t);
  await stage.finance.purchases.capture(payment({ amountMilli: '5000' }));
  const late = await campaign(stage, { expiresDays: 30 });
  const early = await campaign(stage, { expiresDays: 5 });
  const forever = await campaign(stage, { expiresDays: 0 });
  const first = await campaign(stage, { expiresDays: 90, priority: 1, scope: 'shows' });
  for (const one of [late, forever, early, first]) await give(stage, one.id, '1000');
  t.same(await remains(stage), ['1000', '1000', '1000', '1000', '5000']);
  const { lots } = await stage.finance.lots.of('42');
  t.match(lots, [{ scope: 'shows', kind: 'campaign', priority: 1 }, { scope: 'any' }]);
  t.match(lots.at(-1), { kind: 'cash', scope: 'any' });
  await tip(stage, 1_500n);
  t.same(await remains(stage), ['1000', '500', '1000', '5000'], 'the one of 5 days, then of 30');
  await watch(stage, 20_000);
  t.same(
    await remains(stage),
    ['500', '5000'],
    'the shows-only lot, 500 of 30 days, then for ever',
  );
  t.same(await stage.audit(), []);
});

t.test('expired credits are not spent; they become breakage, held parts later', async (t) => {
  const stage = await startFinance(t);
  const { finance, clock, engine } = stage;
  const { id } = await campaign(stage, { expiresDays: 1 });
  await give(stage, id, '3000');
  clock.advance(DAY_MS - 5_000);
  await goLive(stage);
  const { sessionId } = await open(stage);
  t.match(await engine.readWallet('42'), { owned: 3_000n, held: 1_500n });
  clock.advance(5_000);
  t.equal(await finance.lots.expire(), 1);
  t.match(await engine.readWallet('42'), { owned: 1_500n, held: 1_500n }, 'a show holds the rest');
  t.match(await touch(stage, sessionId), { verdict: 'cut' }, 'nothing usable is left');
  t.equal(await finance.lots.expire(), 1);
  t.equal(await finance.lots.expire(), 0, 'a second run finds nothing');
  t.match(await engine.readWallet('42'), { owned: 0n, held: 0n });
  t.same(await stage.audit(), []);
  t.match(await stage.books(), { site_breakage: '3000', campaign: '97000', issuance: '-100000' });
});

t.test('a rebuilt wallet has the same lots, and the books still fit', async (t) => {
  const stage = await startFinance(t);
  const { finance, redis, fence, settler } = stage;
  await finance.purchases.capture(payment({ bonusMilli: '2000' }));
  const { id } = await campaign(stage, { priority: 7, scope: 'shows' });
  await give(stage, id, '4000');
  await tip(stage, 500n);
  await watch(stage, 15_000);
  const before = await finance.lots.of('42');
  await settler.drain();
  await redis.unlink(shardKeys(shardOfWallet('42')).meta);
  await fence.lift();
  t.same(await finance.lots.of('42'), before);
  await tip(stage, 2_500n);
  t.same(await stage.audit(), []);
});

t.test('a debt that Redis never heard of is booked by the rebuild', async (t) => {
  const stage = await startFinance(t);
  const { finance, redis, fence, engine } = stage;
  await finance.purchases.capture(payment());
  await tip(stage, 8_000n);
  const real = engine.fund.bind(engine);
  engine.fund = () => Promise.reject(new Error('the process died'));
  const lost = { key: newKey(), paymentRef: 'pi_1', state: 'lost', actor: 'psp:stripe' } as const;
  await t.rejects(finance.purchases.chargeback(lost), /died/);
  engine.fund = real;
  await redis.unlink(shardKeys(shardOfWallet('42')).meta);
  await fence.lift();
  t.match(await engine.readWallet('42'), { owned: 0n, debt: 8_000n, isFrozen: true });
  t.match(await finance.purchases.chargeback(lost), { state: 'lost', debtMilli: '8000' });
  await finance.purchases.capture(payment({ paymentRef: 'pi_2' }));
  t.match(await engine.readWallet('42'), { owned: 2_000n, debt: 0n });
  t.same(await stage.audit(), []);
});

t.test('a campaign cannot give more than its budget, also not at once', async (t) => {
  const stage = await startFinance(t);
  const { finance } = stage;
  const request = {
    ...{ key: newKey(), actor: 'admin:1', name: '=cmd|calc', budgetMilli: '10000' },
    ...{ expiresDays: 1, paysPerformer: false },
  };
  const { id } = await finance.campaigns.create(request);
  t.match(await finance.campaigns.create(request), { id, remainingMilli: '10000' });
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, at) => codeOf(give(stage, id, '3000', { userId: `${50 + at}` }))),
  );
  t.same(all.filter((one) => one === 'done').length, 3);
  t.same(new Set(all), new Set(['done', 'BILLING_BUDGET_SPENT']));
  const key = newKey();
  t.equal(await codeOf(give(stage, id, '1000', { key })), 'done');
  t.equal(await codeOf(give(stage, id, '1000', { key })), 'done', 'a double click');
  t.equal(await codeOf(give(stage, id, '999', { key })), 'BILLING_KEY_CONFLICT');
  t.equal(await codeOf(give(stage, id, '1')), 'BILLING_BUDGET_SPENT');
  t.equal(await codeOf(give(stage, '999', '1')), 'BILLING_SUBJECT_UNKNOWN');
  const [listed] = (await finance.campaigns.list()).items;
  t.match(listed, { id, name: '=cmd|calc', remainingMilli: '0' });
  t.same(await stage.audit(), []);
  t.same(await stage.books(), { issuance: '-10000', wallet: '10000' });
});

t.test('credits of a campaign that pays no model give the model no share', async (t) => {
  const stage = await startFinance(t);
  const { id } = await campaign(stage, { paysPerformer: false });
  await stage.finance.purchases.capture(payment());
  await give(stage, id, '1000');
  await tip(stage, 1_500n);
  await give(stage, id, '700');
  await watch(stage, 30_000);
  t.same(await stage.audit(), []);
  // 500 of the tip and 3000 − 700 of the show were cash: 60 % of them.
  t.match(await stage.books(), {
    earnings: String(300 + 1_380),
    site_revenue: String(4_500 - 1_680),
  });
});

t.test('at most 64 lots; a payment with a bonus is never refused for it', async (t) => {
  const stage = await startFinance(t);
  const { id } = await campaign(stage);
  for (let at = 0; at < 64; at += 1) await give(stage, id, '1');
  t.equal(await codeOf(give(stage, id, '1')), 'BILLING_LOT_LIMIT');
  await stage.finance.purchases.capture(payment({ bonusMilli: '500' }));
  t.match((await stage.finance.lots.of('42')).lots.at(-1), { id: 'cash', remainingMilli: '10500' });
  await tip(stage, 10_564n);
  t.same(await stage.audit(), []);
});

t.test('random spending, grants and expiry keep every lot exact', async (t) => {
  const stage = await startFinance(t);
  const random = seededRandom(t);
  const { finance, clock, settler } = stage;
  const ids = [
    await campaign(stage, { scope: 'shows' }),
    await campaign(stage, { expiresDays: 1 }),
  ];
  const pick = (max: number): number => random.int(0, max - 1);
  await finance.purchases.capture(payment({ amountMilli: '50000' }));
  for (let at = 0; at < 40; at += 1) {
    const one = ids[pick(2)];
    const kind = pick(5);
    if (kind === 0 && one !== undefined) await give(stage, one.id, String(1 + pick(3_000)));
    else if (kind === 1) await tip(stage, BigInt(1 + pick(400)));
    else if (kind === 2) await watch(stage, 1_000 + pick(20_000));
    else if (kind === 3) await finance.lots.expire();
    else clock.advance(pick(DAY_MS / 2));
  }
  await settler.drain();
  t.same(await stage.audit(), []);
});
