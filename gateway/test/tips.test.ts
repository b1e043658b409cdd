// Tip goal and leaderboard: sums that follow the tips exactly, told at most once a second.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { seededRandom, silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createPublisher, createRoomAdmin } from '../index.js';
import { publishTips } from '../room-tips.js';
import { bodies, castRoom } from './room-cast.js';
import { startWorker } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const publisher = createPublisher({ redis, log: silentLog });
const admin = createRoomAdmin({ redis, log: silentLog });

const tip = (room: string, id: string, amount: unknown, mid: string) =>
  publisher.publish(room, {
    ...{ kind: 't', cls: 'reliable', mid },
    body: { from: { id, name: `name-${id}` }, amount },
  });

t.test(
  'sums follow the tips, each mid once, whatever is repeated and in which order',
  async (t) => {
    const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
    const room = 'room:t1';
    const { model, anna } = await castRoom(
      t,
      workers.map(({ url }) => url),
      room,
    );
    await model.room.setGoal({ target: '50000', text: ' dance ' });
    const random = seededRandom(t);
    const tips = Array.from({ length: 60 }, (_, n) => ({
      ...{ id: `u${random.int(1, 14)}`, amount: random.int(1, 5_000), mid: `tip-${n}` },
    }));
    const sent = random.shuffle([...tips, ...tips.slice(0, 30)]);
    await Promise.all(sent.map(({ id, amount, mid }) => tip(room, id, String(amount), mid)));
    for (const [n, odd] of ['', '-5', '1e99', 'x', 7, undefined].entries()) {
      await tip(room, 'u1', odd, `odd-${n}`);
    }
    const sum = tips.reduce((total, { amount }) => total + amount, 0);
    const sums = new Map<string, number>();
    for (const { id, amount } of tips) sums.set(id, (sums.get(id) ?? 0) + amount);
    const goal = await until(() => bodies(anna, 'g').find((one) => one['sum'] === String(sum)), {
      what: 'the goal has all of them',
    });
    t.same(goal, { target: '50000', sum: String(sum), text: 'dance' });
    const best = [...sums.values()].sort((a, b) => b - a).slice(0, 10);
    const board = await until(
      () => {
        const top = bodies(anna, 'l').at(-1)?.['top'] as
          { id: string; amount: string }[] | undefined;
        return top?.map(({ amount }) => Number(amount)).join() === best.join() && top;
      },
      { what: 'the leaderboard has the ten best' },
    );
    for (const { id, amount } of board) t.equal(Number(amount), sums.get(id), id);
    t.match(board[0], { name: `name-${board[0]?.id ?? ''}` });

    await model.room.setGoal({ target: '0' });
    const none = await until(() => bodies(anna, 'g').at(-1)?.['target'] === '0', {
      what: 'no goal',
    });
    t.ok(none);
    for (const wrong of [{ target: '-1' }, { target: '05' }, { target: 'x' }]) {
      await t.rejects(model.room.setGoal(wrong), { code: 'bad_command' });
    }
    await t.rejects(anna.room.setGoal({ target: '1' }), { code: 'forbidden' });

    await admin.setFlags('t1', { isOnline: false });
    await admin.setFlags('t1', { isOnline: true });
    await until(
      () => {
        const top = bodies(anna, 'l').at(-1)?.['top'];
        return Array.isArray(top) && top.length === 0;
      },
      { what: 'a new show begins with an empty leaderboard' },
    );
  },
);

t.test('tips of one second are told together', async (t) => {
  const room = 'room:t2';
  const keys = channelKeys(room);
  const feed = server.client();
  t.teardown(() => feed.quit());
  let told = 0;
  feed.on('smessageBuffer', (_name: Buffer, data: Buffer) => {
    if (data[0] === 2 && data.toString('latin1', 2, 3) === 'l') told += 1;
  });
  await feed.ssubscribe(keys.feed);
  const publish = (nowMs: number) => publishTips.run(redis, { keys, nowMs });
  t.same(await publish(1_000), { isTooEarly: false });
  for (let n = 0; n < 20; n += 1) {
    await tip(room, 'a', '10', `t2-${n}`);
    t.same(await publish(2_000 + n * 40), { isTooEarly: n > 0 });
  }
  t.same(await publish(3_000), { isTooEarly: false });
  t.same(await publish(4_500), { isTooEarly: false }, 'nothing new');
  await feed.ping();
  t.equal(told, 2);
});
