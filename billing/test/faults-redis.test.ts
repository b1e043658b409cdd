// Faults of Redis: a lost second of its log, a replica that lags, answers that never come.
import { readFile, writeFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { startMariadb, startRedis, startTcpProxy, until } from '../../cluster/testing/index.js';
import { Engine } from '../engine.js';
import { appendLog } from './append-log.js';
import {
  connectMoney,
  credit,
  grant,
  joinLedger,
  mismatches,
  startLedger,
  startStage,
  TIMING,
  tip,
} from './stage.js';

/** Wallets of three shards. */
const WALLETS = ['42', '1', '2'] as const;

t.test('a lost second of the log: the shard behind SQL is rebuilt before it is used', async (t) => {
  const stage = await startLedger(t, { appendFsync: 'everysec' });
  const { server, engine, metrics, settler } = stage;
  for (const wallet of WALLETS) await grant(stage, wallet, 10_000n);
  await tip(stage, { key: 'tip-key-001', amount: 1_000n });
  await settler.drain();
  const log = await appendLog(server.client());
  const client = server.client();
  const flushed = async () =>
    (await client.info('persistence')).includes('aof_pending_bio_fsync:0');
  await until(flushed, { what: 'the log to be written' });
  const kept = await readFile(log);
  // Settled, and lost by Redis.
  await tip(stage, { key: 'tip-key-002', amount: 2_000n });
  await settler.drain();
  // Answered, not settled, and lost: the viewer has it back.
  await tip(stage, { key: 'tip-key-003', amount: 4_000n, wallet: '1' });
  await server.kill();
  await writeFile(log, kept);
  await server.start();
  const before = Number((await metrics.rebuiltShards.get()).values[0]?.value);
  const wallet = await until(() => engine.readWallet('42'), { what: 'the fence to be lifted' });
  t.equal(wallet.owned, 7_000n, 'as SQL has it');
  t.equal(Number((await metrics.rebuiltShards.get()).values[0]?.value), before + 1);
  const regained = (await metrics.rebuiltMilli.get()).values[0]?.value;
  t.equal(regained, -2_000, 'the tip that Redis had forgotten, to the milli-credit');
  t.match(await engine.readWallet('1'), { owned: 10_000n });
  t.match(await tip(stage, { key: 'tip-key-002', amount: 2_000n }), { isDuplicate: true });
  t.match(await tip(stage, { key: 'tip-key-003', amount: 4_000n, wallet: '1' }), { status: 'OK' });
  t.same(await mismatches(stage), []);
});

t.test('failover to a replica that lags: fenced, compared, then used', async (t) => {
  const [master, replica, mariadb] = await Promise.all([
    startRedis(t, { appendFsync: 'always' }),
    startRedis(t, { appendFsync: 'always' }),
    startMariadb(t),
  ]);
  let { port } = master;
  const target = {
    get targetPort() {
      return port;
    },
  };
  const proxy = await startTcpProxy(t, target);
  const urls = { redisUrl: `redis://127.0.0.1:${proxy.port}`, mysqlUrl: mariadb.url };
  const stage = await joinLedger(t, urls);
  const { engine, settler, metrics } = stage;
  for (const wallet of WALLETS) await grant(stage, wallet, 10_000n);
  const copy = replica.client();
  await copy.replicaof('127.0.0.1', master.port);
  await tip(stage, { key: 'tip-key-001', amount: 1_000n });
  await until(
    async () => /state=online.*lag=[01]/.test(await master.client().info('replication')),
    {
      ...{ what: 'the replica to follow' },
    },
  );
  t.equal(await master.client().wait(1, 10_000), 1);
  // From here on the replica hears nothing.
  await copy.replicaof('NO', 'ONE');
  await tip(stage, { key: 'tip-key-002', amount: 2_000n });
  await settler.drain();
  await tip(stage, { key: 'tip-key-003', amount: 4_000n, wallet: '1' });
  const lifted = Number((await metrics.rebuiltShards.get()).values[0]?.value);
  await master.kill();
  port = replica.port;
  proxy.cut();
  const wallet = await until(() => engine.readWallet('42'), { what: 'the replica to be used' });
  t.equal(wallet.owned, 7_000n, 'the settled tip stays paid');
  t.ok(Number((await metrics.rebuiltShards.get()).values[0]?.value) > lifted, 'was behind');
  t.match(await tip(stage, { key: 'tip-key-002', amount: 2_000n }), { isDuplicate: true });
  t.match(await engine.readWallet('1'), { owned: 10_000n }, 'the unsettled one comes back');
  t.same(await mismatches(stage), []);
});

/** A stage whose engine reaches Redis by a link that can break. */
async function startFar(t: Test) {
  const stage = await startStage(t);
  await credit(stage.engine, '42', 50_000n);
  const proxy = await startTcpProxy(t, { targetPort: stage.server.port });
  const far = await connectMoney(t, `redis://127.0.0.1:${proxy.port}`);
  const engine = new Engine({
    ...{ redis: far, timing: TIMING, metrics: stage.metrics, now: () => stage.clock.nowMs() },
    fence: { lift: () => Promise.reject(new Error('no fence here')) },
  });
  const pay = (key: string) => tip({ engine, clock: stage.clock }, { key, amount: 100n });
  const sum = async () => (await stage.engine.readWallet('42')).owned;
  return { proxy, far, pay, sum };
}

t.test('an answer that is lost after the script has run: asked again, paid once', async (t) => {
  const { proxy, pay, sum } = await startFar(t);
  for (let at = 1; at <= 5; at += 1) {
    const owned = await sum();
    proxy.stall('toClient');
    const paid = pay(`lost-${at}-x`);
    await until(async () => (await sum()) === owned - 100n, { what: 'the script to run' });
    proxy.cut();
    await proxy.heal();
    t.match(await paid, { status: 'OK', isDuplicate: true });
  }
  t.equal(await sum(), 49_500n);
});

for (const direction of ['toServer', 'toClient'] as const) {
  t.test(
    `a link that passes nothing ${direction} is given up, and the tip paid once`,
    async (t) => {
      const { proxy, far, pay, sum } = await startFar(t);
      const links = { lost: 0 };
      far.on('close', () => (links.lost += 1));
      proxy.stall(direction);
      const paid = pay('half-open');
      await until(() => links.lost > 0, { what: 'the dead link to be dropped' });
      await proxy.heal();
      t.match(await paid, { status: 'OK' });
      t.equal(await sum(), 49_900n);
    },
  );
}

t.test('an answer that takes 2 s is an answer', async (t) => {
  const { proxy, pay, sum } = await startFar(t);
  const sinceMs = performance.now();
  proxy.stall('toClient');
  const paid = pay('late-answer');
  await until(() => performance.now() - sinceMs > 2_000, { what: '2 s' });
  await proxy.heal();
  t.match(await paid, { status: 'OK', isDuplicate: false });
  t.equal(await sum(), 49_900n);
});
