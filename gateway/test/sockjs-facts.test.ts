// The facts of sockjs-protocol 0.3.3, one after another, against our SockJS listener with an echo
// behind it. Numbered as its 68 tests are grouped. What is not offered on purpose (iframes, the raw
// WebSocket, cookies: docs/protocol.md) is a fact of its own: it is not there.
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { createMetrics } from '../../cluster/index.js';
import { silentLog, until } from '../../cluster/testing/index.js';
import { createGatewayMetrics } from '../metrics.js';
import { createSockJsTransport } from '../transports/sockjs.js';
import { closings, encodings, polls, streams } from './sockjs-facts-sessions.js';
import { Stage, type Fact } from './sockjs-stage.js';

const stage = await startStage();

async function startStage(): Promise<Stage> {
  const open = new Stage();
  const transport = createSockJsTransport({
    events: {
      onOpen: (session) => open.sessions.push(session),
      onFrame: (session, frame) => void session.socket.send(frame),
      onDropped: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    },
    metrics: createGatewayMetrics(createMetrics('gateway', { process: false })),
    log: silentLog,
    nowMs: () => Date.now(),
    addressOf: (peer) => peer,
    isOriginAllowed: () => true,
    admit: () => undefined,
    baseUrl: () => '',
    idleTimeoutSec: 60,
    backpressureBytes: 1_000_000,
  });
  t.teardown(() => transport.close());
  open.port = await transport.listen('127.0.0.1', 0);
  return open;
}

const greeting: readonly Fact[] = [
  [
    'the base address says welcome, with and without a slash, and sets no cookie',
    async (t) => {
      for (const path of ['', '/']) {
        const { status, headers, text } = await stage.ask('GET', path);
        t.same([status, text], [200, 'Welcome to SockJS!\n']);
        t.equal(headers.get('content-type'), 'text/plain; charset=UTF-8');
        t.equal(headers.get('set-cookie'), null);
      }
    },
  ],
  [
    'what is not there is not found',
    async (t) => {
      for (const path of ['/a', '/a.html', '//', '///', '/a/a', '/a/a/', '/a', '/a/']) {
        const { status, headers } = await stage.ask('GET', path);
        t.equal(status, 404, path);
        t.equal(headers.get('set-cookie'), null);
      }
    },
  ],
];

const iframePaths = {
  'plain address': ['/iframe.html'],
  'address with a version': ['/iframe-a.html', '/iframe-.html', '/iframe-0.1.2.html'],
  'address with a query': ['/iframe.html?t=1', '/iframe-a.html?t=1234&v=1'],
  'addresses that were never one': ['/iframe.htm', '/iframe', '/IFRAME.HTML', '/iframe/.html'],
  'page asked for by its tag': ['/iframe-0.1.2abc.html'],
};
const iframes: readonly Fact[] = Object.entries(iframePaths).map(([what, paths]) => [
  `there is no iframe page: ${what}`,
  async (t) => {
    for (const path of paths) {
      const { status } = await stage.ask('GET', path, { headers: { 'if-none-match': '"x"' } });
      t.equal(status, 404, path);
    }
  },
]);

const readInfo = async () =>
  JSON.parse((await stage.ask('GET', '/info')).text) as Record<string, unknown>;
const infos: readonly Fact[] = [
  [
    'it tells what the server can do, and is not cached',
    async (t) => {
      const { status, headers, text } = await stage.ask('GET', '/info', { origin: 'http://a.b' });
      t.equal(status, 200);
      t.match(headers.get('content-type'), /application\/json; charset=UTF-8/);
      t.match(headers.get('cache-control'), /no-store, no-cache.*must-revalidate.*max-age=0/);
      t.equal(headers.get('expires'), null);
      t.match(JSON.parse(text), { websocket: true, cookie_needed: false, origins: ['*:*'] });
      stage.assertCors(t, headers, 'http://a.b');
    },
  ],
  [
    'entropy is a 32-bit number, another one each time',
    async (t) => {
      const all = [await readInfo(), await readInfo(), await readInfo()].map((one) =>
        Number(one['entropy']),
      );
      t.equal(new Set(all).size, 3);
      for (const one of all) t.ok(Number.isInteger(one) && one >= 0 && one < 2 ** 32);
    },
  ],
  ['pages may ask for it (OPTIONS)', (t) => stage.assertOptions(t, '/info', 'OPTIONS, GET')],
  [
    'a page without an origin of its own is answered as null',
    async (t) => {
      const { status, headers } = await stage.ask('OPTIONS', '/info', { origin: 'null' });
      t.ok(status === 200 || status === 204);
      stage.assertCors(t, headers, 'null');
    },
  ],
  [
    'it says true where WebSocket is on',
    async (t) => t.equal((await readInfo())['websocket'], true),
  ],
];

