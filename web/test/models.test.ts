// A model's desk and the admin's decisions over HTTP.
import { createHash } from 'node:crypto';
import t from 'tap';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin, adminUser, model, modelUser, room } = await staff(fixture);

interface Problem {
  code: string;
  errors?: { field: string }[];
}

const auditOf = (subject: string) =>
  fixture.database.rows<{ action: string; actor_id: string; detail: unknown }>(
    'SELECT action, actor_id, detail FROM audit WHERE subject_id = ? ORDER BY id',
    [subject],
  );

t.test(
  'an application is pending, visible to the applicant and cannot be sent twice',
  async (t) => {
    const browser = fixture.browser();
    await browser.signUp('vera');
    const me = async () => (await browser.get('/api/v1/me')).json<{ model?: object }>().model;
    t.equal(await me(), undefined);
    const sent = await browser.post('/api/v1/model/apply', { displayName: 'Vera V', about: 'Hi' });
    t.equal(sent.statusCode, 201);
    t.match(await me(), { state: 'pending', reason: null });
    const again = await browser.post('/api/v1/model/apply', { displayName: 'Vera' });
    t.equal(again.json<Problem>().code, 'ALREADY_APPLIED');
    t.equal((await browser.get('/api/v1/model')).json<Problem>().code, 'NOT_A_MODEL');
    const key = await browser.post('/api/v1/model/key/regenerate');
    t.equal(key.json<Problem>().code, 'NOT_A_MODEL', 'only approved models may publish');
  },
);

t.test('of ten simultaneous applications one counts', async (t) => {
  const browser = fixture.browser();
  await browser.signUp('wanda');
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => browser.post('/api/v1/model/apply', {})),
  );
  t.equal(answers.filter((one) => one.statusCode === 201).length, 1);
  const codes = answers.filter((one) => one.statusCode !== 201).map((one) => one.json<Problem>());
  t.ok(codes.every((one) => one.code === 'ALREADY_APPLIED'));
});

t.test('declining gives a reason, is audited, and the applicant may try again', async (t) => {
  const browser = fixture.browser();
  const user = await browser.signUp('xenia');
  await browser.post('/api/v1/model/apply', { displayName: 'Xenia' });
  const pending = await admin.get('/api/v1/admin/models?state=pending');
  t.ok(pending.json<{ models: { id: string }[] }>().models.some((one) => one.id === user.id));

  const decline = `/api/v1/admin/models/${user.id}/decline`;
  t.equal((await admin.post(decline, { reason: 'No picture.' })).statusCode, 204);
  const me = (await browser.get('/api/v1/me')).json<{ model: object }>();
  t.match(me.model, { state: 'declined', reason: 'No picture.' });
  t.equal((await admin.post(decline, { reason: 'x' })).json<Problem>().code, 'ALREADY_DECIDED');

  await browser.post('/api/v1/model/apply', { displayName: 'Xenia' });
  t.equal((await admin.post(`/api/v1/admin/models/${user.id}/approve`)).statusCode, 200);
  const audit = await auditOf(user.id);
  t.same(
    audit.map((one) => one.action),
    ['model.decline', 'model.approve'],
  );
  t.ok(audit.every((one) => one.actor_id === adminUser.id));
});

t.test('two admins who approve at once open one room', async (t) => {
  const browser = fixture.browser();
  const user = await browser.signUp('yoko');
  await browser.post('/api/v1/model/apply', {});
  const approve = () => admin.post(`/api/v1/admin/models/${user.id}/approve`);
  const answers = await Promise.all([approve(), approve(), approve()]);
  t.same(answers.map((one) => one.statusCode).sort(), [200, 409, 409]);
  const rows = await fixture.database.rows('SELECT id FROM room WHERE performer_id = ?', [user.id]);
  t.equal(rows.length, 1);
});

t.test('an approval that billing cannot take is undone and can be repeated', async (t) => {
  const browser = fixture.browser();
  const user = await browser.signUp('zoe');
  await browser.post('/api/v1/model/apply', {});
  await money.away();
  const failed = await admin.post(`/api/v1/admin/models/${user.id}/approve`);
  t.equal(failed.statusCode, 503);
  t.equal(failed.json<Problem>().code, 'BILLING_UNAVAILABLE');
  await money.back();
  const pending = await admin.get('/api/v1/admin/models');
  t.ok(pending.json<{ models: { id: string }[] }>().models.some((one) => one.id === user.id));
  t.equal((await admin.post(`/api/v1/admin/models/${user.id}/approve`)).statusCode, 200);
});

