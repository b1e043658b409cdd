// A worker that leaves while it is busy: its clients go to the other one, and nobody misses a
// message, sees one twice or hears of a loss. Several hundred real clients in one process;
// thousands are for `npm run bench -- drain`.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { createPublisher } from '../index.js';
import { startWorker, watch } from './worker-harness.js';

const CLIENTS = 300;
const DRAIN_MS = 2_000;
const ROOM = 'room:drain';

t.test('a worker under load hands 300 clients over and loses nothing', async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const publisher = createPublisher({ redis, log: silentLog });
  const [old, next] = [await startWorker(t, server.url), await startWorker(t, server.url)];
  const viewers = Array.from({ length: CLIENTS }, (_, n) =>
    watch(t, [old.url, next.url], ROOM, { sub: `v${n}` }),
  );
  await until(() => viewers.every(({ events }) => events.length > 0), {
    ...{ what: 'all ready', deadlineMs: 60_000, everyMs: 20 },
  });
  t.equal(old.gateway.connectionCount(), CLIENTS);
  let sent = 0;
  let isDrained = false;
  const talk = async (): Promise<void> => {
    while (!isDrained) {
      sent += 1;
      await publisher.publish(ROOM, { kind: 't', body: { text: String(sent) }, cls: 'reliable' });
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const talking = talk();
  old.transport.stopListening();
  await old.gateway.drain(DRAIN_MS);
  isDrained = true;
  await talking;
  await until(() => viewers.every((one) => one.offsets().at(-1) === sent), {
    ...{ what: 'all have the last message', deadlineMs: 60_000, everyMs: 20 },
  });
  t.equal(old.gateway.connectionCount(), 0);
  t.equal(next.gateway.connectionCount(), CLIENTS, 'everybody is at the other worker');
  const isWhole = (offsets: readonly number[]): boolean =>
    offsets.length === sent && offsets.every((offset, at) => offset === at + 1);
  t.equal(viewers.filter((one) => !isWhole(one.offsets())).length, 0, 'whole and in order');
  t.equal(
    viewers.filter(({ events }) => events.includes('lost')).length,
    0,
    'nobody lost anything',
  );
});
