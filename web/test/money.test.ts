// Money matters of viewers, models and admins over HTTP: limits, receipts, refunds that are asked
// for, payouts, finance.
import t from 'tap';
import { staff, startSite } from './site-fixture.js';

const fixture = await startSite(t);
const { admin, adminUser, model, modelUser } = await staff(fixture);
const buyer = fixture.browser();
const buyerUser = await buyer.signUp('anna');
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const commands = (name: string) => fixture.finance.commands.filter(([one]) => one === name);

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
  fixture.billing.isDown = true;
  t.equal(codeOf(await admin.post(`${path}/approve`)), 'BILLING_UNAVAILABLE');
  fixture.billing.isDown = false;
  t.equal((await admin.post(`${path}/approve`, { amountMilli: '40000' })).statusCode, 204);
  t.equal(codeOf(await admin.post(`${path}/approve`)), 'REQUEST_DECIDED');
  t.equal(fixture.billing.balanceOf(buyerUser.id), 60_000n);
  t.match(commands('refundPurchase'), [['refundPurchase', { actor: adminUser.id }]]);
  t.equal(codeOf(await ask()), 'REQUEST_EXISTS');
  const stranger = await model.post('/api/v1/credits/refund-requests', wish);
  t.equal(codeOf(stranger), 'PURCHASE_NOT_FOUND', 'an order of somebody else');
});

t.test('a show is given back through billing, a refusal leaves the request open', async (t) => {
  const wish = { kind: 'show', ref: 'S'.padEnd(26, '0'), reason: 'No sound' };
  const made = await buyer.post('/api/v1/credits/refund-requests', wish);
  const { id } = made.json<{ request: { id: string } }>().request;
  const path = `/api/v1/admin/refund-requests/${id}`;
  fixture.finance.refuseNext('BILLING_REFUND_WINDOW');
  const refused = await admin.post(`${path}/approve`);
  t.match(refused.json(), { code: 'FINANCE_REFUSED', billingCode: 'BILLING_REFUND_WINDOW' });
  t.equal((await admin.post(`${path}/decline`, { answer: 'Too late.' })).statusCode, 204);
  t.match((await buyer.get('/api/v1/credits/refund-requests')).json(), {
    requests: [{ id, state: 'declined', answer: 'Too late.' }, { state: 'approved' }],
  });
});

t.test('a model asks for a payout once per key, an admin completes it', async (t) => {
  t.match((await model.get('/api/v1/model/earnings')).json(), { pending: '0', available: '0' });
  const wish = { key: 'payout-0001', amountMilli: '5000', method: 'sepa' };
  const ask = () => model.post('/api/v1/model/payouts', wish);
  const answers = await Promise.all([ask(), ask()]);
  const ids = new Set(answers.map((one) => one.json<{ payout: { id: string } }>().payout.id));
  t.equal(ids.size, 1);
  t.match(commands('requestPayout'), [['requestPayout', { performerId: modelUser.id }]]);
  const [id = ''] = ids;
  t.match((await model.get('/api/v1/model/payouts')).json(), { items: [{ id }] });
  const step = (name: string) => admin.post(`/api/v1/admin/finance/payouts/${id}/${name}`, {});
  t.equal((await step('approve')).statusCode, 200);
  t.equal((await step('steal')).statusCode, 400);
  t.equal(codeOf(await buyer.post('/api/v1/model/payouts', wish)), 'NOT_A_MODEL');
});

t.test('finance is for admins, and their id is the actor', async (t) => {
  const body = { username: 'anna', amountMilli: '-1000', reasonCode: 'fraud', ticket: 'T-1' };
  const wish = { ...body, key: 'adjust-0001' };
  t.equal((await model.post('/api/v1/admin/finance/adjustments', wish)).statusCode, 403);
  t.equal((await admin.post('/api/v1/admin/finance/adjustments', wish)).statusCode, 201);
  t.match(commands('adjust'), [['adjust', { amountMilli: -1_000n, actor: adminUser.id }]]);
  const days = 'from=2026-01-01&to=2026-01-31';
  t.match((await admin.get(`/api/v1/admin/finance/reports/day?${days}`)).json(), { kind: 'day' });
  const csv = await admin.send({
    method: 'GET',
    url: `/api/v1/admin/finance/reports/viewer/csv?${days}`,
  });
  t.match(csv.headers['content-type'], /^text\/csv/);
  t.equal(csv.body, 'viewer,spent\r\n');
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
  const granted = await admin.post('/api/v1/admin/finance/campaigns/1/grants', grant);
  t.match(granted.json(), { userId: buyerUser.id, balance: '65000' });
  const wallet = await admin.get(`/api/v1/admin/users/${buyerUser.id}/wallet`);
  t.match(wallet.json(), { lots: [], isFrozen: false, limits: {} });
});
