// From Redis to SQL and back: settlement exactly once, fence and rebuild, on real servers with
// faults.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { Settler } from '../settler.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { Statements } from '../statements.js';
import { connectMoney, goLive, type LedgerStage, open, startLedger, touch } from './stage.js';

const grant = (stage: LedgerStage, wallet: string, amount: bigint, key = `key-${wallet}`) =>
  stage.funder.grant({
    ...{ idemKey: `grant:${key}`, fingerprint: '00112233445566ff', wallet, amount },
    ...{ reason: 'test', actor: 'tester' },
  });

const tip = (stage: LedgerStage, key: string, amount: bigint, wallet = '42') =>
  stage.engine.tip({
    ...{ wallet, room: '7', payee: '99', amount, bps: 6_000, key },
    ...{ tipId: `0123456789ABCDEFGHJKMNP${key.slice(-3)}`, fingerprint: 'aaaaaaaaaaaaaaaa' },
  });

async function balances(stage: LedgerStage): Promise<Record<string, string>> {
  const { accounts, entriesSum } = await new Statements(stage.database).summary();
  return {
    ...Object.fromEntries(accounts.map((one) => [one.kind, one.balance])),
    sum: entriesSum,
  };
}

t.test(
  'a charge reaches the ledger: viewer debit = model share + site share, sum zero',
  async (t) => {
    const stage = await startLedger(t);
    const { clock, settler, engine } = stage;
    t.match(await grant(stage, '42', 100_000n), { owned: 100_000n, version: 1 });
    await goLive(stage);
    const { sessionId } = await open(stage);
    for (let at = 0; at < 7; at += 1) {
      clock.advance(9_999);
      await touch(stage, sessionId);
    }
    await tip(stage, 'tip-key-001', 5_001n);
    await engine.end(sessionId, 'left');
    await settler.drain();
    const spent = 6_999n + 5_001n;
    // 6999 × 60 % = 4199.4 and 5001 × 60 % = 3000.6: floors, the rest is the site's.
    t.same(await balances(stage), {
      ...{ issuance: '-100000', earnings: String(4_199 + 3_000), sum: '0' },
      site_revenue: String(12_000 - 7_199),
      wallet: String(100_000n - spent),
    });
    t.match(await engine.readWallet('42'), { owned: 100_000n - spent, held: 0n });
    const statements = new Statements(stage.database);
    const { entries } = await statements.entries('42', { before: undefined, limit: 10 });
    // Only model/site pairs are one entry: two settlements (60 s and the end), the tip, the grant.
    const total = entries.reduce((sum, one) => sum + BigInt(one.amount), 0n);
    t.equal(total, 100_000n - spent);
    t.same(new Set(entries.map((one) => one.code)), new Set(['show', 'tip', 'grant']));
  },
);

t.test('grants: the same key acts once, another body is refused', async (t) => {
  const stage = await startLedger(t);
  const all = await Promise.all([1, 2, 3].map(() => grant(stage, '42', 500n, 'same-key')));
  t.same(
    all.map((one) => one.owned),
    [500n, 500n, 500n],
  );
  const other = stage.funder.grant({
    ...{ idemKey: 'grant:same-key', fingerprint: 'ffffffffffffffff', wallet: '42', amount: 9n },
    ...{ reason: 'test', actor: 'tester' },
  });
  await t.rejects(other, { code: 'BILLING_KEY_CONFLICT' });
  await t.rejects(grant(stage, '42', 9_000_000_000_000n, 'big'), { code: 'BILLING_BALANCE_LIMIT' });
  t.match(await engineWallet(stage), { owned: 500n });
});

const engineWallet = (stage: LedgerStage) => stage.engine.readWallet('42');

t.test('a settler killed between commit and trim books nothing twice', async (t) => {
  let dies = true;
  const stage = await startLedger(t, {
    beforeTrim: () => {
      if (dies) throw new Error('killed');
    },
  });
  await grant(stage, '42', 10_000n);
  await tip(stage, 'tip-key-001', 1_000n);
  await t.rejects(stage.settler.drain(), /killed/);
  dies = false;
  await tip(stage, 'tip-key-002', 500n);
  const { redis, engine, database, metrics, clock } = stage;
  const log = (await import('../../cluster/testing/index.js')).silentLog;
  const next = new Settler({ redis, engine, database, metrics, clock, log });
  await Promise.all([next.drain(), stage.settler.drain()]);
  t.match(await balances(stage), {
    wallet: '8500',
    earnings: '900',
    site_revenue: '600',
    sum: '0',
  });
});

