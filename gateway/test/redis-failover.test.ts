// A replica takes the place of a master while a room on it is busy: handed over by the master, or
// by force after the master was killed. What the replica has is there afterwards, once and in
// order, and what had no answer is repeated. Replication is asynchronous: the README says what a
// killed master takes with it.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis, slotOf } from '../../cluster/index.js';
import {
  silentLog,
  startRedisCluster,
  until,
  type TestRedisCluster,
} from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createPublisher } from '../index.js';
import { startWorker, watch, type Watched } from './worker-harness.js';

const ROOM = 'room:failover';

interface Stage {
  readonly cluster: TestRedisCluster;
  /** Of the master that has the room. */
  readonly owner: number;
  readonly viewers: readonly Watched[];
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
    ...{ what: 'all ready', deadlineMs: 20_000 },
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
  return { cluster, viewers, owner, talkDuring };
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
