// Who coordinates a room: one worker at a time, within the bound, and never with an old token. Real
// Redis; several workers in one process, swept in seeded order. Where nobody's lease may end by
// chance, leases are longer than any test and the workers' clock goes on by hand.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import {
  seededRandom,
  silentLog,
  startRedis,
  startTcpProxy,
  until,
  type TestScope,
} from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { leaseKey, shareLoad } from '../coordinator-scripts.js';
import { Coordinators } from '../coordinators.js';
import { announcePresence } from '../presence-scripts.js';

interface Room {
  readonly name: string;
}

interface Stage {
  /** Tokens that did the duty of each room, in the order of their success. */
  readonly duties: Map<string, { worker: string; token: number }[]>;
  readonly present: Map<string, Set<string>>;
  readonly leaseMs: number;
  /** Of the workers, not of Redis. */
  readonly nowMs: () => number;
}

/** Longer than a busy machine may stop; Redis ends leases by its own clock. */
const LONG_MS = 120_000;
const SHORT_MS = 400;

/** Time that passes when a test says so. */
class HandClock {
  ms = 0;

  /** So much that what another worker holds is looked at again soon. */
  pass(): void {
    this.ms += LONG_MS / 4;
  }
}

async function startWorker(t: TestScope, stage: Stage, url: string, worker: string) {
  const redis = await connectRedis(url, { role: 'command', name: worker, log: silentLog });
  t.teardown(() => closeRedis(redis));
  const coordinators = new Coordinators<Room>({
    redis,
    log: silentLog,
    worker,
    leaseMs: stage.leaseMs,
    nowMs: stage.nowMs,
    rooms: () => [...stage.present].filter(([, at]) => at.has(worker)).map(([name]) => ({ name })),
    workersOf: ({ name }) => [...(stage.present.get(name) ?? [])],
    async duty({ name }, token, leaseMs) {
      const channel = { name, keys: channelKeys(name) };
      const outcome = await announcePresence(redis, { channel, worker, token, leaseMs });
      if (outcome === 'fenced') return outcome;
      const list = stage.duties.get(name) ?? [];
      stage.duties.set(name, [...list, { worker, token }]);
      return 'published';
    },
  });
  return { worker, coordinators };
}

function newStage(rooms: number, workers: readonly string[], clock?: HandClock): Stage {
  const names = Array.from({ length: rooms }, (_, at) => `room:${at + 1}`);
  return {
    duties: new Map(),
    leaseMs: clock === undefined ? SHORT_MS : LONG_MS,
    nowMs: () => clock?.ms ?? performance.now(),
    present: new Map(names.map((name) => [name, new Set(workers)])),
  };
}

/** Who did the last duty of each room. */
function owners(stage: Stage): Map<string, string> {
  return new Map([...stage.duties].map(([room, list]) => [room, list.at(-1)?.worker ?? '']));
}

function assertTokensGrow(t: Test, stage: Stage): void {
  for (const [room, list] of stage.duties) {
    list.forEach(({ worker, token }, at) => {
      const before = list[at - 1];
      if (before === undefined) return;
      const isFine = worker === before.worker ? token >= before.token : token > before.token;
      if (!isFine) t.fail(`${room}: ${worker} wrote with ${token} after ${before.worker}`);
    });
  }
}

/** What time does to a worker that is gone, and to nobody else. */
async function endLeasesOf(
  worker: string,
  url: string,
  t: TestScope,
  { present }: Stage,
): Promise<void> {
  const redis = await connectRedis(url, { role: 'command', name: 'time', log: silentLog });
  t.teardown(() => closeRedis(redis));
  for (const name of present.keys()) {
    const key = leaseKey(name);
    if ((await redis.hget(key, 'owner')) === worker) await redis.hset(key, 'until', '0');
  }
  await shareLoad(redis, { worker, rooms: -1, ttlMs: 0 });
}

