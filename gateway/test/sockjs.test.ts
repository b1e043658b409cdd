// The fallback with the real sockjs-client: every transport that it has in Node, beside WebSocket
// clients, over breaks, with a reader that stalls.
import SockJS from 'sockjs-client';
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import {
  silentLog,
  startRedis,
  startTcpProxy,
  until,
  type TestScope,
} from '../../cluster/testing/index.js';
import type { WebSocketConstructor } from '../client/index.js';
import { createPublisher } from '../index.js';
import { startWorker, watch, type Watched } from './worker-harness.js';

const server = await startRedis(t);
const worker = await startWorker(t, server.url, { node: 'sj' });

const TRANSPORTS = ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling'] as const;

/** sockjs-client as the socket of the client library. */
function sockJs(transport: string): WebSocketConstructor {
  return function open(url: string) {
    return new SockJS(url, undefined, { transports: [transport] });
  } as unknown as WebSocketConstructor;
}

function watchSockJs(
  scope: TestScope,
  transport: string,
  channel: string,
  sub: string,
  url = worker.sockjsUrl,
): Watched {
  return watch(scope, [url], channel, { sub, encoding: 'rt1.json', WebSocket: sockJs(transport) });
}

const ready = (one: Watched): boolean => one.events.length > 0;

for (const transport of TRANSPORTS) {
  t.test(`${transport}: chat with a WebSocket client, both ways and in order`, async (t) => {
    const room = `room:both-${transport}`;
    const old = watchSockJs(t, transport, room, 'old');
    const young = watch(t, [worker.url], room, { sub: 'young' });
    await until(() => ready(old) && ready(young), { what: 'both are in' });
    for (let n = 0; n < 10; n += 1) {
      const [speaker, name] = n % 2 === 0 ? [old, 'old'] : [young, 'young'];
      await speaker.client.publish(room, `${name} ${n} äöü \u2028 🎉 "quoted"`);
    }
    const isDone = (one: Watched): boolean => one.texts().length === 10;
    await until(() => isDone(old) && isDone(young), { what: 'all messages' });
    t.same(old.texts(), young.texts());
    t.same(old.offsets(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  t.test(`${transport}: a cut link is resumed and nothing is lost`, async (t) => {
    const room = `room:cut-${transport}`;
    const proxy = await startTcpProxy(t, { targetPort: Number(new URL(worker.sockjsUrl).port) });
    const url = `http://127.0.0.1:${proxy.port}/rt`;
    const old = watchSockJs(t, transport, room, 'cut', url);
    const young = watch(t, [worker.url], room, { sub: 'steady' });
    await until(() => ready(old) && ready(young), { what: 'both are in' });
    for (let round = 0; round < 3; round += 1) {
      await young.client.publish(room, `before ${round}`);
      proxy.cut();
      await young.client.publish(room, `during ${round}`);
      await until(() => old.texts().at(-1) === `during ${round}`, { what: `round ${round}` });
    }
    t.same(old.texts(), young.texts());
    t.notOk(old.events.includes('lost'));
  });
}

for (const transport of ['xhr-streaming', 'xhr-polling'] as const) {
  t.test(`${transport}: a reader that stalls costs little and is caught up`, async (t) => {
    const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
    t.teardown(() => closeRedis(redis));
    const publisher = createPublisher({ redis, log: silentLog });
    const room = `room:slow-${transport}`;
    const proxy = await startTcpProxy(t, { targetPort: Number(new URL(worker.sockjsUrl).port) });
    const slow = watchSockJs(t, transport, room, 'slow', `http://127.0.0.1:${proxy.port}/rt`);
    const quick = watch(t, [worker.url], room, { sub: 'quick' });
    await until(() => ready(slow) && ready(quick), { what: 'both are in' });
    proxy.stall('toClient');
    const text = 'x'.repeat(20_000);
    for (let n = 0; n < 60; n += 1) {
      await publisher.publish(room, { kind: 't', body: { n, text }, cls: 'reliable' });
    }
    await until(() => quick.offsets().length === 60, { what: 'the quick one has all' });
    t.ok(slow.offsets().length < 60);
    t.match(await worker.gateway.scrape(), /showbill_gateway_slow_readers_total\S* [1-9]/);
    await proxy.heal();
    await until(() => slow.offsets().length === 60, { what: 'the slow one' });
    t.same(slow.offsets(), quick.offsets());
    t.notOk(slow.events.includes('lost'));
  });
}

t.test('a draining worker says where to go; the session moves and loses nothing', async (t) => {
  const leaving = await startWorker(t, server.url, { node: 'sj-leaving' });
  const room = 'room:drain';
  const steady = watch(t, [worker.url], room, { sub: 'steady' });
  const movers = TRANSPORTS.map((transport) =>
    watch(t, [leaving.sockjsUrl, worker.sockjsUrl], room, {
      sub: `mover-${transport}`,
      encoding: 'rt1.json',
      WebSocket: sockJs(transport),
    }),
  );
  await until(() => ready(steady) && movers.every(ready), { what: 'all are in' });
  const nodes = movers.map(() => '');
  for (const [at, { client }] of movers.entries()) {
    client.on('connected', ({ node }) => (nodes[at] = node));
  }
  const drained = leaving.gateway.drain(2_000);
  for (let n = 0; n < 5; n += 1) await steady.client.publish(room, `during ${n}`);
  await drained;
  await leaving.stop();
  await steady.client.publish(room, 'after');
  await until(() => movers.every((one) => one.texts().at(-1) === 'after'), { what: 'all moved' });
  for (const mover of movers) t.same(mover.texts(), steady.texts());
  t.ok(nodes.every((node) => node === 'sj'));
});
