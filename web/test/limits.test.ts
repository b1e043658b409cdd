// Limits on guessing: per address, per account, over several web processes, and with Redis away.
import t from 'tap';
import { systemClock } from '../../cluster/index.js';
import { silentLog } from '../../cluster/testing/index.js';
import { buildApp } from '../http/app.js';
import { Browser, startSite } from './site-fixture.js';

const limits = { loginsPerMin: 25, signUpsPerHour: 3 };
const fixture = await startSite(t, { limits, trustedProxies: ['127.0.0.1'] });
const login = { login: 'anna', password: 'correct horse' };

const from = (ip: string) => ({ 'x-forwarded-for': ip });
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;

t.test('sign-ups per address end; another address is not concerned', async (t) => {
  const signUp = (name: string, ip: string) =>
    fixture
      .browser()
      .post(
        '/api/v1/auth/signup',
        { username: name, email: `${name}@example.org`, password: 'correct horse' },
        from(ip),
      );
  for (const name of ['anna', 'ben', 'cleo']) {
    t.equal((await signUp(name, '10.0.0.1')).statusCode, 201);
  }
  const refused = await signUp('dora', '10.0.0.1');
  t.equal(refused.statusCode, 429);
  t.equal(codeOf(refused), 'RATE_LIMITED');
  t.ok(Number(refused.headers['retry-after']) > 0);
  t.equal((await signUp('dora', '10.0.0.2')).statusCode, 201);
});

t.test(
  'ten failures close an account for a while, whatever addresses they come from',
  async (t) => {
    const attempt = (password: string, n: number) =>
      fixture
        .browser()
        .post(
          '/api/v1/auth/login',
          { login: n % 2 === 0 ? 'BEN' : 'ben', password },
          from(`10.1.0.${n}`),
        );
    for (let n = 0; n < 10; n += 1) t.equal((await attempt('wrong', n)).statusCode, 401);
    const right = await attempt('correct horse', 11);
    t.equal(right.statusCode, 429, 'also the right password waits');
    const other = await fixture.browser().post('/api/v1/auth/login', login, from('10.1.0.12'));
    t.equal(other.statusCode, 200, 'other accounts do not');
  },
);

t.test('the limit holds over two web processes', async (t) => {
  const second = await buildApp({
    site: fixture.site,
    clock: systemClock,
    log: silentLog,
    onAnswer: () => undefined,
    settings: {
      publicUrl: 'http://site.test',
      isCookieSecure: false,
      extraUrls: [],
      embedOrigins: [],
      frameAncestors: [],
      accessTtlSec: 900,
      allowedOrigins: [],
      payments: 'none',
      branding: { name: 'x', logoUrl: '', faviconUrl: '', homeUrl: '/', accentColour: '' },
      hasMailbox: false,
      trustedProxies: ['127.0.0.1'],
      publicDir: '/nonexistent',
      limits,
    },
  });
  t.teardown(() => second.close());
  const browsers = [fixture.browser(), new Browser(second)];
  const statuses: number[] = [];
  for (let n = 0; n < limits.loginsPerMin + 2; n += 1) {
    const browser = browsers[n % 2];
    const answer = await browser?.post('/api/v1/auth/login', {}, from('10.2.0.1'));
    statuses.push(answer?.statusCode ?? 0);
  }
  // Requests without a password cost no time, so that a slow machine does them within a minute.
  t.equal(statuses.filter((one) => one === 400).length, limits.loginsPerMin);
  t.same(statuses.slice(-2), [429, 429]);
});

t.test('without Redis each process still limits by itself', async (t) => {
  await fixture.redis.kill();
  const statuses: number[] = [];
  for (let n = 0; n < limits.loginsPerMin + 1; n += 1) {
    const form = n === 0 ? login : {};
    const answer = await fixture.browser().post('/api/v1/auth/login', form, from('10.3.0.1'));
    statuses.push(answer.statusCode);
  }
  t.equal(statuses.at(0), 200, 'log-in works without Redis');
  t.equal(statuses.at(-1), 429);
});