const sessionUrls: readonly Fact[] = [
  [
    'server and session may have any name, with or without a slash at the end',
    async (t) => {
      for (const path of ['/a/a', '/_/_', '/1/1', '/abcdefgh_i-j%20/abcdefg_i-j%20']) {
        const unique = path.replace(/[^/]+$/, (name) => `${name}${stage.nextId()}`);
        const { status, text } = await stage.ask('POST', `${unique}/xhr`);
        t.same([status, text], [200, 'o\n'], path);
      }
    },
  ],
  [
    'dots and empty names are not found',
    async (t) => {
      for (const path of ['//', '/a./a', '/a/a.', '/./.', '/', '///', '//a', '/a//', '/a/']) {
        const { status } = await stage.raw(`POST /rt${path}/xhr HTTP/1.1\r\nhost: x\r\n\r\n`);
        t.equal(status, 404, path);
      }
    },
  ],
  [
    'the name of the server does not matter to a session',
    async (t) => {
      const id = stage.nextId();
      t.equal((await stage.ask('POST', `/000/${id}/xhr`)).text, 'o\n');
      t.equal((await stage.ask('POST', `/000/${id}/xhr_send`, { body: '["a"]' })).status, 204);
      t.equal((await stage.ask('POST', `/999/${id}/xhr`)).text, 'a["a"]\n');
    },
  ],
];

const handshake = (path: string, more: readonly string[]): string =>
  [`GET /rt${path} HTTP/1.1`, 'host: x', ...more, '', ''].join('\r\n');
const wsErrors: readonly Fact[] = [
  [
    'without an upgrade it is refused, in words',
    async (t) => {
      const { status, text } = await stage.ask('GET', '/0/0/websocket');
      t.same([status, text], [400, 'Not a valid websocket request']);
    },
  ],
  [
    'an upgrade needs the connection header',
    async (t) => {
      const wrong = handshake('/0/0/websocket', ['upgrade: WebSocket', 'connection: close']);
      t.equal((await stage.raw(wrong)).status, 400);
    },
  ],
  [
    'another method is refused with the one that is allowed',
    async (t) => {
      const { status, headers, text } = await stage.ask('POST', '/0/0/websocket');
      t.same([status, text], [405, '']);
      t.equal(headers.get('allow'), 'GET');
      t.equal(headers.get('content-type'), null);
    },
  ],
];

interface Line {
  readonly socket: WebSocket;
  readonly frames: string[];
}

function dial(t: Test, path = stage.path()): Line {
  const socket = new WebSocket(`ws://127.0.0.1:${stage.port}/rt${path}/websocket`);
  const frames: string[] = [];
  socket.on('message', (data: Buffer) => frames.push(data.toString()));
  socket.on('error', () => undefined);
  t.teardown(() => socket.terminate());
  return { socket, frames };
}

const has = (line: Line, count: number): Promise<unknown> =>
  until(() => line.frames.length >= count, { what: `${count} frames` });
const isClosed = ({ socket }: Line): Promise<unknown> =>
  until(() => socket.readyState === WebSocket.CLOSED, { what: 'closed' });

/** A WebSocket of before the standard, which sends eight bytes after its headers. */
function dialOld(t: Test): { readonly socket: Socket; readonly got: () => Buffer } {
  let got = Buffer.alloc(0);
  const socket = connect(stage.port, '127.0.0.1');
  socket.on('data', (data) => (got = Buffer.concat([got, data])));
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  const keys = [
    'sec-websocket-key1: 4 @1  46546xW%0l 1 5',
    'sec-websocket-key2: 12998 5 Y3 1  .P00',
  ];
  const upgrade = ['upgrade: WebSocket', 'connection: Upgrade', 'origin: http://x', ...keys];
  socket.write(handshake(`${stage.path()}/websocket`, upgrade));
  return { socket, got: () => got };
}

