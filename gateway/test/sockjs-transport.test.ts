// The SockJS listener at the level of HTTP: the facts of sockjs-protocol 0.3.3 beside the plain
// package, what it refuses, and what a session may hold back.
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { connect, type AddressInfo } from 'node:net';
import sockjs from 'sockjs';
import t from 'tap';
import { createMetrics } from '../../cluster/index.js';
import {
  captureLog,
  randomFromSeed,
  silentLog,
  until,
  type TestScope,
} from '../../cluster/testing/index.js';
import { createGatewayMetrics } from '../metrics.js';
import { limits } from '../protocol/index.js';
import type { Session } from '../session.js';
import { parseTarget } from '../transports/sockjs-request.js';
import { createSockJsTransport, type SockJsTransportOptions } from '../transports/sockjs.js';
import { quote } from '../transports/sockjs-socket.js';

interface Seen {
  readonly open: Session[];
  readonly frames: string[];
  readonly dropped: string[];
  readonly drains: Session[];
  readonly closed: [number, string][];
}

async function start(scope: TestScope, options: Partial<SockJsTransportOptions> = {}) {
  const seen: Seen = { open: [], frames: [], dropped: [], drains: [], closed: [] };
  const transport = createSockJsTransport({
    events: {
      onOpen: (session) => seen.open.push(session),
      onFrame: (_, frame) => seen.frames.push(String(frame)),
      onDropped: (_, frame) => seen.dropped.push(String(frame)),
      onDrain: (session) => seen.drains.push(session),
      onClose: (_, code, reason) => seen.closed.push([code, reason]),
    },
    metrics: createGatewayMetrics(createMetrics('gateway', { process: false })),
    log: silentLog,
    nowMs: () => Date.now(),
    addressOf: (peer) => peer,
    isOriginAllowed: (origin) => origin === '' || origin === 'http://site.test',
    admit: () => undefined,
    baseUrl: () => '',
    idleTimeoutSec: 60,
    ...options,
  });
  const port = await transport.listen('127.0.0.1', 0);
  scope.teardown(() => transport.close());
  return { transport, seen, port, base: `http://127.0.0.1:${port}/rt` };
}

