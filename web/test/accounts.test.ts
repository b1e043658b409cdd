// Accounts over HTTP: sign-up, log-in, refresh with reuse detection, log-out.
import t from 'tap';
import { startMoney } from './money-stage.js';
import { startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const form = { username: 'Anna', email: 'anna@example.org', password: 'correct horse' };

interface Refusal {
  code: string;
  errors?: { field: string; code: string }[];
}

t.test('sign-up answers 201, logs in and never shows a hash', async (t) => {
  const browser = fixture.browser();
  const answer = await browser.post('/api/v1/auth/signup', form);
  t.equal(answer.statusCode, 201);
  t.match(answer.json(), { user: { username: 'Anna', role: 'viewer', id: /^\d+$/ } });
  t.notMatch(answer.body, /argon2|correct horse/);
  const cookies = answer.cookies;
  t.ok(cookies.every((one) => one.httpOnly && one.sameSite === 'Lax'));
  t.equal(cookies.find((one) => one.name === 'sb_refresh')?.path, '/api/v1/auth');
  const me = await browser.get('/api/v1/me');
  t.match(me.json(), { user: { username: 'Anna' }, balance: '0' });
});

t.test('a taken name or address is refused at its field, whatever its case', async (t) => {
  const taken = { ...form, username: 'ANNA', email: 'Anna@Example.org' };
  const answer = await fixture.browser().post('/api/v1/auth/signup', taken);
  t.equal(answer.statusCode, 409);
  const { code, errors } = answer.json<Refusal>();
  t.equal(code, 'ACCOUNT_EXISTS');
  t.same(
    errors?.map((one) => [one.field, one.code]),
    [
      ['username', 'TAKEN'],
      ['email', 'TAKEN'],
    ],
  );
});

t.test('of twenty simultaneous sign-ups with one name exactly one succeeds', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      fixture.browser().post('/api/v1/auth/signup', {
        ...form,
        username: 'race',
        email: `race${n}@example.org`,
      }),
    ),
  );
  t.equal(answers.filter((one) => one.statusCode === 201).length, 1);
  const others = answers.filter((one) => one.statusCode !== 201);
  t.ok(others.every((one) => one.json<Refusal>().code === 'ACCOUNT_EXISTS'));
  t.ok(others.every((one) => one.json<Refusal>().errors?.[0]?.field === 'username'));
});

t.test('log-in works by name and by address; wrong credentials say nothing more', async (t) => {
  for (const login of ['anna', 'Anna', 'anna@example.org', 'ANNA@EXAMPLE.ORG']) {
    const answer = await fixture.browser().post('/api/v1/auth/login', {
      login,
      password: form.password,
    });
    t.equal(answer.statusCode, 200, login);
  }
  for (const login of ['anna', 'nobody', 'nobody@example.org']) {
    const answer = await fixture.browser().post('/api/v1/auth/login', { login, password: 'wrong' });
    t.equal(answer.statusCode, 401);
    t.equal(answer.json<Refusal>().code, 'BAD_CREDENTIALS');
  }
});

t.test('log-in leads only to paths of this site', async (t) => {
  const cases: [string, string][] = [
    ['/r/mira?x=1', '/r/mira?x=1'],
    ['//evil.example', '/'],
    ['https://evil.example/', '/'],
    ['/\\evil.example', '/'],
    ['/%5cevil.example', '/%5cevil.example'],
    ['javascript:alert(1)', '/'],
    ['/\tevil', '/'],
    ['/..//evil.example', '/'],
    ['', '/'],
  ];
  for (const [next, wanted] of cases) {
    const answer = await fixture.browser().post('/api/v1/auth/login', {
      login: 'anna',
      password: form.password,
      next,
    });
    t.equal(answer.json<{ next: string }>().next, wanted, JSON.stringify(next));
  }
});

t.test('a suspended account learns so only with the right password', async (t) => {
  const browser = fixture.browser();
  const { id } = await browser.signUp('susi');
  await fixture.database.rows('UPDATE user SET status = ? WHERE id = ?', ['suspended', id]);
  const login = (password: string) =>
    fixture.browser().post('/api/v1/auth/login', { login: 'susi', password });
  t.equal((await login('correct horse')).json<Refusal>().code, 'ACCOUNT_SUSPENDED');
  t.equal((await login('wrong')).json<Refusal>().code, 'BAD_CREDENTIALS');
  t.equal((await browser.get('/api/v1/me')).json<Refusal>().code, 'ACCOUNT_SUSPENDED');
});

