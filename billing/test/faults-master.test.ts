// One master of a Redis Cluster stands still: the shards of the others are swept, settled and
// funded as ever, and its own when it is back.
import t from 'tap';
import { createMemoryBus, slotOf } from '../../cluster/index.js';
import { silentLog, startMariadb, startRedisCluster, until } from '../../cluster/testing/index.js';
import { Announcer } from '../announcer.js';
import { Breaker } from '../breaker.js';
import { Funder } from '../funder.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { Sweeper } from '../sweeper.js';
import { goLive, grant, type JoinedLedger, joinLedger, mismatches, open } from './stage.js';
import { TIMING, tip } from './stage.js';

const VICTIM = 1;

function sweeperOf({ redis, engine, clock, metrics }: JoinedLedger): Sweeper {
  const log = silentLog;
  const nobody = () => Promise.resolve();
  const notifier = {
    ...{ balance: nobody, tip: nobody, tipNote: nobody, priceChanged: nobody },
    ...{ cut: nobody, lowBalance: nobody, showOver: nobody },
  };
  const announcer = new Announcer({ notifier, bus: createMemoryBus({ log }), metrics, log });
  const breaker = new Breaker({ clock, metrics, log, windowMs: 10_000, maxGapMs: TIMING.maxGapMs });
  const everySecond = nobody;
  // Nobody is spared: the outage that counts is that of the others.
  return new Sweeper({ redis, engine, announcer, log, breaker, everySecond, maxGapMs: -1 });
}

t.test('a master that stands still stops no shard but its own', async (t) => {
  const [servers, mariadb] = await Promise.all([startRedisCluster(t, 3), startMariadb(t)]);
  for (const node of servers.nodes) {
    // Else a Cluster without one of its masters serves nobody, by its own choice.
    await node.client().config('SET', 'cluster-require-full-coverage', 'no');
  }
  const stage = await joinLedger(t, { redisUrl: servers.url, mysqlUrl: mariadb.url });
  const { engine, database, clock, settler, metrics } = stage;
  await goLive(stage);
  const near: string[] = [];
  const far: string[] = [];
  // Those of the victim have the lower ids: who looks at one after the other comes to them first.
  for (let id = 1_000; near.length < 12; id += 1) {
    const wallet = String(id);
    const isFar = (await servers.ownerOf(slotOf(shardKeys(shardOfWallet(wallet)).meta))) === VICTIM;
    if (isFar && far.length < 12) far.push(wallet);
    else if (!isFar && far.length === 12) near.push(wallet);
  }
  const all = [...near, ...far];
  for (const wallet of all) await grant(stage, wallet, 1_500n);
  // Few enough that their silence is no mass event.
  const watched = [...near.slice(0, 2), ...far.slice(0, 1)];
  const sessions = new Map<string, string>();
  for (const wallet of watched) sessions.set(wallet, (await open(stage, { wallet })).sessionId);
  for (const wallet of far.slice(1)) await tip(stage, { key: `far-${wallet}`, amount: 5n, wallet });
  // Credits that are in the ledger and not yet in Redis.
  const die = () => Promise.reject(new Error('the process dies'));
  const shared = { database, metrics, clock, log: silentLog, onFunded: () => undefined };
  const dying = new Funder({ ...shared, engine: { readWallet: die, fund: die } });
  for (const wallet of all) {
    const command = { idemKey: `late:${wallet}`, fingerprint: '00112233445566ff', wallet };
    await dying.grant({ ...command, amount: 7n, reason: 'test', actor: 'test' }).catch(() => 0);
  }

  const victim = servers.nodes[VICTIM];
  victim?.pause();
  const funder = new Funder({ ...shared, engine });
  const sweeper = sweeperOf(stage);
  const stopAll = () => Promise.all([settler.stop(), funder.stop(), sweeper.stop()]);
  t.teardown(async () => {
    victim?.resume();
    await stopAll();
  });
  const tippers = near.slice(2);
  const tips = tippers.map((wallet) => tip(stage, { key: `near-${wallet}`, amount: 5n, wallet }));
  t.ok((await Promise.all(tips)).every(({ status }) => status === 'OK'));
  clock.advance(60_000);
  settler.start();
  funder.start();
  sweeper.start();
  const settled = async (): Promise<number> => {
    const [row] = await database.query('SELECT COUNT(*) AS tips FROM tip');
    return Number(row?.['tips']);
  };
  const credited = async (wallets: readonly string[]): Promise<boolean> => {
    const found = await Promise.all(wallets.map((one) => engine.readWallet(one)));
    // The welcome is command 1.
    return found.every(({ cmdSeq }) => cmdSeq === 2n);
  };
  const over = async (wallets: readonly string[]): Promise<boolean> => {
    const ids = wallets.flatMap((one) => sessions.get(one) ?? []);
    const found = await Promise.all(ids.map((id) => engine.readSession(id)));
    return found.every(({ isActive }) => !isActive);
  };
  await until(async () => (await settled()) === tippers.length, { what: 'settled' });
  await until(() => credited(near), { what: 'the others are funded' });
  await until(() => over(near), { what: 'the others are swept' });
  t.equal(await settled(), tippers.length, 'nothing of the master that stands still');

  victim?.resume();
  const tipped = tippers.length + far.length - 1;
  await until(async () => (await settled()) === tipped, { what: 'settled late' });
  await until(() => credited(far), { what: 'its own are funded' });
  await until(() => over(far), { what: 'its own are swept' });
  await stopAll();
  t.same(await mismatches(stage), []);
});
