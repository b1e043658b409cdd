// Private shows, moderators, reports and what staff does with running shows, over HTTP.
import t from 'tap';
import { createTokenService } from '../../cluster/index.js';
import { TEST_SECRETS } from '../../cluster/testing/index.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, {
  money,
  refreshGraceSec: 10,
});
const { admin, adminUser, model, modelUser, room } = await staff(fixture);
const anna = fixture.browser();
const annaUser = await anna.signUp('anna');
const ben = fixture.browser();
const benUser = await ben.signUp('ben');
await money.fund(annaUser.id, 1_000_000n);
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const ordersOf = (what: string) => fixture.orders.filter((one) => one['do'] === what);
const air = async (isLive: boolean) => {
  fixture.air(room.streamId, isLive);
  await fixture.site.live.look();
  await fixture.site.live.look();
};
const wish = '/api/v1/rooms/mira/private-request';
const requestId = (answer: { json: () => unknown }) =>
  (answer.json() as { request: { id: string } }).request.id;
const claims = (ticket: string) => createTokenService(TEST_SECRETS.token).verify('room', ticket);

t.test('a private show is asked for where it is offered, live and affordable', async (t) => {
  t.equal(codeOf(await anna.post(wish)), 'PRIVATE_NOT_OFFERED');
  const privateShow = { priceMilliPerMin: '60000', minimumSec: 120, graceSec: 10 };
  await model.patch('/api/v1/model/room', { privateShow });
  t.equal(codeOf(await anna.post(wish)), 'SHOW_NOT_LIVE');
  await air(true);
  t.equal(codeOf(await ben.post(wish)), 'INSUFFICIENT_CREDIT');
  t.equal(codeOf(await model.post(wish)), 'FORBIDDEN');
  const first = await anna.post(wish, { note: 'Blue dress' });
  t.equal(requestId(await anna.post(wish)), requestId(first), 'asking again is the same request');
  t.match((await model.get('/api/v1/model/private-requests')).json(), {
    requests: [{ username: 'anna', note: 'Blue dress', priceMilliPerMin: '60000' }],
  });
  const told = fixture.pushes.filter((one) => one.channel === `user:${modelUser.id}`);
  t.match(told.at(-1)?.push.body, { kind: 'private-request' });
  t.equal((await anna.delete(wish)).statusCode, 204);
  t.equal(codeOf(await anna.delete(wish)), 'REQUEST_NOT_FOUND');
});

t.test('accepting makes the room theirs alone, ending gives it back', async (t) => {
  const id = requestId(await anna.post(wish));
  const accept = () => model.post(`/api/v1/model/private-requests/${id}/accept`);
  t.equal(codeOf(await ben.post(`/api/v1/model/private-requests/${id}/accept`)), 'NOT_A_MODEL');
  await money.away();
  t.equal(codeOf(await accept()), 'BILLING_UNAVAILABLE');
  await money.back();
  t.match((await anna.get(wish)).json(), { request: { state: 'open' } }, 'nothing happened');
  const answers = await Promise.all([accept(), accept(), accept()]);
  t.equal(answers.filter((one) => one.statusCode === 200).length, 1, 'accepted once');
  t.ok(answers.every((one) => [200, 404, 409].includes(one.statusCode)));
  t.match(await money.termsOf(room.id), {
    priceMilliPerMin: 60_000n,
    isActive: true,
    tariff: { model: 'm', price: 60_000n, minCharge: 120_000n, freeMs: 10_000n },
  });
  t.match(ordersOf('evict').at(-1), { reason: 'private', keep: [modelUser.id, annaUser.id] });
  t.equal(ordersOf('closeFree').length > 0, true);
  t.equal(codeOf(await ben.post('/api/v1/rooms/mira/enter')), 'PRIVATE_SHOW');
  t.equal(codeOf(await fixture.browser().post('/api/v1/rooms/mira/hls')), 'PRIVATE_SHOW');
  t.match((await fixture.browser().get('/api/v1/rooms/mira')).json(), { showType: 'private' });
  const paid = await anna.post('/api/v1/rooms/mira/enter', { accept: true });
  t.equal(paid.statusCode, 200);
  t.equal(
    codeOf(await model.patch('/api/v1/model/room', { priceMilliPerMin: '1' })),
    'PRIVATE_SHOW_ON',
  );
  await model.post('/api/v1/model/private/end');
  await model.post('/api/v1/model/private/end');
  t.match((await anna.get(wish)).json(), { request: { state: 'ended' } });
  t.match(await money.termsOf(room.id), { priceMilliPerMin: 0n });
  t.equal((await ben.post('/api/v1/rooms/mira/enter')).statusCode, 200);
});

