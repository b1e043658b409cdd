// The subscriber under faults. Oracle of most tests: a publisher counts; between two gaps a
// subscriber must have seen consecutive numbers, and after every fault the numbers go on.
import t, { type Test } from 'tap';
import {
  connectSubscriber,
  type RedisSubscriber,
  type RedisSubscriberOptions,
} from '../pubsub/redis-subscriber.js';
import { slotOf } from '../redis-slot.js';
import {
  captureLog,
  freePort,
  seededRandom,
  silentLog,
  startRedis,
  startRedisCluster,
  startTcpProxy,
  until,
} from '../testing/index.js';

async function subscriberTo(
  t: Test,
  url: string,
  options: Partial<RedisSubscriberOptions> = {},
): Promise<RedisSubscriber> {
  const subscriber = await connectSubscriber(url, { name: 'test', log: silentLog, ...options });
  t.teardown(() => subscriber.close());
  return subscriber;
}

/** What a listener saw: numbers, and 'gap' where it was told of one. */
class Record {
  readonly seen: (number | 'gap')[] = [];
  readonly onMessage = (payload: Buffer): void => void this.seen.push(Number(payload.toString()));
  readonly onGap = (): void => void this.seen.push('gap');

  get last(): number {
    return Math.max(0, ...this.seen.filter((one) => one !== 'gap'));
  }

  get gaps(): number {
    return this.seen.filter((one) => one === 'gap').length;
  }

  /** '' when numbers grow by one, except after a gap, where they just grow. */
  get fault(): string {
    let last: number | undefined;
    let isAfterGap = false;
    for (const one of this.seen) {
      if (one === 'gap') {
        isAfterGap = true;
        continue;
      }
      const isGood = last === undefined || (isAfterGap ? one > last : one === last + 1);
      if (!isGood) return `${one} after ${last ?? 'nothing'}`;
      last = one;
      isAfterGap = false;
    }
    return '';
  }
}

/** Channels in the first and the last slot of each of three masters. */
function edgeChannels(): string[] {
  const names = Array.from({ length: 200_000 }, (_, i) => `edge:${i}`);
  return [0, 5_460, 5_461, 10_922, 10_923, 16_383].map(
    (slot) => names.find((name) => slotOf(name) === slot) ?? '',
  );
}

await t.test('channels come and go; messages reach the listener of their channel', async (t) => {
  const redis = await startRedis(t);
  const publisher = redis.client();
  const subscriber = await subscriberTo(t, redis.url);
  const [a, b] = [new Record(), new Record()];
  await Promise.all([subscriber.subscribe('a', a), subscriber.subscribe('ż{b}', b)]);

  await publisher.spublish('a', '1');
  await publisher.spublish('ż{b}', '2');
  await until(() => a.last === 1 && b.last === 2, { what: 'both' });
  subscriber.unsubscribe('a');
  subscriber.unsubscribe('a');
  await publisher.spublish('a', '3');
  await publisher.spublish('ż{b}', '4');
  await until(() => b.last === 4, { what: 'the one that stayed' });

  t.same([a.seen, b.seen], [[1], [2, 4]]);
  t.match(subscriber.stats(), { channels: 1, messages: 3, gaps: 0, reconnects: 0 });
  t.ok(subscriber.isWhole());
  await until(async () => (await publisher.pubsub('SHARDNUMSUB', 'a'))[1] === 0, {
    what: 'the server has forgotten the channel',
  });
});

await t.test('who leaves and comes back at once gets nothing of before', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: redis.port });
  const publisher = redis.client();
  const subscriber = await subscriberTo(t, `redis://127.0.0.1:${proxy.port}`);
  const [before, after, witness] = [new Record(), new Record(), new Record()];
  await subscriber.subscribe('a', before);
  await subscriber.subscribe('witness', witness);

  // The server learns of neither yet, so it still serves the old subscription.
  proxy.stall('toServer');
  subscriber.unsubscribe('a');
  const back = subscriber.subscribe('a', after);
  await publisher.spublish('a', '1');
  await publisher.spublish('witness', '1');
  await until(() => witness.last === 1, { what: 'the first message has arrived' });
  await proxy.heal();
  await back;
  await publisher.spublish('a', '2');
  await until(() => after.last === 2, { what: 'the second message' });

  t.same([before.seen, after.seen], [[], [2]]);
});

