// Payments: captured once whatever the provider repeats, refunded, charged back; the books and
// Redis agree after each test.
import t from 'tap';
import { codeOf, DAY_MS, newKey, payment, startFinance, tip } from './finance-stage.js';
import { START_MS } from './stage.js';

t.test('a payment credits once, however often and under whatever key it is told', async (t) => {
  const stage = await startFinance(t);
  const { finance, books } = stage;
  const bonus = { bonusMilli: '2000', bonusExpiresMs: START_MS + DAY_MS };
  const first = payment(bonus);
  t.match(await finance.purchases.capture(first), { balance: '12000', held: '0' });
  t.match(await finance.purchases.capture(first), { balance: '12000' }, 'the same call');
  t.match(await finance.purchases.capture(payment(bonus)), { balance: '12000' }, 'another key');
  const twins = [1, 2, 3].map(() => finance.purchases.capture(payment({ paymentRef: 'pi_2' })));
  t.same(
    (await Promise.all(twins)).map((one) => one.balance),
    ['22000', '22000', '22000'],
    'a double click',
  );
  const other = { ...first, amountMilli: '10001' };
  t.equal(await codeOf(finance.purchases.capture(other)), 'BILLING_KEY_CONFLICT');
  const forged = payment({ ...bonus, userId: '43' });
  t.equal(await codeOf(finance.purchases.capture(forged)), 'BILLING_KEY_CONFLICT');
  const huge = payment({ paymentRef: 'pi_3', amountMilli: '9000000000000' });
  t.equal(await codeOf(finance.purchases.capture(huge)), 'BILLING_BALANCE_LIMIT');
  t.same(await stage.audit(), []);
  t.same(await books(), {
    ...{ fiat_sales: '1600', psp_clearing: '-1600' },
    ...{ issuance: '-20000', site_promo: '-2000', wallet: '22000' },
  });
  const { items, next } = await finance.purchases.list({ user: '42', limit: 1 });
  t.match(items, [{ paymentRef: 'pi_2', amountMilli: '10000', bonusMilli: '0' }]);
  const rest = await finance.purchases.list({ before: next, limit: 9 });
  t.match(rest.items, [{ paymentRef: 'pi_1', bonusMilli: '2000', fiatMinor: 800 }]);
});

t.test('a bonus is spent before cash; the same lot says who gave it', async (t) => {
  const stage = await startFinance(t);
  await stage.finance.purchases.capture(payment({ bonusMilli: '2000' }));
  const id = await tip(stage, 3_000n);
  t.match(await stage.finance.lots.of('42'), {
    lots: [{ id: 'cash', kind: 'cash', remainingMilli: '9000' }],
  });
  const [use] = await stage.database.query('SELECT * FROM lot_use WHERE source = ?', [id]);
  t.match(use, { kind: 'spend', amount: '2000' });
  t.same(await stage.audit(), []);
});

t.test('a refund to the card takes cash, at last also the bonus, and never more', async (t) => {
  const stage = await startFinance(t);
  const { purchases } = stage.finance;
  await purchases.capture(payment({ bonusMilli: '2000' }));
  const refund = (more: object = {}) =>
    purchases.refund({
      ...{ key: newKey(), paymentRef: 'pi_1', reason: 'asked for', actor: 'admin:1', ...more },
    });
  const key = newKey();
  t.match(await refund({ key, amountMilli: '3333' }), { balance: '8667' });
  t.match(await refund({ key, amountMilli: '3333' }), { balance: '8667' }, 'a double click');
  t.equal(await codeOf(refund({ key, amountMilli: '3334' })), 'BILLING_KEY_CONFLICT');
  t.equal(await codeOf(refund({ amountMilli: '6668' })), 'BILLING_REFUND_LIMIT');
  t.equal(await codeOf(refund({ paymentRef: 'pi_9' })), 'BILLING_SUBJECT_UNKNOWN');
  await tip(stage, 5_000n);
  t.equal(await codeOf(refund()), 'BILLING_INSUFFICIENT_CREDIT', 'the cash is spent');
  t.same(await stage.audit(), []);
  await purchases.capture(payment({ paymentRef: 'pi_2', bonusMilli: '1500' }));
  t.match(await refund({ paymentRef: 'pi_2' }), { balance: '3667' }, 'with its bonus');
  t.equal(await codeOf(refund({ paymentRef: 'pi_2' })), 'BILLING_REFUND_LIMIT');
  t.same(await stage.audit(), []);
  t.match(await stage.books(), {
    // 3333 of 10000 milli-credits are 266.64 of 800 cents: the floor went back.
    ...{ fiat_sales: String(1_600 - 266 - 800), psp_clearing: String(-1_600 + 266 + 800) },
    site_breakage: '1500',
  });
});

