// The member scripts, one behaviour each, with the time given: leases, versions, incarnations, loss
// of data.
import t from 'tap';
import {
  beatMember,
  type BeatReply,
  type BeatRequest,
  leaveMember,
  MEMBER_KEYS,
  restoreMembers,
} from '../member-scripts.js';
import { startRedis } from '../testing/index.js';

const redis = (await startRedis(t)).client();
const keys = MEMBER_KEYS;
const T0 = 1_000_000;

type Ok = Extract<BeatReply, { is: 'ok' }>;

async function beat(change: Partial<BeatRequest>): Promise<BeatReply> {
  return beatMember.run(redis, {
    keys,
    member: '',
    incarnation: 0,
    record: '{}',
    load: 0,
    leaseTtlMs: 100,
    knownVersion: 0,
    nowMs: T0,
    ...change,
  });
}

async function beatOk(change: Partial<BeatRequest>): Promise<Ok> {
  const reply = await beat(change);
  if (reply.is !== 'ok') throw new Error(`reply was ${reply.is}`);
  return reply;
}

t.beforeEach(() => redis.flushall());

await t.test('a first beat gives incarnation and version and the whole list', async (t) => {
  const a = await beatOk({ member: 'web/a', record: '{"n":1}', load: 3 });
  const b = await beatOk({ member: 'web/b', nowMs: T0 + 10 });

  t.match(a, { version: T0, incarnation: T0, nowMs: T0, hasChanged: true });
  t.same([...a.records], [['web/a', `${T0} {"n":1}`]]);
  t.same(
    [...b.leases],
    [
      ['web/a', T0 + 100],
      ['web/b', T0 + 110],
    ],
  );
  t.same(
    [...b.loads],
    [
      ['web/a', 3],
      ['web/b', 0],
    ],
  );
  t.ok(b.version > a.version && b.incarnation > a.incarnation);
});

await t.test('renewing and a new load leave the version; a new record changes it', async (t) => {
  const first = await beatOk({ member: 'web/a' });
  const member = { member: 'web/a', incarnation: first.incarnation, knownVersion: first.version };

  const renewed = await beatOk({ ...member, load: 7, nowMs: T0 + 30 });
  const changed = await beatOk({ ...member, record: '{"draining":true}', nowMs: T0 + 40 });

  t.match(renewed, { version: first.version, hasChanged: false });
  t.equal(renewed.loads.get('web/a'), 7);
  t.equal(renewed.leases.get('web/a'), T0 + 130);
  t.equal(renewed.records.size, 0, 'the caller knows this version');
  t.ok(changed.version > first.version && changed.hasChanged);
  t.equal(changed.records.get('web/a'), `${first.incarnation} {"draining":true}`);
});

await t.test('the version grows even when the clock stands still or goes back', async (t) => {
  const one = await beatOk({ member: 'web/a' });
  const two = await beatOk({ member: 'web/b' });
  const three = await beatOk({ member: 'web/c', nowMs: T0 - 50 });

  t.same([two.version, three.version], [one.version + 1, one.version + 2]);
  t.same([two.incarnation, three.incarnation], [one.incarnation + 1, one.incarnation + 2]);
});

await t.test('a lease ends at its millisecond, for whoever looks', async (t) => {
  const dead = await beatOk({ member: 'web/dead' });
  const watcher = { knownVersion: dead.version, leaseTtlMs: 1_000 };
  await beatOk({ ...watcher, nowMs: T0 + 60 });

  const before = await beatOk({ ...watcher, nowMs: T0 + 99 });
  const after = await beatOk({ ...watcher, nowMs: T0 + 100 });

  t.ok(before.leases.has('web/dead'));
  t.equal(before.version, dead.version);
  t.equal(after.leases.size + after.loads.size + after.records.size, 0);
  t.ok(after.version > dead.version && after.hasChanged);
});