const webSockets: readonly Fact[] = [
  [
    'it opens, says what it hears, and takes lists',
    async (t) => {
      const line = dial(t);
      await has(line, 1);
      line.socket.send('["a"]');
      line.socket.send('["b","c"]');
      await has(line, 4);
      t.same(line.frames, ['o', 'a["a"]', 'a["b"]', 'a["c"]']);
    },
  ],
  [
    'who is sent away hears why before the end',
    async (t) => {
      const line = dial(t);
      await has(line, 1);
      stage.sessions.at(-1)?.socket.end(3000, 'Go away!');
      await isClosed(line);
      t.same(line.frames, ['o', 'c[3000,"Go away!"]']);
    },
  ],
  [
    'empty frames mean nothing',
    async (t) => {
      const line = dial(t);
      await has(line, 1);
      line.socket.send('');
      line.socket.send('"a"');
      await has(line, 2);
      t.same(line.frames, ['o', 'a["a"]']);
    },
  ],
  [
    'a session id may come again, also at the same time',
    async (t) => {
      const path = stage.path();
      const [first, second] = [dial(t, path), dial(t, path)];
      await Promise.all([has(first, 1), has(second, 1)]);
      first.socket.send('"one"');
      second.socket.send('"two"');
      await Promise.all([has(first, 2), has(second, 2)]);
      t.same([first.frames[1], second.frames[1]], ['a["one"]', 'a["two"]']);
    },
  ],
  [
    'an old handshake is answered before its last eight bytes, as balancers need it',
    async (t) => {
      const { socket, got } = dialOld(t);
      await until(() => got().includes('\r\n\r\n'), { what: 'headers' });
      t.match(got().toString('latin1'), /^HTTP\/1\.1 101 /);
      socket.write('^n:ds[4U');
      await until(() => got().includes(Buffer.from('\x00o\xff', 'latin1')), {
        what: 'the opening',
      });
      t.ok(got().includes("8jKS'y:G*Co,Wxa-"), 'with the proof that was asked for');
    },
  ],
  [
    'broken JSON ends it',
    async (t) => {
      const line = dial(t);
      await has(line, 1);
      line.socket.send('["a');
      await isClosed(line);
      t.same(line.frames, ['o']);
    },
  ],
  [
    'the handshake has the headers of a handshake and no others; Firefox may add keep-alive',
    async (t) => {
      const { status, head } = await stage.raw(
        handshake(`${stage.path()}/websocket`, [
          'upgrade: websocket',
          'connection: keep-alive, Upgrade',
          'sec-websocket-version: 13',
          'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
        ]),
      );
      t.equal(status, 101);
      t.match(head, /upgrade: websocket/i);
      t.match(head, /connection: upgrade/i);
      t.match(head, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
      t.notMatch(head, /content-length|transfer-encoding/i);
    },
  ],
];

const cookies: readonly Fact[] = (
  [
    ['GET', '/info'],
    ['POST', '/xhr'],
    ['POST', '/xhr_streaming'],
    ['GET', '/eventsource'],
    ['GET', '/htmlfile?c=x'],
    ['GET', '/jsonp?c=x'],
  ] as const
).map(([method, path]) => [
  `no cookie is needed, and none is set: ${path}`,
  async (t) => {
    const where = path === '/info' ? path : `${stage.path()}${path}`;
    const { head } = await stage.first(method, where, { cookie: 'JSESSIONID=abc' });
    t.match(head, /^HTTP\/1\.1 200 /);
    t.notMatch(head, /set-cookie/i);
  },
]);

const rawWebSocket: readonly Fact[] = [
  [
    'there is no raw WebSocket',
    async (t) => t.equal((await stage.ask('GET', '/websocket')).status, 404),
  ],
  [
    '… nor a handshake for it',
    async (t) => {
      const upgrade = ['upgrade: websocket', 'connection: Upgrade', 'sec-websocket-version: 13'];
      const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==';
      t.equal((await stage.raw(handshake('/websocket', [...upgrade, key]))).status, 404);
    },
  ],
];

const http: readonly Fact[] = [
  [
    'HTTP/1.0: an answer of known length, or one that ends with the connection',
    async (t) => {
      const { status, head, text } = await stage.raw(
        'GET /rt HTTP/1.0\r\nconnection: keep-alive\r\n\r\n',
      );
      t.equal(status, 200);
      t.notMatch(head, /transfer-encoding/i);
      t.equal(text, 'Welcome to SockJS!\n');
    },
  ],
  [
    'HTTP/1.0: a stream is not chunked',
    async (t) => {
      const { head, text } = await stage.first(
        ...(['POST', `${stage.path()}/xhr_streaming`, {}, '1.0', 'o\n'] as const),
      );
      t.notMatch(head, /transfer-encoding|content-length/i);
      t.equal(text, `${'h'.repeat(2_048)}\no\n`);
    },
  ],
  [
    'HTTP/1.1: a connection serves one request after another',
    async (t) => {
      const socket = connect(stage.port, '127.0.0.1');
      t.teardown(() => socket.destroy());
      let got = '';
      socket.on('data', (data) => (got += data.toString('latin1')));
      for (let round = 1; round <= 2; round += 1) {
        socket.write('GET /rt HTTP/1.1\r\nhost: x\r\n\r\n');
        await until(() => got.split('Welcome to SockJS!\n').length === round + 1, { what: 'more' });
      }
      t.equal(got.match(/HTTP\/1\.1 200/g)?.length, 2);
    },
  ],
  [
    'HTTP/1.1: a stream is chunked',
    async (t) => {
      const { head, text } = await stage.first(
        ...(['POST', `${stage.path()}/xhr_streaming`, {}, '1.1', 'o\n'] as const),
      );
      t.match(head, /transfer-encoding: chunked/i);
      t.match(text, /^801\r\nh{2048}\n\r\n2\r\no\n/);
    },
  ],
];

const sections: readonly (readonly [name: string, facts: readonly Fact[]])[] = [
  ['greeting', greeting],
  ['iframe', iframes],
  ['info', infos],
  ['session addresses', sessionUrls],
  ['protocol', closings(stage).slice(0, 2)],
  ['WebSocket errors', wsErrors],
  ['WebSocket', webSockets],
  ['polls and streams', [...polls(stage), ...streams(stage)]],
  ['cookies', cookies],
  ['raw WebSocket', rawWebSocket],
  ['encoding', encodings(stage)],
  ['closing', closings(stage).slice(2)],
  ['HTTP', http],
];

let number = 0;
for (const [section, facts] of sections) {
  for (const [what, prove] of facts) {
    number += 1;
    t.test(`fact ${number}, ${section}: ${what}`, (t) => prove(t));
  }
}
t.equal(number, 68, 'all of sockjs-protocol 0.3.3');
