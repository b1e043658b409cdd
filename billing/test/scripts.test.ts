// The money scripts one by one, against a real redis-server and a clock that only the test moves.
import t from 'tap';
import type { TestScope } from '../../cluster/testing/index.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { perMinute, type Tariff } from '../tariff.js';
import { credit, goLive, open, type Stage, startStage, touch } from './stage.js';

const sweep = (stage: Stage, isSuspended = false) =>
  stage.engine.sweep(shardOfWallet('42'), { limit: 10, isSuspended });

const tip = (stage: Stage, key: string, amount: bigint, fingerprint = 'aaaaaaaaaaaaaaaa') =>
  stage.engine.tip({
    ...{ wallet: '42', room: '7', payee: '99', amount, bps: 6_000, key, fingerprint },
    tipId: '0123456789ABCDEFGHJKMNPQRS',
  });

async function watching(t: TestScope, credits: bigint, tariff?: Tariff) {
  const stage = await startStage(t);
  await credit(stage.engine, '42', credits);
  await goLive(stage);
  const opened = await open(stage, tariff === undefined ? {} : { tariff });
  return { ...stage, ...opened, stage };
}

t.test('a session costs price × time and holds one quantum ahead', async (t) => {
  const { stage, engine, clock, sessionId, ...opened } = await watching(t, 100_000n);
  t.match(opened, { status: 'OK', isDuplicate: false, wallet: { owned: 100_000n, held: 1_500n } });
  clock.advance(10_000);
  t.match(await touch(stage, sessionId), { verdict: 'ok', owned: 99_000n, held: 1_500n });
  clock.advance(5);
  const ended = await engine.end(sessionId, 'left');
  t.match(ended, { wasEnded: false, charged: 1_000n, billMs: 10_005, owned: 99_000n, held: 0n });
});

t.test('the credit runs out: the cut comes at the exact millisecond and leaves zero', async (t) => {
  const { stage, clock, sessionId, grantedUntilMs } = await watching(t, 1_000n);
  t.equal(grantedUntilMs, clock.nowMs() + 10_009, '1000 milli at 6000 a minute, to the next step');
  clock.advance(10_008);
  t.match(await sweep(stage), { notices: [] });
  clock.advance(1);
  t.match((await sweep(stage)).notices, [
    { sessionId, kind: 'cut', reason: 'insufficient_credit', owned: 0n, held: 0n, wallet: '42' },
  ]);
  t.match(await touch(stage, sessionId), { verdict: 'ended', reason: 'insufficient_credit' });
  clock.advance(60_000);
  t.match(await touch(stage, sessionId), { verdict: 'ended', owned: 0n }, 'never charged again');
});

t.test('a top-up in the last moment: the show goes on', async (t) => {
  const { stage, engine, clock, sessionId } = await watching(t, 1_000n);
  clock.advance(10_000);
  await credit(engine, '42', 500n, 2n);
  clock.advance(9);
  t.match(await sweep(stage), { notices: [] });
  t.match(await touch(stage, sessionId), { verdict: 'warn', owned: 500n, held: 500n });
});

t.test('20 proofs of life at once charge each second once', async (t) => {
  const { stage, clock, sessionId } = await watching(t, 100_000n);
  clock.advance(10_000);
  const rows = await Promise.all(Array.from({ length: 20 }, () => touch(stage, sessionId)));
  t.same(new Set(rows.map((row) => row.owned)), new Set([99_000n]));
  const shard = shardOfWallet('42');
  const batch = Array.from({ length: 20 }, () => [sessionId, 'h'] as const);
  clock.advance(1_000);
  t.match((await stage.engine.touch(shard, batch)).at(-1), { owned: 98_900n });
});

t.test('splitting the time into other steps costs the same', async (t) => {
  const stage = await startStage(t);
  await goLive(stage);
  const costs: bigint[] = [];
  for (const [at, steps] of [[20_000], [1, 19_999], [7, 7, 7, 9_979, 10_000]].entries()) {
    const wallet = String(1_000 + at);
    await credit(stage.engine, wallet, 100_000n);
    const { sessionId } = await open(stage, { wallet, tariff: perMinute(7_777n, 6_000) });
    for (const ms of steps) {
      stage.clock.advance(ms);
      await touch(stage, sessionId, { wallet });
    }
    costs.push((await stage.engine.end(sessionId, 'left')).charged);
  }
  t.same(costs, [2_592n, 2_592n, 2_592n]);
});

