// The web role as a process: bad configuration, starting with nothing behind it, readiness,
// stopping.
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import {
  freePort,
  startMariadb,
  startRedis,
  TEST_SECRETS,
  until,
} from '../../cluster/testing/index.js';
import { startProcess } from './role-process.js';

const base = {
  TOKEN_SECRET: TEST_SECRETS.token,
  INTERNAL_SECRET: TEST_SECRETS.internal,
  BIND_HOST: '127.0.0.1',
};

t.test('a broken configuration is one line per problem and exit code 2', async (t) => {
  const role = startProcess(t, 'web/main.ts', { TOKEN_SECRET: 'short', WEB_PORT: 'x' });
  t.equal(await role.ended, 2);
  const lines = role.output().trim().split('\n');
  t.equal(lines.length, 3, 'both secrets and the port');
  t.ok(lines.every((line) => line.startsWith('web: ')));
  t.notMatch(role.output(), /short/, 'no secret is shown');
});

t.test('pages and /readyz answer with MySQL away; the rest follows when it comes', async (t) => {
  const [mariadb, redis] = await Promise.all([startMariadb(t), startRedis(t)]);
  await mariadb.kill();
  const [port, opsPort] = [await freePort(), await freePort()];
  const role = startProcess(t, 'web/main.ts', {
    ...base,
    WEB_PORT: String(port),
    OPS_PORT: String(opsPort),
    MYSQL_URL: mariadb.url,
    REALTIME_REDIS_URL: redis.url,
    WEB_SITE_NAME: 'Night stage',
    WEB_LOGO_URL: 'https://cdn.example/logo.svg',
    WEB_FAVICON_URL: '/icon.png',
    WEB_HOME_URL: 'https://www.example/',
    WEB_ACCENT_COLOUR: '#e91e63',
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  const readiness = async () => {
    const answer = await fetch(`http://127.0.0.1:${opsPort}/readyz`);
    return (await answer.json()) as { ready: boolean; reasons: string[] };
  };
  const rooms = await until(() => get('/api/v1/rooms'), { what: 'listening' });
  t.equal(rooms.status, 503);
  t.match(await rooms.json(), { code: 'DATABASE_UNAVAILABLE' });
  t.match(await readiness(), { ready: false, reasons: ['MySQL does not answer'] });
  const site = await get('/api/v1/site');
  t.match(
    await site.json(),
    {
      ...{ name: 'Night stage', logoUrl: 'https://cdn.example/logo.svg', faviconUrl: '/icon.png' },
      ...{ homeUrl: 'https://www.example/', accentColour: '#e91e63' },
    },
    'name, logo and colours are those of the settings',
  );
  const policy = site.headers.get('content-security-policy') ?? '';
  t.match(policy, /img-src [^;]*https:\/\/cdn\.example/, 'a foreign logo may be shown');
  t.equal((await get('/api/docs')).status, 200);

  await mariadb.start();
  await until(async () => (await readiness()).ready, { what: 'ready' });
  t.same(await (await get('/api/v1/rooms')).json(), { rooms: [] });
  const metrics = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  t.match(metrics, /showbill_web_requests_total\{.*route="\/api\/v1\/rooms"/);

  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  t.teardown(() => silent.destroy());
  role.kill('SIGTERM');
  t.equal(await role.ended, 0, role.output().slice(-600));
  await t.rejects(get('/'), 'nobody listens any more');
});
