// A replica takes the place of a master while a room on it is busy: handed over by the master, or
// by force after the master was killed. What the replica has is there afterwards, once and in
// order, and what had no answer is repeated. Replication is asynchronous: the README says what a
// killed master takes with it.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis, slotOf, type RedisClient } from '../../cluster/index.js';
import {
  silentLog,
  startRedisCluster,
  until,
  type TestRedisCluster,
} from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createPublisher } from '../index.js';
import { startWorker, watch, type TestWorker, type Watched } from './worker-harness.js';

const ROOM = 'room:failover';

interface Stage {
  readonly cluster: TestRedisCluster;
  /** Of the master that has the room. */
  readonly owner: number;
  readonly workers: readonly TestWorker[];
  readonly viewers: readonly Watched[];
  readonly redis: RedisClient;
  /** Says one number after another, each until it is acknowledged, meanwhile and 50 later. */
  readonly talkDuring: (work: Promise<void>) => Promise<number>;
}

async function open(t: Test): Promise<Stage> {
  const cluster = await startRedisCluster(t, 3, { hasReplicas: true });
  const redis = await connectRedis(cluster.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const publisher = createPublisher({ redis, log: silentLog });
  const workers = [await startWorker(t, cluster.url), await startWorker(t, cluster.url)];
  const viewers = Array.from({ length: 6 }, (_, n) =>
    watch(t, [workers[n % 2]?.url ?? ''], ROOM, { sub: `v${n}` }),
  );
  await until(() => viewers.every((one) => one.events.length > 0), {
    ...{ what: 'all ready' },
  });
  let sent = 0;
  const say = async (): Promise<void> => {
    sent += 1;
    const mid = `n${sent}`;
    const body = { text: String(sent) };
    await until(() => publisher.publish(ROOM, { kind: 't', cls: 'reliable', body, mid }), {
      ...{ what: `${mid} is acknowledged`, deadlineMs: 60_000 },
    });
  };
  const talkDuring = async (work: Promise<void>): Promise<number> => {
    const state = { isOver: false };
    const working = work.finally(() => (state.isOver = true));
    while (!state.isOver) await say();
    await working;
    for (let n = 0; n < 50; n += 1) await say();
    return sent;
  };
  const owner = await cluster.ownerOf(slotOf(channelKeys(ROOM).feed));
  await talkDuring(Promise.resolve());
  return { cluster, workers, viewers, redis, owner, talkDuring };
}

async function allHave(t: Test, viewers: readonly Watched[], sent: number): Promise<void> {
  await until(() => viewers.every((one) => one.texts().at(-1) === String(sent)), {
    ...{ what: 'all have the last message', deadlineMs: 60_000 },
  });
  const wanted = Array.from({ length: sent }, (_, at) => String(at + 1));
  for (const one of viewers) {
    t.same(one.texts(), wanted, 'everything, once and in order');
    t.notOk(one.events.includes('lost'), 'and no word of a loss');
  }
}

t.test('a master that hands over to its replica loses nothing', async (t) => {
  const { cluster, owner, viewers, talkDuring } = await open(t);
  const sent = await talkDuring(cluster.failOver(owner, 'handed-over'));
  await allHave(t, viewers, sent);
});

t.test('a master that is killed loses nothing that its replica had', async (t) => {
  const { cluster, owner, viewers, talkDuring } = await open(t);
  const master = cluster.nodes[owner];
  const client = master?.client();
  // WAIT is about the connection's own writes, and about all that came before them.
  await client?.set(`${channelKeys(ROOM).meta}:mark`, '1');
  t.equal(await client?.wait(1, 0), 1, 'the replica has everything');
  await master?.kill();
  // What is said meanwhile is repeated until the replica has taken over.
  const sent = await talkDuring(cluster.failOver(owner, 'forced'));
  await allHave(t, viewers, sent);
});

/** Another room on the same master. */
async function siblingRoom({ cluster, owner }: Stage): Promise<string> {
  for (let n = 1; ; n += 1) {
    const room = `${ROOM}-${n}`;
    if ((await cluster.ownerOf(slotOf(channelKeys(room).feed))) === owner) return room;
  }
}

/** From now on the replica gets nothing of what its master is told. */
async function cutReplication({ cluster, owner }: Stage): Promise<void> {
  const [master, replica] = [cluster.nodes[owner]?.client(), cluster.replicas[owner]?.client()];
  await master?.set(`${channelKeys(ROOM).meta}:mark`, '1');
  t.equal(await master?.wait(1, 0), 1, 'the replica has everything');
  await replica?.config('SET', 'masterauth', 'the master has no password');
  await master?.call('CLIENT', 'KILL', 'TYPE', 'replica');
  await until(async () => (await master?.info('replication'))?.includes('connected_slaves:0'), {
    what: 'the replica is alone',
  });
}

t.test('what the backend says where messages were lost is shown to everybody', async (t) => {
  const stage = await open(t);
  const { cluster, owner, redis, workers, viewers } = stage;
  const other = await siblingRoom(stage);
  const rooms = [
    // Fewer than were lost: the server's top is below the readers'.
    { room: ROOM, lost: 5, then: 3, viewers },
    // More than were lost: the top says nothing.
    { room: other, lost: 2, then: 6, viewers: workers.map(({ url }) => watchRoom(t, url, other)) },
  ];
  const seen = async (text: string): Promise<void> => {
    await until(
      () => rooms.every((one) => one.viewers.every((viewer) => viewer.texts().at(-1) === text)),
      { what: `all have ${text}`, deadlineMs: 60_000, everyMs: 20 },
    );
  };
  const sayAll = async (redis: RedisClient, what: string, count: 'lost' | 'then' | 1) => {
    const publisher = createPublisher({ redis, log: silentLog });
    for (const { room, ...counts } of rooms) {
      const many = count === 1 ? 1 : counts[count];
      for (let n = 1; n <= many; n += 1) {
        const body = { text: n === many ? `${what} end` : `${what} ${n}` };
        await publisher.publish(room, { kind: 't', cls: 'reliable', body });
      }
    }
  };
  await sayAll(redis, 'kept', 1);
  await seen('kept end');
  await cutReplication(stage);
  await sayAll(redis, 'lost', 'lost');
  await seen('lost end');
  const url = cluster.replicas[owner]?.url ?? '';
  const heir = await connectRedis(url, { role: 'command', name: 'heir', log: silentLog });
  t.teardown(() => closeRedis(heir));
  await cluster.nodes[owner]?.kill();
  // At once, before a worker has found the new master.
  await cluster.replicas[owner]?.client().call('CLUSTER', 'FAILOVER', 'TAKEOVER');
  await sayAll(heir, 'then', 'then');
  await seen('then end');
  for (const { lost, then, viewers } of rooms) {
    const numbers = (what: string, count: number): string[] =>
      Array.from({ length: count }, (_, n) =>
        n + 1 === count ? `${what} end` : `${what} ${n + 1}`,
      );
    for (const one of viewers) {
      const tail = one.texts().slice(one.texts().indexOf('kept end'));
      t.same(tail, ['kept end', ...numbers('lost', lost), ...numbers('then', then)]);
      t.ok(one.events.includes('lost'), 'readers are told');
    }
  }
});

function watchRoom(t: Test, url: string, room: string): Watched {
  return watch(t, [url], room, { sub: `w${url}` });
}