t.test('the desk shows the publish address and a masked key, never the key', async (t) => {
  const before = (await model.get('/api/v1/model')).json<Record<string, unknown>>();
  t.match(before, { publishUrl: null, keyMasked: null, isLive: false, earnings: { total: '0' } });
  const address = { host: '', rtmpPort: '8083' };
  fixture.ingests.push({ id: 'rtmp-1', address, load: 0, isDraining: false });

  const made = (await model.post('/api/v1/model/key/regenerate')).json<{ key: string }>();
  t.match(made.key, /^sk_[A-Za-z0-9_-]{43}$/);
  const hash = createHash('sha256').update(made.key).digest('hex');
  t.equal(await money.keyOf(room.streamId), hash, 'billing knows the hash');

  const desk = await model.get('/api/v1/model');
  t.match(desk.json(), { publishUrl: 'rtmp://site.test:8083/publish' });
  t.match(desk.json<{ keyMasked: string }>().keyMasked, /^sk_\*{4}[A-Za-z0-9_-]{4}$/);
  t.notMatch(desk.body, new RegExp(made.key.slice(3, 20)));
  const dump = JSON.stringify(await fixture.database.rows('SELECT * FROM room'));
  t.notMatch(dump, new RegExp(made.key), 'the key is not stored');

  const next = (await model.post('/api/v1/model/key/regenerate', {})).json<{ key: string }>();
  t.not(next.key, made.key);
  t.not(await money.keyOf(room.streamId), hash, 'the old key is replaced');
  fixture.ingests.length = 0;
});

t.test('a key or price that billing cannot take is not stored', async (t) => {
  const before = await fixture.database.rows('SELECT * FROM room WHERE id = ?', [room.id]);
  await money.away();
  t.equal((await model.post('/api/v1/model/key/regenerate')).statusCode, 503);
  t.equal((await model.patch('/api/v1/model/room', { priceMilliPerMin: '9000' })).statusCode, 503);
  const words = await model.patch('/api/v1/model/room', { title: 'Evening show' });
  t.equal(words.statusCode, 200, 'words do not need billing');
  await money.back();
  const after = await fixture.database.rows('SELECT * FROM room WHERE id = ?', [room.id]);
  const terms = (rows: unknown[]) =>
    rows.map((row) => {
      const { key_hash, price_milli_per_min } = row as Record<string, unknown>;
      return { key_hash, price_milli_per_min };
    });
  t.same(terms(after), terms(before));
});

t.test('a price reaches billing before the answer', async (t) => {
  const answer = await model.patch('/api/v1/model/room', { priceMilliPerMin: '6000', topic: 'T' });
  t.match(answer.json(), { room: { priceMilliPerMin: '6000', topic: 'T' } });
  t.match(await money.termsOf(room.id), {
    priceMilliPerMin: 6_000n,
    performerId: modelUser.id,
    streamId: room.streamId,
    isActive: true,
  });
  await model.patch('/api/v1/model/room', { priceMilliPerMin: '0' });
});

t.test('grants', async (t) => {
  const viewer = fixture.browser();
  const { id } = await viewer.signUp('ben');
  const grant = (body: object) => admin.post('/api/v1/admin/grants', body);
  const body = { username: 'BEN', amountMilli: '5000', reason: 'welcome', key: 'grant-0001' };
  const answers = await Promise.all([grant(body), grant(body)]);
  t.same(
    answers.map((one) => one.json<object>()),
    [
      { userId: id, balance: '5000' },
      { userId: id, balance: '5000' },
    ],
  );
  t.equal((await grant({ ...body, amountMilli: '1' })).json<Problem>().code, 'KEY_REUSED');
  t.equal((await grant({ ...body, username: 'nobody' })).json<Problem>().code, 'USER_NOT_FOUND');
  t.equal((await grant({ ...body, userId: id })).json<Problem>().code, 'BAD_INPUT', 'one of both');
  t.match((await auditOf(id))[0], { action: 'credits.grant', actor_id: adminUser.id });
  const summary = await admin.get('/api/v1/admin/finance/summary');
  t.match(summary.json(), { entriesSum: '0', accounts: Array });
});

t.test('who may call what', async (t) => {
  const viewer = fixture.browser();
  await viewer.signUp('carl');
  const routes: [string, string, number[]][] = [
    // statuses for anonymous, viewer, model, admin; 4xx that only say "bad input" count as allowed
    ['GET', '/me', [401, 200, 200, 200]],
    ['GET', '/rooms', [200, 200, 200, 200]],
    ['GET', '/rooms/mira', [200, 200, 200, 200]],
    ['POST', '/rooms/mira/enter', [200, 200, 200, 200]],
    ['POST', '/rooms/mira/leave', [204, 204, 204, 204]],
    ['POST', '/realtime/ticket', [200, 200, 200, 200]],
    ['GET', '/model', [401, 403, 200, 403]],
    ['POST', '/model/key/regenerate', [401, 403, 200, 403]],
    ['GET', '/admin/models', [401, 403, 403, 200]],
    ['POST', '/admin/models/999/approve', [401, 403, 403, 404]],
    ['GET', '/admin/finance/summary', [401, 403, 403, 200]],
  ];
  const visitors = [fixture.browser(), viewer, model, admin];
  for (const [method, path, wanted] of routes) {
    const seen: number[] = [];
    for (const visitor of visitors) {
      const url = `/api/v1${path}`;
      seen.push((await (method === 'GET' ? visitor.get(url) : visitor.post(url))).statusCode);
    }
    t.same(seen, wanted, `${method} ${path}`);
  }
});