await t.test('after half a lease of silence a survivor extends all leases', async (t) => {
  await beatOk({ member: 'web/a' });
  const b = await beatOk({ member: 'web/b', nowMs: T0 + 5 });
  const survivor = { member: 'web/b', incarnation: b.incarnation, knownVersion: b.version };

  const back = await beatOk({ ...survivor, nowMs: T0 + 5_000 });

  t.same(
    [...back.leases],
    [
      ['web/a', T0 + 5_100],
      ['web/b', T0 + 5_100],
    ],
  );
  t.equal(back.version, b.version);
});

await t.test('a newcomer does not extend leases of the past', async (t) => {
  await beatOk({ member: 'web/a' });

  const late = await beatOk({ member: 'web/b', nowMs: T0 + 5_000 });

  t.same([...late.leases.keys()], ['web/b']);
});

await t.test('the newer process of the same name wins and the older is told', async (t) => {
  const old = await beatOk({ member: 'web/a' });
  const fresh = await beatOk({ member: 'web/a', nowMs: T0 + 1 });

  const reply = await beat({ member: 'web/a', incarnation: old.incarnation, nowMs: T0 + 2 });
  const left = await leaveMember.run(redis, {
    keys,
    member: 'web/a',
    incarnation: old.incarnation,
    nowMs: T0 + 3,
  });

  t.same(reply, { is: 'superseded', incarnation: fresh.incarnation });
  t.equal(left, 0, 'the older one cannot sign the newer one off');
  t.ok((await beatOk({ nowMs: T0 + 4 })).leases.has('web/a'));
});

await t.test('a member whose lease ran out comes back as itself', async (t) => {
  const first = await beatOk({ member: 'web/a' });
  const gone = await beatOk({ nowMs: T0 + 100 });
  const again = await beatOk({
    member: 'web/a',
    incarnation: first.incarnation,
    knownVersion: gone.version,
    nowMs: T0 + 110,
  });

  t.equal(gone.leases.size, 0);
  t.equal(again.incarnation, first.incarnation);
  t.ok(again.version > gone.version);
});

await t.test('leaving takes a member off the list once', async (t) => {
  const { incarnation, version } = await beatOk({ member: 'web/a' });
  const call = { keys, member: 'web/a', incarnation, nowMs: T0 + 1 };

  const newVersion = await leaveMember.run(redis, call);
  const again = await leaveMember.run(redis, call);

  t.ok(newVersion > version);
  t.equal(again, 0);
  t.match(await beatOk({ nowMs: T0 + 2 }), { version: newVersion, hasChanged: false });
});

await t.test('a Redis that lost its data says so, and is told who was there once', async (t) => {
  const { version, incarnation } = await beatOk({ member: 'web/a' });
  await redis.flushall();
  const members = [{ member: 'web/a', record: `${incarnation} {}`, load: 2 }];
  const call = { keys, knownVersion: version, leaseTtlMs: 100, nowMs: T0 - 500, members };

  const lost = await beat({ member: 'web/b', knownVersion: version });
  const first = await restoreMembers.run(redis, call);
  const second = await restoreMembers.run(redis, { ...call, members: [] });
  const back = await beatOk({ member: 'web/b', nowMs: T0 - 450, knownVersion: version });

  t.same([lost, first, second], [{ is: 'lost' }, true, false]);
  t.same(
    [...back.leases],
    [
      ['web/a', T0 - 400],
      ['web/b', T0 - 350],
    ],
  );
  t.equal(back.loads.get('web/a'), 2);
  t.ok(back.version > version, 'also when the clock has gone back');
  t.ok(back.incarnation > incarnation);
});

await t.test('time comes from the server when none is given', async (t) => {
  const [seconds] = await redis.time();
  const reply = await beatOk({ member: 'web/a', nowMs: 0 });

  t.ok(Math.abs(reply.nowMs - Number(seconds) * 1_000) < 60_000);
});
