// What admins do with accounts, and what is left of it in the audit record.
import t from 'tap';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin, adminUser, model, modelUser, room } = await staff(fixture);
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;

t.test('accounts are found by the beginning of name or address, page by page', async (t) => {
  for (let n = 10; n < 70; n += 1) await fixture.browser().signUp(`viewer${n}`);
  const list = async (query: string) =>
    (await admin.get(`/api/v1/admin/users${query}`)).json<{
      users: { username: string; email: string }[];
      next?: string;
    }>();
  const first = await list('?q=viewer');
  t.equal(first.users.length, 50);
  const second = await list(`?q=viewer&cursor=${first.next ?? ''}`);
  t.equal(second.users.length, 10);
  t.same(
    (await list('?q=viewer10@example')).users.map((one) => one.username),
    ['viewer10'],
  );
  t.same((await list('?q=%25')).users, []);
  t.notMatch(JSON.stringify(first), /argon2/);
});

t.test(
  'a suspended model is out: logged out, off the list, key revoked, room closed',
  async (t) => {
    await model.post('/api/v1/model/key/regenerate');
    const key = await money.keyOf(room.streamId);
    const suspend = (id: string, reason: unknown = 'Complaints.') =>
      admin.post(`/api/v1/admin/users/${id}/suspend`, { reason });

    t.equal(codeOf(await suspend(adminUser.id)), 'FORBIDDEN', 'not oneself');
    t.equal(codeOf(await suspend('999999')), 'USER_NOT_FOUND');
    await money.away();
    t.equal(codeOf(await suspend(modelUser.id)), 'BILLING_UNAVAILABLE');
    await money.back();
    t.equal((await model.get('/api/v1/me')).statusCode, 200, 'half a suspension is none');

    t.equal((await suspend(modelUser.id)).statusCode, 204);
    t.equal((await model.get('/api/v1/me')).statusCode, 401);
    t.equal(codeOf(await model.post('/api/v1/auth/refresh')), 'SESSION_ENDED');
    t.equal(codeOf(await fixture.browser().get('/api/v1/rooms/mira')), 'ROOM_NOT_FOUND');
    t.same((await fixture.browser().get('/api/v1/rooms')).json(), { rooms: [] });
    t.not(await money.keyOf(room.streamId), key);
    t.equal((await money.termsOf(room.id))?.isActive, false);
    const login = { login: 'mira', password: 'correct horse' };
    t.equal(codeOf(await model.post('/api/v1/auth/login', login)), 'ACCOUNT_SUSPENDED');

    const restored = await admin.post(`/api/v1/admin/users/${modelUser.id}/restore`);
    t.equal(restored.statusCode, 204);
    t.equal((await model.post('/api/v1/auth/login', login)).statusCode, 200);
    t.equal((await fixture.browser().get('/api/v1/rooms/mira')).statusCode, 200);
    t.equal((await money.termsOf(room.id))?.isActive, true);
  },
);

t.test('a moderator moderates every room', async (t) => {
  const browser = fixture.browser();
  const user = await browser.signUp('mod');
  const roles = { method: 'PATCH', url: `/api/v1/admin/users/${user.id}/roles` } as const;
  const set = (isModerator: boolean) => admin.send({ ...roles, payload: { isModerator } });
  t.equal((await set(true)).statusCode, 204);
  const entered = await browser.post('/api/v1/rooms/mira/enter');
  t.match(entered.json(), { level: 'moderator' });
  t.match((await browser.post('/api/v1/realtime/ticket')).json(), { role: 'moderator' });
  await set(false);
  t.match((await browser.post('/api/v1/rooms/mira/enter')).json(), { level: 'participant' });
});

t.test('the audit record tells all of it, newest first, to admins only', async (t) => {
  const { entries } = (await admin.get('/api/v1/admin/audit')).json<{
    entries: { action: string; actorId: string; subjectId: string; detail: object }[];
  }>();
  t.same(
    entries.map((one) => one.action),
    ['user.roles', 'user.roles', 'user.restore', 'user.suspend', 'model.approve'],
  );
  t.match(entries[3], { subjectId: modelUser.id, detail: { reason: 'Complaints.' } });
  t.ok(entries.every((one) => one.actorId === adminUser.id));
  t.match(
    entries.slice(2),
    [
      { actorName: 'boss', subjectName: 'Mira' },
      { actorName: 'boss', subjectName: 'Mira' },
      { action: 'model.approve', actorName: 'boss', subjectName: 'Mira' },
    ],
    'accounts by their names',
  );
  for (const path of ['audit', 'users', 'mailbox']) {
    t.equal((await model.get(`/api/v1/admin/${path}`)).statusCode, 403, path);
  }
});

t.test('without a mail server admins read the mails', async (t) => {
  const { mails } = (await admin.get('/api/v1/admin/mailbox')).json<{
    mails: { to: string; body: string }[];
  }>();
  t.match(mails[0], { to: 'mod@example.org', body: /\/activate\?token=/ });
});