/** The package as it comes, an echo service without any of our checks. */
async function startPlain(scope: TestScope): Promise<string> {
  const server = sockjs.createServer({ prefix: '/rt', log: () => undefined });
  server.on('connection', (connection) => {
    connection.on('data', (message) => connection.write(message));
  });
  const http = createServer();
  server.installHandlers(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  scope.teardown(() => {
    http.close();
    http.closeAllConnections();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/rt`;
}

interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

async function ask(url: string, { method = 'GET', body, headers = {} }: Asked = {}) {
  const init = body === undefined ? { method, headers } : { method, headers, body };
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const post = (url: string, body = '', headers: Record<string, string> = {}) =>
  ask(url, { method: 'POST', body, headers });

t.test('answers are those of the plain package', async (t) => {
  const { base, transport, seen } = await start(t);
  const plain = await startPlain(t);
  const echo = setInterval(() => {
    const text = seen.frames.shift();
    if (text !== undefined) seen.open.at(-1)?.socket.send(text);
  }, 1);
  t.teardown(() => clearInterval(echo));
  const session = '/000/abcdefgh';
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const steps: [string, Asked][] = [
    ['', {}],
    ['/', {}],
    ['/info', { method: 'OPTIONS', headers: { origin: 'http://site.test' } }],
    [`${session}/xhr_send`, { method: 'POST', body: '["x"]' }],
    [`${session}/xhr`, { method: 'OPTIONS', headers: { origin: 'http://site.test' } }],
    [`${session}/xhr`, { method: 'POST' }],
    [`${session}/xhr_send`, { method: 'POST' }],
    [`${session}/xhr_send`, { method: 'POST', body: '["x' }],
    [`${session}/xhr_send`, { method: 'POST', body: '{}' }],
    [`${session}/xhr_send`, { method: 'POST', body: '["\\u0000\\u200d\\ufff0 x 🎉"]' }],
    [`${session}/xhr`, { method: 'POST', headers: { origin: 'http://site.test' } }],
    ['/000/jp/jsonp?c=a%20b', {}],
    ['/000/jp/jsonp', {}],
    ['/000/jp/jsonp?c=cb', {}],
    ['/000/jp/jsonp_send', { method: 'POST', body: 'd=%5B%22y%22%5D', headers: form }],
    ['/000/jp/jsonp?c=cb', {}],
    ['/000/x/websocket', {}],
    ['/000/x/websocket', { method: 'POST' }],
    ['/000/x/htmlfile', {}],
  ];
  const kept = ['content-type', 'access-control-allow-origin', 'cache-control', 'allow'];
  for (const [path, asked] of steps) {
    const ours = await ask(base + path, asked);
    // The package keeps the sessions of all servers of a process in one map.
    const theirs = await ask(plain + path.replace('/000/', '/000/plain-'), asked);
    const name = `${asked.method ?? 'GET'} ${path}`;
    t.equal(ours.status, theirs.status, name);
    t.equal(ours.text, theirs.text, name);
    for (const header of kept) t.equal(ours.headers.get(header), theirs.headers.get(header), name);
  }
  transport.publish('nobody', 'x');
});

t.test('streams greet as the protocol says', async (t) => {
  const { base } = await start(t);
  const plain = await startPlain(t);
  for (const path of ['xhr_streaming', 'eventsource', 'htmlfile?c=cb']) {
    const firstBytes = async (root: string, id: string): Promise<string> => {
      const method = path === 'xhr_streaming' ? 'POST' : 'GET';
      const cut = new AbortController();
      const answer = await fetch(`${root}/000/${id}-${path.slice(0, 4)}/${path}`, {
        method,
        signal: cut.signal,
      });
      let text = '';
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString();
        if (/(^|\n)o\n|data: o|p\("o"\)/.test(text)) break;
      }
      cut.abort();
      return text;
    };
    t.equal(await firstBytes(base, 'o'), await firstBytes(plain, 'p'), path);
  }
});

t.test('a quoted frame is what the package would write', (t) => {
  const own = createRequire(import.meta.url)('sockjs/lib/utils.js') as {
    quote: (text: string) => string;
  };
  const random = randomFromSeed(7);
  const texts = Array.from({ length: 2_000 }, () => {
    const codes = Array.from({ length: random.int(1, 12) }, () => random.int(0, 0xffff));
    return String.fromCharCode(...codes);
  });
  t.same(texts.map(quote), texts.map(own.quote));
  t.end();
});

t.test('/info names this worker and is different each time', async (t) => {
  const { base } = await start(t, { baseUrl: (port) => `https://gw1.example.net:${port}/rt` });
  const info = async () => {
    const { text, headers } = await ask(`${base}/info`, {
      headers: { origin: 'http://site.test' },
    });
    t.equal(headers.get('access-control-allow-origin'), 'http://site.test');
    t.match(headers.get('cache-control'), /no-store/);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const [one, two] = [await info(), await info()];
  t.match(one, { websocket: true, cookie_needed: false, origins: ['*:*'] });
  t.match(one['base_url'], /^https:\/\/gw1\.example\.net:\d+\/rt$/);
  t.not(one['entropy'], two['entropy']);
  const plainInfo = await ask(`${(await start(t)).base}/info`);
  t.notMatch(plainInfo.text, 'base_url', 'nothing is invented where nothing is advertised');
});

t.test('heartbeats come when nothing else does', async (t) => {
  const { base } = await start(t, { heartbeatMs: 30 });
  t.equal((await post(`${base}/000/hb/xhr`)).text, 'o\n');
  t.equal((await post(`${base}/000/hb/xhr`)).text, 'h\n');
});

t.test('foreign pages, unknown paths and hostile ids are refused', async (t) => {
  const { base, seen, port } = await start(t);
  const origin = { origin: 'http://evil.test' };
  for (const path of ['/info', '/000/a/xhr', '/000/a/xhr_send']) {
    const method = path === '/info' ? 'GET' : 'POST';
    const answer = await ask(base + path, { method, headers: origin });
    t.equal(answer.status, 403, path);
    t.equal(answer.headers.get('access-control-allow-origin'), null);
  }
  const refused = [
    '/iframe.html',
    '/chunking_test',
    '/websocket',
    '/000/__proto__/xhr',
    '/000/constructor/xhr_send',
    '/000/a.b/xhr',
    `/000/${'a'.repeat(65)}/xhr`,
  ];
  for (const path of refused) t.equal((await post(base + path, '["x"]')).status, 404, path);
  const upgrade = await rawUpgrade(port, '/rt/websocket');
  t.match(upgrade, /^HTTP\/1\.1 404 /);
  t.match(await rawUpgrade(port, '/rt/0/a/websocket', 'http://evil.test'), /^HTTP\/1\.1 403 /);
  t.match(await rawUpgrade(port, '/rt/0/a/websocket'), /^HTTP\/1\.1 101 /);
  await until(() => seen.open.length === 1, { what: 'the good one' });
  t.equal(parseTarget('/rtx/000/a/xhr'), undefined);
});

function rawUpgrade(port: number, path: string, origin = 'http://site.test'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        [
          `GET ${path} HTTP/1.1`,
          'host: gw',
          `origin: ${origin}`,
          'connection: upgrade',
          'upgrade: websocket',
          'sec-websocket-version: 13',
          'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
          '',
          '',
        ].join('\r\n'),
      );
    });
    socket.once('error', reject);
    socket.once('data', (data) => {
      resolve(data.toString('latin1'));
      socket.destroy();
    });
  });
}

