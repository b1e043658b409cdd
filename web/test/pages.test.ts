// Pages and headers: the single-page application, its assets, the content policy, paths that climb.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startSite } from './site-fixture.js';

const publicDir = await mkdtemp(join(tmpdir(), 'showbill-pages-'));
t.teardown(() => rm(publicDir, { recursive: true, force: true }));
await mkdir(join(publicDir, 'assets'));
await writeFile(join(publicDir, 'index.html'), '<!doctype html><title>Showbill</title>');
await writeFile(join(publicDir, 'assets', 'index-Ab12Cd34.js'), 'export {};');
await writeFile(join(publicDir, 'favicon.svg'), '<svg/>');
const fixture = await startSite(t, { publicDir });
fixture.gateways.push({
  id: 'gateway-9',
  address: {
    host: 'media7.example.net',
    port: '8090',
    sockjsPort: '8070',
    sockjs: 'https://sj.example.net/rt',
  },
  load: 0,
  isDraining: false,
});
const browser = fixture.browser();

t.test('every address of the application gives the page, always fresh', async (t) => {
  for (const path of ['/', '/r/mira', '/login', '/admin?x=1', '/model']) {
    const answer = await browser.get(path);
    t.equal(answer.statusCode, 200, path);
    t.match(answer.body, /Showbill/);
    t.equal(answer.headers['cache-control'], 'no-cache');
    t.match(answer.headers['content-type'], /^text\/html/);
  }
});

t.test('only a room without chat may stand in a frame, of the sites in the settings', async (t) => {
  for (const [path, ancestors] of [
    ['/r/mira?chat=0', 'https://conference.example'],
    ['/r/mira?x=1&chat=0', 'https://conference.example'],
    ['/r/mira', "'none'"],
    ['/r/mira?chat=01', "'none'"],
    ['/r/mira/x?chat=0', "'none'"],
    ['/account?chat=0', "'none'"],
    ['/login?next=/r/mira?chat=0', "'none'"],
  ] as const) {
    const policy = String((await browser.get(path)).headers['content-security-policy']);
    t.equal(/frame-ancestors ([^;]*)/.exec(policy)?.[1], ancestors, path);
  }
});

t.test('hashed assets are kept for a year, other files are asked for again', async (t) => {
  const asset = await browser.get('/assets/index-Ab12Cd34.js');
  t.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
  t.match(asset.headers['content-type'], /javascript/);
  t.equal((await browser.get('/favicon.svg')).headers['cache-control'], 'no-cache');
  const missing = await browser.get('/assets/gone-00000000.js');
  t.equal(missing.statusCode, 404, 'a missing asset is not the page');
});

t.test('paths that climb out of the directory give nothing', async (t) => {
  await writeFile(join(publicDir, '..', 'showbill-secret.txt'), 'secret');
  t.teardown(() => rm(join(publicDir, '..', 'showbill-secret.txt'), { force: true }));
  const climbs = [
    '/../showbill-secret.txt',
    '/..%2fshowbill-secret.txt',
    '/%2e%2e/showbill-secret.txt',
    '/assets/..%2f..%2fshowbill-secret.txt',
    '/assets/....//showbill-secret.txt',
    '/..\\showbill-secret.txt',
    '/%00',
    '/.env',
  ];
  for (const path of climbs) {
    const answer = await browser.get(path);
    t.notMatch(answer.body, /^secret/, path);
    t.ok(answer.statusCode < 500, path);
  }
});

t.test('the content policy allows our media hosts and nothing inline', async (t) => {
  const policyOf = async (headers: Record<string, string> = {}) => {
    const answer = await browser.get('/', headers);
    const text = String(answer.headers['content-security-policy']);
    return new Map(
      text.split(';').map((part) => {
        const [name = '', ...sources] = part.trim().split(/\s+/);
        return [name, sources];
      }),
    );
  };
  const policy = await policyOf();
  t.same(policy.get('script-src'), ["'self'"]);
  t.same(policy.get('style-src'), ["'self'"]);
  t.same(policy.get('object-src'), ["'none'"]);
  t.ok(policy.get('media-src')?.includes('blob:'));
  for (const source of ['ws://site.test:*', 'http://site.test:*', 'ws://media7.example.net:*']) {
    t.ok(policy.get('connect-src')?.includes(source), source);
  }
  t.ok(policy.get('connect-src')?.includes('https://sj.example.net'), 'its SockJS address');
  t.notMatch([...policy.values()].flat().join(' '), /unsafe|\s\*\s/);
  const hostile = await policyOf({ host: "x; script-src 'unsafe-inline' *" });
  t.same(hostile.get('script-src'), ["'self'"], 'a host header cannot write policy');
});

t.test('answers carry the usual armour and do not name the server', async (t) => {
  const { headers } = await browser.get('/api/v1/rooms');
  t.equal(headers['x-content-type-options'], 'nosniff');
  t.equal(headers['x-frame-options'], 'DENY');
  t.equal(headers['cache-control'], 'no-store');
  t.equal(headers['x-powered-by'], undefined);
  t.equal(headers['strict-transport-security'], undefined, 'only where cookies need https');
});
