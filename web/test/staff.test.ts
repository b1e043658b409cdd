// Roles of staff, what each may do, and refunds that need two persons.
import t from 'tap';
import { startMoney, watchTicketShow } from './money-stage.js';
import { staff, startSite, type Browser } from './site-fixture.js';

const money = await startMoney(t, { BILLING_REFUND_AUTO_MAX_MILLI: '10000' });
const fixture = await startSite(t, { money });
const { admin, adminUser, model, modelUser, room } = await staff(fixture);
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const setRoles = (who: Browser, id: string, roles: object) =>
  who.patch(`/api/v1/admin/users/${id}/roles`, roles);

async function hire(name: string, roles: object): Promise<{ browser: Browser; id: string }> {
  const browser = fixture.browser();
  const { id } = await browser.signUp(name);
  const answer = await setRoles(admin, id, roles);
  if (answer.statusCode !== 204) throw new Error(`roles: ${answer.body}`);
  return { browser, id };
}

const finance = await hire('fina', { isFinance: true });
const support = await hire('supa', { isSupport: true });
const moderator = await hire('moda', { isModerator: true });

t.test('each role opens its own part of the administration, and no other', async (t) => {
  const doors: [string, Browser[]][] = [
    ['/admin/models', [moderator.browser]],
    ['/admin/users', [finance.browser, support.browser]],
    [`/admin/users/${modelUser.id}/wallet`, [finance.browser, support.browser]],
    ['/admin/reports', [support.browser, moderator.browser]],
    ['/admin/refund-requests', [finance.browser, support.browser]],
    ['/admin/refunds', [finance.browser, support.browser]],
    ['/admin/finance/shows', [finance.browser, support.browser]],
    ['/admin/finance/payouts', [finance.browser]],
    ['/admin/finance/summary', [finance.browser]],
    ['/admin/audit', []],
    ['/admin/mailbox', []],
  ];
  for (const [path, allowed] of doors) {
    t.equal((await admin.get(`/api/v1${path}`)).statusCode, 200, `admin ${path}`);
    for (const { browser } of [finance, support, moderator]) {
      const wanted = allowed.includes(browser) ? 200 : 403;
      t.equal((await browser.get(`/api/v1${path}`)).statusCode, wanted, path);
    }
    t.equal((await fixture.browser().get(`/api/v1${path}`)).statusCode, 401);
  }
  const { rights } = (await finance.browser.get('/api/v1/me')).json<{
    user: { rights: string[] };
  }>().user;
  t.same(rights, ['accounts', 'refunds', 'money']);
});

t.test('only admins give roles, and only admins lock staff out', async (t) => {
  const self = await setRoles(support.browser, support.id, { isAdmin: true });
  t.equal(codeOf(self), 'FORBIDDEN', 'nobody makes oneself an admin');
  const suspend = (who: Browser, id: string) =>
    who.post(`/api/v1/admin/users/${id}/suspend`, { reason: 'Test.' });
  t.equal(codeOf(await suspend(support.browser, finance.id)), 'FORBIDDEN');
  t.equal(codeOf(await suspend(support.browser, adminUser.id)), 'FORBIDDEN');
  const viewer = await fixture.browser().signUp('rude');
  t.equal((await suspend(support.browser, viewer.id)).statusCode, 204);
});

t.test('who loses a role loses its rights with the next request, in open rooms too', async (t) => {
  const brief = await hire('brief', { isFinance: true, isModerator: true });
  const api = '/api/v1/admin/finance/payouts';
  t.equal((await brief.browser.get(api)).statusCode, 200);
  fixture.orders.length = 0;
  t.equal((await setRoles(admin, brief.id, { isFinance: false })).statusCode, 204);
  t.equal((await brief.browser.get(api)).statusCode, 403, 'the same session, the same tokens');
  t.match(fixture.orders, [{ do: 'evict', roomId: '*', user: brief.id, reason: 'role' }]);
  t.match((await brief.browser.get('/api/v1/me')).json(), {
    user: { rights: ['applications', 'suspend', 'reports', 'stage'] },
  });
});

t.test('the last admin stays, however it is tried', async (t) => {
  const drop = { isAdmin: false };
  t.equal(codeOf(await setRoles(admin, adminUser.id, drop)), 'LAST_ADMIN');
  const closed = await admin.post('/api/v1/account/close', { password: 'correct horse' });
  t.equal(codeOf(closed), 'LAST_ADMIN');
  const second = await hire('boss2', { isAdmin: true });
  const answers = await Promise.all([
    setRoles(admin, second.id, drop),
    setRoles(second.browser, adminUser.id, drop),
  ]);
  const left = await fixture.database.rows<{ n: string }>(
    'SELECT COUNT(*) AS n FROM user WHERE is_admin = TRUE',
  );
  t.equal(Number(left[0]?.n), 1, answers.map((one) => one.statusCode).join());
  await fixture.site.accounts.setRoles(adminUser.id, { isAdmin: true });
});

