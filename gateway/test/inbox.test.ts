// The user channel: notifications with unread count, balance that never goes back; and the hot-room
// cap.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { seededRandom, silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { createPublisher } from '../index.js';
import { channelKeys } from '../channel-keys.js';
import { markRead } from '../inbox.js';
import { openChannels } from '../scripts.js';
import { startWorker, watch } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const publisher = createPublisher({ redis, log: silentLog });

t.test('unread notifications are right on every tab after any interleaving', async (t) => {
  const random = seededRandom(t);
  const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
  const tabs = workers.map((worker) => watch(t, [worker.url], 'user:5', { sub: '5' }));
  await until(() => tabs.every((tab) => tab.events.length > 0), { what: 'ready' });
  let top = 0;
  let read = 0;
  for (let step = 0; step < 60; step += 1) {
    if (random.chance(0.6)) {
      const body = { id: String(step), kind: 'model_online', title: 'x' };
      await publisher.publish('user:5', { kind: 'n', body, cls: 'reliable' });
      top += 1;
    } else {
      const upto = random.int(0, top + 3);
      read = Math.max(read, Math.min(upto, top));
      const reply = await random.pick(tabs).client.call({ c: 'read', upto });
      t.equal(reply['unread'], top - read, `after reading up to ${upto} of ${top}`);
    }
  }
  await tabs[0]?.client.call({ c: 'read', upto: top - 1 });
  const late = watch(t, [workers[0]?.url ?? ''], 'user:5', { sub: '5' });
  for (const tab of [...tabs, late]) {
    const mark = await until(
      () =>
        tab.messages.findLast(
          (one) => one.kind === 'u' && one.body['read'] === Math.max(read, top - 1),
        ),
      { what: 'mark' },
    );
    const last = await until(() => tab.offsets().at(-1) === top && top, { what: 'all shown' });
    t.equal(last - Number(mark.body['read']), top - Math.max(read, top - 1), 'unread at every tab');
  }
  const stranger = watch(t, [workers[0]?.url ?? ''], 'lobby', { sub: '6' });
  await until(() => stranger.events.length > 0, { what: 'ready' });
  await t.rejects(stranger.client.call({ c: 'read', upto: 1 }), { code: 'not_subscribed' });
});

t.test('what was read stays read when Redis has lost the newest notifications', async (t) => {
  const keys = channelKeys('user:lossy');
  for (let n = 1; n <= 5; n += 1) {
    await publisher.publish('user:lossy', { kind: 'n', body: {}, cls: 'reliable' });
  }
  const read = (upto: number): Promise<number> =>
    markRead.run(redis, { keys, nowMs: 0, upto, ttlSec: 60 });
  t.equal(await read(3), 2);
  const known = { newEpoch: 'next', knownEpoch: String(await redis.hget(keys.meta, 'e')) };
  const look = { after: 5, max: 10, knownTop: 7, knownMs: 0 };
  const open = (of: { newEpoch: string; knownEpoch: string }) =>
    openChannels.run(redis, { channels: [{ keys, ...of, ...look }], ttlSec: 60 });
  t.match(await open(known), [{ epoch: 'next', top: 5 }]);
  t.equal(await read(0), 2, 'the mark is of the epoch before');
  const again = { newEpoch: 'third', knownEpoch: 'next' };
  t.match(await open(again), [{ epoch: 'third', top: 5 }]);
  t.equal(await read(4), 1);
  await redis.hset(keys.meta, 'e', 'unknown', 'b', '');
  t.equal(await read(0), 5, 'of another sequence it says nothing');
});

t.test(
  'a hot room shows what people can read; senders are told, fans and the model never left out',
  async (t) => {
    const worker = await startWorker(t, server.url);
    const room = 'room:hot';
    await redis.hset(channelKeys(room).settings, 'cap', '5', 'burst', '100', 'period', '1');
    const model = watch(t, [worker.url], room, { sub: 'model', level: 'performer' });
    const people = Array.from({ length: 6 }, (_, n) =>
      watch(t, [worker.url], room, { sub: `p${n}` }),
    );
    await until(() => [model, ...people].every((one) => one.events.length > 0), { what: 'ready' });
    const acks = await Promise.all(
      people.flatMap(({ client }, at) =>
        Array.from({ length: 5 }, (_, n) => client.publish(room, `${at}.${n}`)),
      ),
    );
    const own = await Promise.all(
      Array.from({ length: 10 }, (_, n) => model.client.publish(room, `model ${n}`)),
    );
    const shown = acks.filter((ack) => ack.offset > 0);
    t.ok(shown.length >= people.length, 'the first message of each is shown');
    t.ok(shown.length <= people.length + 10, `not all of 30 are: ${shown.length}`);
    for (const ack of acks) t.equal(ack.state, ack.offset > 0 ? undefined : 'sampled');
    t.ok(own.every((ack) => ack.offset > 0));
    const total = shown.length + own.length;
    await until(() => model.offsets().length === total, { what: 'all shown' });
    t.same(
      model.offsets(),
      Array.from({ length: total }, (_, n) => n + 1),
      'offsets stay dense',
    );
    const told = (one: { messages: readonly { kind: string; body: unknown }[] }): string[] =>
      one.messages.flatMap(({ kind, body }) =>
        kind === 'o' ? (body as { msgs: string[][] }).msgs.map(([state]) => state ?? '') : [],
      );
    const missing = acks.length - shown.length;
    await until(() => told(model).length === missing, { what: 'the model sees the others' });
    t.ok(told(model).every((state) => state === 'sampled'));
    t.same(people.flatMap(told), [], 'nobody else does');
  },
);
