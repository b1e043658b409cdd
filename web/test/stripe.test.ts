// Payments through Stripe: checkouts made by its SDK against an HTTP server of the test, webhooks
// signed by the SDK's own test signatures, in every order and as often as they like.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import t from 'tap';
import { startMoney } from './money-stage.js';
import { startSite } from './site-fixture.js';

const SECRET = 'whsec_test_0123456789abcdef';
/** What the API was asked, and what it answers. */
const calls: { path: string; body: URLSearchParams; key: string | undefined }[] = [];
let status = 200;
const api = createServer((request, response) => {
  let text = '';
  request.on('data', (part: Buffer) => (text += part.toString()));
  request.on('end', () => {
    const key = request.headers['idempotency-key'];
    calls.push({
      path: request.url ?? '',
      body: new URLSearchParams(text),
      key: typeof key === 'string' ? key : undefined,
    });
    response.writeHead(status, { 'content-type': 'application/json' });
    const made = { id: 'cs_1', url: 'https://pay.example/cs_1' };
    response.end(JSON.stringify(status === 200 ? made : { error: { message: 'sk_test' } }));
  });
});
await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
t.teardown(() => api.close());

const { port } = api.address() as AddressInfo;
const money = await startMoney(t);
const fixture = await startSite(t, {
  money,
  payments: {
    provider: 'stripe',
    secretKey: 'sk_test_123',
    webhookSecret: SECRET,
    apiUrl: `http://127.0.0.1:${port}`,
  },
});
const buyer = fixture.browser();
const { id: userId } = await buyer.signUp('anna');
const signer = new Stripe('sk_test_123');
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;

let orders = 0;
async function order(): Promise<string> {
  orders += 1;
  const form = { packageId: 'small', key: `order-${String(orders).padStart(6, '0')}` };
  const answer = await buyer.post('/api/v1/credits/checkout', form);
  return answer.json<{ order: { id: string } }>().order.id;
}

let events = 0;
function event(type: string, object: object): { id: string; type: string; data: object } {
  events += 1;
  return { id: `evt_${events}`, type, data: { object } };
}

/** Delivers an event as Stripe does: without cookies, signed over the bytes. */
function deliver(sent: object, headers: Record<string, string> = {}) {
  const payload = JSON.stringify({ object: 'event', ...sent });
  const signature = signer.webhooks.generateTestHeaderString({ payload, secret: SECRET });
  return fixture.app.inject({
    method: 'POST',
    url: '/api/v1/payments/stripe/webhook',
    payload,
    headers: { 'content-type': 'application/json', 'stripe-signature': signature, ...headers },
  });
}

const paidSession = (id: string, intent: string) =>
  event('checkout.session.completed', {
    ...{ id: `cs_${id}`, client_reference_id: id, payment_intent: intent, payment_status: 'paid' },
  });
const refunded = (id: string, intent: string, amount: number) =>
  event('charge.refunded', {
    ...{ id: `ch_${id}`, payment_intent: intent, amount: 999, amount_refunded: amount },
    metadata: { order: id },
  });
const disputed = (intent: string, state: string) =>
  event(state === 'open' ? 'charge.dispute.created' : 'charge.dispute.closed', {
    ...{ id: 'dp_1', payment_intent: intent, status: state },
  });
const balance = () => money.balanceOf(userId);
const stateOf = async (id: string) => (await fixture.site.purchases.find(userId, id)).state;

t.test('a checkout goes to the page that Stripe gives, one for each order', async (t) => {
  const form = { packageId: 'small', key: 'order-checkout' };
  const first = await buyer.post('/api/v1/credits/checkout', form);
  t.match(first.json(), { url: 'https://pay.example/cs_1', order: { state: 'open' } });
  await buyer.post('/api/v1/credits/checkout', form);
  const [one, two] = calls;
  t.equal(one?.path, '/v1/checkout/sessions');
  t.equal(one?.body.get('line_items[0][price_data][unit_amount]'), '999');
  t.ok(one?.key !== undefined && one.key === two?.key, 'the same idempotency key');
  status = 402;
  const failed = await buyer.post('/api/v1/credits/checkout', { ...form, key: 'order-failing' });
  t.equal(codeOf(failed), 'PAYMENT_UNAVAILABLE');
  t.notMatch(failed.body, /sk_test/);
  status = 200;
});