t.test('gaps', async (t) => {
  await t.test('up to three intervals count, a longer one counts the grace', async (t) => {
    const { stage, clock, sessionId } = await watching(t, 100_000n);
    clock.advance(30_000);
    t.match(await touch(stage, sessionId), { owned: 97_000n });
    clock.advance(30_001);
    t.match(await touch(stage, sessionId), { owned: 96_500n, verdict: 'ok' }, 'our outage is free');
    const { meta } = shardKeys(shardOfWallet('42'));
    t.equal(await stage.redis.hget(meta, 'writtenOff'), '25001', 'and reported');
  });
  await t.test('a silent session ends at its last proof plus grace', async (t) => {
    const { stage, clock, sessionId } = await watching(t, 100_000n);
    clock.advance(10_000);
    await touch(stage, sessionId);
    clock.advance(30_000);
    t.match(await sweep(stage), { notices: [] }, 'not yet');
    clock.advance(1);
    t.match((await sweep(stage)).notices, [{ kind: 'cut', reason: 'stale', owned: 98_500n }]);
  });
  await t.test('suspended by the breaker nothing ends and the silence is free', async (t) => {
    const { stage, clock, sessionId } = await watching(t, 100_000n);
    clock.advance(40_000);
    t.match(await sweep(stage, true), { notices: [], silent: 1 });
    clock.advance(1_000);
    t.match(await touch(stage, sessionId), { verdict: 'ok', owned: 99_900n });
  });
  await t.test(
    'after an outage of ours the silent are spared, the penniless are cut',
    async (t) => {
      const spare = (stage: Stage) => {
        const options = { limit: 10, isSuspended: false, isSparing: true };
        return stage.engine.sweep(shardOfWallet('42'), options);
      };
      const rich = await watching(t, 100_000n);
      rich.clock.advance(300_000);
      t.match(await spare(rich.stage), { notices: [], silent: 1 });
      t.match(await touch(rich.stage, rich.sessionId), { verdict: 'ok', owned: 100_000n });
      const poor = await watching(t, 1_000n);
      poor.clock.advance(10_009);
      t.match((await spare(poor.stage)).notices, [{ reason: 'insufficient_credit', owned: 0n }]);
    },
  );
  await t.test('a clock that jumps back stands still', async (t) => {
    const { stage, clock, sessionId } = await watching(t, 100_000n);
    clock.advance(10_000);
    await touch(stage, sessionId);
    clock.stepWall(-3_600_000);
    t.match(await touch(stage, sessionId), { owned: 99_000n, verdict: 'ok' });
    clock.stepWall(3_600_000 + 1_000);
    t.match(await touch(stage, sessionId), { owned: 98_900n });
  });
});

t.test('price models at their borders', async (t) => {
  const cases: [string, Tariff, [number, bigint][]][] = [
    [
      'started minute',
      { ...perMinute(100n, 0), model: 'u' },
      [
        [1, 100n],
        [30_000, 100n],
        [29_999, 100n],
        [1, 200n],
      ],
    ],
    [
      'ticket',
      { ...perMinute(700n, 0), model: 't' },
      [
        [1, 700n],
        [29_000, 700n],
      ],
    ],
    [
      'free start',
      { ...perMinute(60_000n, 0), freeMs: 10_000n },
      [
        [10_000, 0n],
        [1, 1n],
      ],
    ],
    [
      'minimum charge',
      { ...perMinute(60_000n, 0), freeMs: 10_000n, minCharge: 500n },
      [
        [10_000, 0n],
        [1, 500n],
        [499, 500n],
        [1, 501n],
      ],
    ],
  ];
  for (const [name, tariff, steps] of cases) {
    await t.test(name, async (t) => {
      const { stage, clock, engine, sessionId } = await watching(t, 100_000n, tariff);
      for (const [ms, cost] of steps) {
        clock.advance(ms);
        await touch(stage, sessionId);
        t.equal((await engine.readSession(sessionId)).charged, cost, `after ${ms} ms more`);
      }
    });
  }
  await t.test('limits of time and cost end the session with their own reason', async (t) => {
    const time = await watching(t, 100_000n, { ...perMinute(6_000n, 0), maxMs: 12_000n });
    time.clock.advance(12_000);
    t.match((await sweep(time.stage)).notices, [{ reason: 'time_limit', owned: 98_800n }]);
    const cost = await watching(t, 100_000n, { ...perMinute(6_000n, 0), maxCost: 700n });
    cost.clock.advance(20_000);
    t.match((await sweep(cost.stage)).notices, [{ reason: 'spend_limit', owned: 99_300n }]);
  });
});