t.test('a chargeback freezes; lost after everything is spent it makes a debt', async (t) => {
  const stage = await startFinance(t);
  const { purchases, freezes } = stage.finance;
  await purchases.capture(payment());
  const news = (state: 'opened' | 'won' | 'lost', paymentRef = 'pi_1') =>
    purchases.chargeback({ key: newKey(), paymentRef, state, actor: 'psp:stripe' });
  await tip(stage, 9_000n);
  t.match(await news('opened'), { state: 'opened', isFrozen: true, debtMilli: '0' });
  await t.rejects(tip(stage, 1n), /FROZEN/);
  t.same(await stage.audit(), []);
  t.match(await news('lost'), { state: 'lost', isFrozen: true, debtMilli: '9000' });
  t.match(await news('lost'), { state: 'lost', debtMilli: '9000' }, 'told twice');
  t.match(await news('opened'), { state: 'lost' }, 'told late');
  t.equal(await codeOf(news('won')), 'BILLING_STATE_CONFLICT');
  t.match(await stage.engine.readWallet('42'), { owned: 0n, debt: 9_000n });
  t.same(await stage.audit(), []);
  t.match(await stage.books(), { debt: '-9000', chargeback_loss: '-800', earnings: '5400' });
  const again = payment({ paymentRef: 'pi_2', amountMilli: '10000' });
  t.match(await purchases.capture(again), { balance: '1000' }, 'debt is repaid first');
  await freezes.set({
    ...{ wallet: '42', source: 'manual', isFrozen: false, reason: 'paid', actor: 'admin:1' },
  });
  t.match(await stage.engine.readWallet('42'), { owned: 1_000n, debt: 0n, isFrozen: false });
  await tip(stage, 1_000n);
  t.same(await stage.audit(), []);
  t.notMatch(await stage.books(), { debt: String });
});

t.test('a chargeback that is won gives the wallet back, other freezes stay', async (t) => {
  const stage = await startFinance(t);
  const { purchases, freezes } = stage.finance;
  await purchases.capture(payment());
  await purchases.capture(payment({ paymentRef: 'pi_2' }));
  const news = (state: 'opened' | 'won' | 'lost', paymentRef: string) =>
    purchases.chargeback({ key: newKey(), paymentRef, state, actor: 'psp:stripe' });
  await news('opened', 'pi_1');
  await news('opened', 'pi_2');
  t.match(await news('won', 'pi_1'), { isFrozen: true }, 'the other dispute stands');
  t.match(await news('won', 'pi_2'), { isFrozen: false, debtMilli: '0' });
  const manual = { wallet: '42', source: 'manual', reason: 'looks odd', actor: 'admin:1' };
  await freezes.set({ ...manual, isFrozen: true });
  await freezes.set({ ...manual, isFrozen: true });
  t.match(await stage.engine.readWallet('42'), { isFrozen: true, owned: 20_000n });
  t.match(await news('lost', 'pi_2').catch((thrown: unknown) => thrown), {
    code: 'BILLING_STATE_CONFLICT',
  });
  t.same(await stage.audit(), []);
  t.match(await stage.books(), { psp_clearing: '-1600', fiat_sales: '1600', wallet: '20000' });
});
