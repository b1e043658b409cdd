// Earnings ripen oldest first, payouts move in two phases, reports add up to the ledger, the audit
// log is anchored. The books and Redis agree after each test.
import t from 'tap';
import { csvOf } from '../finance/csv.js';
import { Statements } from '../statements.js';
import { codeOf, DAY_MS, type FinanceStage, newKey, payment } from './finance-stage.js';
import { startFinance, tip, watch } from './finance-stage.js';
import { START_MS } from './stage.js';

const payout = (stage: FinanceStage, more: object = {}) =>
  stage.finance.payouts.request({
    ...{ key: newKey(), performerId: '99', method: 'sepa', actor: 'user:99', ...more },
  });

const earned = (stage: FinanceStage, id = '99') => new Statements(stage.database).earnings(id);

t.test('earnings ripen after the days of their terms, oldest first', async (t) => {
  const stage = await startFinance(t);
  const { finance, clock } = stage;
  await finance.purchases.capture(payment({ amountMilli: '90000' }));
  for (let day = 0; day < 3; day += 1) {
    await tip(stage, 10_000n);
    clock.advance(DAY_MS);
  }
  t.equal(await finance.earnings.ripen(), 0, 'nothing is 14 days old');
  clock.advance(11 * DAY_MS);
  t.equal(await finance.earnings.ripen(), 1);
  t.equal(await finance.earnings.ripen(), 0, 'once');
  t.match(await earned(stage), { pending: '12000', available: '6000', total: '18000' });
  await finance.earnings.putTerms('99', { holdDays: 12 });
  const both = await Promise.all([finance.earnings.ripen(), finance.earnings.ripen()]);
  t.equal(both[0] + both[1], 1, 'two at once');
  t.match(await earned(stage), { pending: '0', available: '18000' });
  t.same(await stage.audit(), []);
});

t.test('earnings that are committed late ripen as well', async (t) => {
  const stage = await startFinance(t, { earningsHoldDays: 0 });
  const { finance, database, clock } = stage;
  await finance.purchases.capture(payment({ amountMilli: '90000' }));
  await tip(stage, 10_000n);
  const sql = "SELECT id, kind FROM account WHERE kind IN ('earnings', 'issuance') ORDER BY kind";
  const [earnings, issuance] = await database.query(sql);
  await database.transaction('READ COMMITTED', async (late) => {
    // As a settler does: first the transfers, at last the sums of their accounts.
    await late.run(
      `INSERT INTO transfer (code, debit_account, credit_account, amount, occurred_ms, booked_ms)
       VALUES (?)`,
      [['tip', issuance?.['id'], earnings?.['id'], 500, clock.nowMs(), clock.nowMs()]],
    );
    await tip(stage, 10_000n);
    clock.advance(1);
    t.equal(await finance.earnings.ripen(), 1, 'a transfer with a higher id is ripe');
    const sums = 'UPDATE account SET debits = debits + ?, credits = credits + ? WHERE id = ?';
    await late.run(sums, [0, 500, earnings?.['id']]);
    await late.run(sums, [500, 0, issuance?.['id']]);
  });
  await finance.earnings.ripen();
  t.match(await earned(stage), { pending: '0', available: '12500' });
  clock.advance(DAY_MS);
  await tip(stage, 1_000n);
  clock.advance(1);
  await finance.earnings.ripen();
  await finance.earnings.ripen();
  t.match(await earned(stage), { pending: '0', available: '13100' }, 'and each of them once');
});

