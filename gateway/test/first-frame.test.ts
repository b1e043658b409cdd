// The first frame of a client may come with the handshake: what it asks for is answered in the same
// write as the handshake itself.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import t from 'tap';
import { WebSocket } from 'ws';
import { startRedis, until, type TestScope } from '../../cluster/testing/index.js';
import { codecOf, limits, offerOf, type Fields, type Subprotocol } from '../protocol/index.js';
import { connectToken, roomTicket, startClient, startWorker, watch } from './worker-harness.js';

const server = await startRedis(t);
const worker = await startWorker(t, server.url);

interface Answer {
  readonly status: number;
  readonly items: readonly unknown[];
  /** Of the close frame that came with it. */
  readonly closeCode: number | undefined;
}

/** What the server writes at once in answer to a handshake. */
async function shake(scope: TestScope, offer: readonly string[], more = ''): Promise<Answer> {
  const socket = connectTcp(worker.port, '127.0.0.1');
  scope.teardown(() => socket.destroy());
  const head =
    'GET / HTTP/1.1\r\nhost: gw\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
    `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n` +
    `sec-websocket-protocol: ${offer.join(', ')}\r\n${more}\r\n`;
  // In two parts: only then does the server put its limit on them.
  await new Promise((resolve) => socket.write(head.slice(0, -9), resolve));
  await immediate();
  await immediate();
  socket.write(head.slice(-9));
  const [data] = (await once(socket, 'data')) as [Buffer];
  const end = data.indexOf('\r\n\r\n');
  const status = Number(data.toString('latin1', 9, 12));
  let items: readonly unknown[] = [];
  let closeCode: number | undefined;
  for (let at = end + 4; status === 101 && at < data.length;) {
    const opcode = (data[at] ?? 0) & 0x0f;
    const short = data[at + 1] ?? 0;
    const start = at + (short === 126 ? 4 : 2);
    const payload = data.subarray(
      start,
      start + (short === 126 ? data.readUInt16BE(at + 2) : short),
    );
    at = start + payload.length;
    if (opcode === 8) {
      closeCode = payload.readUInt16BE(0);
      continue;
    }
    const name: Subprotocol = opcode === 1 ? 'rt1.json' : 'rt1.msgpack';
    const decoded = codecOf(name).decode(opcode === 1 ? payload.toString() : payload);
    if (decoded.ok) items = [...items, ...decoded.items];
  }
  return { status, items, closeCode };
}

function connectCommand(sub: string, room = `room:${sub}`) {
  const ticket = roomTicket(sub, room.slice('room:'.length));
  return { c: 'connect', i: 1, token: connectToken(sub), subs: [{ ch: room, ticket }] } as const;
}

t.test('the handshake and the reply to `connect` are one write, in both encodings', async (t) => {
  // Somebody is there, so that nothing has to be asked of Redis.
  const host = watch(t, [worker.url], 'lobby', { sub: 'host' });
  await until(() => host.events.length > 0, { what: 'in the lobby' });
  for (const name of ['rt1.json', 'rt1.msgpack'] as const) {
    const token = connectToken('10');
    const command = { c: 'connect', i: 7, token, subs: [{ ch: 'lobby' }] } as const;
    const { status, items } = await shake(t, offerOf(name, codecOf(name).encode([command])));
    t.equal(status, 101);
    t.match(items[0], { i: 7, r: { user: { id: '10' }, subs: [{ ch: 'lobby' }] } }, name);
  }
});

t.test('a first frame is taken like any other: errors have their codes', async (t) => {
  const junk = await shake(t, ['rt1.msgpack', 'first.wcHBwQ']);
  t.match(junk, { status: 101, items: [{ i: 0, e: ['bad_frame'] }], closeCode: undefined });
  const empty = await shake(t, ['rt1.json', 'first.']);
  t.match(empty, { status: 101, items: [{ i: 0, e: ['bad_frame'] }] });
  const other = await shake(t, offerOf('rt1.json', '[{"c":"ping","i":3}]'));
  t.match(other, { status: 101, items: [{ i: 3, e: ['not_connected'] }] });
  const refused = await shake(t, offerOf('rt1.json', '[{"c":"connect","i":1,"token":"x"}]'));
  t.match(refused, { status: 101, items: [{ i: 1, e: ['bad_token'] }], closeCode: 4001 });
  await until(() => worker.gateway.connectionCount() === 3, { what: 'the refused one to go' });
});

