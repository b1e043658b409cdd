// What people and payment providers trust the site with never stands in its log: neither when all
// is well, nor when input is wrong, nor while a server is away.
import { Writable } from 'node:stream';
import Stripe from 'stripe';
import t from 'tap';
import { createLogger } from '../../cluster/index.js';
import { TEST_SECRETS } from '../../cluster/testing/index.js';
import { startMoney } from './money-stage.js';
import { type Browser, staff, startSite } from './site-fixture.js';

const WEBHOOK_SECRET = 'whsec_test_never_to_be_read_0123';
const STRIPE_KEY = 'sk_test_never_to_be_read_0123';
const PASSWORD = 'a pass phrase of anna';
const NEXT_PASSWORD = 'another phrase of anna';
const MISTYPED = 'a phrase she mistyped';

let written = '';
const destination = new Writable({
  write(chunk: Buffer, _encoding, done) {
    written += chunk.toString();
    done();
  },
});
const log = createLogger({ role: 'web', nodeId: 'web-1', level: 'trace' }, destination);
const money = await startMoney(t);
const payments = {
  provider: 'stripe' as const,
  secretKey: STRIPE_KEY,
  webhookSecret: WEBHOOK_SECRET,
  // Nobody listens there.
  apiUrl: 'http://127.0.0.1:9',
};
const fixture = await startSite(t, { money, log, payments });
const { model } = await staff(fixture);

/** By what a failure calls them. */
const secrets = new Map<string, string>([
  ['a password', PASSWORD],
  ['a new password', NEXT_PASSWORD],
  ['a mistyped password', MISTYPED],
  ['the key of Stripe', STRIPE_KEY],
  ['the secret of the webhook', WEBHOOK_SECRET],
  ['the secret of tokens', TEST_SECRETS.token],
  ['the secret of internal calls', TEST_SECRETS.internal],
]);

function keep(name: string, secret: string | undefined): string {
  if (secret === undefined || secret.length < 8) throw new Error(`there is no ${name}`);
  secrets.set(`${name} (${secrets.size})`, secret);
  return secret;
}

const keepCookies = (browser: Browser): void => {
  for (const [name, value] of browser.cookies) keep(name, value);
};
const leaked = (): string[] =>
  [...secrets].filter(([, secret]) => written.includes(secret)).map(([name]) => name);
const linkToken = async (path: string): Promise<string> => {
  const sql = 'SELECT body FROM mail WHERE body LIKE ? ORDER BY id DESC LIMIT 1';
  const [mail] = await fixture.database.rows<{ body: string }>(sql, [`%/${path}?token=%`]);
  return keep(`link to ${path}`, /token=([\w-]+)/.exec(mail?.body ?? '')?.[1]);
};

const api = '/api/v1';
const anna = { username: 'anna', email: 'anna@example.org', password: PASSWORD };
const browser = fixture.browser();
const login = (password: string) => browser.post(`${api}/auth/login`, { login: 'anna', password });
const regenerate = () => model.post(`${api}/model/key/regenerate`, {});
const askToken = (password: string) =>
  browser.post(`${api}/auth/token`, { login: 'anna', password });
let resetToken = '';

/** The report of a payment, as Stripe signs it; its signature is a secret as well. */
function stripeReport(isForged: boolean) {
  const payload = JSON.stringify({
    ...{ object: 'event', id: 'evt_1', type: 'checkout.session.completed' },
    data: { object: { id: 'cs_1', client_reference_id: 'x', payment_status: 'paid' } },
  });
  const secret = isForged ? 'whsec_of_somebody_else' : WEBHOOK_SECRET;
  const signature = new Stripe(STRIPE_KEY).webhooks.generateTestHeaderString({ payload, secret });
  keep('signature', signature);
  return fixture.app.inject({
    ...{ method: 'POST', url: `${api}/payments/stripe/webhook`, payload },
    headers: { 'content-type': 'application/json', 'stripe-signature': signature },
  });
}

