// Wrong, missing, oversized and hostile input for every route: each gives its coded answer, never a
// 5xx, never an echo that a browser would run.
import t from 'tap';
import {
  LONG,
  refuseAll,
  SCRIPT,
  SQL,
  without,
  type HostileCase,
  type Problem,
} from './hostile-case.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin, model, room } = await staff(fixture);
const viewer = fixture.browser();
const viewerUser = await viewer.signUp('anna');
await money.fund(viewerUser.id, 1_000_000n);

const good = {
  signup: { username: 'newbie', email: 'newbie@example.org', password: 'long enough' },
  login: { login: 'anna', password: 'correct horse' },
  tip: { key: 'key-00000001', amountMilli: '1000' },
  grant: { username: 'anna', amountMilli: '1000', reason: 'r', key: 'key-00000001' },
};

const cases: HostileCase[] = [
  ...['username', 'email', 'password'].map((name): HostileCase => [
    'anon',
    'POST',
    '/auth/signup',
    without(good.signup, name),
    [name],
  ]),
  ...[
    'ab',
    'x'.repeat(31),
    'with space',
    'ünïcode',
    SCRIPT,
    SQL,
    'a\u0000b',
    '../..',
    '',
    7,
    null,
  ].map((username): HostileCase => [
    'anon',
    'POST',
    '/auth/signup',
    { ...good.signup, username },
    ['username'],
  ]),
  ...[
    'a',
    'a@',
    '@b.c',
    'a@b',
    'a b@c.de',
    `${LONG}@x.de`,
    SCRIPT,
    'a@b.de\r\nBcc: x@y.de',
    1,
    {},
  ].map((email): HostileCase => [
    'anon',
    'POST',
    '/auth/signup',
    { ...good.signup, email },
    ['email'],
  ]),
  ...['short', LONG, 1, ['12345678']].map((password): HostileCase => [
    'anon',
    'POST',
    '/auth/signup',
    { ...good.signup, password },
    ['password'],
  ]),
  ['anon', 'POST', '/auth/signup', { ...good.signup, isAdmin: true }, ['isAdmin']],
  ['anon', 'POST', '/auth/signup', [], ['']],
  ['anon', 'POST', '/auth/signup', {}, ['username', 'email', 'password']],
  ['anon', 'POST', '/auth/login', { login: 'anna' }, ['password']],
  ['anon', 'POST', '/auth/login', { ...good.login, login: LONG }, ['login']],
  [
    'anon',
    'POST',
    '/auth/login',
    { login: { $ne: '' }, password: { $ne: '' } },
    ['login', 'password'],
  ],
  ['anon', 'POST', '/auth/login', { ...good.login, next: LONG }, ['next']],
  ['anon', 'POST', '/auth/refresh', { x: 1 }, ['x']],
  ['anon', 'POST', '/realtime/ticket', { role: 'admin' }, ['role']],
  ['anon', 'GET', '/rooms?filter=all%27', undefined, ['filter']],
  ['anon', 'GET', '/rooms?filter=all&filter=live', undefined, ['filter']],
  ['anon', 'GET', '/rooms?limit=0', undefined, ['limit']],
  ['anon', 'GET', '/rooms?limit=1e9', undefined, ['limit']],
  [
    'anon',
    'GET',
    `/rooms?cursor=${Buffer.from("1.1.1'--").toString('base64url')}`,
    undefined,
    ['cursor'],
  ],
  ['anon', 'GET', '/rooms?cursor=%00%ff', undefined, ['cursor']],
  ['anon', 'GET', '/rooms?orderBy=password_hash', undefined, ['orderBy']],
  ['anon', 'GET', '/rooms/..%2f..%2fetc%2fpasswd', undefined, ['slug']],
  ['anon', 'GET', '/rooms/%3Cscript%3E', undefined, ['slug']],
  ['anon', 'POST', '/rooms/MIRA/enter', {}, ['slug']],
  ['viewer', 'POST', '/rooms/mira/enter', { accept: 'yes' }, ['accept']],
  [
    'viewer',
    'POST',
    '/rooms/mira/enter',
    { accept: true, priceMilliPerMin: '-1' },
    ['priceMilliPerMin'],
  ],
  ['viewer', 'POST', '/rooms/mira/enter', { key: 'short' }, ['key']],
  ['viewer', 'POST', '/rooms/mira/hls', { sessionId: '../../x' }, ['sessionId']],
  ['viewer', 'POST', '/rooms/mira/leave', { sessionId: SQL }, ['sessionId']],
  ...['0', '-5', '1.5', '1e3', '', '99999999999999', '0x10', ' 1', 1000, null].map(
    (amountMilli): HostileCase => [
      'viewer',
      'POST',
      '/rooms/mira/tips',
      { ...good.tip, amountMilli },
      ['amountMilli'],
    ],
  ),
  ['viewer', 'POST', '/rooms/mira/tips', { ...good.tip, text: LONG }, ['text']],
  ['viewer', 'POST', '/rooms/mira/tips', { ...good.tip, text: 'a\u0007b' }, ['text']],
  ['viewer', 'POST', '/rooms/mira/tips', { ...good.tip, text: 'a\u202eb' }, ['text']],
  ['viewer', 'POST', '/rooms/mira/tips', without(good.tip, 'key'), ['key']],
  ['viewer', 'POST', '/model/apply', { displayName: SCRIPT }, ['displayName']],
  ['viewer', 'POST', '/model/apply', { about: LONG }, ['about']],
  ['viewer', 'POST', '/model/apply', { state: 'approved' }, ['state']],
  ['model', 'PATCH', '/model/room', {}, ['']],
  ['model', 'PATCH', '/model/room', { title: '' }, ['title']],
  ['model', 'PATCH', '/model/room', { title: LONG }, ['title']],
  ['model', 'PATCH', '/model/room', { topic: 'a\nb' }, ['topic']],
  ['model', 'PATCH', '/model/room', { streamId: 'x' }, ['streamId']],
  ...['-1', '1000001', '9999999', '1.5', 'free', 6000].map((priceMilliPerMin): HostileCase => [
    'model',
    'PATCH',
    '/model/room',
    { priceMilliPerMin },
    ['priceMilliPerMin'],
  ]),
  ['admin', 'GET', '/admin/models?state=x', undefined, ['state']],
  ['admin', 'GET', '/admin/models?cursor=0', undefined, ['cursor']],
  ['admin', 'POST', '/admin/models/0/approve', undefined, ['id']],
  ['admin', 'POST', '/admin/models/1%20OR%201/approve', undefined, ['id']],
  ['admin', 'POST', '/admin/models/5/decline', {}, ['reason']],
  ['admin', 'POST', '/admin/models/5/decline', { reason: '' }, ['reason']],
  ['admin', 'POST', '/admin/grants', {}, ['amountMilli', 'reason', 'key']],
  ['admin', 'POST', '/admin/grants', { ...good.grant, amountMilli: '-1' }, ['amountMilli']],
  ['admin', 'POST', '/admin/grants', without(good.grant, 'username'), ['username']],
  ['admin', 'POST', '/admin/grants', { ...good.grant, username: SQL }, ['username']],
];