t.test('a show that goes off the air ends its private show', async (t) => {
  const id = requestId(await anna.post(wish));
  await model.post(`/api/v1/model/private-requests/${id}/accept`);
  await air(false);
  t.match((await anna.get(wish)).json(), { request: { state: 'ended' } });
  await air(true);
  const refused = requestId(await anna.post(wish));
  await model.post(`/api/v1/model/private-requests/${refused}/refuse`, { reason: 'Later' });
  t.match((await anna.get(wish)).json(), { request: { state: 'refused', reason: 'Later' } });
});

t.test('a moderator of the room gets the level, the desk and no more', async (t) => {
  const desk = '/api/v1/rooms/mira/moderation';
  t.equal((await ben.get(desk)).statusCode, 403);
  t.equal((await model.post('/api/v1/rooms/mira/moderators', { username: 'ben' })).statusCode, 204);
  t.match(ordersOf('evict').at(-1), { user: benUser.id, reason: 'role' });
  const { ticket } = (await ben.post('/api/v1/rooms/mira/enter')).json<{ ticket: string }>();
  t.match(claims(ticket), { ok: true, claims: { level: 'moderator' } });
  t.match((await ben.get(desk)).json(), { role: 'moderator', held: [{ held: '7.42' }] });
  t.match((await ben.get(`${desk}/audit`)).json(), { records: [{ action: 'ban' }] });
  const act = { key: 'act-000001', action: 'ban', user: annaUser.id, seconds: 60 };
  t.equal((await ben.post(`${desk}/acts`, act)).statusCode, 200);
  t.match(ordersOf('moderate').at(-1), { action: 'ban', by: { id: benUser.id, name: 'ben' } });
  const approve = { key: 'act-000003', action: 'approve', held: '7.42' };
  t.equal((await ben.post(`${desk}/acts`, approve)).statusCode, 200, 'as the queue names it');
  t.match(ordersOf('moderate').at(-1), { action: 'approve', held: '7.42' });
  const wrong = { key: 'act-000002', action: 'settings', settings: { slow: -1 } };
  t.equal(codeOf(await ben.post(`${desk}/acts`, wrong)), 'MODERATION_REFUSED');
  const more = await ben.post('/api/v1/rooms/mira/moderators', { username: 'anna' });
  t.equal(more.statusCode, 403, 'moderators do not appoint each other');
  const remove = () => model.delete(`/api/v1/rooms/mira/moderators/${benUser.id}`);
  t.equal((await remove()).statusCode, 204);
  t.equal(codeOf(await remove()), 'USER_NOT_FOUND');
  t.equal((await ben.get(desk)).statusCode, 403);
});

t.test('a follower and tipper carries these groups', async (t) => {
  await anna.send({ method: 'PUT', url: '/api/v1/rooms/mira/follow', payload: {} });
  await anna.post('/api/v1/rooms/mira/tips', { key: 'tip-000001', amountMilli: '1000' });
  const { ticket } = (await anna.post('/api/v1/rooms/mira/enter')).json<{ ticket: string }>();
  t.match(claims(ticket), { ok: true, claims: { groups: 'follower,tipper,fan' } });
});

