// Several registries on one Redis stand for the processes of a fleet; faults are real: a killed
// process, a paused or emptied Redis, a cut link. Short leases keep it quick, the killed process
// has the real ones.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { loadConfig } from '../config.js';
import { type Member, type MemberOptions, MemberRegistry } from '../members.js';
import { createRedisBus } from '../pubsub/bus-redis.js';
import { closeRedis, connectRedis } from '../redis.js';
import {
  captureLog,
  seededRandom,
  silentLog,
  startRedis,
  startRedisCluster,
  startTcpProxy,
  TEST_SECRETS,
  until,
} from '../testing/index.js';

const BEAT_MS = 150;
const LEASE_TTL_MS = 900;

async function connect(t: Test, url: string) {
  const redis = await connectRedis(url, { role: 'command', name: 'members', log: silentLog });
  t.teardown(() => closeRedis(redis));
  return redis;
}

async function newRegistry(
  t: Test,
  url: string,
  id: string,
  options: Partial<MemberOptions> = {},
): Promise<MemberRegistry> {
  const registry = new MemberRegistry(await connect(t, url), {
    role: 'gateway',
    id,
    log: silentLog,
    beatMs: BEAT_MS,
    leaseTtlMs: LEASE_TTL_MS,
    ...options,
  });
  t.teardown(() => registry.close());
  return registry;
}

const idsOf = (registry: MemberRegistry): string =>
  registry
    .list()
    .map((one) => one.id)
    .join(' ');

/** The parts that a version stands for. */
const viewOf = (members: readonly Member[]): string =>
  JSON.stringify(members.map(({ load: _, ...rest }) => rest));

await t.test('members see each other with address, load and version', async (t) => {
  const { url } = await startRedis(t);
  const address = { internal: 'http://10.0.0.1:8084' };
  const a = await newRegistry(t, url, 'a', { address, load: () => 7 });
  const b = await newRegistry(t, url, 'b', { role: 'web' });
  const watcher = await newRegistry(t, url, 'w');

  await a.join();
  await b.join();
  await watcher.watch();
  await until(() => a.version === b.version && a.list().length === 2, { what: 'a sees b' });

  t.match(watcher.list('gateway'), [
    {
      role: 'gateway',
      id: 'a',
      incarnation: a.self.incarnation,
      address,
      load: 7,
      draining: false,
    },
  ]);
  t.equal(watcher.list('gateway').length, 1);
  t.same(watcher.list(), a.list());
  t.same([a.isMember, watcher.isMember, a.problem], [true, false, '']);
  t.match(watcher.problem, /watching/);
});

await t.test(
  'draining and a new address reach everybody; leaving takes off the list',
  async (t) => {
    const { url } = await startRedis(t);
    const [a, b] = [await newRegistry(t, url, 'a'), await newRegistry(t, url, 'b')];
    await a.update({ address: { ws: 'ws://before' } });
    await Promise.all([a.join(), b.join()]);
    const member = (): Member | undefined => b.list().find((one) => one.id === 'a');
    await until(() => member()?.address['ws'] === 'ws://before', {
      what: 'the address before join',
    });

    await a.update({ draining: true, address: { ws: 'ws://after' } });
    await until(() => member()?.draining, { what: 'draining' });
    t.equal(member()?.address['ws'], 'ws://after');

    await a.leave();
    await until(() => idsOf(b) === 'b', { what: 'a is gone' });
    t.equal(idsOf(a), 'b', 'who has left still follows the list');
    t.notOk(a.isMember);
  },
);

await t.test('with a bus a change is known long before the next beat', async (t) => {
  const { url } = await startRedis(t);
  const slow = { beatMs: 60_000, leaseTtlMs: 600_000 };
  const bus = await createRedisBus({ url, name: 'test', log: silentLog });
  t.teardown(() => bus.close());
  const a = await newRegistry(t, url, 'a', { ...slow, bus });
  const b = await newRegistry(t, url, 'b', { ...slow, bus });
  await a.join();
  await b.join();
  const versions: number[] = [];
  a.onChange((_, version) => versions.push(version));

  await until(() => idsOf(a) === 'a b', { what: 'the join' });
  await b.update({ draining: true });
  await until(() => a.list()[1]?.draining, { what: 'draining' });
  await b.leave();
  await until(() => idsOf(a) === 'a', { what: 'the leave' });

  t.same(
    versions,
    [...versions].sort((x, y) => x - y),
  );
  t.ok(versions.length >= 2);
});

await t.test('a process killed with SIGKILL is gone within 10 s by default', async (t) => {
  const { url } = await startRedis(t);
  const { members } = loadConfig({
    TOKEN_SECRET: TEST_SECRETS.token,
    INTERNAL_SECRET: TEST_SECRETS.internal,
  });
  const a = await newRegistry(t, url, 'a', { ...members });
  const program = fileURLToPath(new URL('./member-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', program, url, 'victim']);
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await a.join();
  t.equal(idsOf(a), 'a victim');

  child.kill('SIGKILL');

  await until(() => idsOf(a) === 'a', { what: 'the victim is gone' });
});

await t.test('a paused Redis takes nobody off the list', async (t) => {
  const redis = await startRedis(t);
  const registries = await Promise.all(['a', 'b', 'c'].map((id) => newRegistry(t, redis.url, id)));
  for (const one of registries) await one.join();
  await until(() => registries.every((one) => idsOf(one) === 'a b c'), { what: 'all there' });
  const shrunk: string[] = [];
  for (const one of registries) {
    one.onChange(() => idsOf(one) !== 'a b c' && shrunk.push(idsOf(one)));
  }

  redis.pause();
  await until(() => registries.every((one) => one.isStale), { what: 'all are stale' });
  t.same(registries.map(idsOf), ['a b c', 'a b c', 'a b c'], 'the last known list stays');
  t.match(registries[0]?.problem, /no contact with Redis/);
  redis.resume();
  await until(() => registries.every((one) => one.isMember), { what: 'all are back' });
  await until(() => registries.every((one) => one.version === registries[0]?.version), {
    what: 'the same version everywhere',
  });

  t.same(shrunk, []);
});

