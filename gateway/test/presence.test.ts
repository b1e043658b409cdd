// Who is in a room: each user once over tabs and workers, a reload unseen, dead workers forgotten;
// the scripts against a model in virtual time, then real workers.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { seededRandom, silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { leaseKey } from '../coordinator-scripts.js';
import { createRoomAdmin, readViewerCounts } from '../index.js';
import { parsePacket, unpackTail } from '../packet.js';
import {
  announcePresence,
  readPresence,
  reportPresence,
  type PresenceChange,
} from '../presence-scripts.js';
import { codeIn, connectRaw } from './raw-client.js';
import { allIn, bodies, castRoom, enter } from './room-cast.js';
import { roomTicket, startWorker } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const LEASE_MS = 10_000;
const GRACE_MS = 10_000;
const FOREVER_MS = 9e15;

let rooms = 0;
const newRoom = (): string => `room:p${(rooms += 1)}`;

const change = (
  what: PresenceChange['what'],
  user: string,
  { rank = 2, level = 'participant' as const, name = `name-${user}` } = {},
): PresenceChange => ({ what, user, rank, level, name });

/** A room's scripts at a chosen time, and every notice that they sent. */
async function stage(t: Test, room: string) {
  const keys = channelKeys(room);
  const feed = server.client();
  t.teardown(() => feed.quit());
  const notices: string[] = [];
  const counts: number[] = [];
  feed.on('smessageBuffer', (_name: Buffer, data: Buffer) => {
    const packet = parsePacket(data);
    if (packet === undefined) return;
    const { kind, body } = unpackTail((packet as { tail: Buffer }).tail);
    if (kind === 'v') counts.push(Number(body['count']));
    const { id } = (body['user'] ?? {}) as { id?: string };
    if (kind === 'j') notices.push(`${String(body['is'])} ${id ?? ''}`);
  });
  await feed.ssubscribe(keys.feed);
  await redis.hset(leaseKey(room), { owner: 'c', token: '1', until: String(FOREVER_MS) });
  const known = new Map<string, number>();
  return {
    ...{ keys, notices, counts },
    heard: () => feed.ping(),
    report: async (worker: string, nowMs: number, changes: readonly PresenceChange[]) => {
      const reply = await reportPresence.run(redis, {
        ...{ keys, nowMs, worker, changes, reports: known.get(worker) ?? 0 },
        ...{ leaseMs: LEASE_MS, graceMs: GRACE_MS, noticesMax: 100 },
      });
      known.set(worker, Math.max(0, reply.reports));
      return reply;
    },
    announce: (nowMs: number) => {
      const channel = { name: room, keys };
      // The lease is renewed to `nowMs` + leaseMs.
      return announcePresence(redis, { channel, worker: 'c', token: 1, leaseMs: 1e9, nowMs });
    },
    people: async (nowMs: number) => {
      const { count, users } = await readPresence(redis, keys, 100, nowMs);
      return { count, ids: users.map(([id]) => id).sort() };
    },
  };
}

t.test('any order of comings and goings at three workers leaves each user once', async (t) => {
  const random = seededRandom(t);
  const { report, people, keys } = await stage(t, newRoom());
  const workers = ['w1', 'w2', 'w3'];
  const here = new Map(workers.map((worker) => [worker, new Set<string>()] as const));
  let nowMs = 1_000_000;
  for (let step = 0; step < 400; step += 1) {
    nowMs += random.int(0, 300);
    const worker = random.pick(workers);
    const own = here.get(worker) ?? new Set<string>();
    const changes: PresenceChange[] = [];
    for (let left = random.int(1, 4); left > 0; left -= 1) {
      const user = `u${random.int(0, 12)}`;
      if (changes.some((one) => one.user === user)) continue;
      changes.push(change(own.has(user) ? 'x' : '+', user));
      if (!own.delete(user)) own.add(user);
    }
    await report(worker, nowMs, changes);
    // The others say every few seconds that they live.
    for (const other of workers) if (step % 10 === 0) await report(other, nowMs, []);
    const expected = [...new Set(workers.flatMap((one) => [...(here.get(one) ?? [])]))].sort();
    const seen = await people(nowMs);
    t.same(seen, { count: expected.length, ids: expected }, `step ${step}`);
    if (!t.passing()) return;
  }
  t.equal(await redis.zcard(keys.leaving), 0);
});

