// Rooms over HTTP: list, entry, paid entry, video addresses, leaving, tips, live announcements.
import t from 'tap';
import { createTokenService, verifyHlsPath } from '../../cluster/index.js';
import { TEST_SECRETS, until } from '../../cluster/testing/index.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { model, modelUser, admin, room } = await staff(fixture);
const tokens = createTokenService(TEST_SECRETS.token);

interface Problem {
  code: string;
  priceMilliPerMin?: string;
  balance?: string;
}
interface Entered {
  ticket: string;
  channel: string;
  level: string;
  hlsUrl?: string;
  sessionId?: string;
  isLive: boolean;
}
interface Listed {
  rooms: { slug: string; isLive: boolean; pricePerMinMilli: string }[];
  next?: string;
  unavailable?: string[];
}

const claimsOf = (ticket: string) => {
  const verified = tokens.verify<{ sub: string; room: string; level: string; bill?: string }>(
    'room',
    ticket,
  );
  if (!verified.ok) throw new Error(verified.reason);
  return verified.claims;
};

/** Checks the address as the media node does. */
const grantOf = (hlsUrl: string) => {
  const [, prefix = '', streamId = ''] = /\/h\/([^/]+)\/([^/]+)\/master\.m3u8$/.exec(hlsUrl) ?? [];
  const verdict = verifyHlsPath(
    { prefix, streamId },
    TEST_SECRETS.token,
    Math.floor(Date.now() / 1_000),
  );
  if (!verdict.ok) throw new Error(verdict.reason);
  return verdict.grant;
};