t.test('a refresh token works once; its return ends the whole session', async (t) => {
  const browser = fixture.browser();
  await browser.signUp('rita');
  const first = browser.cookies.get('sb_refresh') ?? '';
  const other = fixture.browser();
  await other.post('/api/v1/auth/login', { login: 'rita', password: 'correct horse' });

  t.equal((await browser.post('/api/v1/auth/refresh')).statusCode, 200);
  const second = browser.cookies.get('sb_refresh') ?? '';
  t.not(second, first);
  t.equal((await browser.get('/api/v1/me')).statusCode, 200);

  const thief = fixture.browser();
  thief.cookies.set('sb_refresh', first);
  const reused = await thief.post('/api/v1/auth/refresh');
  t.equal(reused.statusCode, 401);
  t.equal(reused.json<Refusal>().code, 'SESSION_REUSED');

  t.equal((await browser.get('/api/v1/me')).statusCode, 401, 'the access token ends at once');
  browser.cookies.set('sb_refresh', second);
  t.equal((await browser.post('/api/v1/auth/refresh')).json<Refusal>().code, 'SESSION_ENDED');
  t.equal((await other.post('/api/v1/auth/refresh')).statusCode, 200, 'other devices stay');
});

t.test('of ten simultaneous refreshes with one token at most one succeeds', async (t) => {
  const browser = fixture.browser();
  await browser.signUp('rolf');
  const token = browser.cookies.get('sb_refresh') ?? '';
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => {
      const tab = fixture.browser();
      tab.cookies.set('sb_refresh', token);
      return tab.post('/api/v1/auth/refresh');
    }),
  );
  t.equal(answers.filter((one) => one.statusCode === 200).length, 1);
});

t.test('a forged refresh token is refused and harms nobody', async (t) => {
  const browser = fixture.browser();
  await browser.signUp('fiona');
  const [sid = '', , mac = ''] = (browser.cookies.get('sb_refresh') ?? '').split('.');
  const flipped = mac.startsWith('A') ? `B${mac.slice(1)}` : `A${mac.slice(1)}`;
  const forged = [`${sid}.0.${flipped}`, `${sid}.7.${mac}`, `${sid}.-1.${mac}`, 'x', `${sid}.0.`];
  for (const token of forged) {
    const forger = fixture.browser();
    forger.cookies.set('sb_refresh', token);
    const answer = await forger.post('/api/v1/auth/refresh');
    t.equal(answer.json<Refusal>().code, 'SESSION_ENDED', token);
  }
  t.equal((await browser.post('/api/v1/auth/refresh')).statusCode, 200);
});

t.test('log-out ends the session on the server, not only in the browser', async (t) => {
  const browser = fixture.browser();
  await browser.signUp('leo');
  const copy = fixture.browser();
  for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
  t.equal((await browser.post('/api/v1/auth/logout', {})).statusCode, 204);
  t.equal(browser.cookies.size, 0);
  t.equal((await copy.get('/api/v1/me')).statusCode, 401);
  t.equal((await copy.post('/api/v1/auth/refresh')).json<Refusal>().code, 'SESSION_ENDED');
  t.equal((await browser.post('/api/v1/auth/logout')).statusCode, 204, 'twice is harmless');
});

t.test('access tokens that we did not sign, or for another purpose, are nobody', async (t) => {
  const browser = fixture.browser();
  await browser.signUp('otto');
  const ticket = await browser.post('/api/v1/realtime/ticket');
  const { token } = ticket.json<{ token: string }>();
  const access = browser.cookies.get('sb_access') ?? '';
  for (const forged of [token, `${access}x`, access.replace(/\.[^.]*$/, '.'), 'x.y.z', '%00']) {
    const visitor = fixture.browser();
    visitor.cookies.set('sb_access', forged);
    t.equal((await visitor.get('/api/v1/me')).statusCode, 401);
  }
  const bearer = await fixture.browser().get('/api/v1/me', { authorization: `Bearer ${access}` });
  t.equal(bearer.statusCode, 200, 'a bearer token is as good as the cookie');
});
