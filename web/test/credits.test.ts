// Buying credits: packages, orders that may be repeated, payments that count once, billing that is
// away.
import t from 'tap';
import { startMoney } from './money-stage.js';
import { startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
interface Ordered {
  order: { id: string; state: string };
  url: string;
}

const buyer = fixture.browser();
await buyer.signUp('anna');
const balance = async () =>
  (await buyer.get('/api/v1/me')).json<{ balance: string | null }>().balance;
const checkout = async (body: object) => buyer.post('/api/v1/credits/checkout', body);

t.test('the same key is one order, another package under it is refused', async (t) => {
  const body = { packageId: 'small', key: 'order-000001' };
  const answers = await Promise.all([checkout(body), checkout(body), checkout(body)]);
  t.same(
    answers.map((one) => one.statusCode),
    [201, 201, 201],
  );
  t.equal(new Set(answers.map((one) => one.json<Ordered>().order.id)).size, 1);
  t.equal(codeOf(await checkout({ ...body, packageId: 'large' })), 'KEY_REUSED');
  t.equal(codeOf(await checkout({ ...body, packageId: 'huge' })), 'PACKAGE_NOT_FOUND');
  t.equal(await balance(), '0', 'an order gives nothing');
});

t.test('a payment gives its credits once, however often it is told', async (t) => {
  const { order } = (await checkout({ packageId: 'small', key: 'order-000002' })).json<Ordered>();
  const pay = () => buyer.post(`/api/v1/credits/orders/${order.id}/sandbox-pay`);
  const answers = await Promise.all([pay(), pay(), pay()]);
  t.ok(answers.every((one) => one.json<Ordered>().order.state === 'granted'));
  t.equal(await balance(), '100000');
  await pay();
  t.equal(await balance(), '100000');
});

t.test('a stranger can neither see nor pay the order', async (t) => {
  const { order } = (await checkout({ packageId: 'small', key: 'order-000003' })).json<Ordered>();
  const stranger = fixture.browser();
  await stranger.signUp('ben');
  const pay = await stranger.post(`/api/v1/credits/orders/${order.id}/sandbox-pay`);
  t.equal(codeOf(pay), 'PURCHASE_NOT_FOUND');
  t.same((await stranger.get('/api/v1/credits/orders')).json(), { orders: [] });
  t.equal((await stranger.get(`/api/v1/credits/orders/${order.id}`)).statusCode, 404);
  const own = await buyer.get(`/api/v1/credits/orders/${order.id}`);
  t.same(own.json(), { order }, 'what the payment page shows before it is paid');
});

t.test('paid while billing is away: the credits follow', async (t) => {
  const { order } = (await checkout({ packageId: 'medium', key: 'order-000004' })).json<Ordered>();
  await money.away();
  const paid = await buyer.post(`/api/v1/credits/orders/${order.id}/sandbox-pay`);
  t.equal(paid.json<Ordered>().order.state, 'paid');
  t.equal(await fixture.site.purchases.complete(), 0);
  await money.back();
  const done = await Promise.all([
    fixture.site.purchases.complete(),
    fixture.site.purchases.complete(),
  ]);
  t.ok(done.some((one) => one === 1));
  t.equal(await balance(), '350000', 'two processes, one grant');
});

t.test('orders come newest first, page by page', async (t) => {
  for (let n = 10; n < 32; n += 1) await checkout({ packageId: 'small', key: `order-0000${n}` });
  const first = (await buyer.get('/api/v1/credits/orders')).json<{
    orders: { id: string }[];
    next: string;
  }>();
  t.equal(first.orders.length, 20);
  const second = (await buyer.get(`/api/v1/credits/orders?cursor=${first.next}`)).json<{
    orders: { id: string }[];
  }>();
  const ids = [...first.orders, ...second.orders].map((one) => one.id);
  t.equal(new Set(ids).size, ids.length);
  t.equal(ids.length, 26);
});