t.test('a reload within ten seconds is not seen; a longer absence is, once', async (t) => {
  const { report, announce, people, notices, counts, heard } = await stage(t, newRoom());
  await report('w1', 1_000, [
    change('+', 'a'),
    change('+', 'b'),
    change('+', 'anon:1', { rank: 3 }),
  ]);
  await announce(1_100);
  await report('w1', 2_000, [change('-', 'a')]);
  t.same(await people(2_000), { count: 3, ids: ['a', 'b'] }, 'anonymous ones count without a name');
  await report('w2', 11_900, [change('+', 'a')]);
  await report('w1', 11_950, []);
  await announce(12_100);
  await report('w2', 13_000, [change('-', 'a')]);
  await report('w1', 13_000, [change('x', 'b')]);
  await announce(13_100);
  t.same(await people(22_999), { count: 2, ids: ['a'] });
  t.same(await people(23_001), { count: 0, ids: [] }, 'nobody has reported for the lease by now');
  await report('w1', 23_002, [change('+', 'z')]);
  await announce(23_100);
  await heard();
  t.same([...notices].sort(), ['in a', 'in b', 'in z', 'out a', 'out b']);
  t.ok(notices.indexOf('out b') < notices.indexOf('out a'));
  t.equal(counts[0], 3);
});

t.test(
  'who is at a dead worker only is gone with its lease; who is elsewhere too stays',
  async (t) => {
    const { report, announce, people, counts, heard } = await stage(t, newRoom());
    await report('w1', 1_000, [change('+', 'a'), change('+', 'b')]);
    await report('w2', 1_000, [change('+', 'b'), change('+', 'c')]);
    await announce(1_100);
    for (const nowMs of [5_000, 9_000, 10_900]) await report('w2', nowMs, []);
    await announce(10_950);
    t.same(await people(10_950), { count: 3, ids: ['a', 'b', 'c'] });
    await announce(11_100);
    await announce(11_200);
    t.same(await people(11_200), { count: 2, ids: ['b', 'c'] });
    await heard();
    t.same(counts, [3, 2]);
    t.match(
      await report('w1', 12_000, [change('x', 'a')]),
      { isOutOfStep: true },
      'it has to start over',
    );
    await report('w1', 12_001, [change('+', 'a'), change('+', 'b')]);
    t.same(await people(12_002), { count: 3, ids: ['a', 'b', 'c'] });
  },
);

t.test(
  '10,000 who join at four workers cost one call per 400, and nobody is told of each',
  async (t) => {
    const { report, announce, keys, notices, counts, heard } = await stage(t, newRoom());
    for (let at = 0; at < 10_000; at += 400) {
      const users = Array.from({ length: 400 }, (_, n) => change('+', `u${at + n}`));
      await report(`w${(at / 400) % 4}`, 1_000 + at, users);
      if (at % 2_000 === 0) await announce(1_001 + at);
    }
    await announce(12_000);
    await announce(12_001);
    const { count, users } = await readPresence(redis, keys, 100, 12_001);
    t.same([count, users.length], [10_000, 100]);
    await heard();
    t.same(counts, [400, 8_400, 10_000], 'the first, one after 5 s of coming, and all at rest');
    t.same(notices, []);
  },
);

t.test('a crowd that has told its number hears the next when it is at rest', async (t) => {
  const { report, announce, counts, heard } = await stage(t, newRoom());
  const come = (nowMs: number, from: number, many: number) =>
    report(
      'w1',
      nowMs,
      Array.from({ length: many }, (_, n) => change('+', `u${from + n}`)),
    );
  await come(1_000, 0, 200);
  t.equal(await announce(1_100), 'published');
  t.equal(await announce(2_100), 'unchanged');
  await come(3_000, 200, 5);
  t.equal(await announce(3_100), 'waiting', 'within 3 s of the last');
  t.equal(await announce(4_200), 'published', 'at rest');
  await come(8_000, 205, 5);
  t.equal(await announce(8_100), 'waiting', 'nobody knows yet whether more will come');
  await come(9_000, 210, 5);
  t.equal(await announce(9_100), 'waiting', 'more came');
  t.equal(await announce(10_100), 'published');
  t.equal(await announce(11_100), 'unchanged');
  for (let nowMs = 20_000; nowMs < 33_000; nowMs += 1_000) {
    await come(nowMs, nowMs, 1);
    await announce(nowMs + 100);
  }
  await heard();
  t.same(counts, [200, 205, 215, 221, 227], 'one that never rests is told every 6 s');
  await come(34_000, 34_000, 1);
  await announce(34_100);
  t.equal(await announce(35_200), 'published', 'what was seen before was forgotten');
});

