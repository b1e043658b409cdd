// What a model says of the own room and what the world sees of it: tags, filters, pictures, show
// types, profile, schedule, tickets to publish.
import t from 'tap';
import { createTokenService, verifyHlsPath } from '../../cluster/index.js';
import { TEST_SECRETS } from '../../cluster/testing/index.js';
import type { LiveStream } from '../ports.js';
import { startMoney } from './money-stage.js';
import { SHOW_MAX_SEC, staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { model, modelUser, admin, room } = await staff(fixture);

interface Listed {
  rooms: { slug: string; showType: string; tags: string[]; previewUrl: string | null }[];
}
const change = (body: object) => model.patch('/api/v1/model/room', body);
const slugs = async (query: string) => {
  fixture.site.catalog.forget();
  const page = (await fixture.browser().get(`/api/v1/rooms?${query}`)).json<Listed>();
  return page.rooms.map((one) => one.slug);
};
/** Puts the stream on the air or off it, and waits until the site knows. */
const air = async (isLive: boolean, more: Partial<LiveStream> = {}) => {
  fixture.air(room.streamId, isLive, more);
  await fixture.site.live.look();
  await fixture.site.live.look();
};
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;

/** A second model with a room. */
const nova = fixture.browser();
const novaUser = await nova.signUp('nova');
await nova.post('/api/v1/model/apply', {});
await admin.post(`/api/v1/admin/models/${novaUser.id}/approve`);

t.test('tags, tip menu, goal and time zone are kept and shown', async (t) => {
  const words = {
    tags: ['jazz', 'late-night', 'jazz'],
    tipMenu: [{ label: 'A song', amountMilli: '50000' }],
    goal: { text: 'New guitar', targetMilli: '500000' },
    timeZone: 'Europe/Berlin',
    privateShow: { priceMilliPerMin: '60000', minimumSec: 120, graceSec: 10 },
  };
  const kept = { ...words, tags: ['jazz', 'late-night'] };
  const answer = await change(words);
  t.match(answer.json(), { room: kept });
  t.match((await model.get('/api/v1/model')).json(), { room: kept });
  const profile = (await fixture.browser().get('/api/v1/rooms/mira/profile')).json<object>();
  t.match(profile, {
    room: { tags: kept.tags, goal: words.goal, privateShow: words.privateShow },
    tipMenu: words.tipMenu,
    timeZone: 'Europe/Berlin',
    followers: 0,
  });
  t.match((await change({ goal: null, privateShow: null })).json(), {
    room: { goal: null, privateShow: null },
  });
  t.equal(codeOf(await change({ timeZone: 'Mars/Olympus' })), 'BAD_INPUT');
});

t.test('rooms are found by tag, and tags of live rooms are counted', async (t) => {
  t.same(await slugs('tag=jazz'), ['mira']);
  t.same(await slugs('q=late'), ['mira'], 'a search looks at tags as well');
  t.same(await slugs('tag=opera'), []);
  t.same((await fixture.browser().get('/api/v1/tags')).json(), { tags: [] }, 'nobody is live');
  await air(true);
  fixture.site.catalog.forget();
  t.same((await fixture.browser().get('/api/v1/tags')).json(), {
    tags: [
      { tag: 'jazz', rooms: 1 },
      { tag: 'late-night', rooms: 1 },
    ],
  });
  await air(false);
});

t.test('a live room has a signed picture that opens nothing else', async (t) => {
  t.equal(
    (await fixture.browser().get('/api/v1/rooms/mira')).json<Listed['rooms'][0]>().previewUrl,
    null,
  );
  await air(true, { pictureAtMs: 1_234 });
  const shown = (await fixture.browser().get('/api/v1/rooms/mira')).json<{ previewUrl: string }>();
  t.match(shown.previewUrl, /^http:\/\/site\.test:8082\/h\/.*\/picture\.jpg\?at=1234$/);
  const [, prefix = '', streamId = ''] = /\/h\/([^/]+)\/([^/]+)\//.exec(shown.previewUrl) ?? [];
  const nowSec = Math.floor(Date.now() / 1_000);
  const verdict = verifyHlsPath({ prefix, streamId }, TEST_SECRETS.token, nowSec);
  t.match(verdict, { ok: true, grant: { sid: 'preview', streamId: room.streamId } });
  await air(false);
});

t.test('show types and prices fit together', async (t) => {
  t.equal(codeOf(await change({ showType: 'paid' })), 'BAD_INPUT', 'a paid show has a price');
  t.equal(codeOf(await change({ showType: 'ticket' })), 'BAD_INPUT', 'and a ticket too');
  const ticket = await change({ showType: 'ticket', ticketMilli: '30000' });
  t.match(ticket.json(), { room: { showType: 'ticket', priceMilliPerMin: '0' } });
  t.match((await money.termsOf(room.id))?.tariff, { model: 't', price: 30_000n });
  t.same(await slugs('filter=ticket'), ['mira']);
  t.same((await slugs('filter=paid')).sort(), ['mira']);
  t.same(await slugs('filter=free'), ['nova']);
  const viewer = fixture.browser();
  const viewerUser = await viewer.signUp('anna');
  const knock = await viewer.post('/api/v1/rooms/mira/enter');
  t.match(knock.json(), { code: 'PAYMENT_REQUIRED', showType: 'ticket', ticketMilli: '30000' });
  const other = { accept: true, ticketMilli: '1000' };
  t.match((await viewer.post('/api/v1/rooms/mira/enter', other)).json(), { code: 'PRICE_CHANGED' });
  const terms = fixture.pushes.filter(({ push }) => push.cls === 'latest' && push.key === 'terms');
  t.match(terms.at(-1)?.push.body, {
    ...{ showType: 'ticket', price: '0', ticketMilli: '30000' },
    tags: ['jazz', 'late-night'],
  });
  await money.fund(viewerUser.id, 100_000n);
  await air(true);
  const enter = await viewer.post('/api/v1/rooms/mira/enter', { accept: true });
  t.match(enter.json(), { priceMilliPerMin: '0', ticketMilli: '30000' }, 'no minute is charged');
  const { sessionId } = enter.json<{ sessionId: string }>();
  await viewer.post('/api/v1/rooms/mira/leave', { sessionId });
  t.equal((await money.client.getSession(sessionId)).state, 'active', 'a ticket survives leaving');
  await air(false);
  t.match((await change({ priceMilliPerMin: '6000' })).json(), { room: { showType: 'paid' } });
  t.match((await change({ priceMilliPerMin: '0' })).json(), { room: { showType: 'free' } });
});

t.test('whoever watches for free is shown out when the show starts to cost', async (t) => {
  const epochOf = () => fixture.orders.filter((one) => one['do'] === 'closeFree').at(-1)?.['epoch'];
  const before = Number(epochOf() ?? 0);
  await air(true);
  fixture.orders.length = 0;
  const visitor = fixture.browser();
  const free = (await visitor.post('/api/v1/rooms/mira/enter')).json<{ hlsUrl: string }>();
  t.match(free.hlsUrl, new RegExp(`\\.free-${before}:`), 'signed for the running epoch');
  t.equal((await change({ priceMilliPerMin: '6000' })).statusCode, 200);
  t.equal(epochOf(), before + 1);
  t.match(fixture.orders, [
    { do: 'closeFree', stream: room.streamId },
    { do: 'evict', roomId: room.id, keep: [modelUser.id], reason: 'price' },
  ]);
  fixture.orders.length = 0;
  t.equal((await change({ priceMilliPerMin: '9000' })).statusCode, 200);
  t.same(fixture.orders, [], 'another price is for those who come later');
  await change({ priceMilliPerMin: '0' });
  await air(false);
});

t.test('a model says how long a show lasts, never longer than the site allows', async (t) => {
  const limitOf = async () => {
    const [row] = await money.rows('SELECT show_max_ms FROM room_terms WHERE room = ?', [room.id]);
    return row?.['show_max_ms'];
  };
  const ofSite = await limitOf();
  t.equal(ofSite ?? null, null);
  t.match((await change({ showMaxSec: 3_600 })).json(), { room: { showMaxSec: 3_600 } });
  t.equal(Number(await limitOf()), 3_600_000, 'billing knows it');
  t.match((await model.get('/api/v1/model')).json(), { room: { showMaxSec: 3_600 } });
  const longer = await change({ showMaxSec: SHOW_MAX_SEC + 60 });
  t.match(longer.json(), {
    ...{ status: 400, code: 'BAD_INPUT' },
    errors: [{ field: 'showMaxSec', message: 'Shows on this site last 120 minutes at most.' }],
  });
  for (const showMaxSec of [0, 59, 1.5, '60', 604_801]) {
    t.match((await change({ showMaxSec })).json(), { errors: [{ field: 'showMaxSec' }] });
  }
  t.equal(Number(await limitOf()), 3_600_000, 'a refusal changes nothing');
  await money.away();
  t.equal(codeOf(await change({ showMaxSec: 600 })), 'BILLING_UNAVAILABLE');
  await money.back();
  t.match((await model.get('/api/v1/model')).json(), { room: { showMaxSec: 3_600 } });
  t.match((await change({ showMaxSec: null })).json(), { room: { showMaxSec: null } });
  t.equal(await limitOf(), null, 'as the site has it');
});

t.test('a model says how long one viewer may stay in a paid show', async (t) => {
  const maxMs = async () => (await money.termsOf(room.id))?.tariff.maxMs;
  const limit = { visitMaxSec: 1_800 };
  t.match((await change(limit)).json(), { room: limit });
  t.equal(await maxMs(), 0n, 'who watches for free stays as long as they like');
  t.match((await change({ priceMilliPerMin: '6000' })).json(), { room: limit });
  t.match((await money.termsOf(room.id))?.tariff, { model: 'm', price: 6_000n, maxMs: 1_800_000n });
  t.match((await change({ showType: 'ticket' })).json(), { room: limit });
  t.match((await money.termsOf(room.id))?.tariff, { model: 't', maxMs: 1_800_000n });
  for (const visitMaxSec of [0, 59, 1.5, '60', 86_401]) {
    t.match((await change({ visitMaxSec })).json(), { errors: [{ field: 'visitMaxSec' }] });
  }
  await money.away();
  t.equal(codeOf(await change({ visitMaxSec: 600 })), 'BILLING_UNAVAILABLE');
  await money.back();
  t.match((await model.get('/api/v1/model')).json(), { room: limit }, 'a refusal changes nothing');
  t.equal(await maxMs(), 1_800_000n);
  t.match((await change({ visitMaxSec: null })).json(), { room: { visitMaxSec: null } });
  t.equal(await maxMs(), 0n, 'without a limit');
  await change({ showType: 'free' });
});

t.test('an admin looks on in every kind of show and pays for none', async (t) => {
  const boss = (await admin.get('/api/v1/me')).json<{ user: { id: string } }>().user;
  const fan = fixture.browser();
  const fanUser = await fan.signUp('fanny');
  for (const { id } of [boss, fanUser]) await money.fund(id, 900_000n);
  const before = await money.client.getWallet(boss.id);
  t.equal(before.balance, 900_000n);
  await air(true);
  const looksOn = async (kind: string) => {
    const knock = await fan.post('/api/v1/rooms/mira/enter');
    t.match(knock.json(), { code: 'PAYMENT_REQUIRED', showType: kind }, `${kind}: a viewer pays`);
    const entered = (await admin.post('/api/v1/rooms/mira/enter')).json<{ hlsUrl: string }>();
    t.match(entered, { level: 'admin', sessionId: undefined }, `${kind}: no session`);
    t.match(entered.hlsUrl, new RegExp(`\\.free-\\d+:${boss.id}\\.`), `${kind}: free video`);
    t.equal((await admin.post('/api/v1/rooms/mira/hls')).statusCode, 200, `${kind}: goes on`);
    t.same(await money.client.getWallet(boss.id), before, `${kind}: nothing held or charged`);
  };
  await change({ showType: 'paid', priceMilliPerMin: '60000' });
  await looksOn('paid');
  await change({ showType: 'ticket', ticketMilli: '30000' });
  await looksOn('ticket');
  const privateShow = { priceMilliPerMin: '60000', minimumSec: 0, graceSec: 0 };
  await change({ priceMilliPerMin: '0', privateShow });
  const wish = await fan.post('/api/v1/rooms/mira/private-request');
  const { id } = wish.json<{ request: { id: string } }>().request;
  t.equal((await model.post(`/api/v1/model/private-requests/${id}/accept`)).statusCode, 200);
  await looksOn('private');
  await model.post('/api/v1/model/private/end');
  await change({ privateShow: null });
  await air(false);
});

t.test('a broadcast that was on the air stands in the profile', async (t) => {
  await change({ title: 'Night songs' });
  await air(true);
  await air(false);
  const { pastShows } = (await fixture.browser().get('/api/v1/rooms/mira/profile')).json<{
    pastShows: { title: string; endedAt: string | null; viewersMax: number }[];
  }>();
  t.match(pastShows[0], { title: 'Night songs', viewersMax: 3, endedAt: String });
});

t.test('announced shows do not overlap, change and go', async (t) => {
  const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const slot = (from: string, to: string) => ({
    startsAt: `${day}T${from}:00+02:00`,
    endsAt: `${day}T${to}:00+02:00`,
    title: 'Evening',
  });
  const added = await model.post('/api/v1/model/schedule', slot('12:00', '13:00'));
  t.equal(added.statusCode, 201);
  const { id } = added.json<{ slot: { id: string } }>().slot;
  t.match(added.json(), { slot: { startsAt: `${day}T10:00:00.000Z` } }, 'kept as UTC');
  t.equal(codeOf(await model.post('/api/v1/model/schedule', slot('12:30', '14:00'))), 'BAD_INPUT');
  t.equal(codeOf(await model.post('/api/v1/model/schedule', slot('14:00', '13:00'))), 'BAD_INPUT');
  const moved = await model.put(`/api/v1/model/schedule/${id}`, slot('12:30', '14:00'));
  t.equal(moved.statusCode, 200);
  t.match((await fixture.browser().get('/api/v1/rooms/mira/profile')).json(), {
    schedule: [{ id, startsAt: `${day}T10:30:00.000Z` }],
  });
  const other = await nova.put(`/api/v1/model/schedule/${id}`, slot('15:00', '16:00'));
  t.equal(codeOf(other), 'SLOT_NOT_FOUND', 'of another model');
  t.equal((await model.delete(`/api/v1/model/schedule/${id}`)).statusCode, 204);
  t.equal(codeOf(await model.delete(`/api/v1/model/schedule/${id}`)), 'SLOT_NOT_FOUND');
});

t.test('a ticket to publish names the stream and ends soon', async (t) => {
  const none = await model.post('/api/v1/model/publish-ticket');
  t.equal(codeOf(none), 'INGEST_UNAVAILABLE');
  const address = { host: '', rtmpPort: '8083', hlsPort: '8082' };
  fixture.ingests.push({ id: 'rtmp-1', address, load: 0, isDraining: false });
  const made = (await model.post('/api/v1/model/publish-ticket')).json<{
    url: string;
    token: string;
  }>();
  t.equal(made.url, 'ws://site.test:8082/publish');
  const verified = createTokenService(TEST_SECRETS.token).verify('publish', made.token);
  t.match(verified, { ok: true, claims: { sub: modelUser.id, stream: room.streamId } });
  fixture.ingests.length = 0;
});

t.test('the health of the own stream is that of the directory', async (t) => {
  t.match((await model.get('/api/v1/model/health')).json(), { isLive: false, health: null });
  const health = { bitrateKbps: 2_500, fps: 30, keyFrameSec: 2, droppedFrames: 1 };
  await air(true, { health, notes: ['encoded: too large'] });
  t.match((await model.get('/api/v1/model/health')).json(), {
    isLive: true,
    viewers: 3,
    health,
    notes: ['encoded: too large'],
  });
  await air(false);
});

t.test('new words about a model are shown at once', async (t) => {
  const body = { displayName: 'Mira M', about: 'Songs.' };
  t.equal((await model.patch('/api/v1/model/profile', body)).statusCode, 200);
  t.match((await fixture.browser().get('/api/v1/rooms/mira')).json(), {
    model: { name: 'Mira M', about: 'Songs.' },
  });
  const stranger = await admin.patch('/api/v1/model/profile', body);
  t.equal(codeOf(stranger), 'NOT_A_MODEL');
});

t.test('the site says how it is called', async (t) => {
  t.match((await fixture.browser().get('/api/v1/site')).json(), {
    name: 'Test stage',
    payments: 'sandbox',
  });
});