await t.test('a Redis that comes back empty learns who was there; the dead run out', async (t) => {
  const redis = await startRedis(t);
  const [a, b] = [await newRegistry(t, redis.url, 'a'), await newRegistry(t, redis.url, 'b')];
  const proxy = await startTcpProxy(t, { targetPort: redis.port });
  const doomed = await newRegistry(t, `redis://127.0.0.1:${proxy.port}`, 'z');
  for (const one of [a, b, doomed]) await one.join();
  await until(() => idsOf(a) === 'a b z' && idsOf(b) === 'a b z', { what: 'all there' });
  const before = { version: a.version, incarnations: a.list().map((one) => one.incarnation) };
  const seen = new Set<string>();
  for (const one of [a, b]) one.onChange(() => seen.add(idsOf(one)));

  await proxy.refuse();
  await redis.restart();
  await until(() => a.version > before.version, { what: 'a new version' });
  t.same(
    a.list().map((one) => one.incarnation),
    before.incarnations,
  );
  await until(() => idsOf(a) === 'a b' && idsOf(b) === 'a b', { what: 'the dead one is gone' });

  t.same([...seen].sort(), ['a b', 'a b z'], 'no other list was ever seen');
});

await t.test(
  'a process cut off long enough loses its lease and comes back as itself',
  async (t) => {
    const redis = await startRedis(t);
    const proxy = await startTcpProxy(t, { targetPort: redis.port });
    const { log, events } = captureLog();
    const a = await newRegistry(t, redis.url, 'a');
    const remote = await newRegistry(t, `redis://127.0.0.1:${proxy.port}`, 'r', { log });
    await a.join();
    await remote.join();
    const { incarnation } = remote.self;
    await until(() => idsOf(a) === 'a r', { what: 'both' });

    await proxy.refuse();
    await until(() => idsOf(a) === 'a', { what: 'the remote one is gone' });
    await until(() => !remote.isMember, { what: 'the remote one knows' });
    await proxy.heal();
    await until(() => idsOf(a) === 'a r' && remote.isMember, { what: 'it is back' });

    t.equal(a.list()[1]?.incarnation, incarnation);
    t.same(events(), ['members.redis_away', 'members.redis_back'], 'logged once each');
  },
);

await t.test('the older of two processes with one name is told and gives way', async (t) => {
  const { url } = await startRedis(t);
  const { log, events } = captureLog();
  let told = 0;
  const old = await newRegistry(t, url, 'same', { log, onSuperseded: () => (told += 1) });
  const fresh = await newRegistry(t, url, 'same');
  await old.join();
  await fresh.join();

  await until(() => told > 0, { what: 'the older one is told' });
  await until(() => old.version === fresh.version, { what: 'the older one follows' });

  t.same([old.isMember, fresh.isMember, told], [false, true, 1]);
  t.equal(old.list()[0]?.incarnation, fresh.self.incarnation);
  t.ok(fresh.self.incarnation > old.self.incarnation);
  t.match(old.problem, /superseded/);
  t.ok(events().includes('members.superseded'));
  await old.close();
  t.equal(idsOf(fresh), 'same', 'the older one does not sign the newer one off');
});

await t.test('one version means one list, whatever happens in whatever order', async (t) => {
  const { url } = await startRedis(t);
  const random = seededRandom(t);
  const lists = new Map<number, string>();
  const broken: string[] = [];
  const registries = await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const registry = await newRegistry(t, url, `m${i}`, { beatMs: 40 });
      registry.onChange((members, version) => {
        const view = viewOf(members);
        if ((lists.get(version) ?? view) !== view) broken.push(`${version}`);
        lists.set(version, view);
      });
      await (i < 3 ? registry.join() : registry.watch());
      return registry;
    }),
  );

  for (let step = 0; step < 40; step += 1) {
    const one = random.pick(registries);
    if (random.chance(0.6)) await one.update({ draining: random.chance(0.5) });
    else if (one.problem.includes('watching')) await one.join();
    else if (random.chance(0.3)) await one.leave();
  }
  const newest = (): number => Math.max(...registries.map((one) => one.version));
  await until(() => registries.every((one) => one.version === newest()), { what: 'agreement' });

  t.same(broken, []);
  t.ok(lists.size > 5);
  t.same(new Set(registries.map((one) => viewOf(one.list()))).size, 1);
});

await t.test(
  'a failed join rejects and leaves nothing running; closing twice is harmless',
  async (t) => {
    const redis = await startRedis(t);
    const registry = await newRegistry(t, redis.url, 'a');
    await redis.kill();

    await t.rejects(registry.join());
    await registry.close();
    await registry.close();
    t.match(registry.problem, /closed/);
  },
);

await t.test('on a Redis Cluster it is the same', async (t) => {
  const { url } = await startRedisCluster(t);
  const [a, b] = [await newRegistry(t, url, 'a'), await newRegistry(t, url, 'b')];
  await a.join();
  await b.join();
  await until(() => idsOf(a) === 'a b', { what: 'both' });
  await b.leave();
  await until(() => idsOf(a) === 'a', { what: 'one' });
  t.pass();
});
