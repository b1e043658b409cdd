// Orders and acts that concern the whole fleet, with people on two workers that share a bus and a
// Redis: eviction, redirect, the end of an account's connections, a lock.
import t from 'tap';
import { createRedisBus } from '../../cluster/index.js';
import { silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { createGatewayControl } from '../control.js';
import { allIn, bodies, castRoom, enter } from './room-cast.js';
import { startWorker, type TestWorker } from './worker-harness.js';

const { url: redisUrl } = await startRedis(t);
const start = async (name: string): Promise<TestWorker> => {
  const bus = await createRedisBus({ url: redisUrl, name, log: silentLog });
  return startWorker(t, redisUrl, { bus });
};
const workers = [await start('one'), await start('two')];
const urls = workers.map(({ url }) => url);
/** The backend has a bus of its own. */
const orders = await createRedisBus({ url: redisUrl, name: 'backend', log: silentLog });
t.teardown(() => orders.close());
const control = createGatewayControl(orders);

t.test('an evicted user leaves the room on every worker, others stay', async (t) => {
  const room = 'room:evict';
  const { model, anna, ben } = await castRoom(t, urls, room);
  const tab = enter(t, urls[0] ?? '', room, { sub: 'anna' });
  await allIn([tab]);
  const order = { do: 'evict', room: 'evict', user: 'anna', reason: 'ticket-show' } as const;
  await control.send(order);
  const told = { kind: 'kicked', reason: 'ticket-show', room: 'evict' };
  for (const one of [anna, tab]) {
    await until(() => bodies(one, 'x').length > 0, { what: 'each tab is told' });
    t.match(bodies(one, 'x')[0], told);
    t.equal(await one.say('still here?'), 'not_subscribed');
  }
  t.equal(await ben.say('I am'), 'ok');
  t.same([bodies(model, 'x'), bodies(ben, 'x')], [[], []]);
});

t.test('one order takes a user out of every room on every worker', async (t) => {
  const first = await castRoom(t, urls, 'room:every1');
  const second = await castRoom(t, urls, 'room:every2');
  await control.send({ do: 'evict', room: '*', user: 'anna', reason: 'role' });
  for (const { anna } of [first, second]) {
    await until(() => bodies(anna, 'x').length > 0, { what: 'each room tells it' });
    t.match(bodies(anna, 'x')[0], { kind: 'kicked', reason: 'role' });
  }
  t.equal(await second.ben.say('still here'), 'ok');
  await control.send({ do: 'evict', room: '*', reason: 'nobody' });
  t.equal(await second.ben.say('an order to nobody does nothing'), 'ok');
});

t.test(
  'viewers are sent to another room on every worker, but for those who may stay',
  async (t) => {
    const room = 'room:move';
    const { model, anna, ben } = await castRoom(t, urls, room);
    const keeper = enter(t, urls[1] ?? '', room, { sub: 'keeper' });
    await allIn([keeper]);
    const order = { do: 'evict', room: 'move', keep: ['keeper'], reason: 'raid' } as const;
    await control.send({ ...order, redirect: 'other' });
    for (const one of [anna, ben]) {
      await until(() => bodies(one, 'x').length > 0, { what: 'told where to go' });
      t.match(bodies(one, 'x')[0], { kind: 'redirect', reason: 'raid', room: 'other' });
    }
    t.equal(await keeper.say('still here'), 'ok');
    t.equal(await model.say('me too'), 'ok', 'who is in charge stays');
  },
);

t.test('an account is disconnected from every worker and does not come back', async (t) => {
  const { ben } = await castRoom(t, urls, 'room:gone');
  const tabs = urls.map((url) => enter(t, url, 'room:gone', { sub: 'dora' }));
  await allIn(tabs);
  await control.send({ do: 'disconnect', user: 'dora' });
  await until(() => tabs.every(({ client }) => client.state === 'closed'), { what: 'closed' });
  t.equal(await ben.say('bye'), 'ok');
});

t.test('a lock holds on every worker from its acknowledgement on, and a ban too', async (t) => {
  const room = 'room:lock';
  const { model, anna, ben } = await castRoom(t, urls, room);
  await model.room.moderate({ action: 'settings', settings: { lock: true } });
  t.same(await Promise.all([anna.say('a'), ben.say('b')]), ['room_locked', 'room_locked']);
  t.equal(await model.say('quiet please'), 'ok');
  await model.room.moderate({ action: 'settings', settings: { lock: false } });
  t.same(await Promise.all([anna.say('a'), ben.say('b')]), ['ok', 'ok']);
  await model.room.moderate({ action: 'ban', user: 'anna' });
  t.ok(['banned', 'not_subscribed'].includes(await anna.say('one more')));
  await until(() => anna.events.some((event) => event.startsWith('end:')), { what: 'out' });
  await until(() => ben.texts().includes('a'), { what: 'ben has all that was said' });
  t.notOk(ben.texts().includes('one more'));
});
