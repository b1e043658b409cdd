// Reconciliation under traffic, and the command line that operators use when something is wrong.
import { userInfo } from 'node:os';
import t from 'tap';
import { loadConfig } from '../../cluster/index.js';
import { seededRandom, silentLog, TEST_SECRETS } from '../../cluster/testing/index.js';
import { runCommand } from '../commands.js';
import { Reconciler } from '../reconcile.js';
import { newSessionId, shardKeys, shardOfWallet } from '../shard.js';
import { perMinute } from '../tariff.js';
import { TermsStore } from '../terms.js';
import { goLive, type LedgerStage, open, startLedger, touch } from './stage.js';

const WALLETS = ['42', '43', '44', '45', '46', '47'];

const welcome = ({ funder }: LedgerStage, wallet: string) =>
  funder.grant({
    ...{ idemKey: `welcome-${wallet}`, fingerprint: '00112233445566ff', wallet, amount: 5_000n },
    ...{ reason: 'test', actor: 'tester' },
  });

async function traffic(stage: LedgerStage, random: ReturnType<typeof seededRandom>, steps: number) {
  const { engine, funder, clock } = stage;
  for (let at = 0; at < steps; at += 1) {
    clock.advance(random.int(0, 9_000));
    const wallet = random.pick(WALLETS);
    const amount = BigInt(random.int(1, 9_999));
    const key = `key-${random.seed}-${clock.nowMs()}-${at}`;
    if (random.chance(0.2)) {
      await funder.grant({
        ...{ idemKey: key, fingerprint: '00112233445566ff', wallet, amount },
        ...{ reason: 'test', actor: 'tester' },
      });
    } else if (random.chance(0.3)) {
      await engine.tip({
        ...{ wallet, room: '7', payee: '99', amount, bps: 3_333, key },
        ...{
          tipId: newSessionId(0, clock.nowMs()),
          fingerprint: 'a'.repeat(16),
        },
      });
    } else {
      const { sessionId } = await open(stage, { wallet });
      if (sessionId !== '') await touch(stage, sessionId, { wallet });
      if (sessionId !== '' && random.chance(0.2)) await engine.end(sessionId, 'left');
    }
  }
}

t.test('every wallet is equal in Redis and SQL while traffic runs', async (t) => {
  const stage = await startLedger(t);
  const random = seededRandom(t);
  await goLive(stage);
  for (const wallet of WALLETS) await welcome(stage, wallet);
  await traffic(stage, random, 60);
  stage.settler.start();
  const { engine, database, metrics } = stage;
  const reconciler = new Reconciler({ engine, database, metrics, log: silentLog });
  const [result] = await Promise.all([reconciler.run(), traffic(stage, random, 150)]);
  t.same(result.mismatches, []);
  t.equal(result.wallets, WALLETS.length);
  await stage.settler.stop();
  await stage.settler.drain();
  t.same((await reconciler.run()).mismatches, []);
});

t.test('one milli-credit too much is found, in each place', async (t) => {
  const stage = await startLedger(t);
  const random = seededRandom(t);
  await goLive(stage);
  await traffic(stage, random, 40);
  await stage.settler.drain();
  const { engine, database, metrics, redis } = stage;
  const reconciler = new Reconciler({ engine, database, metrics, log: silentLog });
  await welcome(stage, '42');
  // Not part of the traffic, so certainly not empty.
  await welcome(stage, '48');
  await stage.settler.drain();
  const find = async () => (await reconciler.run()).mismatches.map((one) => one.what).sort();
  t.same(await find(), []);

  await engine.fund({ wallet: '42', cmdSeq: 1_000n, kind: 'credit', amount: 1n });
  const { cmdSeq } = await engine.readWallet('42');
  await engine.fund({ wallet: '42', cmdSeq: cmdSeq + 1n, kind: 'credit', amount: 1n });
  await stage.settler.drain();
  t.same(await find(), ['balance'], 'credit that SQL never gave');

  await database.run("UPDATE account SET credits = credits + 1 WHERE kind = 'issuance'");
  t.same(await find(), ['account', 'balance', 'ledger'], 'a sum that no transfer made');

  const shard = shardOfWallet('43');
  await redis.hincrby(shardKeys(shard).meta, 'sum', 1);
  t.same(await find(), ['account', 'balance', 'ledger', 'sum']);

  await redis.hdel(shardKeys(shardOfWallet('48')).bal, '48');
  t.equal((await find()).filter((one) => one === 'balance').length, 2, 'a wallet that Redis lost');

  const parked = shardOfWallet('42');
  await database.run("UPDATE shard_cursor SET parked = 'looked at' WHERE shard = ?", [parked]);
  const more = { wallet: '42', kind: 'credit', amount: 1n } as const;
  await engine.fund({ ...more, cmdSeq: cmdSeq + 2n });
  const { mismatches, skipped } = await reconciler.run();
  t.same(skipped, [parked], 'a shard that is not settled cannot be compared');
  t.ok(
    mismatches.some((one) => one.wallet === '48'),
    'the others are',
  );
});