t.test('a payout is reserved, flies, arrives, comes back; no step counts twice', async (t) => {
  const stage = await startFinance(t, { earningsHoldDays: 0 });
  const { finance, clock } = stage;
  const { payouts } = finance;
  await finance.purchases.capture(payment({ amountMilli: '90000' }));
  await tip(stage, 10_000n);
  clock.advance(1);
  await finance.earnings.ripen();
  t.equal(await codeOf(payout(stage, { amountMilli: '6001' })), 'BILLING_EARNINGS_SHORT');
  t.equal(await codeOf(payout(stage, { amountMilli: '999' })), 'BILLING_PAYOUT_MINIMUM');
  await finance.earnings.putTerms('99', { isOnHold: true });
  t.equal(await codeOf(payout(stage)), 'BILLING_PAYOUT_HOLD');
  await finance.earnings.putTerms('99', { isOnHold: false, payoutMinimumMilli: '4001' });
  t.equal(await codeOf(payout(stage, { amountMilli: '4000' })), 'BILLING_PAYOUT_MINIMUM');
  await finance.earnings.putTerms('99', { payoutMinimumMilli: '0' });
  const key = newKey();
  const first = await payout(stage, { key, amountMilli: '4000' });
  t.match(first, { state: 'requested', feeMilli: '100' });
  t.match(await payout(stage, { key, amountMilli: '4000' }), { id: first.id }, 'a double click');
  t.equal(await codeOf(payout(stage, { key, amountMilli: '4001' })), 'BILLING_KEY_CONFLICT');
  t.match(await earned(stage), { available: '2000', inFlight: '4000' });
  const step = (name: 'approve' | 'complete' | 'fail' | 'return', id = first.id, more = {}) =>
    payouts.step(id, name, { actor: 'admin:1', ...more });
  t.equal(await codeOf(step('complete')), 'BILLING_STATE_CONFLICT', 'not before it was approved');
  const self = step('approve', first.id, { actor: 'user:99' });
  t.equal(await codeOf(self), 'BILLING_SELF_APPROVAL', 'who asked for it does not approve it');
  t.match(await step('approve'), { state: 'in_flight' });
  const sent = { providerRef: 'tr_1' };
  await Promise.all([1, 2].map(() => step('complete', first.id, sent)));
  t.match(await earned(stage), { available: '2000', inFlight: '0', paid: '3900' });
  t.equal(await codeOf(step('fail')), 'BILLING_STATE_CONFLICT');
  t.match(await step('return', first.id, { reason: 'account closed' }), {
    ...{ state: 'returned', reason: 'account closed', providerRef: 'tr_1' },
  });
  t.match(await earned(stage), { available: '5900', paid: '0', total: '5900' });
  const second = await payout(stage);
  t.match(second, { amountMilli: '5900' }, 'all that is available');
  await finance.earnings.putTerms('99', { isOnHold: true });
  t.equal(
    await codeOf(step('approve', second.id)),
    'BILLING_PAYOUT_HOLD',
    'held since it was asked',
  );
  await finance.earnings.putTerms('99', { isOnHold: false });
  t.match(await step('fail', second.id), { state: 'failed' });
  const race = await Promise.all([1, 2, 3].map(() => codeOf(payout(stage))));
  t.equal(race.filter((one) => one === 'done').length, 1);
  t.match(await payouts.list({ performer: '99', state: 'failed', limit: 5 }), {
    items: [{ id: second.id }],
  });
  t.equal(await codeOf(step('approve', '999')), 'BILLING_SUBJECT_UNKNOWN');
  t.same(await stage.audit(), []);
  t.match(await stage.books(), { in_flight: '5900', payout_fees: '100' });
});

