// What each Redis role promises, with real faults between client and server. The money role is the
// one that
// matters: whatever happens to the link, a command is executed once or not at all, and never later.
import t, { type Test } from 'tap';
import {
  closeRedis,
  connectRedis,
  isCluster,
  reconnectDelayMs,
  redactUrl,
  type RedisClient,
  type RedisRole,
} from '../redis.js';
import {
  captureLog,
  freePort,
  silentLog,
  startRedis,
  startRedisCluster,
  startTcpProxy,
  type TcpProxy,
  type TestRedis,
  until,
} from '../testing/index.js';

async function connect(t: Test, url: string, role: RedisRole): Promise<RedisClient> {
  const redis = await connectRedis(url, { role, name: `test-${role}`, log: silentLog });
  t.teardown(() => closeRedis(redis));
  return redis;
}

async function arrange(t: Test, role: RedisRole) {
  const server = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: server.port });
  const redis = await connect(t, `redis://127.0.0.1:${proxy.port}`, role);
  return { server, proxy, redis, inside: server.client() };
}

/** The command arrives and is executed; its reply, and then the link, is lost. */
async function loseReply(
  proxies: readonly TcpProxy[],
  redis: RedisClient,
  inside: { get(key: string): Promise<string | null> },
): Promise<unknown> {
  for (const one of proxies) one.stall('toClient');
  const outcome = redis.incr('n').catch((error: unknown) => error);
  await until(async () => (await inside.get('n')) === '1', { what: 'the command was executed' });
  for (const one of proxies) one.cut();
  for (const one of proxies) await one.heal();
  return outcome;
}

await t.test(
  'money: a command whose reply was lost is rejected and never sent again',
  async (t) => {
    const { proxy, redis, inside } = await arrange(t, 'money');

    const outcome = await loseReply([proxy], redis, inside);
    t.ok(outcome instanceof Error, 'the caller is told that it is unknown');
    await until(() => redis.status === 'ready', { what: 'a new connection' });
    await redis.set('marker', '1');

    t.equal(await inside.get('n'), '1', 'executed once');
  },
);

await t.test('command: the same fault executes twice, which is why money has a role', async (t) => {
  const { proxy, redis, inside } = await arrange(t, 'command');

  const outcome = await loseReply([proxy], redis, inside);

  t.equal(outcome, 2);
  t.equal(await inside.get('n'), '2');
});

await t.test(
  'money: while the link is down commands fail at once and are never sent later',
  async (t) => {
    const { proxy, redis, inside } = await arrange(t, 'money');
    await proxy.refuse();
    await until(() => redis.status !== 'ready', { what: 'the loss is noticed' });

    for (let i = 0; i < 5; i += 1) await t.rejects(redis.incr('n'));
    const last = redis.incr('n').catch((error: unknown) => error);
    await proxy.heal();
    t.ok((await last) instanceof Error, 'also when the link comes back right after');
    await until(() => redis.status === 'ready', { what: 'the link is back' });
    await redis.set('marker', '1');

    t.equal(await inside.get('n'), null);
  },
);

await t.test(
  'money: a silent server is an error within 5 s, and a late reply does no harm',
  async (t) => {
    const { proxy, redis, inside } = await arrange(t, 'money');

    proxy.stall('toClient');
    await t.rejects(redis.incr('n'), { name: 'MaxRetriesPerRequestError' });
    await proxy.heal();
    const value = await until(() => redis.get('n'), { what: 'another link' });
    t.equal(value, '1', 'replies still belong to their commands');

    t.equal(await inside.get('n'), '1');
  },
);

await t.test('command: a short outage is waited out, a long one is an error', async (t) => {
  const { proxy, redis, inside } = await arrange(t, 'command');
  await proxy.refuse();
  const waiting = redis.set('a', '1');
  await proxy.heal();
  t.equal(await waiting, 'OK');
  t.equal(await inside.get('a'), '1');

  await proxy.refuse();
  await t.rejects(redis.set('a', '2'));
});

await t.test('a server that cannot be reached is an error without its password', async (t) => {
  const port = await freePort();
  const url = `redis://user:hunter2@127.0.0.1:${port}`;
  const thrown: unknown = await connectRedis(url, {
    role: 'command',
    name: 'x',
    log: silentLog,
  }).catch((error: unknown) => error);

  t.match(thrown, { message: `Redis at redis://***@127.0.0.1:${port} cannot be reached (x)` });
  t.equal(redactUrl('redis://h:1'), 'redis://h:1');
});

