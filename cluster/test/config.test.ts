// The table of settings: what is read, what is refused, and that nothing is refused one at a time.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { ConfigError, loadConfig, maskedSettings, settingRows, testSeed } from '../config.js';
import { defaultAsText, envExample } from '../env-example.js';
import { bool, choice, CIDR, int, list, redisUrl, text, url } from '../setting.js';
import { TEST_SECRETS } from '../testing/index.js';

const required = { TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
}

await t.test('with nothing but the secrets every setting takes its default, frozen', (t) => {
  const config = loadConfig(required);

  t.equal(config.web.port, 8080);
  t.equal(config.redis.realtimeUrl, 'redis://127.0.0.1:8085');
  t.same(config.billing.hookAllow, ['127.0.0.0/8', '::1/128']);
  t.throws(() => Object.assign(config.web, { port: 1 }), TypeError);
  t.throws(() => Object.assign(config, { web: {} }), TypeError);
  t.end();
});

await t.test('all problems are reported at once, each with its variable', (t) => {
  const problems = problemsOf({
    TOKEN_SECRET: 'short',
    WEB_PORT: '99999',
    LOG_LEVEL: 'loud',
    WEB_COOKIE_SECURE: 'maybe',
    MYSQL_URL: 'postgres://h/',
    REALTIME_REDIS_URL: 'redis://u:hidden@h:1,h:2',
    WEB_TRUSTED_PROXIES: '10.0.0.0/8, nowhere!',
    NODE_ID: 'a/b',
    MEMBER_BEAT_MS: '5000',
  });
  const names = problems.map((one) => /^[A-Z_]+/.exec(one)?.[0]).sort();

  t.same(names, [
    'INTERNAL_SECRET',
    'LOG_LEVEL',
    'MEMBER_LEASE_TTL_MS',
    'MYSQL_URL',
    'NODE_ID',
    'REALTIME_REDIS_URL',
    'TOKEN_SECRET',
    'WEB_COOKIE_SECURE',
    'WEB_PORT',
    'WEB_TRUSTED_PROXIES',
  ]);
  t.match(
    problems.find((one) => one.startsWith('WEB_PORT')),
    /"99999" must be .* 0…65535/,
  );
  t.match(
    problems.find((one) => one.startsWith('INTERNAL')),
    /is required: Signs calls/,
  );
  t.end();
});

await t.test('a secret value is in no problem, no message and no masked setting', (t) => {
  const secret = 'hidden-but-too-short';
  const env = {
    ...required,
    TOKEN_SECRET: secret,
    BILLING_REDIS_URL: `redis://u:${secret}@h:1,h:2`,
  };
  t.notMatch(problemsOf(env).join('\n'), secret);

  const good = { ...required, BILLING_REDIS_URL: `redis://u:${secret}@h:1` };
  const shown = JSON.stringify(maskedSettings(loadConfig(good)));
  t.notMatch(shown, secret);
  t.notMatch(shown, required.TOKEN_SECRET);
  t.match(shown, '"WEB_PORT":8080');
  t.end();
});

await t.test('an empty variable is an unset one', (t) => {
  t.equal(loadConfig({ ...required, WEB_PORT: '', LOG_LEVEL: '' }).web.port, 8080);
  t.match(problemsOf({ ...required, TOKEN_SECRET: '' }), [/^TOKEN_SECRET is required/]);
  t.end();
});

await t.test(
  'every row has a unique variable, a sentence, and a default that it would accept',
  (t) => {
    const rows = settingRows();
    const envs = rows.map((row) => row.env);

    t.equal(new Set(envs).size, envs.length);
    for (const row of rows) {
      const { env, doc, fallback } = row;
      t.match(env, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
      t.match(doc, /^[A-Z].*\.$/, `${env} is explained by a sentence`);
      if (fallback === undefined || fallback === '') continue;
      t.same(row.parse(defaultAsText(fallback)), { ok: true, value: fallback }, env);
    }
    t.end();
  },
);

await t.test('deploy/env.example is the table', (t) => {
  const file = new URL('../../deploy/env.example', import.meta.url);
  t.equal(
    readFileSync(file, 'utf8'),
    envExample(),
    'npx tsx deploy/print-env-example.ts > deploy/env.example',
  );
  t.equal(
    envExample()
      .split('\n')
      .findIndex((line) => line.length > 100),
    -1,
  );
  t.end();
});

await t.test('the builders accept their range and nothing beside it', (t) => {
  const words = { doc: 'D.' };
  const cases = [
    [
      int('X', { min: -5, max: 5 }, words),
      ['-5', '0', '5'],
      ['-6', '6', '1.5', '0x1', '', ' 1', '1e1'],
    ],
    [bool('X', words), ['true', 'FALSE', '1', '0', 'yes', 'off'], ['2', 'y', '']],
    [choice('X', ['a', 'b'], words), ['a', 'b'], ['A', '', 'c', 'toString']],
    [text('X', { ...words, minLength: 2, pattern: /^a/ }), ['ab'], ['a', 'ba']],
    [list('X', { ...words, item: CIDR }), ['', '::1', '10.0.0.0/8, 1.2.3.4'], ['x!', '1.2.3.4,?']],
    [
      url('X', ['http', 'https'], words),
      ['http://h', 'HTTPS://h:1/p'],
      ['ftp://h', 'h', 'http://', 'http://a b'],
    ],
    [
      redisUrl('X', words),
      ['redis://h', 'redis-cluster://h:1,[::1]:2', 'rediss://u:p@h:1/3'],
      ['redis://h,i', 'redis://', 'http://h', 'redis://h:99999', 'redis://%@h:1'],
    ],
  ] as const;
  for (const [row, good, bad] of cases) {
    for (const raw of good) t.ok(row.parse(raw).ok, `${row.range} takes "${raw}"`);
    for (const raw of bad) t.notOk(row.parse(raw).ok, `${row.range} refuses "${raw}"`);
  }
  t.same(list('X', words).parse(' a ,,b'), { ok: true, value: ['a', 'b'] });
  t.end();
});

await t.test('the seed of tests is fixed, given or drawn', (t) => {
  t.equal(testSeed({ SHOWBILL_SEED: '42' }), 42);
  t.equal(testSeed({}), testSeed({ SHOWBILL_SEED: 'x' }), 'the same in each run');
  const drawn = Array.from({ length: 5 }, () => testSeed({ SHOWBILL_SEED: 'random' }));
  t.ok(new Set(drawn).size > 1, 'drawn anew');
  t.end();
});