t.test('reports have every transfer once: their totals are the accounts', async (t) => {
  const stage = await startFinance(t, { earningsHoldDays: 0, refundWindowHours: 48 });
  const { finance, clock } = stage;
  const { reports, purchases, refunds } = finance;
  const actor = 'admin:1';
  await finance.earnings.putTerms('99', { studioId: '77', studioShareBps: 5_000 });
  await purchases.capture(payment({ amountMilli: '50000', bonusMilli: '1000' }));
  const tipId = await tip(stage, 5_000n);
  const sessionId = await watch(stage, 30_000);
  clock.advance(DAY_MS);
  await refunds.give({ key: newKey(), tipId, amountMilli: '1000', reason: 'x', actor });
  await finance.earnings.ripen();
  await payout(stage, { performerId: '77' });
  for (const amountMilli of ['700', '-300']) {
    const why = { reasonCode: 'goodwill', ticket: 'T-1', actor };
    await finance.adjustments.request({ key: newKey(), userId: '42', amountMilli, ...why });
  }
  const lost = { key: newKey(), paymentRef: 'pi_1', state: 'lost', actor } as const;
  await purchases.chargeback(lost);
  t.same(await stage.audit(), []);

  const from = new Date(START_MS).toISOString().slice(0, 10);
  const to = new Date(clock.nowMs()).toISOString().slice(0, 10);
  const day = await reports.make('day', from, to);
  t.equal(day.rows.length, 2);
  const [credits] = await stage.database.query(
    `SELECT SUM(t.amount) AS amount FROM transfer t
     JOIN account a ON a.id = t.debit_account AND a.ledger = 'credit'`,
  );
  const sum = day.totals.slice(1).reduce((total, one) => total + BigInt(one), 0n);
  t.equal(String(sum), credits?.['amount'], 'no transfer is missing or counted twice');
  for (const [kind, account] of [
    ['viewer', 'wallet'],
    ['model', 'earnings'],
  ] as const) {
    const { columns, rows, totals } = await reports.make(kind, from, to);
    t.equal(columns.at(-1), 'netMilli');
    t.equal(totals.at(-1), (await stage.books())[account] ?? '0', `${kind}: ${rows.length} rows`);
    const parts = totals.slice(1, -1).reduce((total, one) => total + BigInt(one), 0n);
    t.equal(String(parts), totals.at(-1), 'every code has a column');
  }
  const studio = await reports.make('studio', from, to);
  t.same(studio.rows, [['77', '99', String(1_500 + 900), String(1_500 + 900)]]);
  const { csv } = await reports.csv('studio', from, to);
  t.equal(csv.split('\r\n')[0], 'studioId,performerId,studioShareMilli,modelShareMilli');
  t.match(await reports.shows({ viewer: '42', limit: 5 }), {
    items: [{ sessionId, chargedMilli: '3000', performerId: '99', reason: 'left' }],
  });
  t.same((await reports.shows({ performer: '98', limit: 5 })).items, []);
  for (const [a, b] of [
    ['2026-02-30', to],
    [to, from],
    ['', to],
    ['2020-01-01', '2022-01-01'],
  ]) {
    t.equal(await codeOf(reports.make('day', a ?? '', b ?? '')), 'BILLING_BAD_REQUEST');
  }
});

