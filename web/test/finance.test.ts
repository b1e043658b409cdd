// The books of a small evening, on the real billing: totals per day, model, viewer and studio; a
// chargeback that is lost; a payout that fails and one that comes back; an account that is closed.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { startMoney, watchTicketShow } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t, {
  ...{ BILLING_EARNINGS_HOLD_DAYS: '0', BILLING_FINANCE_INTERVAL_MS: '1000' },
  BILLING_PAYOUT_MINIMUM_MILLI: '1000',
});
const fixture = await startSite(t, { money });
const { admin, model, modelUser, room } = await staff(fixture);
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const FINANCE = '/api/v1/admin/finance';
const DAY_MS = 86_400_000;
const dayAt = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
/** Whole, even when midnight passes. */
const DAYS = `from=${dayAt(Date.now() - DAY_MS)}&to=${dayAt(Date.now() + DAY_MS)}`;

type Sums = Record<string, string>;
interface Report {
  readonly columns: string[];
  readonly rows: string[][];
  readonly totals: string[];
}

/** The lines of a report under the names of its columns; the totals are the last line. */
async function linesOf(kind: string): Promise<Sums[]> {
  const answer = await admin.get(`${FINANCE}/reports/${kind}?${DAYS}`);
  const { columns, rows, totals } = answer.json<Report>();
  return [...rows, totals].map((row) =>
    Object.fromEntries(columns.map((name, at) => [name, row[at] ?? ''])),
  );
}

const buyer = fixture.browser();
const { id: buyerId } = await buyer.signUp('anna');
const agency = fixture.browser();
const { id: agencyId } = await agency.signUp('agency');

/** Bought in the sandbox: 100 credits. @returns what the payment is called in the books */
async function buySmall(key: string): Promise<string> {
  const checkout = await buyer.post('/api/v1/credits/checkout', { packageId: 'small', key });
  const { id } = checkout.json<{ order: { id: string } }>().order;
  await buyer.post(`/api/v1/credits/orders/${id}/sandbox-pay`);
  const { items } = await money.client.listPurchases({ user: buyerId });
  return items[0]?.paymentRef ?? '';
}

async function tip(key: string, amountMilli: string): Promise<void> {
  const answer = await buyer.post('/api/v1/rooms/mira/tips', { key, amountMilli });
  await money.settled('tip', answer.json<{ tipId: string }>().tipId);
}

const earned = async () => (await model.get('/api/v1/model/earnings')).json<Sums>();
const bookSum = async () => (await admin.get(`${FINANCE}/summary`)).json<{ entriesSum: string }>();

const first = await buySmall('order-000001');

t.test('totals tell each day, model, viewer and studio what it moved', async (t) => {
  const terms = { studioId: agencyId, studioShareBps: 5_000 };
  const path = `${FINANCE}/performers/${modelUser.id}/terms`;
  t.equal((await buyer.put(path, terms)).statusCode, 403);
  t.equal((await admin.put(path, terms)).statusCode, 204);
  await tip('tip-00000001', '10000');
  await watchTicketShow(money, { fixture, model, viewer: buyer, streamId: room.streamId });

  const [studio, ...sums] = await linesOf('studio');
  t.same(studio, {
    ...{ studioId: agencyId, performerId: modelUser.id },
    ...{ studioShareMilli: '12000', modelShareMilli: '12000' },
  });
  t.match(sums, [{ studioShareMilli: '12000', modelShareMilli: '12000' }]);

  const models = await linesOf('model');
  t.match(
    models.find((one) => one['performerId'] === modelUser.id),
    { showsMilli: '9000', tipsMilli: '3000', asStudioMilli: '0' },
  );
  t.match(
    models.find((one) => one['performerId'] === agencyId),
    { showsMilli: '0', tipsMilli: '0', asStudioMilli: '12000' },
  );
  t.match(models.at(-1), { showsMilli: '9000', tipsMilli: '3000', asStudioMilli: '12000' });

  t.match(await linesOf('viewer'), [
    {
      ...{ userId: buyerId, purchasesMilli: '100000', showsMilli: '-30000' },
      ...{ tipsMilli: '-10000', netMilli: '60000' },
    },
    { userId: 'total', netMilli: '60000' },
  ]);
  t.equal(await money.balanceOf(buyerId), 60_000n, 'the report is the wallet');

  t.match((await linesOf('day')).at(-1), {
    ...{ day: 'total', purchasesMilli: '100000', modelShareMilli: '12000' },
    ...{ studioShareMilli: '12000', siteShareMilli: '16000' },
  });
  const csv = await admin.get(`${FINANCE}/reports/studio/csv?${DAYS}`);
  t.equal(csv.body.split('\r\n')[1], `${agencyId},${modelUser.id},12000,12000`);
  t.equal((await agency.get(`${FINANCE}/reports/studio?${DAYS}`)).statusCode, 403);
});