/** Sweeps until each room is held once and no worker has more than its share. */
async function settle(
  workers: readonly Awaited<ReturnType<typeof startWorker>>[],
  rooms: number,
  clock: HandClock,
  random: () => number = () => 0.5,
): Promise<void> {
  const shareMax = Math.ceil((1.25 * rooms) / workers.length) + 1;
  await until(
    async () => {
      const order = [...workers].sort(() => random() - 0.5);
      for (const { coordinators } of order) await coordinators.sweep();
      clock.pass();
      const sizes = workers.map(({ coordinators }) => coordinators.size);
      const held = sizes.reduce((sum, size) => sum + size, 0);
      return held === rooms && Math.max(...sizes) <= shareMax;
    },
    { what: `${rooms} rooms held once each, at most ${shareMax} by one worker` },
  );
}

t.test('every room has one coordinator and nobody more than its share', async (t) => {
  const { url } = await startRedis(t);
  const random = seededRandom(t);
  const names = ['a', 'b', 'c', 'd'];
  const clock = new HandClock();
  const stage = newStage(200, names, clock);
  const workers = await Promise.all(names.map((name) => startWorker(t, stage, url, name)));
  await settle(workers, 200, clock, () => random.next());
  const sizes = workers.map(({ coordinators }) => coordinators.size);
  t.ok(Math.min(...sizes) > 0, sizes.join(' '));
  assertTokensGrow(t, stage);
});

t.test('when a worker dies only its rooms move', async (t) => {
  const { url } = await startRedis(t);
  const names = ['a', 'b', 'c'];
  const clock = new HandClock();
  const stage = newStage(60, names, clock);
  const workers = await Promise.all(names.map((name) => startWorker(t, stage, url, name)));
  await settle(workers, 60, clock);
  const before = owners(stage);
  for (const at of stage.present.values()) at.delete('c');
  await endLeasesOf('c', url, t, stage);
  const alive = workers.filter(({ worker }) => worker !== 'c');
  await until(
    async () => {
      for (const { coordinators } of alive) await coordinators.sweep();
      clock.pass();
      return [...owners(stage).values()].every((worker) => worker !== 'c');
    },
    { what: 'rooms of the dead worker taken over' },
  );
  const moved = [...owners(stage)].filter(([room, worker]) => before.get(room) !== worker);
  t.ok(moved.length > 0);
  t.same(
    moved.filter(([room]) => before.get(room) !== 'c'),
    [],
    'nobody else lost a room',
  );
  assertTokensGrow(t, stage);
});

t.test('a worker that was cut off from Redis cannot write as coordinator afterwards', async (t) => {
  const { url, port } = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: port });
  const stage = newStage(1, ['a']);
  const a = await startWorker(t, stage, `redis://127.0.0.1:${proxy.port}`, 'a');
  await a.coordinators.sweep();
  const token = a.coordinators.tokenOf('room:1');
  t.ok(token, 'the only worker has the room');

  proxy.stall();
  stage.present.get('room:1')?.add('b');
  const b = await startWorker(t, stage, url, 'b');
  const stalled = a.coordinators.sweep();
  await until(() => a.coordinators.tokenOf('room:1') === undefined, {
    what: 'it stops by its own clock',
  });
  stage.present.get('room:1')?.delete('a');
  await until(
    async () => {
      await b.coordinators.sweep();
      return b.coordinators.size === 1;
    },
    { what: 'another takes over' },
  );
  stage.present.get('room:1')?.add('a');
  await proxy.heal();
  await stalled;
  await a.coordinators.sweep();
  t.equal(a.coordinators.size, 0);
  t.equal(stage.duties.get('room:1')?.at(-1)?.worker, 'b');
  assertTokensGrow(t, stage);
});

t.test('a worker that leaves gives its rooms back at once', async (t) => {
  const { url } = await startRedis(t);
  const stage = newStage(5, ['a', 'b']);
  const a = await startWorker(t, stage, url, 'a');
  for (const at of stage.present.values()) at.delete('b');
  await a.coordinators.sweep();
  t.equal(a.coordinators.size, 5);
  for (const at of stage.present.values()) at.add('b').delete('a');
  await a.coordinators.leave();
  const b = await startWorker(t, stage, url, 'b');
  await b.coordinators.sweep();
  t.equal(b.coordinators.size, 5, 'without waiting for the leases');
  assertTokensGrow(t, stage);
});