t.test('an earner sees its days and entries, and they add up to what it has', async (t) => {
  const stage = await startFinance(t, { earningsHoldDays: 0, refundWindowHours: 48 });
  const { finance, clock } = stage;
  const { statement, refunds, payouts } = finance;
  await finance.earnings.putTerms('99', { studioId: '77', studioShareBps: 5_000 });
  await finance.purchases.capture(payment({ amountMilli: '50000' }));
  const tipId = await tip(stage, 5_000n);
  clock.advance(DAY_MS);
  const sessionId = await watch(stage, 30_000);
  clock.advance(DAY_MS);
  await refunds.give({ key: newKey(), sessionId, reason: 'x', actor: 'admin:1' });
  await finance.earnings.ripen();
  const { id } = await payout(stage);
  await payouts.step(id, 'fail', { actor: 'admin:1' });

  const day = (days: number) => new Date(START_MS + days * DAY_MS).toISOString().slice(0, 10);
  const zero = { showsMilli: '0', tipsMilli: '0', asStudioMilli: '0', refundedMilli: '0' };
  const { days } = await statement.days('99', day(-1), day(2));
  t.same(days, [
    { day: day(-1), ...zero, netMilli: '0' },
    { day: day(0), ...zero, tipsMilli: '1500', netMilli: '1500' },
    { day: day(1), ...zero, showsMilli: '900', netMilli: '900' },
    { day: day(2), ...zero, refundedMilli: '-900', netMilli: '-900' },
  ]);
  t.match((await statement.days('77', day(1), day(1))).days, [{ asStudioMilli: '900' }]);
  t.equal(await codeOf(statement.days('99', day(2), day(1))), 'BILLING_BAD_REQUEST');

  const span = (days: number) => `${START_MS + days * DAY_MS}-${START_MS + (days + 1) * DAY_MS}`;
  t.same((await statement.spans('99', `${span(0)},${span(1)},${span(3)}`)).spans, [
    { showsMilli: '0', tipsMilli: '1500', asStudioMilli: '0' },
    { showsMilli: '900', tipsMilli: '0', asStudioMilli: '0' },
    { showsMilli: '0', tipsMilli: '0', asStudioMilli: '0' },
  ]);
  for (const wrong of ['', '5-4', '1', "1-2' OR 1=1", Array(51).fill('1-2').join()]) {
    t.equal(await codeOf(statement.spans('99', wrong)), 'BILLING_BAD_REQUEST', wrong.slice(0, 20));
  }

  const all = (await statement.entries('99', { limit: 50 })).items;
  t.match(all, [
    { kind: 'payout_failed', amountMilli: '1500' },
    { kind: 'payout', amountMilli: '-1500' },
    { kind: 'refund', amountMilli: '-900', sessionId },
    { kind: 'show', amountMilli: '900', sessionId },
    { kind: 'tip', amountMilli: '1500', tipId, atMs: START_MS },
  ]);
  const sum = all.reduce((total, one) => total + BigInt(one.amountMilli), 0n);
  t.equal(String(sum), (await earned(stage)).total);
  const first = await statement.entries('99', { limit: 2 });
  const rest = await statement.entries('99', { limit: 3, before: first.next });
  t.same([...first.items, ...rest.items], all, 'pages neither lose nor repeat');
  t.match((await statement.entries('77', { limit: 5 })).items, [
    { kind: 'refund' },
    { kind: 'studio_show', sessionId },
    { kind: 'studio_tip', tipId },
  ]);
  t.same(await statement.entries('98', { limit: 5 }), { items: [] });
});

t.test('no cell of a CSV is a formula, and quotes are doubled', (t) => {
  const cells = ['=1+1', '+x', '-x', '@x', '\tx', '-12', '-1.5', 'a"b', 'a,b', 'a\nb'];
  t.equal(csvOf([cells]), `'=1+1,'+x,'-x,'@x,'\tx,-12,-1.5,"a""b","a,b","a\nb"\r\n`);
  t.end();
});

t.test('an anchored day of the audit log cannot be changed unseen', async (t) => {
  const stage = await startFinance(t);
  const { finance, clock, database } = stage;
  for (let day = 0; day < 3; day += 1) {
    await finance.purchases.capture(payment({ paymentRef: `pi_${day}` }));
    clock.advance(DAY_MS);
  }
  clock.advance(600_000);
  const made = await finance.audit.anchor();
  t.same(
    made.map((one) => one.entries),
    [1, 1, 1],
  );
  t.same(await finance.audit.anchor(), [], 'once');
  t.match(await finance.audit.verify(), { anchors: 3, broken: [], newest: made.at(-1)?.hash });
  await t.rejects(database.run("UPDATE audit SET detail = 'x'"), /append-only/);
  await database.run('DROP TRIGGER audit_no_update');
  await database.run("UPDATE audit SET actor = 'nobody' LIMIT 1");
  t.match(await finance.audit.verify(), { broken: [made[0]?.day] });
  const { items, next } = await finance.audit.list({ limit: 2 });
  t.match(items, [{ action: 'purchase', subject: 'wallet:42' }, {}]);
  t.equal((await finance.audit.list({ limit: 2, before: next })).items.length, 1);
});
