// The role as a process: configuration, readiness, membership, SIGTERM drain, SIGKILL under load.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { closeRedis, connectRedis, MemberRegistry } from '../../cluster/index.js';
import {
  freePort,
  silentLog,
  startRedis,
  TEST_SECRETS,
  until,
  type TestScope,
} from '../../cluster/testing/index.js';
import { watch } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

interface Role {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ops: string;
  readonly exited: Promise<number | null>;
  readonly stderr: () => string;
}

function spawnRole(scope: TestScope, env: Record<string, string>): Omit<Role, 'url' | 'ops'> {
  const child = spawn(process.execPath, ['--import=tsx', MAIN], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  scope.teardown(() => child.kill('SIGKILL'));
  return { child, exited, stderr: () => stderr };
}

async function startRole(scope: TestScope, id: string, shared: number): Promise<Role> {
  const [privatePort, opsPort] = [await freePort(), await freePort()];
  const role = spawnRole(scope, {
    NODE_ID: id,
    BIND_HOST: '127.0.0.1',
    REALTIME_REDIS_URL: server.url,
    TOKEN_SECRET: TEST_SECRETS.token,
    INTERNAL_SECRET: TEST_SECRETS.internal,
    GATEWAY_PORT: String(shared),
    GATEWAY_PRIVATE_PORT: String(privatePort),
    GATEWAY_SOCKJS_PORT: String(await freePort()),
    OPS_PORT: String(opsPort),
    GATEWAY_DRAIN_MS: '1000',
    LOG_LEVEL: 'warn',
  });
  const ops = `http://127.0.0.1:${opsPort}`;
  await until(async () => (await fetch(`${ops}/readyz`)).ok, {
    what: `${id} ready`,
  });
  return { ...role, url: `ws://127.0.0.1:${privatePort}`, ops };
}

t.test('a broken configuration exits 2 with one line for each problem', async (t) => {
  const { exited, stderr } = spawnRole(t, { GATEWAY_PORT: 'abc', TOKEN_SECRET: 'short' });
  t.equal(await exited, 2);
  const lines = stderr()
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('gateway: '));
  for (const name of ['GATEWAY_PORT', 'TOKEN_SECRET', 'INTERNAL_SECRET']) {
    t.equal(lines.filter((line) => line.includes(name)).length, 1, name);
  }
  t.notOk(stderr().includes('short'), 'secrets are not shown');
});

t.test(
  'two workers: SIGKILL of one loses no acknowledged message, SIGTERM hands clients over',
  async (t) => {
    const shared = await freePort();
    const [one, two] = await Promise.all([
      startRole(t, 'gw-1', shared),
      startRole(t, 'gw-2', shared),
    ]);
    const members = new MemberRegistry(redis, {
      role: 'web',
      id: 'test',
      log: silentLog,
      beatMs: 500,
      leaseTtlMs: 2_000,
    });
    await members.watch();
    t.teardown(() => members.close());
    await until(() => members.list('gateway').length === 2, { what: 'both registered' });
    t.match(members.list('gateway')[0]?.address, {
      port: new URL(one.url).port,
      sharedPort: String(shared),
    });
    const metrics = await (await fetch(`${one.ops}/metrics`)).text();
    t.match(metrics, /showbill_gateway_connections\{role="gateway"\} 0/);

    const room = 'room:main1';
    const anna = watch(t, [one.url, two.url], room, { sub: '1', level: 'performer' });
    const ben = watch(t, [`ws://127.0.0.1:${shared}`, two.url], room, { sub: '2' });
    await until(() => anna.events.length > 0 && ben.events.length > 0, { what: 'ready' });
    const acknowledged: string[] = [];
    const sending: Promise<unknown>[] = [];
    for (let n = 0; n < 100; n += 1) {
      const text = `m${n}`;
      sending.push(anna.client.publish(room, text).then(() => acknowledged.push(text)));
      if (n === 40) await until(() => acknowledged.length > 5, { what: 'some acknowledged' });
      if (n === 50) one.child.kill('SIGKILL');
      const sent = n;
      if (n % 10 === 0) await until(() => acknowledged.length > sent - 40, { what: 'answers' });
    }
    await Promise.all(sending);
    t.equal(acknowledged.length, 100);
    for (const reader of [anna, ben]) {
      await until(() => reader.texts().length >= 100, { what: 'all shown' });
      t.same([...reader.texts()].sort(), Array.from({ length: 100 }, (_, n) => `m${n}`).sort());
      t.same(
        reader.offsets(),
        Array.from({ length: 100 }, (_, n) => n + 1),
        'in order, each once',
      );
    }

    const three = await startRole(t, 'gw-3', shared);
    const carol = watch(t, [two.url, three.url], room, { sub: '3' });
    await until(() => carol.events.length > 0, { what: 'carol ready' });
    let isOffline = false;
    carol.client.on('state', (state) => (isOffline ||= state === 'waiting'));
    two.child.kill('SIGTERM');
    await until(() => carol.events.includes('recovered'), {
      what: 'carol moved',
    });
    t.equal(isOffline, false, 'the new connection is made before the old one ends');
    t.equal(await two.exited, 0);
    await until(() => members.list('gateway').every((member) => member.id !== 'gw-2'), {
      what: 'gone from the list',
    });
    t.notOk(carol.events.includes('lost'));
  },
);