t.test('opening', async (t) => {
  await t.test('a second tab joins the session and is not billed', async (t) => {
    const { stage, sessionId } = await watching(t, 100_000n);
    t.match(await open(stage), { isDuplicate: true, sessionId, wallet: { held: 1_500n } });
  });
  await t.test('another room is another session with a hold of its own', async (t) => {
    const { stage, sessionId } = await watching(t, 2_000n);
    const other = await open(stage, { room: '8' });
    t.not(other.sessionId, sessionId);
    t.match(other.wallet, { owned: 2_000n, held: 2_000n });
    t.match(await tip(stage, 'tip-key-1', 1n), { status: 'BILLING_INSUFFICIENT_CREDIT' });
  });
  await t.test(
    'too little credit is refused, also when it is asked again by the key',
    async (t) => {
      const stage = await startStage(t);
      await credit(stage.engine, '42', 99n);
      t.match(await open(stage, { key: 'same-key' }), { status: 'BILLING_INSUFFICIENT_CREDIT' });
      await credit(stage.engine, '42', 1n, 2n);
      t.match(await open(stage, { key: 'same-key' }), { status: 'BILLING_INSUFFICIENT_CREDIT' });
      t.match(await open(stage), { status: 'OK' });
    },
  );
  await t.test('nothing is charged before the stream is live and while it is down', async (t) => {
    const stage = await startStage(t);
    const { clock, engine } = stage;
    await credit(engine, '42', 100_000n);
    const { sessionId } = await open(stage);
    clock.advance(5_000);
    await goLive(stage);
    clock.advance(5_000);
    t.match(await touch(stage, sessionId), { owned: 99_500n });
    clock.advance(2_000);
    await engine.setRoom({ room: '7', state: 'down', sinceMs: 0, reason: 'show_ended' });
    clock.advance(10_000);
    t.match(await touch(stage, sessionId), { owned: 99_300n, verdict: 'ok' });
    clock.advance(1_000);
    const ended = await engine.setRoom({
      ...{ room: '7', state: 'ended', sinceMs: 0, reason: 'show_ended' },
    });
    t.match(ended, [{ sessionId, reason: 'show_ended', owned: 99_300n, held: 0n }]);
  });
});

t.test('a tip pays once, fails for good, and refuses another body', async (t) => {
  const stage = await startStage(t);
  await credit(stage.engine, '42', 1_000n);
  t.match(await tip(stage, 'tip-key-1', 400n), { status: 'OK', isDuplicate: false });
  t.match(await tip(stage, 'tip-key-1', 400n), { status: 'OK', isDuplicate: true });
  const conflict = await tip(stage, 'tip-key-1', 400n, 'bbbbbbbbbbbbbbbb');
  t.match(conflict, { status: 'BILLING_KEY_CONFLICT', wallet: { owned: 600n } });
  t.match(await tip(stage, 'tip-key-2', 601n), { status: 'BILLING_INSUFFICIENT_CREDIT' });
  await credit(stage.engine, '42', 1n, 2n);
  t.match(await tip(stage, 'tip-key-2', 601n), { status: 'BILLING_INSUFFICIENT_CREDIT' });
  const sameTime = await Promise.all([1, 2, 3, 4].map(() => tip(stage, 'tip-key-3', 600n)));
  t.equal(sameTime.filter((one) => !one.isDuplicate).length, 1);
  t.match(await stage.engine.readWallet('42'), { owned: 1n });
  stage.clock.advance(24 * 3_600_000);
  t.match(await tip(stage, 'tip-key-1', 400n), { isDuplicate: true }, 'a day later');
});