t.test('the command line', async (t) => {
  const stage = await startLedger(t);
  const random = seededRandom(t);
  const { server, mariadb, engine, database } = stage;
  await goLive(stage);
  for (const wallet of WALLETS) await welcome(stage, wallet);
  await traffic(stage, random, 40);
  const lines: string[] = [];
  const run = (...args: string[]) => {
    lines.length = 0;
    return runCommand(args, {
      config: () =>
        loadConfig({
          ...{ BILLING_REDIS_URL: server.url, MYSQL_URL: mariadb.url, LOG_LEVEL: 'silent' },
          ...{ TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal },
        }),
      print: (line) => void lines.push(line),
    });
  };

  await t.test('reconcile settles first and says how many wallets agree', async (t) => {
    t.equal(await run('reconcile'), 0);
    t.match(lines.at(-1), /^\d+ wallets, 0 mismatches$/);
  });
  await t.test('rebuild restores the same balances', async (t) => {
    for (const wallet of WALLETS) {
      const { sessionId } = await open(stage, { wallet });
      if (sessionId !== '') await engine.end(sessionId, 'left');
    }
    const before = await Promise.all(WALLETS.map((one) => engine.readWallet(one)));
    t.equal(await run('rebuild', '--reason', 'drill'), 0);
    const after = await Promise.all(WALLETS.map((one) => engine.readWallet(one)));
    t.same(
      after.map((one) => one.owned),
      before.map((one) => one.owned),
    );
    t.equal(await run('reconcile'), 0);
  });
  await t.test('drill ends with equal sums', async (t) => {
    t.equal(await run('drill', '42'), 0);
    const [, sql, redis] = /SQL (\S+), Redis (\S+)/.exec(lines.at(-1) ?? '') ?? [];
    t.equal(sql, redis);
    t.ok(sql);
  });
  await t.test('a mismatch is exit code 1, misuse is 2', async (t) => {
    await database.run("UPDATE account SET debits = debits + 1 WHERE kind = 'issuance'");
    t.equal(await run('reconcile'), 1);
    for (const args of [['nothing'], ['drill'], ['drill', 'x'], ['rebuild', '64'], ['unpark']]) {
      t.equal(await run(...args), 2, args.join(' '));
    }
  });
  await t.test('what changes something needs a reason, and stands in the audit log', async (t) => {
    await new TermsStore(database, stage.clock).putRoom({
      ...{ roomId: '7', performerId: '99', streamId: 'stream-seven', isActive: true },
      ...{ priceMilliPerMin: 6_000n, tariff: perMinute(6_000n, 0) },
    });
    await database.run("UPDATE shard_cursor SET parked = 'no such lot' WHERE shard = 3");
    const log = () =>
      database.query('SELECT actor, action, subject, detail FROM audit ORDER BY id');
    const before = (await log()).length;
    const deeds = [
      ['unpark', '3'],
      ['show-limit', '7', '60'],
      ['rebuild', '5', '6'],
    ];
    for (const deed of deeds) {
      t.equal(await run(...deed), 2, 'no reason');
      t.equal(await run(...deed, '--reason', ' '), 2, 'an empty one');
    }
    t.equal((await log()).length, before);
    t.match(await database.query('SELECT parked FROM shard_cursor WHERE shard = 3'), [
      { parked: 'no such lot' },
    ]);
    for (const deed of deeds) t.equal(await run(...deed, '--reason', 'looked at'), 0);
    t.equal(await run('unpark', '3', '--reason', 'again'), 0, 'nothing was parked');
    const actor = `cli:${userInfo().username}`;
    t.same((await log()).slice(before), [
      {
        actor,
        action: 'unpark',
        subject: 'shard:3',
        detail: 'looked at; it was parked: no such lot',
      },
      { actor, action: 'show_limit', subject: 'room:7', detail: '60: looked at' },
      { actor, action: 'rebuild', subject: 'shards', detail: '5 6: looked at' },
    ]);
    await t.rejects(run('show-limit', '8', '60', '--reason', 'x'), {
      code: 'BILLING_ROOM_UNKNOWN',
    });
    t.equal((await log()).length, before + 3, 'what was refused is not recorded');
  });
});