const watcher = fixture.browser();
const watcherUser = await watcher.signUp('wanda');
let show = '';
const wish = (key: string, more: object = {}) => ({
  ...{ key, kind: 'show', ref: show, amountMilli: '5000', reason: 'No sound.' },
  ...more,
});
const refundsOf = (source: string) =>
  money.rows('SELECT * FROM refund WHERE source = ? ORDER BY id', [source]);

t.test('staff gives a show back; the same key gives it back once', async (t) => {
  await money.fund(watcherUser.id, 100_000n);
  const { streamId } = room;
  show = await watchTicketShow(money, { fixture, model, viewer: watcher, streamId });
  const give = (body: object) => support.browser.post('/api/v1/admin/refunds', body);
  const answers = await Promise.all([give(wish('refund-0001')), give(wish('refund-0001'))]);
  t.same(
    answers.map((one) => one.json<{ refund: { state: string } }>().refund.state),
    ['done', 'done'],
  );
  const given = await refundsOf(show);
  t.match(given, [{ to_milli: 5_000, actor: support.id }]);
  t.equal(given.length, 1);
  t.equal(await money.balanceOf(watcherUser.id), 75_000n);
  const other = await give(wish('refund-0001', { reason: 'Another.' }));
  t.equal(codeOf(other), 'KEY_REUSED');
  const tooMuch = await give(wish('refund-0002', { amountMilli: '25001' }));
  t.match(tooMuch.json(), { code: 'FINANCE_REFUSED', billingCode: 'BILLING_REFUND_LIMIT' });
  const { refunds } = (await admin.get('/api/v1/admin/refunds')).json<{ refunds: object[] }>();
  t.equal(refunds.length, 1, 'what billing refuses leaves nothing');
});

t.test('above the limit a second person approves, never the first', async (t) => {
  const propose = async (key: string, amountMilli: string) => {
    const made = await support.browser.post('/api/v1/admin/refunds', wish(key, { amountMilli }));
    const { refund } = made.json<{ refund: { id: string; state: string } }>();
    t.equal(refund.state, 'waiting');
    return refund.id;
  };
  const rest = await propose('refund-0004', '25000');
  const id = await propose('refund-0003', '15000');
  const path = `/api/v1/admin/refunds/${id}`;
  t.equal(codeOf(await support.browser.post(`${path}/approve`)), 'SECOND_PERSON');
  await money.away();
  t.equal(codeOf(await finance.browser.post(`${path}/approve`)), 'BILLING_UNAVAILABLE');
  await money.back();
  t.match((await finance.browser.post(`${path}/approve`)).json(), {
    refund: { state: 'done', returnedMilli: '15000', askedBy: support.id, decidedBy: finance.id },
  });
  t.match(await refundsOf(show), [
    { to_milli: 5_000 },
    { to_milli: 20_000, actor: support.id, approver: finance.id },
  ]);
  t.equal(codeOf(await finance.browser.post(`${path}/decline`)), 'REQUEST_DECIDED');
  const { entries } = (await admin.get('/api/v1/admin/audit')).json<{
    entries: { action: string; actorId: string }[];
  }>();
  t.match(entries.slice(0, 2), [
    { action: 'refund.approved', actorId: finance.id },
    { action: 'refund.proposed', actorId: support.id },
  ]);
  const late = await finance.browser.post(`/api/v1/admin/refunds/${rest}/approve`);
  t.match(late.json(), { code: 'FINANCE_REFUSED', billingCode: 'BILLING_REFUND_LIMIT' });
});

t.test('a request of a viewer above the limit takes two persons as well', async (t) => {
  const viewer = fixture.browser();
  const { id: viewerId } = await viewer.signUp('anna');
  await money.fund(viewerId, 70_000n);
  const tip = { key: 'tip-00000001', amountMilli: '70000' };
  const tipped = await viewer.post('/api/v1/rooms/mira/tips', tip);
  const { tipId } = tipped.json<{ tipId: string }>();
  await money.settled('tip', tipId);
  const asked = { kind: 'tip', ref: tipId, reason: 'Twice.' };
  const made = await viewer.post('/api/v1/credits/refund-requests', asked);
  const path = `/api/v1/admin/refund-requests/${made.json<{ request: { id: string } }>().request.id}`;
  const approve = (who: Browser, body: object = {}) => who.post(`${path}/approve`, body);
  t.equal((await approve(support.browser, { amountMilli: '70000' })).statusCode, 204);
  t.match((await admin.get('/api/v1/admin/refund-requests')).json(), {
    requests: [{ state: 'open', proposedBy: support.id, amountMilli: '70000' }],
  });
  t.match((await viewer.get('/api/v1/credits/refund-requests')).json(), {
    requests: [{ state: 'open', amountMilli: null }],
  });
  t.equal(codeOf(await approve(support.browser)), 'SECOND_PERSON');
  t.equal((await approve(finance.browser)).statusCode, 204);
  t.match(await refundsOf(tipId), [{ to_milli: 70_000, actor: support.id, approver: finance.id }]);
  t.equal(await money.balanceOf(viewerId), 70_000n);
});