t.test('each refusal is problem+json and names its fields', (t) =>
  refuseAll(t, { anon: fixture.browser(), viewer, model, admin }, cases),
);

t.test('bodies that are not what they say', async (t) => {
  const send = (payload: string, type = 'application/json') =>
    fixture.browser().send({
      method: 'POST',
      url: '/api/v1/auth/login',
      payload,
      headers: { 'content-type': type },
    });
  const wanted: [Promise<{ statusCode: number; json: () => unknown }>, number, string][] = [
    [send('{"login":'), 400, 'BAD_JSON'],
    [send(''), 400, 'BAD_JSON'],
    [send('{"__proto__":{"isAdmin":true},"login":"a","password":"b"}'), 400, 'BAD_JSON'],
    [send('{"constructor":{"prototype":{}},"login":"a","password":"b"}'), 400, 'BAD_JSON'],
    [send('"text"'), 400, 'BAD_INPUT'],
    [send('null'), 400, 'BAD_INPUT'],
    [send('[]'), 400, 'BAD_INPUT'],
    [send(JSON.stringify({ login: 'x'.repeat(40_000), password: 'x' })), 413, 'BODY_TOO_LARGE'],
    [
      send('login=a&password=b', 'application/x-www-form-urlencoded'),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [send('{}', 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [send('<x/>', 'application/xml'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [send('['.repeat(5_000)), 400, 'BAD_JSON'],
  ];
  for (const [request, status, code] of wanted) {
    const answer = await request;
    t.equal(answer.statusCode, status, code);
    t.equal((answer.json() as Problem).code, code);
  }
});

t.test('unknown addresses and methods are problems, not pages', async (t) => {
  const tries: [string, 'GET' | 'POST' | 'DELETE' | 'PUT'][] = [
    ['/api/v1/nothing', 'GET'],
    ['/api/v1/rooms', 'DELETE'],
    ['/api/v1/auth/login', 'GET'],
    ['/api/v1/../../../etc/passwd', 'GET'],
    ['/api/v1/health', 'GET'],
    ['/api/v2/rooms', 'PUT'],
  ];
  for (const [url, method] of tries) {
    const answer = await fixture.browser().send({ method, url });
    t.equal(answer.statusCode, 404, url);
    t.equal(answer.json<Problem>().code, 'NOT_FOUND', url);
  }
  const bad = await fixture.browser().get('/api/v1/rooms/%E0%A4%A');
  t.equal(bad.statusCode, 400);
  t.match(bad.json(), { code: 'BAD_REQUEST' });
});

t.test('what another site makes a browser send is refused', async (t) => {
  const tip = (headers: Record<string, string>) =>
    viewer.post('/api/v1/rooms/mira/tips', good.tip, headers);
  const foreign: Record<string, string>[] = [
    { 'x-showbill': '' },
    { 'x-showbill': '0' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://site.test.evil.example' },
    { origin: 'http://site.test:81' },
    { 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of foreign) {
    const answer = await tip(headers);
    t.equal(answer.statusCode, 403, JSON.stringify(headers));
    t.equal(answer.json<Problem>().code, 'CSRF_REFUSED');
  }
  t.equal(await money.balanceOf(viewerUser.id), 1_000_000n);
  t.equal((await tip({ origin: 'http://site.test' })).statusCode, 200);
  t.equal(await money.balanceOf(viewerUser.id), 999_000n);
});

t.test('forged cookies are nobody and break nothing', async (t) => {
  for (const value of ['%', 'x'.repeat(8_000), '{"sub":"1"}', 'a.b.c', "'; DROP TABLE user; --"]) {
    const visitor = fixture.browser();
    for (const name of ['sb_access', 'sb_refresh', 'sb_anon']) visitor.cookies.set(name, value);
    t.equal((await visitor.get('/api/v1/me')).statusCode, 401);
    t.equal((await visitor.post('/api/v1/auth/refresh')).statusCode, 401);
    t.equal((await visitor.post('/api/v1/rooms/mira/enter')).statusCode, 200);
    t.match(visitor.cookies.get('sb_anon'), /^[A-Za-z0-9_-]{22}$/, 'gets an id of ours');
  }
});

t.test('text is stored and given back as it is, never as markup', async (t) => {
  const title = `"><img src=x onerror=alert(1)>${SCRIPT}`;
  const changed = await model.patch('/api/v1/model/room', { title, topic: SQL });
  t.equal(changed.statusCode, 200);
  const shown = await fixture.browser().get('/api/v1/rooms/mira');
  t.match(shown.json(), { title, topic: SQL });
  t.match(shown.headers['content-type'], /^application\/json/);
  t.equal(shown.headers['x-content-type-options'], 'nosniff');
  t.equal(room.slug, 'mira');
});
