// Workers end to end on real Redis and real sockets: access, backlog, order over two nodes, resume,
// errors.
import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import { WebSocket } from 'ws';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import {
  captureLog,
  seededRandom,
  silentLog,
  startRedis,
  startTcpProxy,
  until,
} from '../../cluster/testing/index.js';
import { RealtimeError } from '../client/index.js';
import { createPublisher } from '../index.js';
import { jsonCodec, limits, msgpackCodec, type ServerMessage } from '../protocol/index.js';
import {
  connectToken,
  roomTicket,
  startClient,
  startWorker,
  tokens,
  watch,
} from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const publisher = createPublisher({ redis, log: silentLog });

let rooms = 0;
const newRoom = (): string => `room:${(rooms += 1)}`;
const tip = (room: string, n: number) =>
  publisher.publish(room, {
    kind: 't',
    body: { text: `t${n}` },
    cls: 'reliable',
    mid: `${room}-${n}`,
  });

/** A bare socket: what it sends and gets is up to the test. */
async function rawSocket(url: string, protocol = 'rt1.json') {
  const socket = new WebSocket(url, [protocol]);
  const got: unknown[] = [];
  const closed = once(socket, 'close').then(([code]) => code as number);
  socket.on('message', (data: Buffer, isBinary) => {
    const decoded = isBinary ? msgpackCodec.decode(data) : jsonCodec.decode(data.toString());
    if (decoded.ok) got.push(...decoded.items);
  });
  await once(socket, 'open');
  return { socket, got, closed };
}

t.test('two clients on two workers talk, in msgpack and in JSON, each message once', async (t) => {
  const one = await startWorker(t, server.url);
  const two = await startWorker(t, server.url);
  const room = newRoom();
  const anna = watch(t, [one.url], room, { sub: '1' });
  const ben = watch(t, [two.url], room, { sub: '2', encoding: 'rt1.json' });
  await until(() => anna.events.length > 0 && ben.events.length > 0, { what: 'both ready' });
  const [first, second] = await Promise.all([
    anna.client.publish(room, 'hello'),
    ben.client.publish(room, 'hi  there\n<b>'),
  ]);
  t.same([first.offset, second.offset].sort(), [1, 2]);
  await until(() => anna.texts().length >= 2 && ben.texts().length >= 2, { what: 'both shown' });
  t.same(anna.texts(), ben.texts(), 'the same order everywhere');
  t.same([...anna.texts()].sort(), ['hello', 'hi there <b>']);
  const said = anna.messages.find((one) => one.body['text'] === 'hello');
  t.match(said, {
    kind: 'm',
    body: { from: { id: '1', name: 'name-1', role: 'viewer' } },
    isBacklog: false,
  });
});

t.test('all readers on all workers see one order, whoever publishes where', async (t) => {
  const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
  const room = newRoom();
  const people = Array.from({ length: 6 }, (_, at) =>
    watch(t, [workers[at % 2]?.url ?? ''], room, {
      sub: `p${at}`,
      level: 'performer',
      encoding: at % 3 === 0 ? 'rt1.json' : 'rt1.msgpack',
    }),
  );
  await until(() => people.every((one) => one.events.length > 0), { what: 'all ready' });
  const count = 20;
  const acknowledged = await Promise.all(
    people.flatMap(({ client }, at) =>
      Array.from({ length: count }, (_, n) => client.publish(room, `${at}.${n}`)),
    ),
  );
  const total = people.length * count;
  t.equal(new Set(acknowledged.map((ack) => ack.offset)).size, total);
  await until(() => people.every((one) => one.texts().length === total), { what: 'all shown' });
  const [first] = people;
  for (const one of people) {
    t.same(
      one.offsets(),
      Array.from({ length: total }, (_, at) => at + 1),
    );
    t.same(one.texts(), first?.texts());
  }
  for (const [at] of people.entries()) {
    const own = first?.texts().filter((text) => text.startsWith(`${at}.`));
    t.same(
      own,
      Array.from({ length: count }, (_, n) => `${at}.${n}`),
      'a sender keeps its order',
    );
  }
});

t.test('a newcomer gets the last 50 messages and then live ones, without a gap', async (t) => {
  const worker = await startWorker(t, server.url);
  const room = newRoom();
  for (let n = 1; n <= 60; n += 1) await tip(room, n);
  const viewers = Array.from({ length: 10 }, (_, at) =>
    watch(t, [worker.url], room, { sub: `v${at}` }),
  );
  for (let n = 61; n <= 120; n += 1) await tip(room, n);
  await until(() => viewers.every((one) => one.offsets().at(-1) === 120), {
    what: 'all caught up',
  });
  for (const { offsets, messages } of viewers) {
    const [from = 0] = offsets();
    t.ok(from >= 11 && from <= 71, `starts at ${from}`);
    t.same(
      offsets(),
      Array.from({ length: 121 - from }, (_, at) => from + at),
    );
    t.equal(messages[0]?.isBacklog, true);
  }
});

