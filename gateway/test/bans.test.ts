// The list of who is shut out of a room: what the site shows to moderators.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { createRoomAdmin, type RoomAdmin } from '../index.js';
import { castRoom } from './room-cast.js';
import { startWorker } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const rooms = createRoomAdmin({ redis, log: silentLog });
const by = { id: '9', name: 'Mod', role: 'moderator' };

let acts = 0;
function act(
  room: string,
  action: 'ban' | 'unban' | 'mute' | 'unmute' | 'shadow' | 'unshadow',
  user: string,
  more: { readonly seconds?: number; readonly reason?: string } = {},
): ReturnType<RoomAdmin['moderate']> {
  acts += 1;
  return rooms.moderate(room, { by, action, user, mid: `a${acts}`, ...more });
}

t.test('bans and mutes are listed newest first, until they are lifted', async (t) => {
  const before = Date.now();
  await act('1', 'ban', 'anna', { reason: 'spam' });
  await act('1', 'mute', 'ben', { seconds: 60 });
  await act('1', 'shadow', 'carl', { seconds: 60 });
  const { items, next } = await rooms.bans('1', { limit: 10 });
  t.equal(next, undefined);
  t.match(items, [
    { user: 'carl', kind: 'shadow', by: 'Mod' },
    { user: 'ben', kind: 'mute', by: 'Mod' },
    { user: 'anna', kind: 'ban', by: 'Mod', reason: 'spam', untilMs: null },
  ]);
  t.equal(items.length, 3);
  const mute = items[1];
  const untilMs = mute?.untilMs ?? 0;
  t.ok(untilMs >= before + 60_000 && untilMs <= Date.now() + 60_000, 'the end of the mute');
  t.ok((mute?.sinceMs ?? 0) >= before, 'its begin');
  await act('1', 'unban', 'anna');
  await act('1', 'unshadow', 'carl');
  await t.rejects(act('1', 'unshadow', 'carl'), { code: 'GATEWAY_NOT_FOUND' });
  const { items: left } = await rooms.bans('1', { limit: 10 });
  t.same(
    left.map(({ user }) => user),
    ['ben'],
  );
  await act('1', 'unmute', 'ben');
  t.same(await rooms.bans('1', { limit: 10 }), { items: [] });
});

t.test('a second ban of the same user takes the place of the first', async (t) => {
  await act('2', 'ban', 'anna', { reason: 'first', seconds: 60 });
  await act('2', 'ban', 'ben');
  await act('2', 'ban', 'anna', { reason: 'second' });
  t.match(await rooms.bans('2', { limit: 10 }), {
    items: [{ user: 'anna', reason: 'second', untilMs: null }, { user: 'ben' }],
  });
});

t.test('pages are full and meet, also where restrictions have ended', async (t) => {
  for (let n = 1; n <= 9; n += 1) await act('3', 'ban', `u${n}`, n % 3 === 0 ? { seconds: 1 } : {});
  const bans = (before?: number) =>
    rooms.bans('3', { limit: 4, ...(before === undefined ? {} : { before }) });
  await until(async () => (await rooms.bans('3', { limit: 10 })).items.length === 6, {
    what: 'the short ones are over',
  });
  const first = await bans();
  t.same(
    first.items.map(({ user }) => user),
    ['u8', 'u7', 'u5', 'u4'],
  );
  const second = await bans(first.next);
  t.same(
    second.items.map(({ user }) => user),
    ['u2', 'u1'],
  );
  t.equal(second.next, undefined);
});

t.test('what has ended leaves nothing behind in Redis', async (t) => {
  await act('4', 'mute', 'anna', { seconds: 1 });
  await until(async () => (await rooms.bans('4', { limit: 10 })).items.length === 0, {
    what: 'over',
  });
  await act('4', 'ban', 'ben');
  await act('4', 'unban', 'ben');
  const keys = await redis.keys('rt:*:room:4');
  t.same(
    keys.filter((key) => /:x[no]?:/.test(key)),
    [],
  );
});

t.test('a user who is in the room is listed with the name', async (t) => {
  const worker = await startWorker(t, server.url);
  await castRoom(t, [worker.url], 'room:5');
  await until(
    async () => {
      const { users } = await rooms.presence('5');
      return users.some(([id]) => id === 'anna');
    },
    { what: 'known to be there' },
  );
  await act('5', 'ban', 'anna');
  const [ban] = (await rooms.bans('5', { limit: 1 })).items;
  const [record] = await rooms.audit('5', { limit: 1 });
  t.equal(ban?.name, 'name-anna');
  t.equal(record?.userName, 'name-anna');
});
