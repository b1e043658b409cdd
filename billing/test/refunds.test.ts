// Refunds to viewers, adjustments and freezes: never more than was charged, never twice, with a
// second person above the limits. The books and Redis agree after each test.
import t from 'tap';
import { codeOf, DAY_MS, type FinanceStage, newKey, payment } from './finance-stage.js';
import { startFinance, tip, watch } from './finance-stage.js';

const refund = (stage: FinanceStage, more: object) =>
  stage.finance.refunds.give({ key: newKey(), reason: 'no picture', actor: 'admin:1', ...more });

t.test('a show is given back once, into the lots that paid; model and site share it', async (t) => {
  const stage = await startFinance(t);
  const { finance } = stage;
  await finance.earnings.putTerms('99', { studioId: '77', studioShareBps: 2_500 });
  await finance.purchases.capture(payment({ bonusMilli: '2000' }));
  const sessionId = await watch(stage, 60_000);
  t.match(await stage.engine.readWallet('42'), { owned: 6_000n });
  const books = await stage.books();
  t.match(books, { earnings: '3600', site_revenue: '2400' });
  const [model] = await stage.database.query(
    `SELECT credits FROM account WHERE kind = 'earnings' AND owner_ref = '99'`,
  );
  t.match(model, { credits: '2700' }, '60 % of 6 credits, less a quarter for the studio');

  const key = newKey();
  const part = { key, sessionId, amountMilli: '4500' };
  t.match(await refund(stage, part), { amountMilli: '4500', walletBalance: '10500' });
  t.match(await refund(stage, part), { walletBalance: '10500' }, 'a double click');
  t.equal(await codeOf(refund(stage, { ...part, amountMilli: '4501' })), 'BILLING_KEY_CONFLICT');
  t.same(
    (await finance.lots.of('42')).lots.map((lot) => lot.remainingMilli),
    ['500', '10000'],
    'cash first, then the bonus',
  );
  t.equal(await codeOf(refund(stage, { sessionId, amountMilli: '1501' })), 'BILLING_REFUND_LIMIT');
  t.match(await refund(stage, { sessionId }), { amountMilli: '1500', walletBalance: '12000' });
  t.equal(await codeOf(refund(stage, { sessionId })), 'BILLING_REFUND_LIMIT');
  t.same(await stage.audit(), []);
  const after = await stage.books();
  t.notMatch(after, { earnings: String }, 'nobody has earned anything by it');
  t.match(after, { wallet: '12000', issuance: '-10000', site_promo: '-2000' });
});

t.test('odd parts of odd shares add up', async (t) => {
  const stage = await startFinance(t, { refundAutoMaxMilli: 0 });
  await stage.finance.earnings.putTerms('99', { studioId: '77', studioShareBps: 3_333 });
  await stage.finance.purchases.capture(payment());
  const tipId = await tip(stage, 997n, 3_333);
  t.equal(await codeOf(refund(stage, { tipId })), 'BILLING_APPROVAL_NEEDED');
  const own = { tipId, approver: 'admin:1' };
  t.equal(await codeOf(refund(stage, own)), 'BILLING_APPROVAL_NEEDED', 'not by oneself');
  for (const amountMilli of ['1', '2', '331', '500', '163']) {
    await refund(stage, { tipId, amountMilli, approver: 'admin:2' });
  }
  t.same(await stage.audit(), []);
  t.match(await stage.books(), { wallet: '10000', issuance: '-10000' });
  t.notMatch(await stage.books(), { earnings: String });
});

t.test('refunds at once: the sum is the charge', async (t) => {
  const stage = await startFinance(t);
  await stage.finance.purchases.capture(payment());
  const tipId = await tip(stage, 3_000n);
  const all = await Promise.all(
    Array.from({ length: 5 }, () => codeOf(refund(stage, { tipId, amountMilli: '1000' }))),
  );
  t.equal(all.filter((one) => one === 'done').length, 3);
  t.match(await stage.engine.readWallet('42'), { owned: 10_000n });
  t.same(await stage.audit(), []);
});

