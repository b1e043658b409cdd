// What the site says while a server behind it is away, and that it recovers by itself.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { silentLog } from '../../cluster/testing/index.js';
import { createDatabase } from '../db/database.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { model, room } = await staff(fixture);
const viewer = fixture.browser();
const viewerUser = await viewer.signUp('anna');
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;

t.test('with billing away accounts, lists and free rooms work, money does not', async (t) => {
  await money.away();
  const me = await viewer.get('/api/v1/me');
  t.match(me.json(), { balance: null, unavailable: ['billing'] });
  t.equal((await viewer.get('/api/v1/rooms')).statusCode, 200);
  t.equal((await viewer.post('/api/v1/rooms/mira/enter')).statusCode, 200);
  t.match((await model.get('/api/v1/model')).json(), { earnings: null, unavailable: ['billing'] });
  const tip = { key: 'key-00000001', amountMilli: '1000' };
  const refused = await viewer.post('/api/v1/rooms/mira/tips', tip);
  t.equal(refused.statusCode, 503);
  t.match(refused.json(), { code: 'BILLING_UNAVAILABLE', retry: true });
  t.ok(refused.headers['retry-after']);
  await money.back();
  await money.fund(viewerUser.id, 5_000n);
  t.equal((await viewer.post('/api/v1/rooms/mira/tips', tip)).statusCode, 200);
});

t.test('with the stream directory away lists say so, entry waits', async (t) => {
  fixture.setDirectoryDown(true);
  fixture.air('nothing', false);
  await until(() => !fixture.site.live.isFresh(), { what: 'directory noticed' });
  fixture.site.catalog.forget();
  const list = await viewer.get('/api/v1/rooms');
  t.match(list.json(), { rooms: [{ slug: 'mira' }], unavailable: ['realtime'] });
  t.equal(codeOf(await viewer.post('/api/v1/rooms/mira/enter')), 'REALTIME_UNAVAILABLE');
  fixture.setDirectoryDown(false);
  fixture.air(room.streamId, true);
  await until(() => fixture.site.live.isFresh(), { what: 'directory back' });
  t.match((await viewer.post('/api/v1/rooms/mira/enter')).json(), { isLive: true });
});

t.test('with MySQL killed requests say what is missing and work again after it', async (t) => {
  await fixture.mariadb.kill();
  for (const path of ['/api/v1/me', '/api/v1/rooms?q=new']) {
    const answer = await viewer.get(path);
    t.equal(answer.statusCode, 503, path);
    t.equal(codeOf(answer), 'DATABASE_UNAVAILABLE');
    t.notMatch(answer.body, /ECONN|127\.0\.0\.1/);
  }
  const login = { login: 'anna', password: 'correct horse' };
  t.equal(codeOf(await viewer.post('/api/v1/auth/login', login)), 'DATABASE_UNAVAILABLE');
  t.equal(await fixture.database.isReachable(), false);
  await fixture.mariadb.start();
  await until(async () => (await viewer.get('/api/v1/me')).statusCode === 200, {
    what: 'recovery',
  });
  t.equal(await fixture.database.isReachable(), true);
});

t.test('with Redis killed sessions are believed until they expire', async (t) => {
  await fixture.redis.kill();
  t.equal((await viewer.get('/api/v1/me')).statusCode, 200);
  t.equal((await viewer.post('/api/v1/auth/logout')).statusCode, 204);
  await fixture.redis.start();
});

t.test('a process that starts without MySQL comes up and connects later', async (t) => {
  await fixture.mariadb.kill();
  const database = createDatabase({ url: fixture.mariadb.url, poolMax: 2, log: silentLog });
  t.teardown(() => database.stop());
  await database.start();
  t.throws(() => database.rows('SELECT 1'), { code: 'DATABASE_UNAVAILABLE' });
  await fixture.mariadb.start();
  await until(() => database.isReachable(), { what: 'connected' });
});