await t.test(
  'who follows hears once that nothing is missed from now on, then of gaps',
  async (t) => {
    const redis = await startRedis(t);
    const proxy = await startTcpProxy(t, { targetPort: redis.port });
    const publisher = redis.client();
    const subscriber = await subscriberTo(t, `redis://127.0.0.1:${proxy.port}`);
    const heard: string[] = [];
    const onGap = (): void => void heard.push('gap');
    const onMessage = (payload: Buffer): void => void heard.push(payload.toString());
    const onLive = (channel: string): void => void heard.push(`live ${channel}`);
    subscriber.follow('a', { onMessage, onGap, onLive });
    await until(() => heard.length === 1, { what: 'the acknowledgement' });
    await publisher.spublish('a', '1');
    await until(() => heard.length === 2, { what: 'the message' });
    proxy.cut();
    await until(() => heard.length === 3, { what: 'the gap' });
    await publisher.spublish('a', '2');
    await until(() => heard.length === 4, { what: 'the second message' });
    t.same(heard, ['live a', '1', 'gap', '2']);

    t.throws(() => subscriber.follow('a', { onMessage, onGap, onLive }), { code: 'ERR_ASSERTION' });
    subscriber.close();
    t.throws(() => subscriber.follow('b', { onMessage, onGap, onLive }), {
      code: 'SUBSCRIBER_CLOSED',
    });
  },
);

await t.test('a second listener on a channel is a bug; a closed subscriber refuses', async (t) => {
  const { url } = await startRedis(t);
  const subscriber = await subscriberTo(t, url);
  await subscriber.subscribe('a', new Record());

  await t.rejects(subscriber.subscribe('a', new Record()), { code: 'ERR_ASSERTION' });
  subscriber.close();
  await t.rejects(subscriber.subscribe('b', new Record()), { code: 'SUBSCRIBER_CLOSED' });
});

await t.test(
  'while Redis is away a subscription waits, and close() ends the waiting',
  async (t) => {
    const redis = await startRedis(t);
    const subscriber = await subscriberTo(t, redis.url);
    await redis.kill();
    const record = new Record();
    const waiting = subscriber.subscribe('a', record);
    const doomed = subscriber.subscribe('b', new Record());
    subscriber.unsubscribe('b');
    await t.rejects(doomed, { code: 'SUBSCRIBER_CLOSED' });
    t.notOk(subscriber.isWhole());

    await redis.start();
    await waiting;
    await redis.client().spublish('a', '1');
    await until(() => record.last === 1, { what: 'the message' });
    t.equal(record.gaps, 0, 'a channel that was never live has lost nothing');

    await redis.kill();
    const late = subscriber.subscribe('c', new Record());
    subscriber.close();
    await t.rejects(late, { code: 'SUBSCRIBER_CLOSED' });
  },
);

await t.test(
  'no answer at the start is an error that names the place, not the password',
  async (t) => {
    const port = await freePort();
    const connect = (url: string) => connectSubscriber(url, { name: 'x', log: silentLog });
    await t.rejects(connect(`redis://u:hunter2@127.0.0.1:${port}`), {
      code: 'REDIS_AWAY',
      message: new RegExp(`^Redis at 127\\.0\\.0\\.1:${port} is away: (?!.*hunter2)`),
    });
    await t.rejects(connect(`redis-cluster://127.0.0.1:${port}`), { code: 'REDIS_AWAY' });
    const { url } = await startRedis(t);
    await t.rejects(connect(url.replace('redis:', 'redis-cluster:')), {
      message: /cluster support/,
    });
    await t.rejects(connect(url.replace('//', '//u:hunter2@')), { message: /(WRONGPASS|AUTH)/ });
  },
);