t.test('a payout that fails or comes back is there to be asked for again', async (t) => {
  await until(async () => (await earned())['available'] === '12000', {
    what: 'half of the share is ripe',
    deadlineMs: 60_000,
  });
  let wishes = 0;
  const ask = async (): Promise<string> => {
    wishes += 1;
    const wish = { key: `payout-000${wishes}`, amountMilli: '5000', method: 'sepa' };
    const made = await model.post('/api/v1/model/payouts', wish);
    return made.json<{ payout: { id: string } }>().payout.id;
  };
  const step = (id: string, name: string, reason?: string) =>
    admin.post(`${FINANCE}/payouts/${id}/${name}`, reason === undefined ? {} : { reason });

  const failing = await ask();
  t.match(await earned(), { available: '7000', inFlight: '5000', paid: '0' });
  await step(failing, 'approve');
  const failed = await step(failing, 'fail', 'The bank knows no such account.');
  t.match(failed.json(), { payout: { id: failing, state: 'failed' } });
  t.match(await earned(), { available: '12000', inFlight: '0', paid: '0' });
  t.equal((await step(failing, 'fail', 'Again.')).statusCode, 200, 'twice is once');
  t.match(await earned(), { available: '12000' });
  t.equal(codeOf(await step(failing, 'complete')), 'FINANCE_REFUSED');

  const returning = await ask();
  await step(returning, 'approve');
  t.equal(codeOf(await step(returning, 'return')), 'FINANCE_REFUSED', 'it has not arrived yet');
  t.match((await step(returning, 'complete')).json(), { payout: { state: 'paid' } });
  t.match(await earned(), { available: '7000', inFlight: '0', paid: '5000' });
  const returned = await step(returning, 'return', 'Closed account.');
  t.match(returned.json(), { payout: { id: returning, state: 'returned' } });
  t.match(await earned(), { available: '12000', inFlight: '0', paid: '0' });
  t.match((await model.get('/api/v1/model/payouts')).json(), {
    items: [
      { id: returning, state: 'returned' },
      { id: failing, state: 'failed' },
    ],
  });
  t.match((await linesOf('day')).at(-1), {
    ...{ payoutsRequestedMilli: '10000', payoutsFailedMilli: '5000' },
    ...{ payoutsPaidMilli: '5000', payoutsReturnedMilli: '5000' },
  });
  t.match(await bookSum(), { entriesSum: '0' });
});

t.test('a chargeback that is lost takes the credits, and what is spent is owed', async (t) => {
  const note = (key: string, state: string) =>
    admin.post(`${FINANCE}/chargebacks`, { key, paymentRef: first, state });
  const opened = await note('dispute-0001', 'opened');
  t.match(opened.json(), { state: 'opened', isFrozen: true, debtMilli: '0' });
  const refused = await buyer.post('/api/v1/rooms/mira/tips', {
    ...{ key: 'tip-00000002', amountMilli: '1000' },
  });
  t.equal(codeOf(refused), 'WALLET_FROZEN');

  const lost = await note('dispute-0002', 'lost');
  t.match(lost.json(), { state: 'lost', debtMilli: '40000' });
  t.equal(await money.balanceOf(buyerId), 0n);
  t.match((await admin.get(`${FINANCE}/purchases?user=${buyerId}`)).json(), {
    items: [{ paymentRef: first, chargeback: 'lost', refundedMilli: '100000' }],
  });
  t.equal((await note('dispute-0003', 'lost')).statusCode, 200, 'heard twice');
  t.equal(codeOf(await note('dispute-0004', 'won')), 'FINANCE_REFUSED', 'lost is lost');
  t.match((await admin.get(`/api/v1/admin/users/${buyerId}/wallet`)).json(), {
    ...{ debtMilli: '40000' },
  });
  t.match(await earned(), { available: '12000' }, 'the model keeps what was earned');
  await until(async () => (await linesOf('day')).at(-1)?.['debtMadeMilli'] === '40000', {
    what: 'the debt is booked',
    deadlineMs: 60_000,
  });
  t.match((await linesOf('day')).at(-1), { chargebacksMilli: '100000' });
  t.match(await bookSum(), { entriesSum: '0' });
});

t.test('who deletes the account is gone, and nothing of the books is', async (t) => {
  const statement = async () =>
    (await model.get(`/api/v1/model/earnings/statement.csv?${DAYS}`)).body;
  const entries = () => money.rows('SELECT * FROM transfer ORDER BY id');
  const [before, booked] = [await statement(), await entries()];
  t.match(before, /,tip,/);
  const closed = await buyer.post('/api/v1/account/close', { password: 'correct horse' });
  t.equal(closed.statusCode, 204);

  const now = (await entries()).slice(0, booked.length);
  t.same(now, booked, 'every entry of the ledger is as it was');
  t.equal(await statement(), before, 'and so is the statement of the model');
  t.match((await linesOf('viewer'))[0], { userId: buyerId, showsMilli: '-30000' });
  const kept = await fixture.database.rows('SELECT * FROM user WHERE id = ?', [buyerId]);
  t.match(kept, [{ status: 'deleted' }]);
  t.notMatch(JSON.stringify(kept), /anna/, 'neither name nor address');
  t.same((await admin.get('/api/v1/admin/users?q=anna')).json(), { users: [] });
  const login = { login: 'anna', password: 'correct horse' };
  const back = await fixture.browser().post('/api/v1/auth/login', login);
  t.equal(codeOf(back), 'BAD_CREDENTIALS');
});