t.test('a paid session gives its credits once, whoever repeats it', async (t) => {
  const id = await order();
  const sent = paidSession(id, 'pi_1');
  const answers = await Promise.all([deliver(sent), deliver(sent), deliver(sent)]);
  t.ok(answers.every((one) => one.statusCode === 200));
  await deliver(paidSession(id, 'pi_1'));
  t.equal(await balance(), 100_000n);
  t.equal(await stateOf(id), 'granted');
});

t.test('a body that was not signed so is refused', async (t) => {
  const id = await order();
  const sent = paidSession(id, 'pi_forged');
  const forged = [
    { 'stripe-signature': 't=1,v1=00' },
    { 'stripe-signature': '' },
    { 'stripe-signature': "'; DROP TABLE purchase; --" },
  ];
  for (const headers of forged) {
    const answer = await deliver(sent, headers);
    t.equal(answer.statusCode, 400);
    t.equal(codeOf(answer), 'WEBHOOK_REFUSED');
  }
  const other = await deliver(sent, { 'content-type': 'text/plain' });
  t.equal(other.statusCode, 415);
  t.equal(await stateOf(id), 'open');
});

t.test('money back takes the part of the credits that it has bought', async (t) => {
  const id = await order();
  await deliver(paidSession(id, 'pi_2'));
  const before = await balance();
  await deliver(refunded(id, 'pi_2', 333));
  t.equal(before - (await balance()), 33_333n);
  await deliver(refunded(id, 'pi_2', 999));
  t.equal(before - (await balance()), 100_000n, 'the sum counts, not the events');
  await deliver(refunded(id, 'pi_2', 333));
  t.equal(before - (await balance()), 100_000n, 'an older report changes nothing');
});

t.test('a refund that arrives before its payment is that of a paid order', async (t) => {
  const id = await order();
  const before = await balance();
  t.equal((await deliver(refunded(id, 'pi_3', 999))).statusCode, 200);
  t.equal(await balance(), before);
  await deliver(paidSession(id, 'pi_3'));
  t.equal(await balance(), before, 'the late report of the payment gives nothing more');
  t.equal(await stateOf(id), 'granted');
});

t.test('a dispute freezes and ends, also when its end comes first', async (t) => {
  const id = await order();
  const early = await deliver(disputed('pi_4', 'open'));
  t.equal(early.statusCode, 409, 'of an unknown payment: Stripe sends it again');
  await deliver(paidSession(id, 'pi_4'));
  await deliver(disputed('pi_4', 'lost'));
  await deliver(disputed('pi_4', 'open'));
  const { items } = await money.client.listPurchases({ user: userId });
  t.match(
    items.find((one) => one.paymentRef === 'pi_4'),
    { chargeback: 'lost', refundedMilli: 100_000n },
  );
  const told = (await money.client.listAudit()).items.filter((one) =>
    one.action.startsWith('chargeback'),
  );
  t.equal(told.length, 2, 'opened once, lost once');
});

t.test('an event that billing could not take is handled when it comes again', async (t) => {
  const id = await order();
  await deliver(paidSession(id, 'pi_5'));
  const sent = refunded(id, 'pi_5', 999);
  await money.away();
  t.equal((await deliver(sent)).statusCode, 503);
  await money.back();
  const before = await balance();
  t.equal((await deliver(sent)).statusCode, 200);
  t.equal(before - (await balance()), 100_000n);
});

t.test('money back whose credits are spent is taken when there are credits again', async (t) => {
  const id = await order();
  await deliver(paidSession(id, 'pi_7'));
  const kept = await balance();
  const adjust = async (key: string, amountMilli: bigint) => {
    const why = { userId, reasonCode: 'spent', ticket: 'T-1', actor: 'admin:1' };
    const { id: asked } = await money.client.adjust({ key, amountMilli, ...why });
    await money.client.approveAdjustment(asked, 'admin:2');
  };
  await adjust('spend-all-0001', -kept);
  const sent = refunded(id, 'pi_7', 999);
  for (let at = 0; at < 2; at += 1) t.equal(codeOf(await deliver(sent)), 'INSUFFICIENT_CREDIT');
  await adjust('earn-again-0001', kept);
  t.equal((await deliver(sent)).statusCode, 200);
  t.equal(kept - (await balance()), 100_000n);
});

t.test('an order that nobody knows and an expired session change nothing', async (t) => {
  t.equal((await deliver(paidSession('x'.repeat(22), 'pi_6'))).statusCode, 200);
  const id = await order();
  const expired = event('checkout.session.expired', { id: 'cs', client_reference_id: id });
  await deliver(expired);
  t.equal(await stateOf(id), 'failed');
});
