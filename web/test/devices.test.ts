// Device list, password change, bearer tokens for API clients, the end of an account.
import t from 'tap';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
interface Listed {
  sessions: { id: string; isCurrent: boolean }[];
}

async function twoDevices(name: string) {
  const [phone, desk] = [fixture.browser(), fixture.browser()];
  await phone.signUp(name);
  await desk.post('/api/v1/auth/login', { login: name, password: 'correct horse' });
  return { phone, desk };
}

t.test('a device can be logged out from another one; a stranger cannot do it', async (t) => {
  const { phone, desk } = await twoDevices('anna');
  const stranger = fixture.browser();
  await stranger.signUp('ben');
  const { sessions } = (await desk.get('/api/v1/auth/sessions')).json<Listed>();
  t.equal(sessions.length, 2);
  t.equal(sessions.filter((one) => one.isCurrent).length, 1);
  const lost = sessions.find((one) => !one.isCurrent)?.id ?? '';
  const end = { method: 'DELETE', url: `/api/v1/auth/sessions/${lost}` } as const;
  t.equal(codeOf(await stranger.send(end)), 'SESSION_NOT_FOUND');
  t.equal((await phone.get('/api/v1/me')).statusCode, 200);
  t.equal((await desk.send(end)).statusCode, 204);
  t.equal((await phone.get('/api/v1/me')).statusCode, 401);
  t.equal((await phone.post('/api/v1/auth/refresh')).statusCode, 401);
  t.equal((await desk.get('/api/v1/me')).statusCode, 200);
});

t.test('a new password needs the old one and ends the other devices', async (t) => {
  const { phone, desk } = await twoDevices('carl');
  const change = (current: string) =>
    desk.post('/api/v1/account/password', { current, password: 'battery staple' });
  t.equal(codeOf(await change('wrong')), 'BAD_CREDENTIALS');
  t.equal((await change('correct horse')).statusCode, 204);
  t.equal((await desk.get('/api/v1/me')).statusCode, 200);
  t.equal((await phone.get('/api/v1/me')).statusCode, 401);
});

t.test('all other devices at once', async (t) => {
  const { phone, desk } = await twoDevices('dora');
  t.equal((await desk.post('/api/v1/auth/sessions/end-others')).statusCode, 204);
  t.equal((await phone.get('/api/v1/me')).statusCode, 401);
  t.equal((await desk.get('/api/v1/me')).statusCode, 200);
});

t.test('API clients get tokens without cookies, from allowed origins only', async (t) => {
  await fixture.browser().signUp('emil');
  const form = { login: 'emil', password: 'correct horse' };
  const origin = 'https://partner.example';
  const plain = { 'x-showbill': '', origin };
  const answer = await fixture.browser().post('/api/v1/auth/token', form, plain);
  t.equal(answer.statusCode, 200);
  t.equal(answer.cookies.length, 0);
  t.equal(answer.headers['access-control-allow-origin'], origin);
  t.equal(answer.headers['access-control-allow-credentials'], undefined);
  const tokens = answer.json<{ accessToken: string; refreshToken: string }>();
  const client = fixture.browser();
  const bearer = { authorization: `Bearer ${tokens.accessToken}`, ...plain };
  t.equal((await client.get('/api/v1/me', bearer)).statusCode, 200);
  const acted = await client.post('/api/v1/realtime/ticket', {}, bearer);
  t.equal(acted.statusCode, 200, 'a bearer token needs no proof of origin');

  const refresh = (refreshToken: string) =>
    client.post('/api/v1/auth/token/refresh', { refreshToken }, plain);
  t.equal((await refresh(tokens.refreshToken)).statusCode, 200);
  t.equal(codeOf(await refresh(tokens.refreshToken)), 'SESSION_REUSED');
  t.equal((await client.get('/api/v1/me', bearer)).statusCode, 401);

  const foreign = { ...plain, origin: 'https://evil.example' };
  const refused = await fixture.browser().get('/api/v1/rooms', foreign);
  t.equal(refused.headers['access-control-allow-origin'], undefined);
});

t.test('closing an account frees the name, closes the room and keeps the id', async (t) => {
  const { model, modelUser, room, admin } = await staff(fixture);
  await model.post('/api/v1/model/key/regenerate');
  const before = await money.keyOf(room.streamId);
  const close = (password: string) => model.post('/api/v1/account/close', { password });
  t.equal(codeOf(await close('wrong')), 'BAD_CREDENTIALS');
  t.equal((await close('correct horse')).statusCode, 204);
  t.equal((await model.get('/api/v1/me')).statusCode, 401);
  t.equal(codeOf(await fixture.browser().get('/api/v1/rooms/mira')), 'ROOM_NOT_FOUND');
  t.equal((await money.termsOf(room.id))?.isActive, false);
  t.not(await money.keyOf(room.streamId), before, 'the stream key is revoked');
  const [row] = await fixture.database.rows('SELECT * FROM user WHERE id = ?', [modelUser.id]);
  t.notMatch(JSON.stringify(row), /mira/i);

  const heir = fixture.browser();
  const { id } = await heir.signUp('Mira');
  await heir.post('/api/v1/model/apply', {});
  t.equal((await admin.post(`/api/v1/admin/models/${id}/approve`)).statusCode, 200);
});

t.test('the description is served and its routes are those that exist', async (t) => {
  const answer = await fixture.browser().get('/api/docs');
  const { openapi, paths } = answer.json<{ openapi: string; paths: Record<string, object> }>();
  t.equal(openapi, '3.1.0');
  t.ok(Object.keys(paths).length > 25);
  t.ok('post' in (paths['/api/v1/rooms/{slug}/tips'] ?? {}));
  t.notMatch(answer.body, /passwordHash|keyHash/);
});
