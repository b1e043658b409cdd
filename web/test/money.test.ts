// Money matters of viewers, models and admins over HTTP: limits, receipts, refunds that are asked
// for, payouts, finance.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t, {
  ...{ BILLING_EARNINGS_HOLD_DAYS: '0', BILLING_FINANCE_INTERVAL_MS: '1000' },
  BILLING_PAYOUT_MINIMUM_MILLI: '1000',
});
const fixture = await startSite(t, { money });
const { admin, adminUser, model, modelUser } = await staff(fixture);
const buyer = fixture.browser();
const buyerUser = await buyer.signUp('anna');
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
/** Who did that in billing, newest first. */
const actorsOf = async (action: string) =>
  (await money.client.listAudit()).items
    .filter((one) => one.action === action)
    .map(({ actor }) => actor);

/** @returns id of a tip that stands in the ledger */
async function tipMira(key: string, amountMilli: string): Promise<string> {
  const answer = await buyer.post('/api/v1/rooms/mira/tips', { key, amountMilli });
  const { tipId } = answer.json<{ tipId: string }>();
  await money.settled('tip', tipId);
  return tipId;
}

const { order } = (
  await buyer.post('/api/v1/credits/checkout', { packageId: 'small', key: 'order-000001' })
).json<{ order: { id: string } }>();

t.test('limits are kept, an absent one is none', async (t) => {
  const limits = { perShowMilli: '50000', tipMaxMilli: '10000' };
  t.equal((await buyer.put('/api/v1/credits/limits', limits)).statusCode, 200);
  t.same((await buyer.get('/api/v1/credits/limits')).json(), limits);
  t.same((await buyer.put('/api/v1/credits/limits', {})).json(), {});
});

t.test('a receipt exists once the order is paid, for its buyer alone', async (t) => {
  const path = `/api/v1/credits/orders/${order.id}/receipt`;
  t.equal(codeOf(await buyer.get(path)), 'PURCHASE_NOT_FOUND');
  await buyer.post(`/api/v1/credits/orders/${order.id}/sandbox-pay`);
  t.match((await buyer.get(path)).json(), {
    ...{ number: order.id, seller: 'Test stage', buyer: 'anna', priceCents: 999 },
    item: '100 credits',
  });
  t.equal(codeOf(await model.get(path)), 'PURCHASE_NOT_FOUND');
  const page = await buyer.get(`${path}.html`);
  t.match(page.headers['content-type'], /^text\/html/);
  for (const [name, value] of [
    ['Sold by', 'Test stage'],
    ['Sold to', 'anna'],
    ['Item', '100 credits'],
    ['Price', '9.99 EUR'],
  ]) {
    t.match(page.body, `<tr><th>${name}</th><td>${value}</td></tr>`);
  }
  t.notMatch(page.body, /Given back/);
  t.equal(codeOf(await model.get(`${path}.html`)), 'PURCHASE_NOT_FOUND');
});

t.test('a refund is asked for once and decided once', async (t) => {
  const wish = { kind: 'purchase', ref: order.id, reason: 'By mistake' };
  const ask = () => buyer.post('/api/v1/credits/refund-requests', wish);
  const { request } = (await ask()).json<{ request: { id: string } }>();
  t.match((await ask()).json(), { request: { id: request.id } }, 'asking twice is asking once');
  t.match((await admin.get('/api/v1/admin/refund-requests')).json(), {
    requests: [{ id: request.id, username: 'anna', reason: 'By mistake' }],
  });
  const path = `/api/v1/admin/refund-requests/${request.id}`;
  t.equal((await buyer.post(`${path}/approve`)).statusCode, 403);
  await money.away();
  t.equal(codeOf(await admin.post(`${path}/approve`)), 'BILLING_UNAVAILABLE');
  await money.back();
  t.equal((await admin.post(`${path}/approve`, { amountMilli: '40000' })).statusCode, 204);
  t.equal(codeOf(await admin.post(`${path}/approve`)), 'REQUEST_DECIDED');
  t.equal(await money.balanceOf(buyerUser.id), 60_000n);
  t.same(await actorsOf('purchase_refund'), [adminUser.id]);
  const receipt = await buyer.get(`/api/v1/credits/orders/${order.id}/receipt.html`);
  t.match(receipt.body, '<th>Given back</th><td>40 credits</td>');
  t.equal(codeOf(await ask()), 'REQUEST_EXISTS');
  const stranger = await model.post('/api/v1/credits/refund-requests', wish);
  t.equal(codeOf(stranger), 'PURCHASE_NOT_FOUND', 'an order of somebody else');
});

t.test('what is too old is not given back, and its request stays open', async (t) => {
  const ref = await tipMira('tip-00000001', '5000');
  const dayMs = 86_400_000;
  await money.change('UPDATE tip SET occurred_ms = occurred_ms - ? WHERE id = ?', [dayMs + 1, ref]);
  const wish = { kind: 'tip', ref, reason: 'By mistake' };
  const made = await buyer.post('/api/v1/credits/refund-requests', wish);
  const { id } = made.json<{ request: { id: string } }>().request;
  const path = `/api/v1/admin/refund-requests/${id}`;
  const refused = await admin.post(`${path}/approve`);
  t.match(refused.json(), { code: 'FINANCE_REFUSED', billingCode: 'BILLING_REFUND_WINDOW' });
  t.equal((await admin.post(`${path}/decline`, { answer: 'Too late.' })).statusCode, 204);
  t.match((await buyer.get('/api/v1/credits/refund-requests')).json(), {
    requests: [{ id, state: 'declined', answer: 'Too late.' }, { state: 'approved' }],
  });
});

