// The harness itself: servers really answer, faults really happen, nothing is left behind.
import t from 'tap';
import { createConnection } from 'mysql2/promise';
import { Redis } from 'ioredis';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { AppError } from '../errors.js';
import { startChildServer } from '../processes/child-server.js';
import { startRedisServer } from '../processes/redis-server.js';
import {
  freePortRange,
  ManualClock,
  randomFromSeed,
  startMariadb,
  startRedis,
  startRedisCluster,
  startTcpProxy,
  until,
} from '../testing/index.js';

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

await t.test('a redis-server answers, and forgets everything over kill and start', async (t) => {
  const redis = await startRedis(t);
  const client = redis.client();
  await client.set('a', '1');

  await redis.restart();

  t.equal(await client.get('a'), null);
});

await t.test('with appendFsync always an acknowledged write survives kill -9', async (t) => {
  const redis = await startRedis(t, { appendFsync: 'always' });
  const client = redis.client();
  await client.set('a', '1');

  await redis.restart();

  t.equal(await client.get('a'), '1');
});

await t.test('a paused redis-server keeps connections and answers after resume', async (t) => {
  const redis = await startRedis(t);
  const client = redis.client();
  await client.ping();

  redis.pause();
  let answered = false;
  const pong = client.ping().then(() => (answered = true));
  const probe = connect(redis.port, redis.host);
  await once(probe, 'connect');
  probe.destroy();
  t.notOk(answered);
  redis.resume();
  await pong;

  t.ok(answered);
});

await t.test('a paused server stops in good order', async (t) => {
  const server = await startRedisServer({ dir: t.testdir(), port: await freePortRange(1) });
  server.pause();
  await server.stop();

  t.same(await server.exited, { code: 0, signal: null });
});

await t.test('teardown ends the server and a second start finds the port free', async (t) => {
  let pid = 0;
  let port = 0;
  await t.test('inner', async (t) => {
    const redis = await startRedis(t);
    port = redis.port;
    const info = await redis.client().info('server');
    pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
    t.ok(isRunning(pid));
  });

  t.notOk(isRunning(pid));
  const again = await startRedisServer({ dir: t.testdir(), port });
  await again.stop();
});

await t.test('a busy port is reported as such, also when a server answers there', async (t) => {
  const redis = await startRedis(t);

  const thrown: unknown = await startRedisServer({ dir: t.testdir(), port: redis.port }).catch(
    (error: unknown) => error,
  );

  t.ok(thrown instanceof AppError && thrown.code === 'CHILD_PORT_BUSY', String(thrown));
  t.match(thrown, { message: `redis-server: port ${redis.port} is in use` });
});

await t.test('a missing program and a broken argument are coded errors', async (t) => {
  const options = {
    name: 'x',
    debianPackage: 'x-server',
    port: 1,
    portBusyPattern: /never/,
    isReady: () => Promise.resolve(false),
  };

  const missing = startChildServer({ ...options, programs: ['no-such-program'], args: [] });
  const broken = startRedisServer({ dir: t.testdir(), port: 1, extraArgs: ['--no-such', '1'] });

  await t.rejects(missing, { code: 'CHILD_MISSING', message: /apt-get install x-server/ });
  await t.rejects(broken, { code: 'CHILD_EXITED', message: /no-such/ });
});

await t.test('a child ends when its parent is killed with SIGKILL', async (t) => {
  const module = new URL('../processes/redis-server.ts', import.meta.url).href;
  const port = await freePortRange(1);
  const code = `
    import { startRedisServer } from '${module}';
    const server = await startRedisServer({ dir: '${t.testdir()}', port: ${port} });
    process.stdout.write(String(server.pid) + '\\n');
    setInterval(() => undefined, 1_000);`;
  const args = ['--import=tsx', '--input-type=module', '-e', code];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => parent.kill('SIGKILL'));
  const [data] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(data.toString());
  t.ok(isRunning(pid));

  parent.kill('SIGKILL');

  await until(() => !isRunning(pid), { what: 'the orphan is gone' });
});