t.test('an entry that does not fit parks its shard; the others go on', async (t) => {
  const stage = await startLedger(t);
  const { redis, database, settler } = stage;
  await grant(stage, '42', 10_000n);
  await grant(stage, '1', 10_000n);
  await settler.drain();
  t.not(shardOfWallet('1'), shardOfWallet('42'));
  const { out, meta } = shardKeys(shardOfWallet('42'));
  await redis.xadd(out, '1-2', 'e', 'c 0123456789ABCDEFGHJKMNPQRS 0 1 0 1 1 -');
  await redis.hset(meta, 'seq', 2);
  await tip(stage, 'tip-key-001', 1_000n, '1');
  await settler.drain();
  const [row] = await database.query('SELECT parked FROM shard_cursor WHERE parked IS NOT NULL');
  t.match(row, { parked: /was never opened/ });
  t.match(await balances(stage), { wallet: '19000', sum: '0' });
});

t.test('Redis killed with AOF always loses nothing that was answered', async (t) => {
  const stage = await startLedger(t);
  const { server, engine, settler } = stage;
  await grant(stage, '42', 50_000n);
  await goLive(stage);
  const { sessionId } = await open(stage);
  stage.clock.advance(10_000);
  t.match(await touch(stage, sessionId), { owned: 49_000n });
  await tip(stage, 'tip-key-001', 2_000n);
  await server.restart();
  const after = await until(() => engine.readWallet('42'), { what: 'the fence to be lifted' });
  t.match(after, { owned: 47_000n, held: 1_500n });
  t.match(await tip(stage, 'tip-key-001', 2_000n), { isDuplicate: true, status: 'OK' });
  stage.clock.advance(10_000);
  t.match(await touch(stage, sessionId), { owned: 46_000n, verdict: 'ok' });
  await settler.drain();
  t.equal(Number((await stage.metrics.rebuiltShards.get()).values[0]?.value), 64, 'only at first');
});

t.test('after FLUSHALL the shard is rebuilt from SQL before it is used', async (t) => {
  const stage = await startLedger(t);
  const { server, engine, settler, clock } = stage;
  await grant(stage, '42', 50_000n);
  await goLive(stage);
  const { sessionId } = await open(stage);
  clock.advance(60_000);
  // Settled by the sweep of the silent minute or not: here by an end of a second session's tip.
  await tip(stage, 'tip-key-001', 2_000n);
  await settler.drain();
  const before = await engine.readWallet('42');
  t.match(before, { owned: 48_000n });
  await server.client().flushall();
  t.match(await engine.readWallet('42'), { owned: 48_000n, held: 0n, cmdSeq: 1n });
  const again = await engine.readWallet('42');
  t.ok(again.version > before.version, 'clients take the rebuilt balance for the newer one');
  t.match(await tip(stage, 'tip-key-001', 2_000n), { isDuplicate: true, status: 'OK' });
  await goLive(stage);
  clock.advance(1_000);
  t.match(
    await touch(stage, sessionId),
    { verdict: 'ok', owned: 48_000n },
    'no charge for the gap',
  );
  clock.advance(10_000);
  t.match(await touch(stage, sessionId), { verdict: 'ok', owned: 47_000n });
  await engine.end(sessionId, 'left');
  await settler.drain();
  t.match(await balances(stage), { wallet: '47000', sum: '0' });
});

t.test(
  'a Redis that is behind the ledger is rebuilt, one that is ahead is not touched',
  async (t) => {
    const stage = await startLedger(t, { appendFsync: 'no' });
    const { server, engine, settler, redis, fence } = stage;
    await grant(stage, '42', 50_000n);
    await tip(stage, 'tip-key-001', 1_000n);
    await settler.drain();
    const shard = shardOfWallet('42');
    await redis.hset(shardKeys(shard).meta, 'seq', 1);
    await fence.lift();
    t.match(await engine.readWallet('42'), { owned: 49_000n });
    await stage.database.run('UPDATE shard_cursor SET epoch = 0, seq = 0 WHERE shard = ?', [shard]);
    await t.rejects(fence.lift(), { code: 'BILLING_FENCED' });
    t.equal(fence.isLifted, false);
    await server.stop();
  },
);

t.test('MySQL away: charging goes on, everything is booked afterwards', async (t) => {
  const stage = await startLedger(t);
  const { mariadb, settler, clock } = stage;
  await grant(stage, '42', 50_000n);
  await goLive(stage);
  const { sessionId } = await open(stage);
  await mariadb.kill();
  clock.advance(10_000);
  t.match(await touch(stage, sessionId), { verdict: 'ok', owned: 49_000n });
  t.match(await tip(stage, 'tip-key-001', 1_000n), { status: 'OK' });
  await t.rejects(settler.drain(), { code: 'BILLING_UNAVAILABLE' });
  await mariadb.start();
  await until(() => settler.drain().then(() => true), { what: 'settlement' });
  t.match(await balances(stage), { wallet: '49000', sum: '0' }, 'the tip; the show is open');
});

t.test('transfers cannot be changed or deleted', async (t) => {
  const stage = await startLedger(t);
  await grant(stage, '42', 1_000n);
  await t.rejects(stage.database.run('UPDATE transfer SET amount = 2'), /append-only/);
  await t.rejects(stage.database.run('DELETE FROM transfer'), /append-only/);
  await connectMoney(t, stage.server.url);
});