t.test(
  'what has ripened is the loss of the site; an expired lot becomes an equal one',
  async (t) => {
    const stage = await startFinance(t, { earningsHoldDays: 0, refundWindowHours: 48 });
    const { finance, clock } = stage;
    const bonusExpiresMs = clock.nowMs() + DAY_MS / 2;
    await finance.purchases.capture(
      payment({ amountMilli: '1', bonusMilli: '2000', bonusExpiresMs }),
    );
    const tipId = await tip(stage, 1_000n);
    clock.advance(DAY_MS);
    await finance.lots.expire();
    t.equal(await finance.earnings.ripen(), 1);
    t.match(await refund(stage, { tipId }), { walletBalance: '1001' });
    t.match((await finance.lots.of('42')).lots[0], {
      ...{ kind: 'refund', remainingMilli: '1000', expiresMs: clock.nowMs() + 7 * DAY_MS },
    });
    t.same(await stage.audit(), []);
    t.match(await stage.books(), { site_loss: '-600', available: '600', site_breakage: '1000' });
  },
);

t.test('what cannot be refunded', async (t) => {
  const stage = await startFinance(t);
  await stage.finance.purchases.capture(payment());
  const tipId = await tip(stage, 1_000n);
  const unknown = '0123456789ABCDEFGHJKMNPQRS';
  t.equal(await codeOf(refund(stage, { tipId: unknown })), 'BILLING_SUBJECT_UNKNOWN');
  t.equal(await codeOf(refund(stage, { sessionId: unknown })), 'BILLING_SUBJECT_UNKNOWN');
  t.equal(await codeOf(refund(stage, {})), 'BILLING_BAD_REQUEST');
  t.equal(await codeOf(refund(stage, { tipId, sessionId: unknown })), 'BILLING_BAD_REQUEST');
  stage.clock.advance(DAY_MS + 1);
  t.equal(await codeOf(refund(stage, { tipId })), 'BILLING_REFUND_WINDOW');
  t.same(await stage.audit(), []);
});

t.test('adjustments: small at once, large by two people, down only what is there', async (t) => {
  const stage = await startFinance(t);
  const { adjustments } = stage.finance;
  const adjust = (amountMilli: string, more: object = {}) =>
    adjustments.request({
      ...{ key: newKey(), userId: '42', amountMilli, reasonCode: 'goodwill', ticket: 'T-1' },
      ...{ actor: 'admin:1', ...more },
    });
  const key = newKey();
  t.match(await adjust('50000', { key }), { state: 'applied', decidedBy: 'admin:1' });
  t.match(await adjust('50000', { key }), { state: 'applied' }, 'a double click');
  t.equal(await codeOf(adjust('-50000', { key })), 'BILLING_KEY_CONFLICT');
  const large = await adjust('50001');
  t.match(large, { state: 'pending' });
  t.match(await stage.engine.readWallet('42'), { owned: 50_000n });
  t.equal(await codeOf(adjustments.approve(large.id, 'admin:1')), 'BILLING_APPROVAL_NEEDED');
  t.match((await adjustments.list({ state: 'pending', limit: 9 })).items, [{ id: large.id }]);
  const both = await Promise.all([
    adjustments.approve(large.id, 'admin:2'),
    adjustments.approve(large.id, 'admin:2'),
  ]);
  t.same(
    both.map((one) => one.state),
    ['applied', 'applied'],
  );
  t.match(await stage.engine.readWallet('42'), { owned: 100_001n });
  t.match(await adjust('-1'), { state: 'applied' });
  const down = await adjust('-100001');
  const approve = () => adjustments.approve(down.id, 'admin:2');
  t.equal(await codeOf(approve()), 'BILLING_INSUFFICIENT_CREDIT');
  t.match(await adjustments.reject(down.id, 'admin:1'), { state: 'rejected' });
  t.equal(await codeOf(approve()), 'BILLING_STATE_CONFLICT');
  t.equal(await codeOf(adjustments.approve('999', 'admin:2')), 'BILLING_SUBJECT_UNKNOWN');
  t.same(await stage.audit(), []);
  t.same(await stage.books(), { site_adjustment: '-100000', wallet: '100000' });
});
