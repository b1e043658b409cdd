// What Prometheus reads of a worker: the table in docs/gateway-metrics.md is complete, and under a
// little traffic with a few faults each counter and histogram of it moves.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { closeRedis, connectRedis, createMetrics } from '../../cluster/index.js';
import { silentLog, startRedis, startTcpProxy, until } from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createGatewayControl } from '../control.js';
import { createPublisher } from '../publisher.js';
import { addressOf, shake } from './handshakes.js';
import { allIn, codeOf, enter } from './room-cast.js';
import { connectToken, roomTicket, startWorker, type TestWorker } from './worker-harness.js';

const doc = readFileSync(new URL('../../docs/gateway-metrics.md', import.meta.url), 'utf8');
const rows = [...doc.matchAll(/^\| `(showbill_\w+|nodejs_\w+|process_\w+)` *\| ([^|]*)\|/gm)].map(
  ([, name = '', labels = '']) => ({
    name,
    labels: [...labels.matchAll(/`(\w+)`/g)].map((m) => m[1]),
  }),
);

/** These need a Cluster, or ten seconds; see redis-cluster.test.ts and overflow.test.ts. */
const RARE = ['showbill_gateway_feed_moves_total', 'showbill_gateway_slow_readers_closed_total'];

/** Sum of what a metric shows over its labels; a histogram's number of observations. */
function total(text: string, name: string): number {
  const line = new RegExp(`^${name}(?:_count)?(?:\\{[^}]*\\})? (\\S+)$`, 'gm');
  return [...text.matchAll(line)].reduce((sum, [, value]) => sum + Number(value), 0);
}

t.test('the table holds every metric of the gateway, with its labels', async (t) => {
  const { url } = await startRedis(t);
  const { gateway } = await startWorker(t, url);
  const text = await gateway.scrape();
  const shown = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name).sort();
  const own = rows.filter(({ name }) => name.startsWith('showbill_'));
  t.same(own.map(({ name }) => name).sort(), shown);
  const ofNode = await createMetrics('gateway').registry.metrics();
  for (const { name } of rows.filter(({ name }) => !name.startsWith('showbill_'))) {
    t.match(ofNode, `# TYPE ${name} `, name);
  }
});

t.test('traffic and faults move every counter and histogram', async (t) => {
  const server = await startRedis(t);
  const [feeds, commands] = [
    await startTcpProxy(t, { targetPort: server.port }),
    await startTcpProxy(t, { targetPort: server.port }),
  ];
  const url = (port: number): string => `redis://127.0.0.1:${port}`;
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const worker = await startWorker(t, url(feeds.port), {
    commandUrl: url(commands.port),
    backpressureBytes: 16_384,
    isOriginAllowed: (origin) => origin === '',
  });
  const before = await worker.gateway.scrape();
  const room = 'room:m';
  const publisher = createPublisher({ redis, log: silentLog });

  await shake(t, addressOf(worker, 'websocket'), { origin: 'https://evil.test' });
  const link = await startTcpProxy(t, { targetPort: worker.port });
  const model = enter(t, worker.url, room, { sub: 'model', role: 'model', level: 'performer' });
  const anna = enter(t, `ws://127.0.0.1:${link.port}`, room, { sub: 'anna' });
  const ben = enter(t, worker.url, room, { sub: 'ben' });
  await allIn([model, anna, ben]);
  t.equal(await anna.say('hello'), 'ok');
  t.equal(
    codeOf(await model.client.call({ c: 'hist', ch: 'room:x' }).catch((e: unknown) => e)),
    'not_subscribed',
  );
  await model.room.moderate({ action: 'mute', user: 'ben', seconds: 60 });
  await createGatewayControl(worker.bus).send({ do: 'evict', room: 'm', user: 'ben', reason: 'x' });
  await until(() => ben.events.includes('end:kicked') || ben.events.length > 1, {
    what: 'evicted',
  });

  link.cut(); // anna resumes from the ring
  await until(() => anna.events.includes('recovered'), { what: 'resumed' });

  await redis.hincrby(channelKeys(room).meta, 'o', 1); // a message that nobody has
  await publisher.publish(room, { kind: 'n', body: { n: 1 }, cls: 'reliable' });
  await until(() => model.offsets().length >= 3, { what: 'the one behind the hole' });

  feeds.cut();
  await publisher.publish(room, { kind: 'n', body: { n: 2 }, cls: 'reliable' });
  await until(() => model.messages.some(({ body }) => body['n'] === 2), { what: 'filled' });

  await overflow(t, worker, publisher);
  commands.stall();
  const late = model.client.call({ c: 'hist', ch: room }).catch((thrown: unknown) => thrown);
  const publish = { c: 'pub', ch: room, mid: 'late', kind: 'm', body: { text: 'late' } } as const;
  t.equal(codeOf(await model.client.call(publish).catch((e: unknown) => e)), 'temporary');
  await commands.heal();
  await late;

  const name = (row: { readonly name: string }): string => row.name;
  const isGauge = new Set([...before.matchAll(/^# TYPE (\S+) gauge/gm)].map(([, one]) => one));
  const moving = rows.map(name).filter((one) => one.startsWith('showbill_') && !RARE.includes(one));
  const still = async (): Promise<string[]> => {
    const after = await worker.gateway.scrape();
    return moving.filter((one) => !isGauge.has(one) && total(after, one) <= total(before, one));
  };
  await until(async () => (await still()).length === 0, { what: 'all move' }).catch(
    () => undefined,
  );
  t.same(await still(), []);
  const text = await until(
    async () => {
      const now = await worker.gateway.scrape();
      return total(now, 'showbill_gateway_coordinated_rooms') > 0 && now;
    },
    { what: 'the room has its coordinator here' },
  );
  for (const one of [
    'connections',
    'sockets',
    'channels',
    'subscriptions',
    'event_loop_lag_seconds',
  ]) {
    t.ok(total(text, `showbill_gateway_${one}`) > 0, one);
  }
  for (const { name, labels } of rows) {
    const sample = new RegExp(`^${name}(?:_count)?\\{([^}]*)\\} `, 'm').exec(text);
    const found = [...(sample?.[1] ?? '').matchAll(/(\w+)=/g)].map(([, label]) => label);
    if (sample !== null) t.same(found.filter((one) => one !== 'role').sort(), labels.sort(), name);
  }
  t.notMatch(text, /room:m|anna|127\.0\.0\.1/, 'labels are bounded');
});

/** A socket that reads nothing while more is published than all buffers hold. */
async function overflow(
  scope: Parameters<typeof startWorker>[0],
  worker: TestWorker,
  publisher: ReturnType<typeof createPublisher>,
): Promise<void> {
  const { socket } = await shake(scope, addressOf(worker, 'websocket'));
  const subs = [{ ch: 'room:slow', ticket: roomTicket('slow', 'slow') }];
  const open = new Promise((resolve) => socket?.once('message', resolve));
  socket?.send(JSON.stringify([{ c: 'connect', i: 1, token: connectToken('slow'), subs }]));
  await open;
  socket?.pause();
  const text = 'x'.repeat(20_000);
  const isFull = async (): Promise<boolean> =>
    total(await worker.gateway.scrape(), 'showbill_gateway_slow_readers_total') > 0;
  for (let n = 0; n < 40 && !(await isFull()); n += 1) {
    const part = Array.from({ length: 25 }, () =>
      publisher.publish('room:slow', { kind: 't', body: { text }, cls: 'reliable' }),
    );
    await Promise.all(part);
  }
  socket?.terminate();
}