t.test('a model asks for a payout once per key, an admin completes it', async (t) => {
  await tipMira('tip-00000002', '10000');
  await until(async () => (await money.client.getEarnings(modelUser.id)).available === 9_000n, {
    what: 'six tenths of both tips are ripe',
    deadlineMs: 60_000,
  });
  t.match((await model.get('/api/v1/model/earnings')).json(), { pending: '0', available: '9000' });
  const wish = { key: 'payout-0001', amountMilli: '5000', method: 'sepa' };
  const ask = () => model.post('/api/v1/model/payouts', wish);
  const answers = await Promise.all([ask(), ask()]);
  const ids = new Set(answers.map((one) => one.json<{ payout: { id: string } }>().payout.id));
  t.equal(ids.size, 1);
  const [id = ''] = ids;
  t.match((await model.get('/api/v1/model/payouts')).json(), {
    items: [{ id, performerId: modelUser.id, amountMilli: '5000' }],
  });
  t.match((await model.get('/api/v1/model/earnings')).json(), {
    ...{ available: '4000', inFlight: '5000' },
  });
  const step = (name: string) => admin.post(`/api/v1/admin/finance/payouts/${id}/${name}`, {});
  t.equal((await step('approve')).statusCode, 200);
  t.equal((await step('steal')).statusCode, 400);
  t.equal(codeOf(await buyer.post('/api/v1/model/payouts', wish)), 'NOT_A_MODEL');
});

t.test('who asked for a payout hears that another person must approve it', async (t) => {
  const wish = { key: 'payout-0002', amountMilli: '4000', method: 'sepa' };
  const made = await model.post('/api/v1/model/payouts', wish);
  const path = `/api/v1/admin/finance/payouts/${made.json<{ payout: { id: string } }>().payout.id}`;
  await fixture.site.accounts.setRoles(modelUser.id, { isAdmin: true });
  const self = await model.post(`${path}/approve`, {});
  t.equal(self.statusCode, 409);
  t.match(self.json(), { code: 'FINANCE_REFUSED', billingCode: 'BILLING_SELF_APPROVAL' });
  await fixture.site.accounts.setRoles(modelUser.id, { isAdmin: false });
  t.equal((await admin.post(`${path}/approve`, {})).statusCode, 200);
});

t.test('finance is for admins, and their id is the actor', async (t) => {
  const body = { username: 'anna', amountMilli: '-1000', reasonCode: 'fraud', ticket: 'T-1' };
  const wish = { ...body, key: 'adjust-0001' };
  t.equal((await model.post('/api/v1/admin/finance/adjustments', wish)).statusCode, 403);
  t.equal((await admin.post('/api/v1/admin/finance/adjustments', wish)).statusCode, 201);
  t.same(await actorsOf('adjustment'), [adminUser.id]);
  t.equal(await money.balanceOf(buyerUser.id), 44_000n);
  const day = new Date().toISOString().slice(0, 10);
  const days = `from=2026-01-01&to=${day}`;
  t.match((await admin.get(`/api/v1/admin/finance/reports/day?${days}`)).json(), { kind: 'day' });
  const csv = await admin.send({
    method: 'GET',
    url: `/api/v1/admin/finance/reports/viewer/csv?${days}`,
  });
  t.match(csv.headers['content-type'], /^text\/csv/);
  t.match(csv.body, new RegExp(`^userId,.*\r\n${buyerUser.id},`));
  for (const list of ['purchases', 'payouts', 'campaigns', 'adjustments', 'audit', 'shows']) {
    t.equal((await admin.get(`/api/v1/admin/finance/${list}`)).statusCode, 200, list);
    t.equal((await buyer.get(`/api/v1/admin/finance/${list}`)).statusCode, 403, list);
  }
  const made = await admin.post('/api/v1/admin/finance/campaigns', {
    ...{ key: 'campaign-01', name: 'Spring', budgetMilli: '100000' },
    ...{ expiresDays: 30, paysPerformer: true },
  });
  t.match(made.json(), { campaign: { name: 'Spring', budgetMilli: '100000' } });
  const grant = { key: 'grant-00001', username: 'anna', amountMilli: '5000' };
  const { id } = made.json<{ campaign: { id: string } }>().campaign;
  const granted = await admin.post(`/api/v1/admin/finance/campaigns/${id}/grants`, grant);
  t.match(granted.json(), { userId: buyerUser.id, balance: '49000' });
  const wallet = await admin.get(`/api/v1/admin/users/${buyerUser.id}/wallet`);
  t.match(wallet.json(), { lots: [{ kind: 'campaign' }, {}], isFrozen: false, limits: {} });
});

t.test('who asked for a large adjustment hears that another person must approve it', async (t) => {
  const api = '/api/v1/admin/finance/adjustments';
  const body = { username: 'anna', amountMilli: '60000', reasonCode: 'goodwill', ticket: 'T-2' };
  const made = await admin.post(api, { ...body, key: 'adjust-0002' });
  const { id, state } = made.json<{ adjustment: { id: string; state: string } }>().adjustment;
  t.equal(state, 'pending');
  const self = await admin.post(`${api}/${id}/approve`);
  t.equal(self.statusCode, 409);
  t.match(self.json(), { code: 'FINANCE_REFUSED', billingCode: 'BILLING_APPROVAL_NEEDED' });
  const second = fixture.browser();
  const { id: secondId } = await second.signUp('boss2');
  await fixture.site.accounts.setRoles(secondId, { isAdmin: true });
  t.equal((await second.post(`${api}/${id}/approve`)).statusCode, 200);
  t.equal(await money.balanceOf(buyerUser.id), 109_000n);
});