t.test(
  'an anonymous visitor enters a free room, keeps its id and gets video when live',
  async (t) => {
    const visitor = fixture.browser();
    const waiting = (await visitor.post('/api/v1/rooms/mira/enter')).json<Entered>();
    t.equal(waiting.isLive, false);
    t.equal(waiting.hlsUrl, undefined);

    fixture.air(room.streamId, true);
    const answer = await visitor.post('/api/v1/rooms/mira/enter', {});
    t.equal(answer.statusCode, 200);
    const entered = answer.json<Entered>();
    const anonId = visitor.cookies.get('sb_anon') ?? '';
    t.match(claimsOf(entered.ticket), { sub: `anon:${anonId}`, room: room.id, level: 'view' });
    t.match(entered.hlsUrl, /^http:\/\/site\.test:8082\/h\//, 'the host is that of the request');
    t.match(grantOf(entered.hlsUrl ?? ''), { streamId: room.streamId, sid: `free-${anonId}` });

    const again = (await visitor.post('/api/v1/rooms/mira/hls')).json<Entered>();
    t.match(grantOf(again.hlsUrl ?? ''), { sid: `free-${anonId}` });
    fixture.air(room.streamId, false);
  },
);

t.test('a host header that is no host name does not reach an address', async (t) => {
  fixture.air(room.streamId, true);
  for (const host of ['evil"><script>', 'a b', 'x/y', '..', 'user@evil.example', '-x']) {
    const answer = await fixture.browser().post('/api/v1/rooms/mira/enter', {}, { host });
    const { hlsUrl } = answer.json<Entered>();
    t.match(hlsUrl, /^http:\/\/site\.test:8082\//, host);
  }
  fixture.air(room.streamId, false);
});

t.test('levels: the performer performs, the admin administers, others take part', async (t) => {
  const viewer = fixture.browser();
  await viewer.signUp('cleo');
  const levelOf = async (browser: typeof viewer) =>
    claimsOf((await browser.post('/api/v1/rooms/mira/enter')).json<Entered>().ticket).level;
  t.equal(await levelOf(viewer), 'participant');
  t.equal(await levelOf(model), 'performer');
  t.equal(await levelOf(admin), 'admin');
});

t.test('a room that refuses strangers asks them to log in', async (t) => {
  await fixture.database.rows('UPDATE room SET allow_anons = 0 WHERE id = ?', [room.id]);
  const answer = await fixture.browser().post('/api/v1/rooms/mira/enter');
  t.equal(answer.statusCode, 403);
  t.equal(answer.json<Problem>().code, 'MEMBERS_ONLY');
  t.equal((await fixture.browser().post('/api/v1/rooms/mira/hls')).statusCode, 403);
  const update = 'UPDATE room SET allow_anons = 1, anons_see_chat = 0 WHERE id = ?';
  await fixture.database.rows(update, [room.id]);
  const entered = (await fixture.browser().post('/api/v1/rooms/mira/enter')).json<Entered>();
  t.equal(entered.ticket, undefined, 'admitted without chat');
  await fixture.database.rows('UPDATE room SET anons_see_chat = 1 WHERE id = ?', [room.id]);
});

t.test('a paid room', async (t) => {
  const viewer = fixture.browser();
  const { id } = await viewer.signUp('anna');
  await money.fund(id, 3_000n);
  const enter = (body?: object) => viewer.post('/api/v1/rooms/mira/enter', body);
  await model.patch('/api/v1/model/room', { priceMilliPerMin: '6000' });

  t.equal((await fixture.browser().post('/api/v1/rooms/mira/enter')).statusCode, 401);
  t.equal((await fixture.browser().post('/api/v1/rooms/mira/hls')).statusCode, 401);

  const asked = await enter();
  t.equal(asked.statusCode, 402);
  t.match(asked.json(), {
    code: 'PAYMENT_REQUIRED',
    priceMilliPerMin: '6000',
    balance: '3000',
    isLive: false,
  });

  const early = await enter({ accept: true });
  t.equal(early.json<Problem>().code, 'SHOW_NOT_LIVE', 'nobody pays for an empty stage');
  t.equal((await money.client.getWallet(id)).held, 0n);

  fixture.air(room.streamId, true);
  const dearer = await enter({ accept: true, priceMilliPerMin: '1000' });
  t.match(dearer.json(), { code: 'PRICE_CHANGED', priceMilliPerMin: '6000' });

  const click = { accept: true, priceMilliPerMin: '6000', key: 'click-0001' };
  const answers = await Promise.all([enter(click), enter(click), enter(click)]);
  t.same(
    answers.map((one) => one.statusCode),
    [200, 200, 200],
  );
  const entered = answers.map((one) => one.json<Entered>());
  t.equal(new Set(entered.map((one) => one.sessionId)).size, 1, 'three clicks, one session');
  const [first] = entered;
  const sessionId = first?.sessionId ?? '';
  t.match(claimsOf(first?.ticket ?? ''), { sub: id, level: 'participant', bill: sessionId });
  t.match(grantOf(first?.hlsUrl ?? ''), { sid: sessionId });

  const renew = (body?: object) => viewer.post('/api/v1/rooms/mira/hls', body);
  t.equal((await renew({ sessionId })).statusCode, 200);
  t.equal((await renew()).statusCode, 402, 'no session, no address');
  const unknown = await renew({ sessionId: '0'.repeat(26) });
  t.equal(unknown.json<Problem>().code, 'SESSION_NOT_FOUND');

  const thief = fixture.browser();
  await thief.signUp('theo');
  const stolen = await thief.post('/api/v1/rooms/mira/hls', { sessionId });
  t.equal(stolen.json<Problem>().code, 'SESSION_NOT_FOUND', "another viewer's session is nothing");
  const ended = await thief.post('/api/v1/rooms/mira/leave', { sessionId });
  t.equal(ended.json<Problem>().code, 'SESSION_NOT_FOUND');
  t.equal((await money.client.getSession(sessionId)).state, 'active');

  const broke = await thief.post('/api/v1/rooms/mira/enter', { accept: true });
  t.match(broke.json(), { code: 'INSUFFICIENT_CREDIT', balance: '0', priceMilliPerMin: '6000' });

  const own = (await model.post('/api/v1/rooms/mira/enter')).json<Entered>();
  t.equal(own.sessionId, undefined, 'the performer pays nothing');
  t.ok(own.hlsUrl);

  t.equal((await viewer.post('/api/v1/rooms/mira/leave', { sessionId })).statusCode, 204);
  t.match(await money.client.getSession(sessionId), { state: 'ended', reason: 'left' });
  t.equal((await renew({ sessionId })).statusCode, 402, 'an ended session gives no address');

  fixture.air(room.streamId, false);
  await model.patch('/api/v1/model/room', { priceMilliPerMin: '0' });
});

t.test('tips', async (t) => {
  const viewer = fixture.browser();
  const { id } = await viewer.signUp('toni');
  await money.fund(id, 10_000n);
  const tip = (body: object) => viewer.post('/api/v1/rooms/mira/tips', body);
  const body = { key: 'tip-00000001', amountMilli: '4000', text: 'bravo <b>' };

  const answers = await Promise.all([tip(body), tip(body), tip(body)]);
  t.same(
    answers.map((one) => one.json<{ balance: string }>().balance),
    ['6000', '6000', '6000'],
  );
  const duplicates = answers.filter((one) => one.json<{ duplicate: boolean }>().duplicate);
  t.equal(duplicates.length, 2);
  const [first] = answers.map((one) => one.json<{ tipId: string }>().tipId);
  await money.settled('tip', first ?? '');
  const tips = await money.rows('SELECT * FROM tip WHERE wallet = ?', [id]);
  t.match(tips, [{ room: Number(room.id), amount: 4_000 }]);
  t.equal(tips.length, 1);
  const announced = { what: 'tip', to: room.id, amount: 4_000n, text: 'bravo <b>' };
  t.match(
    money.said.find((one) => one.what === 'tip'),
    announced,
  );

  t.equal((await tip({ ...body, amountMilli: '5000' })).json<Problem>().code, 'KEY_REUSED');
  const tooMuch = await tip({ key: 'tip-00000002', amountMilli: '6001' });
  t.equal(tooMuch.json<Problem>().code, 'INSUFFICIENT_CREDIT');
  const self = await model.post('/api/v1/rooms/mira/tips', body);
  t.equal(self.json<Problem>().code, 'TIP_REFUSED');
  const other = fixture.browser();
  await other.signUp('tess');
  const sameKey = await other.post('/api/v1/rooms/mira/tips', body);
  t.equal(sameKey.json<Problem>().code, 'INSUFFICIENT_CREDIT', 'keys belong to their sender');
  t.equal((await fixture.browser().post('/api/v1/rooms/mira/tips', body)).statusCode, 401);
});

t.test('the list filters, pages and puts live rooms first', async (t) => {
  const rooms = new Map<string, string>();
  for (const name of ['nora', 'olga', 'pia']) {
    const browser = fixture.browser();
    const user = await browser.signUp(name);
    await browser.post('/api/v1/model/apply', { displayName: `Star ${name}` });
    await admin.post(`/api/v1/admin/models/${user.id}/approve`);
    rooms.set(name, (await fixture.site.rooms.findOwn(user.id)).streamId);
    if (name === 'olga') await browser.patch('/api/v1/model/room', { priceMilliPerMin: '6000' });
  }
  fixture.air(rooms.get('nora') ?? '', true);
  const list = async (query = '') =>
    (await fixture.browser().get(`/api/v1/rooms${query}`)).json<Listed>();
  const slugs = (page: Listed) => page.rooms.map((one) => one.slug);

  await until(async () => (await list('?filter=live')).rooms.length === 1, { what: 'live list' });
  t.same(slugs(await list('?filter=live')), ['nora']);
  t.same(slugs(await list('?filter=paid')), ['olga']);
  t.ok(!slugs(await list('?filter=free')).includes('olga'));
  t.same(slugs(await list('?q=star%20p')), ['pia']);
  t.same(slugs(await list('?q=%25')), [], 'wildcards of SQL are letters here');
  const all = await list();
  t.equal(all.rooms[0]?.slug, 'nora');
  t.equal(all.rooms[0]?.isLive, true);

  const walked: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(`?limit=1${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    walked.push(...slugs(page));
    cursor = page.next;
  } while (cursor !== undefined && walked.length < 20);
  t.same(walked, slugs(all), 'paging meets every room once');
  fixture.air(rooms.get('nora') ?? '', false);
});

t.test('going live and ending reaches the room and the lobby', async (t) => {
  const shown = (await fixture.browser().get('/api/v1/rooms/mira')).json<{ isLive: boolean }>();
  t.equal(shown.isLive, false);
  const said = (channel: string, part: object) =>
    fixture.pushes.some(
      (one) =>
        one.channel === channel &&
        one.push.kind === 's' &&
        Object.entries(part).every(([name, value]) => {
          return JSON.stringify(one.push.body[name]) === JSON.stringify(value);
        }),
    );
  fixture.pushes.length = 0;
  fixture.air(room.streamId, true);
  await until(() => said(`room:${room.id}`, { live: true, streamId: room.streamId }), {
    what: 'room told',
  });
  await until(() => said('lobby', { rooms: [room.id] }), { what: 'lobby told' });
  const lives = fixture.pushes.filter((one) => one.push.body['live'] === true);
  t.match(lives, [{ push: { version: Number } }], 'a version, so that the fleet says it once');
  fixture.pushes.length = 0;
  fixture.air(room.streamId, false);
  await until(() => said(`room:${room.id}`, { live: false }), { what: 'room told of the end' });
  await until(() => said('lobby', { rooms: [room.id] }), { what: 'lobby told of the end' });
  const after = await fixture.browser().get('/api/v1/rooms/mira');
  t.match(after.json<{ lastLiveAt: string }>().lastLiveAt, /^\d{4}-/);

  fixture.pushes.length = 0;
  await model.patch('/api/v1/model/room', { topic: 'New topic', priceMilliPerMin: '2000' });
  t.ok(said(`room:${room.id}`, { topic: 'New topic', price: '2000' }));
  t.ok(said('lobby', { rooms: [room.id] }));
  await model.patch('/api/v1/model/room', { priceMilliPerMin: '0' });
});

t.test('rooms of suspended models and archived rooms do not exist', async (t) => {
  const gone = async () => {
    const answers = await Promise.all([
      fixture.browser().get('/api/v1/rooms/mira'),
      fixture.browser().post('/api/v1/rooms/mira/enter'),
    ]);
    return answers.map((one) => one.json<Problem>().code);
  };
  const set = (sql: string) => fixture.database.rows(sql);
  await set(`UPDATE user SET status = 'suspended' WHERE id = ${modelUser.id}`);
  t.same(await gone(), ['ROOM_NOT_FOUND', 'ROOM_NOT_FOUND']);
  await set(`UPDATE user SET status = 'active' WHERE id = ${modelUser.id}`);
  await set(`UPDATE room SET is_archived = 1 WHERE id = ${room.id}`);
  t.same(await gone(), ['ROOM_NOT_FOUND', 'ROOM_NOT_FOUND']);
  await set(`UPDATE room SET is_archived = 0 WHERE id = ${room.id}`);
});