await t.test('user, password and database of the address are used', async (t) => {
  const server = await startRedis(t);
  await server.client().acl('SETUSER', 'me', 'on', '>p@ss:word', 'allcommands', 'allkeys');
  const url = `redis://me:p%40ss%3Aword@127.0.0.1:${server.port}/3`;
  const redis = await connect(t, url, 'command');
  await redis.set('a', '1');

  t.equal(await redis.call('ACL', ['WHOAMI']), 'me');
  t.match(await server.client().info('keyspace'), /db3:keys=1/);
  t.match(await server.client().client('LIST'), /name=test-command/);
});

await t.test('an outage is logged once when it begins and once when it ends', async (t) => {
  const server = await startRedis(t);
  const { log, events } = captureLog();
  const redis = await connectRedis(server.url, { role: 'command', name: 'x', log });
  t.teardown(() => closeRedis(redis));

  await server.kill();
  await until(() => events().includes('redis.down'), { what: 'the loss' });
  await server.start();
  await until(() => events().includes('redis.up'), { what: 'the return' });

  t.same(events(), ['redis.down', 'redis.up']);
});

await t.test('closing does not wait for a server that is away', async (t) => {
  for (const fault of ['kill', 'pause'] as const) {
    const server = await startRedis(t);
    const redis = await connect(t, server.url, 'command');
    await server[fault]();
    await closeRedis(redis);
  }
  t.pass();
});

await t.test('the pause before a reconnect grows to a second and no further', (t) => {
  t.same(
    [1, 2, 3, 4, 5, 6, 7, 1_000].map(reconnectDelayMs),
    [50, 100, 200, 400, 800, 1_000, 1_000, 1_000],
  );
  t.end();
});

await t.test('on a Cluster', async (t) => {
  const cluster = await startRedisCluster(t, 3, { hasProxies: true });
  // The key n is in slot 3,432: with three masters on the first.
  const inside = (cluster.nodes[0] as TestRedis).client();
  t.beforeEach(() => inside.flushall());

  await t.test('money: a command whose reply was lost is never sent again', async (t) => {
    const redis = await connect(t, cluster.url, 'money');
    t.ok(isCluster(redis));
    t.equal(await redis.set('m', '1'), 'OK', 'the first command to a node is not refused');

    const outcome = await loseReply(cluster.proxies, redis, inside);

    t.ok(outcome instanceof Error);
    await until(() => redis.set('n-marker{n}', '1').catch(() => ''), { what: 'it works again' });
    t.equal(await inside.get('n'), '1');
  });

  await t.test('money: connects reliably, many times over', async (t) => {
    for (let i = 0; i < 10; i += 1) {
      const redis = await connectRedis(cluster.url, { role: 'money', name: 'm', log: silentLog });
      const replies = ['a', 'b', 'c', 'd'].map((key) => redis.set(key, '1'));
      t.same(await Promise.all(replies), ['OK', 'OK', 'OK', 'OK']);
      await closeRedis(redis);
    }
  });

  await t.test('money: a node that is down fails at once and is never sent to later', async (t) => {
    const redis = await connect(t, cluster.url, 'money');
    await cluster.proxies[0]?.refuse();
    await until(
      () =>
        redis.get('n').then(
          () => false,
          () => true,
        ),
      { what: 'the loss is noticed' },
    );
    for (let i = 0; i < 5; i += 1) await t.rejects(redis.incr('n'));
    await cluster.proxies[0]?.heal();

    await until(() => redis.set('marker{n}', '1').catch(() => ''), { what: 'it works again' });
    t.equal(await inside.get('n'), null);
  });

  await t.test('money: with the whole Cluster away it is the same', async (t) => {
    const redis = await connect(t, cluster.url, 'money');
    for (const proxy of cluster.proxies) await proxy.refuse();
    await until(() => redis.status !== 'ready', { what: 'the loss is noticed' });
    const lost = redis.incr('n').catch((error: unknown) => error);
    for (const proxy of cluster.proxies) await proxy.heal();
    t.ok((await lost) instanceof Error);

    await until(() => redis.set('marker{n}', '1').catch(() => ''), { what: 'it works again' });
    t.equal(await inside.get('n'), null);
  });

  await t.test('command: follows a slot to its new node', async (t) => {
    const redis = await connect(t, cluster.url, 'command');
    await redis.set('n', '1');
    await cluster.moveSlot(3_432, 2);
    t.equal(await redis.incr('n'), 2);
    await cluster.moveSlot(3_432, 0);
    t.equal(await redis.incr('n'), 3);
  });

  await t.test('command: a node that was away is used again', async (t) => {
    const redis = await connect(t, cluster.url, 'command');
    await cluster.proxies[0]?.refuse();
    await redis.get('n').catch(() => '');
    await cluster.proxies[0]?.heal();
    await until(() => redis.set('n', '5').catch(() => ''), { what: 'it works again' });
    t.equal(await inside.get('n'), '5');
  });
});