t.test('the largest first frame leaves half of the head to others; more is refused', async (t) => {
  const padding = 'x'.repeat(limits.firstFrameBytesMax - 31);
  const frame = `[{"c":"ping","i":3,"pad":"${padding}"}]`;
  const offer = offerOf('rt1.json', frame.padEnd(limits.firstFrameBytesMax));
  t.equal(offer.length, 2);
  const cookie = (length: number): string => `cookie: a=${'c'.repeat(length)}\r\n`;
  t.equal((await shake(t, offer, cookie(1_500))).status, 101);
  t.equal((await shake(t, offer, cookie(4_000))).status, 431);
});

/** Counts what is sent on the newest of its kind. */
class CountingWebSocket extends WebSocket {
  static frames = 0;

  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    CountingWebSocket.frames = 0;
  }

  override send(data: Parameters<WebSocket['send']>[0]): void {
    CountingWebSocket.frames += 1;
    super.send(data);
  }
}

t.test('the client connects and subscribes without a frame of its own', async (t) => {
  const one = watch(t, [worker.url], 'room:5', { sub: '50', WebSocket: CountingWebSocket });
  await until(() => one.events.length > 0, { what: 'in the room' });
  t.equal(CountingWebSocket.frames, 0);
  await one.client.publish('room:5', 'hello');
  await until(() => one.texts().includes('hello'), { what: 'what it said' });
});

t.test('what a header cannot carry comes as a frame', async (t) => {
  const client = startClient(t, [worker.url], { sub: '60', WebSocket: CountingWebSocket });
  const ready: string[] = [];
  for (let at = 0; at < 10; at += 1) {
    const ticket = roomTicket('60', `6${at}`);
    client.subscribe(`room:6${at}`, { ticket }, { onReady: ({ ch }) => void ready.push(ch) });
  }
  client.connect();
  await until(() => ready.length === 10, { what: 'in all rooms' });
  t.equal(CountingWebSocket.frames, 1);
});

/** A proxy that refuses heads with more than `max` bytes, as some do. */
async function startNarrowProxy(scope: TestScope, max: number) {
  const heads: number[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.once('data', (head: Buffer) => {
      heads.push(head.length);
      if (head.length > max) {
        client.end('HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n');
        return;
      }
      const upstream = connectTcp(worker.port, '127.0.0.1');
      sockets.add(upstream);
      upstream.on('error', () => undefined);
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  scope.teardown(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return { url: `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}`, heads, reset };
}

t.test('where a proxy refuses large heads, the next attempt says `connect` later', async (t) => {
  const proxy = await startNarrowProxy(t, 400);
  const one = watch(t, [proxy.url], 'room:8', { sub: '80' });
  await until(() => one.events.length > 0, { what: 'in the room' });
  t.equal(proxy.heads.length, 2);
  await one.client.publish('room:8', 'first');
  proxy.reset();
  await one.client.publish('room:8', 'second');
  await until(() => one.texts().length === 2, { what: 'both messages' });
  t.same(one.texts(), ['first', 'second']);
});

t.test('a ticket that is good once is good for one first frame', async (t) => {
  const offer = offerOf('rt1.json', codecOf('rt1.json').encode([connectCommand('90', 'room:9')]));
  const outcome = async (): Promise<Fields> => {
    const socket = new WebSocket(worker.url, offer);
    t.teardown(() => socket.terminate());
    const [data] = (await once(socket, 'message')) as [Buffer];
    const [reply] = JSON.parse(data.toString()) as [{ r: { subs: [Fields] } }];
    return reply.r.subs[0];
  };
  t.match(await outcome(), { ch: 'room:9', level: 'participant' });
  t.match(await outcome(), { ch: 'room:9', e: ['ticket_used'] });
});