t.test('killed sockets resume on whatever worker: nothing lost, nothing twice', async (t) => {
  const random = seededRandom(t);
  const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
  const proxies = await Promise.all(
    workers.map((worker) => startTcpProxy(t, { targetPort: worker.port })),
  );
  const urls = proxies.map((proxy) => `ws://127.0.0.1:${proxy.port}`);
  const room = newRoom();
  const viewers = Array.from({ length: 8 }, (_, at) =>
    watch(t, random.shuffle(urls), room, {
      sub: `v${at}`,
      encoding: at % 2 ? 'rt1.json' : 'rt1.msgpack',
    }),
  );
  await until(() => viewers.every((one) => one.events.length > 0), { what: 'all ready' });
  const total = 200;
  for (let n = 1; n <= total; n += 1) {
    await tip(room, n);
    if (n % 20 === 0) for (const proxy of proxies) if (random.chance(0.7)) proxy.cut();
  }
  await until(() => viewers.every((one) => one.offsets().at(-1) === total), {
    what: 'all caught up',
  });
  for (const { offsets, events } of viewers) {
    t.same(
      offsets(),
      Array.from({ length: total }, (_, at) => at + 1),
    );
    t.notOk(events.includes('lost'));
  }
  t.ok(
    viewers.some((one) => one.events.includes('recovered')),
    'links were cut indeed',
  );
});

t.test('messages given to a client offline are sent in order, once', async (t) => {
  const worker = await startWorker(t, server.url);
  const proxy = await startTcpProxy(t, { targetPort: worker.port });
  const room = newRoom();
  const anna = watch(t, [`ws://127.0.0.1:${proxy.port}`], room, { sub: '1' });
  await until(() => anna.events.length > 0, { what: 'ready' });
  await proxy.refuse();
  const texts = ['one', 'two', 'three'];
  const acks = Promise.all(texts.map((text) => anna.client.publish(room, text)));
  await until(() => anna.client.state !== 'online', { what: 'offline' });
  await proxy.heal();
  t.same(
    (await acks).map((ack) => ack.offset),
    [1, 2, 3],
  );
  await until(() => anna.texts().length === 3, { what: 'shown' });
  t.same(anna.texts(), texts);
});

t.test('the same mid from two tabs is one message with one offset', async (t) => {
  const worker = await startWorker(t, server.url);
  const room = newRoom();
  const tabs = [
    watch(t, [worker.url], room, { sub: '1' }),
    watch(t, [worker.url], room, { sub: '1' }),
  ];
  await until(() => tabs.every((tab) => tab.events.length > 0), { what: 'ready' });
  const acks = await Promise.all(tabs.map(({ client }) => client.publish(room, 'once', 'mid-1')));
  t.same(
    acks.map((ack) => ack.offset),
    [1, 1],
  );
  await publisher.publish(room, { kind: 't', body: { text: 'end' }, cls: 'reliable' });
  await until(() => tabs.every((tab) => tab.texts().includes('end')), { what: 'end' });
  for (const tab of tabs) t.same(tab.texts(), ['once', 'end']);
});

t.test('latest values come on subscribe and never go back', async (t) => {
  const worker = await startWorker(t, server.url);
  const balance = (version: number) =>
    publisher.publish('user:77', {
      kind: 'b',
      body: { amount: String(version), version },
      cls: 'latest',
      version,
    });
  await balance(5);
  const user = watch(t, [worker.url], 'user:77', { sub: '77' });
  await until(() => user.messages.length > 0, { what: 'balance on subscribe' });
  t.match(await balance(3), { isWritten: false });
  await balance(8);
  await balance(6);
  await balance(9);
  await until(() => user.messages.at(-1)?.version === 9, { what: 'the newest' });
  const versions = user.messages.map((one) => one.version ?? 0);
  t.same(
    versions,
    [...versions].sort((a, b) => a - b),
  );
  t.equal(versions[0], 5);
});