t.test('a report is made once and closed once', async (t) => {
  const form = { mid: 'm-1', author: 'troll', text: 'bad words', reason: 'abuse' };
  await anna.post('/api/v1/rooms/mira/reports', form);
  await anna.post('/api/v1/rooms/mira/reports', form);
  const { reports } = (await admin.get('/api/v1/admin/reports')).json<{
    reports: { id: string }[];
  }>();
  t.equal(reports.length, 1);
  t.match(reports[0], { slug: 'mira', reporter: 'anna', text: 'bad words', subject: 'message' });
  t.match((await model.get('/api/v1/rooms/mira/moderation/reports')).json(), { reports });
  const path = `/api/v1/admin/reports/${reports[0]?.id ?? ''}/resolve`;
  t.equal((await ben.post(path, { resolution: 'x' })).statusCode, 403);
  t.equal((await admin.post(path, { resolution: 'Banned.' })).statusCode, 204);
  t.equal(codeOf(await admin.post(path, { resolution: 'Banned.' })), 'REQUEST_DECIDED');
});

t.test('staff ends a show, moves viewers, and closes sockets of the suspended', async (t) => {
  await admin.post('/api/v1/admin/rooms/mira/end', { reason: 'Rules' });
  t.match(ordersOf('end').at(-1), { stream: room.streamId });
  await admin.post('/api/v1/admin/rooms/mira/redirect', { to: 'mira' });
  t.match(ordersOf('evict').at(-1), { reason: 'redirect', redirect: 'mira' });
  await admin.post(`/api/v1/admin/users/${benUser.id}/suspend`, { reason: 'Spam' });
  t.match(ordersOf('disconnect'), [{ user: benUser.id }]);
  const { entries } = (await admin.get('/api/v1/admin/audit')).json<{
    entries: { action: string; actorId: string }[];
  }>();
  t.match(entries.slice(0, 3), [
    { action: 'user.suspend', actorId: adminUser.id },
    { action: 'room.redirect' },
    { action: 'room.end' },
  ]);
  t.equal((await model.post('/api/v1/admin/rooms/mira/end', { reason: 'x' })).statusCode, 403);
});

t.test('two tabs that renew at once both stay logged in', async (t) => {
  const first = fixture.browser();
  await first.signUp('carla');
  const second = fixture.browser();
  for (const [name, value] of first.cookies) second.cookies.set(name, value);
  const renew = (browser: typeof first) => browser.post('/api/v1/auth/refresh');
  const answers = await Promise.all([renew(first), renew(second)]);
  t.same(
    answers.map((one) => one.statusCode),
    [200, 200],
  );
  t.equal(first.cookies.get('sb_refresh'), second.cookies.get('sb_refresh'), 'the same token');
  t.equal((await renew(second)).statusCode, 200);
  const other = await first.post('/api/v1/auth/refresh', {}, { 'user-agent': 'thief' });
  t.equal(codeOf(other), 'SESSION_REUSED', 'another browser is no tab');
});

t.test('a goal and the doors of the room reach its chat', async (t) => {
  const goal = { text: 'Guitar', targetMilli: '5000' };
  await model.patch('/api/v1/model/room', { goal, anonsSeeChat: false });
  t.match(ordersOf('moderate').at(-1), {
    action: 'goal',
    settings: { target: '5000', text: 'Guitar' },
  });
  t.match(ordersOf('flags').at(-1), { anonsMayEnter: true, anonsSeeChat: false });
});

t.test('a shadow mute is set and lifted by those who moderate', async (t) => {
  const path = '/api/v1/rooms/mira/moderation/acts';
  for (const action of ['shadow', 'unshadow']) {
    const reply = await model.post(path, { key: `shade-${action}-1`, action, user: '7' });
    t.same(reply.json(), { done: true });
    t.match(ordersOf('moderate').at(-1), { action, user: '7' });
  }
});

t.test('the list of bans is for those who moderate, page by page', async (t) => {
  const path = '/api/v1/rooms/mira/moderation/bans';
  t.match((await model.get(path)).json(), {
    bans: [{ user: '7', kind: 'ban', untilMs: null }],
    next: '7',
  });
  t.match((await model.get(`${path}?cursor=7`)).json(), {
    bans: [{ user: '7', reason: 'spam', by: 'Mira' }],
  });
  t.equal((await fixture.browser().get(path)).statusCode, 401);
  t.equal((await model.get(`${path}?cursor=-1`)).statusCode, 400);
});