await t.test('three masters form a cluster that serves every slot', async (t) => {
  const cluster = await startRedisCluster(t);
  const owners = await Promise.all([0, 6_000, 16_383].map((slot) => cluster.ownerOf(slot)));

  t.same(owners, [0, 1, 2]);
  t.match(cluster.url, /^redis-cluster:\/\/127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/);
});

await t.test('a slot moves with its keys', async (t) => {
  const cluster = await startRedisCluster(t);
  // CRC16("123456789") = 0x31C3 = slot 12739, on the third of three masters.
  await cluster.nodes[2]?.client().set('123456789', 'kept');

  await cluster.moveSlot(12_739, 0);

  t.equal(await cluster.ownerOf(12_739), 0);
  t.equal(await cluster.nodes[0]?.client().get('123456789'), 'kept');
});

await t.test('mariadbd answers, and a commit survives kill -9', async (t) => {
  const mariadb = await startMariadb(t);
  const first = await createConnection(mariadb.url);
  await first.query('CREATE DATABASE d');
  await first.query('CREATE TABLE d.a (n BIGINT PRIMARY KEY) ENGINE=InnoDB');
  await first.query('INSERT INTO d.a VALUES (42)');
  first.destroy();

  await mariadb.restart();

  const second = await createConnection(mariadb.url);
  const [rows] = await second.query('SELECT n FROM d.a');
  second.destroy();
  t.same(rows, [{ n: 42 }]);
});

await t.test('the proxy passes, cuts, stalls, refuses and heals', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: redis.port });
  const options = { retryStrategy: () => 5, maxRetriesPerRequest: null };
  const client = new Redis(proxy.port, proxy.host, options);
  client.on('error', () => undefined);
  t.teardown(() => client.disconnect());

  await client.set('a', '1');
  t.equal(proxy.connectionCount(), 1);
  const lost = new Promise((resolve) => client.once('close', resolve));
  proxy.cut();
  await lost;
  t.equal(await client.get('a'), '1', 'a new connection is served after a cut');

  proxy.stall('toClient');
  let answered = false;
  const late = client.set('a', '2').then(() => (answered = true));
  await until(async () => (await redis.client().get('a')) === '2', { what: 'command arrives' });
  t.notOk(answered, 'the server has done it, the reply is held');
  await proxy.heal();
  await late;

  await proxy.refuse();
  const refused = connect(proxy.port, proxy.host);
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ECONNREFUSED');
  await proxy.heal();
  t.equal(await client.get('a'), '2');
});

await t.test('a slow link passes all bytes unaltered in small pieces', async (t) => {
  const body = 'x'.repeat(3_000);
  const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const targetPort = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy = await startTcpProxy(t, { targetPort });

  proxy.slow(20_000);
  const response = await fetch(`http://127.0.0.1:${proxy.port}/`);

  t.equal(await response.text(), body);
  t.ok(proxy.passedBytes('toClient') >= body.length);
});

await t.test('until says what it waited for and what it saw last', async (t) => {
  await t.rejects(
    until(() => 0, { what: 'a unicorn', deadlineMs: 10 }),
    { message: /a unicorn; last seen: 0/ },
  );
  t.equal(await until(() => Promise.resolve('x'), { what: 'x' }), 'x');
});

await t.test('the manual clock moves only when told', (t) => {
  const clock = new ManualClock(1_000);
  clock.advance(5);
  clock.stepWall(-100);

  t.equal(clock.nowMs(), 905);
  t.equal(clock.monotonicMs(), 5);
  t.throws(() => clock.advance(-1));
  t.end();
});

await t.test('the same seed gives the same numbers, another seed others', (t) => {
  const draw = (seed: number): number[] => {
    const random = randomFromSeed(seed);
    return Array.from({ length: 20 }, () => random.int(1, 6));
  };

  t.same(draw(7), draw(7));
  t.notSame(draw(7), draw(8));
  t.ok(draw(7).every((n) => n >= 1 && n <= 6));
  t.same(randomFromSeed(1).shuffle([1, 2, 3]).sort(), [1, 2, 3]);
  t.end();
});

await t.test('a range of free ports is consecutive and free', async (t) => {
  const first = await freePortRange(40);
  t.ok(first >= 15_000 && first + 39 <= 31_999);
});