await t.test('user and password of the address are used', async (t) => {
  const redis = await startRedis(t);
  const admin = redis.client();
  await admin.acl('SETUSER', 'me', 'on', '>p@ss', 'allcommands', 'allchannels');
  const subscriber = await subscriberTo(t, `redis://me:p%40ss@127.0.0.1:${redis.port}`);
  await subscriber.subscribe('a', new Record());

  t.match(await admin.client('LIST'), /name=test .*user=me/);
});

await t.test('a peer that falls silent is given up and the gap announced', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: redis.port });
  const { log, lines } = captureLog();
  // A machine with other work may let Redis wait for 100 ms.
  const options = { heartbeatMs: 250, log };
  const subscriber = await subscriberTo(t, `redis://127.0.0.1:${proxy.port}`, options);
  const record = new Record();
  await subscriber.subscribe('a', record);
  await until(() => proxy.passedBytes('toClient') > 200, { what: 'some heartbeats' });
  t.equal(record.gaps, 0, 'a quiet channel is not a silent peer');

  proxy.stall();
  await until(() => lines.some((line) => line['event'] === 'subscriber.down'), { what: 'the end' });
  await proxy.heal();
  await until(() => record.gaps === 1, { what: 'the gap' });

  t.match(lines[0], { event: 'subscriber.down', reason: /silent for 500 ms/ });
  await redis.client().spublish('a', '1');
  await until(() => record.last === 1, { what: 'the next message' });
});

await t.test('5,000 channels are restored with few commands, none forgotten', async (t) => {
  const redis = await startRedis(t);
  const client = redis.client();
  const subscriber = await subscriberTo(t, redis.url);
  const names = Array.from({ length: 5_000 }, (_, i) => `feed:${i}`);
  const records = names.map(() => new Record());
  await Promise.all(names.map((name, i) => subscriber.subscribe(name, records[i] as Record)));
  const calls = async (): Promise<number> =>
    Number(/cmdstat_ssubscribe:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
  const before = await calls();

  await client.client('KILL', 'TYPE', 'pubsub');
  await until(() => records.every((one) => one.gaps === 1), { what: 'all gaps' });

  t.equal(before, 10, '512 channels to a command');
  t.equal((await calls()) - before, 10);
  t.match(subscriber.stats(), { channels: 5_000, gaps: 5_000, reconnects: 1 });
});

await t.test('under random cuts every loss is announced and nothing else is lost', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: redis.port });
  const random = seededRandom(t);
  const publisher = redis.client();
  const subscriber = await subscriberTo(t, `redis://127.0.0.1:${proxy.port}`);
  const records = new Map<string, Record>();
  let n = 0;
  for (let step = 0; step < 300; step += 1) {
    const name = `c${random.int(0, 9)}`;
    if (records.get(name) === undefined && random.chance(0.3)) {
      const record = new Record();
      records.set(name, record);
      void subscriber.subscribe(name, record).catch(() => undefined);
    } else if (random.chance(0.05)) {
      proxy.cut();
    } else if (random.chance(0.02)) {
      subscriber.unsubscribe(name);
      t.equal(records.get(name)?.fault ?? '', '');
      records.delete(name);
    }
    n += 1;
    await Promise.all([...Array(10).keys()].map((i) => publisher.spublish(`c${i}`, String(n))));
  }
  await until(() => subscriber.isWhole(), { what: 'the link is back' });
  const isComplete = async (): Promise<boolean> => {
    n += 1;
    await Promise.all([...records.keys()].map((name) => publisher.spublish(name, String(n))));
    return [...records.values()].every((one) => one.last >= n - 50);
  };
  await until(isComplete, { what: 'numbers go on everywhere' });

  for (const [name, record] of records) t.equal(record.fault, '', name);
});