t.test('while all is well', async (t) => {
  t.equal((await browser.post(`${api}/auth/signup`, anna)).statusCode, 201);
  keepCookies(browser);
  await browser.post(`${api}/auth/activate`, { token: await linkToken('activate') });
  t.equal((await login(PASSWORD)).statusCode, 200);
  keepCookies(browser);
  t.equal((await browser.post(`${api}/auth/refresh`)).statusCode, 200);
  keepCookies(browser);
  const tokens = await askToken(PASSWORD);
  const { accessToken, refreshToken } = tokens.json<Record<string, string>>();
  keep('access token', accessToken);
  const renewed = await browser.post(`${api}/auth/token/refresh`, {
    refreshToken: keep('refresh token', refreshToken),
  });
  t.equal(renewed.statusCode, 200);
  const ticket = await browser.post(`${api}/realtime/ticket`, {});
  keep('ticket', ticket.json<{ token: string }>().token);
  keep('stream key', (await regenerate()).json<{ key: string }>().key);
  const address = { host: '', rtmpPort: '8083', hlsPort: '8082' };
  fixture.ingests.push({ id: 'rtmp-1', address, load: 0, isDraining: false });
  const publish = await model.post(`${api}/model/publish-ticket`, {});
  keep('publish ticket', publish.json<{ token: string }>().token);
  await browser.post(`${api}/auth/reset/request`, { login: 'anna' });
  resetToken = await linkToken('reset');
  const chosen = { token: resetToken, password: NEXT_PASSWORD };
  t.equal((await browser.post(`${api}/auth/reset`, chosen)).statusCode, 204);
  t.equal((await stripeReport(false)).statusCode, 200);
  t.match(written, /"event":"payment.event"/, 'something is written');
  t.same(leaked(), []);
});

t.test('while input is wrong', async (t) => {
  t.equal((await login(MISTYPED)).statusCode, 401);
  t.equal((await askToken(MISTYPED)).statusCode, 401);
  const half = await browser.send({
    ...{ method: 'POST', url: `${api}/auth/login` },
    payload: `{"login":"anna","password":"${MISTYPED}"`,
    headers: { 'content-type': 'application/json' },
  });
  t.equal(half.statusCode, 400);
  const inAddress = await browser.get(`${api}/me?password=${encodeURIComponent(MISTYPED)}`);
  t.equal(inAddress.statusCode, 401);
  const late = await browser.post(`${api}/auth/reset`, { token: resetToken, password: PASSWORD });
  t.equal(late.statusCode, 400);
  t.equal((await stripeReport(true)).statusCode, 400);
  t.same(leaked(), []);
});

t.test('while servers are away or refuse what they are sent', async (t) => {
  t.equal((await login(NEXT_PASSWORD)).statusCode, 200);
  keepCookies(browser);
  const checkout = { packageId: 'small', key: 'order-000001' };
  t.equal((await browser.post(`${api}/credits/checkout`, checkout)).statusCode, 503);
  await money.away();
  t.equal((await regenerate()).statusCode, 503);
  await money.back();

  await fixture.database.rows('ALTER TABLE refresh_session RENAME TO away');
  t.equal((await login(NEXT_PASSWORD)).statusCode, 500);
  await fixture.database.rows('ALTER TABLE away RENAME TO refresh_session');
  await fixture.database.rows('ALTER TABLE mail_link RENAME TO away');
  const reset = { token: resetToken, password: NEXT_PASSWORD };
  t.equal((await browser.post(`${api}/auth/reset`, reset)).statusCode, 500);
  await fixture.mariadb.stop();
  t.equal((await login(NEXT_PASSWORD)).statusCode, 503);
  for (const event of ['request.failed', 'stripe.failed']) t.match(written, `"event":"${event}"`);
  t.match(written, /"code":"INTERNAL"/);
  t.same(leaked(), []);
});