t.test('no more sessions: 503 with Retry-After, running ones go on', async (t) => {
  let isDraining = false;
  const { base } = await start(t, { admit: () => (isDraining ? 'draining' : undefined) });
  t.equal((await post(`${base}/000/old/xhr`)).text, 'o\n');
  isDraining = true;
  const refused = await post(`${base}/000/new/xhr`);
  t.equal(refused.status, 503);
  t.match(refused.headers.get('retry-after'), /^\d+$/);
  t.equal((await post(`${base}/000/old/xhr_send`, '["x"]')).status, 204);
});

t.test('bodies and frames are bounded', async (t) => {
  const { base, seen, port } = await start(t);
  t.equal((await post(`${base}/000/big/xhr`)).text, 'o\n');
  const huge = 'x'.repeat(17 * limits.frameBytesMax);
  t.equal((await post(`${base}/000/big/xhr_send`, JSON.stringify([huge]))).status, 413);
  const cut = await new Promise<string>((resolve) => {
    const chunked = request({ port, path: '/rt/000/big/xhr_send', method: 'POST' });
    chunked.on('error', (error) => resolve(error.message));
    chunked.on('response', (answer) => resolve(String(answer.statusCode)));
    for (let n = 0; n < 40; n += 1) chunked.write('x'.repeat(limits.frameBytesMax));
  });
  t.match(cut, /ECONNRESET|EPIPE|socket hang up/, 'also when the length is not declared');
  t.same(seen.closed, []);
  const large = 'x'.repeat(limits.frameBytesMax + 1);
  await post(`${base}/000/big/xhr_send`, JSON.stringify([large, 'next']));
  t.same(seen.closed, [[1009, 'frame too large']]);
  t.same(seen.frames, [], 'nothing after it is read');
  t.equal((await post(`${base}/000/big/xhr`)).text, 'c[1009,"frame too large"]\n');
});

t.test('what is no string counts as a broken frame', async (t) => {
  const { base, seen } = await start(t);
  await post(`${base}/000/odd/xhr`);
  await post(`${base}/000/odd/xhr_send`, '[1,null,{"a":1},["x"],"ok"]');
  t.same(seen.frames, ['', '', '', '', 'ok']);
});

t.test('a session that does not poll holds back a bounded amount, then drains', async (t) => {
  const backpressureBytes = 10_000;
  const { base, seen, transport } = await start(t, { backpressureBytes });
  await post(`${base}/000/lazy/xhr`);
  const [session] = seen.open;
  if (session === undefined) throw new Error('no session');
  session.socket.subscribe('1/j');
  const frame = `["${'y'.repeat(996)}"]`;
  for (let n = 0; n < 50; n += 1) transport.publish('1/j', frame);
  t.equal(seen.dropped.length, 40, 'the rest is reported, not kept');
  t.ok(session.socket.bufferedBytes() <= backpressureBytes);
  t.equal(session.socket.send(frame), 'dropped');
  const polled = await post(`${base}/000/lazy/xhr`);
  t.equal((JSON.parse(polled.text.slice(1)) as string[]).length, 10);
  await until(() => seen.drains.length === 1, { what: 'told' });
  t.equal(session.socket.bufferedBytes(), 0);
  for (let n = 0; n < 1_000; n += 1) session.socket.send('[]');
  const small = await post(`${base}/000/lazy/xhr`);
  t.ok((JSON.parse(small.text.slice(1)) as string[]).length <= 500, 'also in number');
});

t.test('goodbyes reach pollers that come later; nothing is said twice', async (t) => {
  const { base, seen, transport } = await start(t);
  await post(`${base}/000/bye/xhr`);
  const [session] = seen.open;
  session?.socket.subscribe('1/j');
  session?.socket.end(4200, 'draining');
  t.same(seen.closed, [[4200, 'draining']]);
  transport.publish('1/j', '["late"]');
  for (let n = 0; n < 2; n += 1) {
    t.equal((await post(`${base}/000/bye/xhr`)).text, 'c[4200,"draining"]\n');
  }
  session?.socket.end(4100, 'again');
  session?.socket.terminate();
  t.equal(seen.closed.length, 1);
});

t.test('a broken request is logged and does no harm', async (t) => {
  const { log } = captureLog();
  const { base, port } = await start(t, { log });
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET /rt/0/a/websocket HTTP/1.1\r\nhost: x\r\nupgrade: tcp\r\n');
      socket.write('connection: upgrade\r\n\r\n');
    });
    socket.on('data', () => socket.resetAndDestroy());
    socket.on('close', () => resolve());
  });
  t.equal((await ask(base)).status, 200);
});
