// The same workers on a Redis Cluster: channels on all masters, a slot that moves under load, a
// lost link.
import t from 'tap';
import { closeRedis, connectRedis, slotOf } from '../../cluster/index.js';
import { silentLog, startRedisCluster, until } from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createPublisher } from '../index.js';
import { startWorker, watch } from './worker-harness.js';

t.test('rooms on every master work alike; a slot that moves loses nothing', async (t) => {
  const cluster = await startRedisCluster(t, 3);
  const redis = await connectRedis(cluster.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const publisher = createPublisher({ redis, log: silentLog });
  const workers = [await startWorker(t, cluster.url), await startWorker(t, cluster.url)];
  const rooms = Array.from({ length: 12 }, (_, n) => `room:c${n}`);
  const slots = rooms.map((room) => slotOf(channelKeys(room).feed));
  t.ok(new Set(slots.map((slot) => Math.floor(slot / 5_462))).size === 3, 'rooms on all masters');
  const viewers = rooms.map((room, at) =>
    watch(t, [workers[at % 2]?.url ?? ''], room, { sub: `v${at}`, level: 'performer' }),
  );
  await until(() => viewers.every((one) => one.events.length > 0), {
    what: 'all ready',
  });
  const total = 120;
  const [first = ''] = rooms;
  const slot = slotOf(channelKeys(first).feed);
  const moves: Promise<void>[] = [];
  // While the keys of one call are on two nodes it is refused; the same mid makes a repeat
  // harmless.
  const tip = (room: string, n: number) =>
    until(
      () =>
        publisher.publish(room, {
          kind: 't',
          body: { text: String(n) },
          cls: 'reliable',
          mid: `${room}-${n}`,
        }),
      { what: `tip ${n} in ${room}` },
    );
  for (let n = 1; n <= total; n += 1) {
    await Promise.all(rooms.map((room) => tip(room, n)));
    if (n === 40) moves.push(cluster.moveSlot(slot, 2));
    if (n === 80) moves.push(Promise.all(moves).then(() => cluster.moveSlot(slot, 1)));
  }
  await Promise.all(moves);
  await until(() => viewers.every((one) => one.offsets().length === total), {
    what: 'all shown',
  });
  for (const viewer of viewers) {
    t.same(
      viewer.offsets(),
      Array.from({ length: total }, (_, n) => n + 1),
    );
    t.same(viewer.events, ['ready']);
  }
  const scraped = (await workers[0]?.gateway.scrape()) ?? '';
  const counted = /^showbill_gateway_feed_moves_total\S* (\d+)/m.exec(scraped)?.[1];
  t.ok(Number(counted) >= 1, 'the metric of moved channels has counted');
  const ack = await viewers[0]?.client.publish(first, 'from a client');
  t.equal(ack?.offset, total + 1);
});