t.test('funding follows the numbers of the wallet', async (t) => {
  const { engine } = await startStage(t);
  const fund = (cmdSeq: bigint, kind: 'credit' | 'debit' | 'freeze', amount: bigint) =>
    engine.fund({ wallet: '42', cmdSeq, kind, amount });
  t.match(await fund(2n, 'credit', 5n), { status: 'GAP', wallet: { owned: 0n } });
  t.match(await fund(1n, 'credit', 500n), { status: 'APPLIED', wallet: { owned: 500n } });
  t.match(await fund(1n, 'credit', 500n), { status: 'ALREADY', wallet: { owned: 500n } });
  t.match(await fund(2n, 'debit', 700n), { status: 'APPLIED', wallet: { owned: 0n } });
  t.match(await engine.readWallet('42'), { debt: 200n });
  t.match(await fund(3n, 'credit', 300n), { wallet: { owned: 100n } }, 'debt is repaid first');
  t.match(await fund(4n, 'credit', 9_000_000_000_000n), { status: 'BILLING_BALANCE_LIMIT' });
  await t.rejects(fund(4n, 'credit', 9_000_000_000_001n), /FAULT/);
  t.match(await engine.readWallet('42'), { owned: 100n, cmdSeq: 3n });
});

t.test('a frozen wallet is cut and spends nothing', async (t) => {
  const { stage, engine, sessionId } = await watching(t, 100_000n);
  await engine.fund({ wallet: '42', cmdSeq: 2n, kind: 'freeze', amount: 0n });
  t.match(await touch(stage, sessionId), { verdict: 'cut', reason: 'frozen', held: 0n });
  t.match(await tip(stage, 'tip-key-1', 1n), { status: 'BILLING_WALLET_FROZEN' });
  t.match(await open(stage), { status: 'BILLING_WALLET_FROZEN' });
});

t.test('warnings come once per crossing and are re-armed by a top-up', async (t) => {
  const { stage, engine, clock, sessionId } = await watching(t, 6_999n);
  const crossings: number[] = [];
  const watch = async () => {
    clock.advance(10_000);
    crossings.push((await touch(stage, sessionId)).crossed);
  };
  for (let at = 0; at < 5; at += 1) await watch();
  await credit(engine, '42', 10_000n, 2n);
  for (let at = 0; at < 9; at += 1) await watch();
  t.same(crossings, [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
});

t.test(
  'a notice is repeated five times with growing pauses, or until it is confirmed',
  async (t) => {
    const { stage, engine, clock, sessionId } = await watching(t, 1_000n);
    clock.advance(10_009);
    const pauses: number[] = [];
    await sweep(stage);
    for (let second = 1; second <= 60; second += 1) {
      clock.advance(1_000);
      if ((await sweep(stage)).notices.some((one) => one.kind === 'repeat')) pauses.push(second);
    }
    t.same(pauses, [1, 3, 7, 15, 31]);
    await credit(engine, '42', 1_000n, 2n);
    const again = await open(stage);
    clock.advance(10_009);
    await sweep(stage);
    t.match(await engine.end(again.sessionId, 'left'), { wasEnded: true });
    clock.advance(2_000);
    t.match(await sweep(stage), { notices: [] });
    t.not(again.sessionId, sessionId);
  },
);

t.test('the last RTMP play ends the session unless a socket vouches for the viewer', async (t) => {
  const { stage, clock, sessionId } = await watching(t, 100_000n);
  await touch(stage, sessionId, { source: 'p' });
  clock.advance(10_000);
  t.match(await touch(stage, sessionId, { source: 'q' }), { verdict: 'ok' }, 'the socket is fresh');
  await touch(stage, sessionId, { source: 'p' });
  clock.advance(20_000);
  await touch(stage, sessionId, { source: 'r' });
  clock.advance(20_000);
  t.match(await touch(stage, sessionId, { source: 'q' }), { verdict: 'ended', reason: 'left' });
});

t.test('a shard that was emptied refuses to work before it is compared', async (t) => {
  const { stage, redis, sessionId } = await watching(t, 1_000n);
  await redis.del(shardKeys(shardOfWallet('42')).meta);
  // The fence of this stage opens the shard empty: the session is gone, and nothing was charged
  // before.
  t.match(await touch(stage, sessionId), { verdict: 'unknown' });
  t.match(await stage.engine.readWallet('42'), { owned: 0n });
});

t.test('out of memory: money scripts are refused before their first write', async (t) => {
  const { stage, redis, clock, sessionId } = await watching(t, 100_000n);
  clock.advance(10_000);
  await redis.config('SET', 'maxmemory', '1000000');
  await t.rejects(touch(stage, sessionId), { code: 'BILLING_UNAVAILABLE' });
  await redis.config('SET', 'maxmemory', '0');
  t.match(await touch(stage, sessionId), { owned: 99_000n });
});