t.test(
  'access: tickets are bound to user, room, time and one use; levels decide who may write',
  async (t) => {
    const worker = await startWorker(t, server.url);
    const attempt = async (
      sub: string,
      channel: string,
      ticket?: string,
      role: 'anon' | 'viewer' = 'viewer',
    ): Promise<string> => {
      const client = startClient(t, [worker.url], { sub, role });
      const outcome = new Promise<string>((resolve) => {
        client.subscribe(channel, ticket === undefined ? {} : { ticket }, {
          onReady: () => resolve('ready'),
          onEnd: resolve,
        });
      });
      client.connect();
      return outcome;
    };
    const ticket = roomTicket('1', '900');
    t.equal(await attempt('2', 'room:900', ticket), 'bad_ticket', 'of another user');
    t.equal(await attempt('1', 'room:901', ticket), 'bad_ticket', 'of another room');
    t.equal(await attempt('1', 'room:900'), 'bad_ticket', 'none');
    t.equal(await attempt('1', 'room:900', ticket), 'ready');
    t.equal(await attempt('1', 'room:900', ticket), 'ticket_used', 'a second time');
    t.equal(await attempt('1', 'room:900', respelt(ticket)), 'ticket_used', 'in other letters');
    const old = tokens.sign('room', { sub: '1', room: '900', level: 'view' }, -1);
    t.equal(await attempt('1', 'room:900', old), 'ticket_expired');
    const access = tokens.sign('access', { sub: '1', room: '900', level: 'view' }, 60);
    t.equal(await attempt('1', 'room:900', access), 'bad_ticket', 'of another purpose');
    t.equal(await attempt('1', 'user:2'), 'forbidden');
    t.equal(await attempt('1', 'user:1'), 'ready');
    t.equal(await attempt('1', 'lobby'), 'ready');
    t.equal(await attempt('1', 'secrets'), 'unknown_channel');

    const matrix = {
      ghost: false,
      view: false,
      participant: true,
      performer: true,
      moderator: true,
      admin: true,
    };
    for (const [level, mayWrite] of Object.entries(matrix)) {
      const room = newRoom();
      const { client, events } = watch(t, [worker.url], room, {
        sub: '1',
        level: level as keyof typeof matrix,
      });
      await until(() => events.includes('ready'), { what: `${level} may read` });
      const said = await client.publish(room, 'x').then(
        () => true,
        (error: unknown) => error instanceof RealtimeError && error.code,
      );
      t.equal(said, mayWrite || 'forbidden', level);
    }
    const room = newRoom();
    const visitor = watch(t, [worker.url], room, {
      sub: 'anon:x',
      role: 'anon',
      level: 'participant',
    });
    await until(() => visitor.events.includes('ready'), { what: 'anon may read' });
    await t.rejects(visitor.client.publish(room, 'x'), { code: 'forbidden' });
    const client = startClient(t, [worker.url], { sub: '1' });
    client.connect();
    await t.rejects(client.publish('room:900', 'x'), { code: 'not_subscribed' });
  },
);

t.test('a bad or foreign token is told and closed with 4001; an ended one with 4201', async (t) => {
  const worker = await startWorker(t, server.url);
  const first = await rawSocket(worker.url);
  first.socket.send(JSON.stringify([{ c: 'connect', i: 1, token: `${connectToken('1')}x` }]));
  t.equal(await first.closed, 4001);
  t.match(first.got, [{ i: 1, e: ['bad_token'] }]);
  const second = await rawSocket(worker.url);
  second.socket.send(
    JSON.stringify([{ c: 'connect', i: 1, token: connectToken('1', 'viewer', 1) }]),
  );
  t.equal(await second.closed, 4201);
  const third = await rawSocket(worker.url);
  third.socket.send(
    JSON.stringify([{ c: 'connect', i: 1, token: connectToken('1', 'viewer', 1) }]),
  );
  third.socket.send(JSON.stringify([{ c: 'refresh', i: 2, token: connectToken('2') }]));
  third.socket.send(JSON.stringify([{ c: 'refresh', i: 3, token: connectToken('1') }]));
  await until(() => third.got.length === 3, { what: 'replies' });
  t.match(third.got, [
    { i: 1, r: {} },
    { i: 2, e: ['bad_token'] },
    { i: 3, r: {} },
  ]);
  third.socket.close();
});