await t.test('on a Cluster', async (t) => {
  const cluster = await startRedisCluster(t, 3, { hasProxies: true });
  const clients = cluster.nodes.map((node) => node.client());

  async function publish(channel: string, n: number): Promise<void> {
    const client = clients[await cluster.ownerOf(slotOf(channel))];
    await client?.spublish(channel, String(n));
  }

  await t.test(
    'channels live on the node of their slot, over one connection per node',
    async (t) => {
      const subscriber = await subscriberTo(t, cluster.url);
      const names = [...Array.from({ length: 40 }, (_, i) => `feed:${i}`), ...edgeChannels()];
      const records = names.map(() => new Record());
      await Promise.all(names.map((name, i) => subscriber.subscribe(name, records[i] as Record)));

      for (const name of names) await publish(name, 1);
      await until(() => records.every((one) => one.last === 1), { what: 'all messages' });
      t.same(
        records.map((one) => one.gaps),
        records.map(() => 0),
      );
      for (const client of clients) {
        const lines = String(await client.client('LIST')).split('\n');
        t.equal(lines.filter((line) => /ssub=[1-9]/.test(line)).length, 1);
      }
      t.ok(subscriber.isWhole());
    },
  );

  await t.test('a moved slot is followed at once, with a gap for its channels only', async (t) => {
    const subscriber = await subscriberTo(t, cluster.url, { slotPollMs: 600_000 });
    const [moving, staying] = [new Record(), new Record()];
    await subscriber.subscribe('feed:{moves}', moving);
    await subscriber.subscribe('feed:{stays}', staying);
    const slot = slotOf('{moves}');
    const home = await cluster.ownerOf(slot);

    for (const [round, node] of [(home + 1) % 3, (home + 2) % 3, home].entries()) {
      await cluster.moveSlot(slot, node);
      await until(() => moving.gaps === round + 1, { what: `the gap of move ${round}` });
      await publish('feed:{moves}', round + 1);
      await publish('feed:{stays}', round + 1);
      await until(() => moving.last === round + 1, { what: 'the message at the new node' });
    }

    t.same(moving.seen, ['gap', 1, 'gap', 2, 'gap', 3]);
    await until(() => staying.last === 3, { what: 'the other channel' });
    t.same(staying.seen, [1, 2, 3]);
  });

  await t.test('subscribing with a stale slot map is redirected by MOVED', async (t) => {
    const subscriber = await subscriberTo(t, cluster.url, { slotPollMs: 600_000 });
    const slot = slotOf('{later}');
    const home = await cluster.ownerOf(slot);
    await cluster.moveSlot(slot, (home + 1) % 3);
    const record = new Record();

    await subscriber.subscribe('feed:{later}', record);
    await publish('feed:{later}', 1);
    await until(() => record.last === 1, { what: 'the message' });

    t.same(record.seen, [1], 'no gap: it was never live elsewhere');
    await cluster.moveSlot(slot, home);
  });

  await t.test('losing one node touches only its channels, and they come back', async (t) => {
    const subscriber = await subscriberTo(t, cluster.url, { slotPollMs: 100 });
    const names = Array.from({ length: 30 }, (_, i) => `feed:${i}`);
    const records = names.map(() => new Record());
    await Promise.all(names.map((name, i) => subscriber.subscribe(name, records[i] as Record)));
    const owners = await Promise.all(names.map((name) => cluster.ownerOf(slotOf(name))));

    await cluster.proxies[1]?.refuse();
    await until(() => !subscriber.isWhole(), { what: 'the loss' });
    await cluster.proxies[1]?.heal();
    await until(() => subscriber.isWhole(), { what: 'the return' });
    await until(() => records.every((one, i) => owners[i] !== 1 || one.gaps === 1), {
      what: 'the gaps',
    });

    t.same(
      records.map((one) => one.gaps),
      owners.map((owner) => (owner === 1 ? 1 : 0)),
    );
  });
});