t.test(
  'clients: the list by level, without ghosts, admins and anonymous; versions tell',
  async (t) => {
    const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
    const urls = workers.map((worker) => worker.url);
    const room = newRoom();
    const { model, anna, ben } = await castRoom(t, urls, room);
    const [one = '', two = ''] = urls;
    await allIn([
      enter(t, one, room, { sub: 'anna' }),
      enter(t, two, room, { sub: 'mod', level: 'moderator' }),
      enter(t, two, room, { sub: 'ghost', level: 'ghost' }),
      enter(t, two, room, { sub: 'boss', role: 'admin', level: 'admin' }),
      enter(t, one, room, { sub: 'anon:1', role: 'anon', level: 'view' }),
    ]);
    const whole = await until(
      async () => {
        const found = await ben.room.presence();
        return found.count === 5 && found;
      },
      { what: 'five, each once', everyMs: 200 },
    );
    t.same(whole.users.map(([id, name, level]) => `${id} ${name} ${level}`).slice(0, 2), [
      'model name-model performer',
      'mod name-mod moderator',
    ]);
    t.same(
      whole.users
        .slice(2)
        .map(([id]) => id)
        .sort(),
      ['anna', 'ben'],
    );
    const id = room.slice('room:'.length);
    t.match(await createRoomAdmin({ redis, log: silentLog }).presence(id), { count: 5 });
    t.same(await readViewerCounts(redis, [id, 'nobody']), [5, 0]);
    const told = await until(() => bodies(model, 'v').find(({ count }) => count === 5), {
      what: 'the number is told',
    });
    t.equal(told['version'], whole.version);

    await anna.client.call({ c: 'unsub', ch: room });
    await ben.client.call({ c: 'unsub', ch: room });
    const out = await until(() => bodies(model, 'j').find(({ is }) => is === 'out'), {
      what: 'ben has left; anna still has a tab',
    });
    t.match(out, { user: { id: 'ben', name: 'name-ben' }, version: whole.version + 1 });
    t.match((await model.room.presence()).version, whole.version + 1);
  },
);

t.test('who leaves and comes back at once with another level is listed with it', async (t) => {
  const worker = await startWorker(t, server.url);
  const room = newRoom();
  const id = room.slice('room:'.length);
  const { model } = await castRoom(t, [worker.url], room);
  const zoe = await connectRaw(t, worker.url, 'zoe');
  const come = (level: 'participant' | 'moderator') => {
    return { c: 'sub', ch: room, ticket: roomTicket('zoe', id, level) };
  };
  t.equal(codeIn(await zoe.call(come('participant'))), 'ok');
  const listed = (level: string) =>
    until(
      async () => {
        const { users, version } = await model.room.presence();
        return users.some(([user, , is]) => user === 'zoe' && is === level) && version;
      },
      { what: `zoe is listed as ${level}`, everyMs: 200 },
    );
  const before = await listed('participant');
  const codes = await zoe.callAll([{ c: 'unsub', ch: room }, come('moderator')]);
  t.same(codes.map(codeIn), ['ok', 'ok']);
  t.ok((await listed('moderator')) > before, 'lists that are kept have to be asked for anew');
  const again = await zoe.callAll([{ c: 'unsub', ch: room }, come('participant')]);
  t.same(again.map(codeIn), ['ok', 'ok']);
  t.equal(codeIn(await zoe.call({ c: 'unsub', ch: room })), 'ok');
  await until(async () => !(await model.room.presence()).users.some(([user]) => user === 'zoe'), {
    what: 'and not at all once she has left',
    everyMs: 200,
  });
});
