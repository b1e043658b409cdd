// Faults between the settler and MySQL: answers to COMMIT that are lost, links that break anywhere.
import t from 'tap';
import {
  seededRandom,
  silentLog,
  startMariadb,
  startRedis,
  startTcpProxy,
  type TestScope,
} from '../../cluster/testing/index.js';
import { Database } from '../database.js';
import { billingError } from '../errors.js';
import { Settler } from '../settler.js';
import { grant, joinLedger, mismatches, tip } from './stage.js';

async function startFar(t: TestScope) {
  const [server, mariadb] = await Promise.all([startRedis(t), startMariadb(t)]);
  const proxy = await startTcpProxy(t, { targetPort: mariadb.port });
  const stage = await joinLedger(t, { redisUrl: server.url, mysqlUrl: mariadb.url });
  const url = new URL(mariadb.url);
  url.port = String(proxy.port);
  const far = await Database.open(String(url), { poolMax: 2, log: silentLog });
  t.teardown(() => far.close());
  return { stage, proxy, far };
}

const count = async (database: Database): Promise<number> => {
  const [row] = await database.query(
    "SELECT COUNT(DISTINCT shard, epoch, seq) AS n FROM transfer WHERE code = 'tip'",
  );
  return Number(row?.['n']);
};

t.test('the answer to COMMIT is lost: the cursor knows that it happened', async (t) => {
  const { stage, proxy, far } = await startFar(t);
  const { redis, engine, metrics, clock, database } = stage;
  const log = silentLog;
  let isLosing = true;
  const transaction: Database['transaction'] = async (isolation, work) => {
    const result = await far.transaction(isolation, work);
    if (!isLosing) return result;
    proxy.cut();
    throw billingError('BILLING_UNAVAILABLE', { store: 'MySQL' });
  };
  const deaf = Object.assign(Object.create(far) as Database, { transaction });
  const settler = new Settler({ redis, engine, metrics, clock, log, database: deaf });
  await grant(stage, '42', 10_000n);
  await tip(stage, { key: 'tip-key-001', amount: 1_000n });
  await t.rejects(settler.drain(), { code: 'BILLING_UNAVAILABLE' });
  t.equal(await count(database), 1, 'committed');
  await tip(stage, { key: 'tip-key-002', amount: 1_000n });
  isLosing = false;
  await settler.drain();
  t.equal(await count(database), 2);
  t.same(await mismatches(stage), []);
});

t.test('the link to MySQL breaks at any byte: every entry is booked once', async (t) => {
  const { stage, proxy, far } = await startFar(t);
  const { redis, engine, metrics, clock, database } = stage;
  const random = seededRandom(t);
  const log = silentLog;
  const settler = new Settler({ redis, engine, metrics, clock, log, database: far });
  await grant(stage, '42', 10_000n);
  await settler.drain();
  const before = proxy.passedBytes('toServer');
  await tip(stage, { key: 'tip-key-000', amount: 10n });
  await settler.drain();
  const bytes = proxy.passedBytes('toServer') - before;
  let broken = 0;
  for (let at = 1; at <= 40; at += 1) {
    await tip(stage, { key: `tip-key-${100 + at}`, amount: 10n });
    const cutAt = proxy.passedBytes('toServer') + random.int(1, bytes);
    const done = settler.drain().catch(() => (broken += 1));
    const watch = async () => {
      while (proxy.passedBytes('toServer') < cutAt) await new Promise(setImmediate);
      proxy.cut();
    };
    await Promise.race([done, watch()]);
    await done;
  }
  await settler.drain();
  t.ok(broken > 0, `${broken} of 40 passes broke`);
  t.equal(await count(database), 41);
  t.same(await mismatches(stage), []);
});

t.test(
  'a row that stays locked is a server that is away: nothing is done, ask again',
  async (t) => {
    const { stage, far } = await startFar(t);
    const { database } = stage;
    await grant(stage, '42', 1_000n);
    const row = "SELECT id FROM account WHERE kind = 'wallet' FOR UPDATE";
    await database.transaction('READ COMMITTED', async (sql) => {
      await sql.query(row);
      const waits = far.transaction('READ COMMITTED', async (other) => {
        await other.run('SET innodb_lock_wait_timeout = 1');
        await other.run("UPDATE account SET cmd_seq = 7 WHERE kind = 'issuance'");
        await other.query(row);
      });
      await t.rejects(waits, { code: 'BILLING_UNAVAILABLE' });
    });
    const [issuance] = await database.query("SELECT cmd_seq FROM account WHERE kind = 'issuance'");
    t.match(issuance, { cmd_seq: '0' });
  },
);