t.test('broken frames get coded errors; eight of them end the connection with 4005', async (t) => {
  const worker = await startWorker(t, server.url);
  const { socket, got, closed } = await rawSocket(worker.url);
  socket.send('nonsense');
  socket.send(Buffer.from([0x90]));
  socket.send(JSON.stringify([{ c: 'ping', i: 1 }]));
  socket.send(JSON.stringify([{ c: 'connect', i: 2, token: connectToken('1') }]));
  socket.send(JSON.stringify([{ c: 'what', i: 3 }, { c: 'sub', i: 4 }, [1], 7]));
  socket.send(JSON.stringify(Array.from({ length: 21 }, (_, i) => ({ c: 'ping', i }))));
  socket.send('[[[[[[[[[[1]]]]]]]]]]');
  t.equal(await closed, 4005);
  const codes = (got as ServerMessage[]).map((one) =>
    'e' in one ? `${one.i} ${one.e[0]}` : 'i' in one && one.i,
  );
  t.same(codes.sort(), [
    '0 bad_command', '0 bad_command', '0 bad_frame', '0 bad_frame', '0 bad_frame', '0 bad_frame',
    '1 not_connected', '3 unknown_command', '4 bad_command', 2,
  ].sort()); // prettier-ignore
  const big = await rawSocket(worker.url);
  big.socket.send('x'.repeat(limits.frameBytesMax + 1));
  t.equal(await big.closed, 1006, 'an oversized frame');
});

t.test('a flood is slowed down with the time to wait, and ended when it goes on', async (t) => {
  const worker = await startWorker(t, server.url);
  const { socket, got, closed } = await rawSocket(worker.url);
  socket.send(JSON.stringify([{ c: 'connect', i: 1, token: connectToken('1') }]));
  for (let frame = 0; frame < 15; frame += 1) {
    socket.send(JSON.stringify(Array.from({ length: 20 }, (_, i) => ({ c: 'ping', i: i + 2 }))));
  }
  t.equal(await closed, 4113);
  const refusals = (got as ServerMessage[]).flatMap((one) => ('e' in one ? [one.e] : []));
  t.ok(refusals.length > 0);
  for (const [code, , retryMs = 0] of refusals) t.ok(code === 'rate_limited' && retryMs > 0);
});

t.test(
  'handshakes: foreign origins, unknown sub-protocols and plain requests are refused',
  async (t) => {
    const worker = await startWorker(t, server.url, {
      isOriginAllowed: (origin) => origin !== 'https://evil.example',
    });
    const status = async (path: string, headers: Record<string, string>): Promise<number> => {
      const socket = connectTcp(worker.port, '127.0.0.1');
      const all = { host: 'x', ...headers };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
      const [data] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return Number(/ (\d{3}) /.exec(data.toString())?.[1]);
    };
    const upgrade = {
    connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'rt1.json',
  }; // prettier-ignore
    t.equal(await status('/', upgrade), 101);
    t.equal(await status('/', { ...upgrade, origin: 'https://evil.example' }), 403);
    t.equal(await status('/', { ...upgrade, 'sec-websocket-protocol': 'chat' }), 400);
    t.equal(await status('/', {}), 426);
  },
);

t.test('viewer counts: tabs are one viewer, ghosts none, all workers add up', async (t) => {
  const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
  const [one, two] = workers.map((worker) => worker.url) as [string, string];
  const room = newRoom();
  const anna = watch(t, [one], room, { sub: '1' });
  const others = [
    watch(t, [one], room, { sub: '1' }),
    watch(t, [two], room, { sub: '2' }),
    watch(t, [two], room, { sub: '3', level: 'ghost' }),
  ];
  const count = (): unknown =>
    anna.messages.filter((message) => message.kind === 'v').at(-1)?.body['count'];
  await until(() => count() === 2, { what: 'two viewers' });
  await others[1]?.client.call({ c: 'unsub', ch: room });
  await until(() => count() === 1, { what: 'one viewer' });
});

t.test('each connection ends with one log line that says why', async (t) => {
  const { log, lines } = captureLog('info');
  const worker = await startWorker(t, server.url, { log });
  const { socket, got } = await rawSocket(worker.url);
  socket.send(JSON.stringify([{ c: 'connect', i: 1, token: connectToken('1') }]));
  await until(() => got.length > 0, { what: 'reply' });
  socket.close(1000);
  const closed = () => lines.filter((line) => line['event'] === 'connection.closed');
  await until(() => closed().length > 0, { what: 'log line' });
  t.match(closed(), [
    { user: '1', code: 1000, commands: 1, transport: 'websocket', address: '127.0.0.1' },
  ]);
  t.notOk(JSON.stringify(lines).includes(connectToken('1').slice(-20)), 'no token in the log');
});

/** The same bytes: the last of the 43 characters of a signature holds two bits that say nothing. */
function respelt(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + letters.charAt(letters.indexOf(token.slice(-1)) ^ 1);
}
