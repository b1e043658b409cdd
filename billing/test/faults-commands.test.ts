// What is under way while a shard is thrown away and restored: tips that nobody has booked,
// commands that are committed meanwhile, wallets that wait for a server that is away.
import t from 'tap';
import { silentLog, until } from '../../cluster/testing/index.js';
import type { Sql } from '../database.js';
import { Funder } from '../funder.js';
import { rebuildShards } from '../rebuild.js';
import { readCursors } from '../settler.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { goLive, grant, type LedgerStage, mismatches, open } from './stage.js';
import { startLedger, startStage, TIMING, tip } from './stage.js';

const DELIVERY = { fingerprint: '00112233445566ff', reason: 'test', actor: 'tester' };

/** A process that commits to SQL and dies before it tells Redis. */
function dyingFunder({ database, metrics, clock }: LedgerStage): Funder {
  const die = () => Promise.reject(new Error('died'));
  return new Funder({
    ...{ engine: { readWallet: die, fund: die }, database, metrics, clock, log: silentLog },
    onFunded: () => undefined,
  });
}

t.test('a shard that is rebuilt by hand books first what it has answered', async (t) => {
  const stage = await startLedger(t);
  const { engine, fence, redis, database, settler } = stage;
  await grant(stage, '42', 100_000n);
  await grant(stage, '1', 100_000n);
  await goLive(stage);
  const { sessionId } = await open(stage);
  // More than a settler books at a time.
  const keys = Array.from({ length: 300 }, (_, at) => `tip-key-${100 + at}`);
  await Promise.all(keys.map((key) => tip(stage, { key, amount: 100n })));
  await tip(stage, { key: 'tip-key-001', amount: 100n, wallet: '1' });
  const { meta, out } = shardKeys(shardOfWallet('42'));
  // As `billing -- rebuild` does, after its drain.
  await redis.unlink(meta);
  await fence.lift();
  t.match(await engine.readWallet('42'), { owned: 70_000n });
  t.match(await tip(stage, { key: 'tip-key-399', amount: 100n }), { isDuplicate: true });
  t.match(await engine.readSession(sessionId), { isActive: true });
  t.same(await mismatches(stage), []);

  await redis.hincrby(meta, 'seq', 1);
  const seq = await redis.hget(meta, 'seq');
  const epoch = await redis.hget(meta, 'epoch');
  await redis.xadd(out, `${epoch}-${seq}`, 'e', 'c 0123456789ABCDEFGHJKMNPQRS 0 1 0 1 1 -');
  await tip(stage, { key: 'tip-key-400', amount: 100n });
  await settler.drain();
  const parked = 'SELECT shard FROM shard_cursor WHERE parked IS NOT NULL';
  t.equal((await database.query(parked)).length, 1);
  await redis.unlink(meta);
  await fence.lift();
  t.match(await engine.readWallet('42'), { owned: 70_000n }, 'what does not fit is given up');
  t.same(await database.query(parked), []);
  t.same(await mismatches(stage), []);
});

t.test('a command that is committed while its shard is restored still arrives', async (t) => {
  const stage = await startLedger(t);
  const { database, redis, clock, engine, funder, fence } = stage;
  await grant(stage, '42', 1_000n);
  const dying = dyingFunder(stage);
  const late = (key: string, amount: bigint) =>
    dying.grant({ ...DELIVERY, idemKey: key, wallet: '42', amount }).catch(() => undefined);
  await late('grant:before', 10n);
  const shard = shardOfWallet('42');
  const [mended] = await database.transaction('REPEATABLE READ', async (sql) => {
    const cursors = await readCursors(sql, [shard], 'FOR UPDATE');
    const meanwhile: Sql = {
      query: (text, values) => sql.query(text, values),
      run: async (text, values) => {
        if (text.startsWith('UPDATE shard_cursor')) await late('grant:meanwhile', 100n);
        return sql.run(text, values);
      },
    };
    const options = { redis, sql: meanwhile, nowMs: clock.nowMs(), maxGapMs: TIMING.maxGapMs };
    return rebuildShards(options, cursors);
  });
  await mended?.finish();
  await fence.lift();
  t.match(await engine.readWallet('42'), { owned: 1_010n }, 'as it was when the copy began');
  clock.advance(5_000);
  await funder.poll();
  t.match(await engine.readWallet('42'), { owned: 1_110n });
  t.same(await mismatches(stage), []);
});

t.test('a wallet that cannot be served keeps no other waiting', async (t) => {
  const stage = await startLedger(t);
  const { engine, clock } = stage;
  const dying = dyingFunder(stage);
  const wallets = Array.from({ length: 30 }, (_, at) => String(100 + at));
  for (const wallet of wallets) {
    const command = { ...DELIVERY, idemKey: `grant:${wallet}`, wallet, amount: 7n };
    await dying.grant(command).catch(() => undefined);
  }
  const [served = '', ...stuck] = [...wallets].reverse();
  const funder = new Funder({
    ...stage,
    ...{ log: silentLog, onFunded: () => undefined },
    engine: {
      readWallet: (wallet) => engine.readWallet(wallet),
      fund: (command) => {
        if (stuck.includes(command.wallet)) return Promise.reject(new Error('its server is away'));
        return engine.fund(command);
      },
    },
  });
  clock.advance(5_000);
  for (let poll = 0; poll < 4; poll += 1) await funder.poll();
  t.match(await engine.readWallet(served), { owned: 7n });
  t.match(await engine.readWallet(stuck[0] ?? ''), { owned: 0n });
});

t.test('a script that runs for too long is a server that is away', async (t) => {
  const { server, redis, engine } = await startStage(t);
  await redis.config('SET', 'busy-reply-threshold', '10');
  const [other, killer] = [server.client(), server.client()];
  // Whoever connects while the script runs is refused.
  await Promise.all([other.ping(), killer.ping()]);
  const loop = other.eval('while true do end', 0).catch((thrown: unknown) => String(thrown));
  const refused = await until(
    () =>
      engine.readWallet('42').then(
        () => undefined,
        (thrown: unknown) => (thrown as { code?: string }).code ?? String(thrown),
      ),
    { what: 'the server to be busy' },
  );
  await killer.script('KILL');
  t.equal(refused, 'BILLING_UNAVAILABLE');
  t.match(await loop, /killed/i);
  t.match(await engine.readWallet('42'), { owned: 0n });
});
