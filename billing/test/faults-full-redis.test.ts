// A Redis at its memory limit: nobody pays, who cannot pay does not go on, nothing is half done.
import t from 'tap';
import { shardOfWallet } from '../shard.js';
import { goLive, grant, mismatches, open, startLedger, TIMING, tip, touch } from './stage.js';

const TICK_MS = 10_000;

t.test('a full Redis refuses charges before the first write, and still cuts off', async (t) => {
  const stage = await startLedger(t);
  const { clock, engine, redis } = stage;
  await goLive(stage);
  const [poor, leaver] = ['42', '43'];
  for (const wallet of [poor, leaver]) await grant(stage, wallet, 1_500n);
  const last = await open(stage, { wallet: poor });
  const other = await open(stage, { wallet: leaver });
  clock.advance(TICK_MS);
  await touch(stage, last.sessionId, { wallet: poor });
  await touch(stage, other.sessionId, { wallet: leaver });
  const before = await engine.readWallet(poor);

  await redis.config('SET', 'maxmemory', '1000000');
  clock.advance(TIMING.quantumMs);
  const refusal = { code: 'BILLING_UNAVAILABLE' };
  await t.rejects(touch(stage, other.sessionId, { wallet: leaver }), refusal);
  await t.rejects(tip(stage, { key: 'tip-key-full', amount: 1n, wallet: poor }), refusal);
  t.same(await engine.readWallet(poor), before, 'no credit has moved, and reads are answered');
  const { values } = await stage.metrics.refusals.get();
  t.match(values, [{ labels: { why: 'full' }, value: 2 }], 'an alarm stands on this');

  const look = { limit: 100, isSuspended: false, isSparing: false };
  const { notices } = await engine.sweep(shardOfWallet(poor), look);
  t.match(
    notices.find((one) => one.sessionId === last.sessionId),
    { kind: 'cut', reason: 'insufficient_credit' },
  );
  t.match(await engine.end(other.sessionId, 'left'), { wasEnded: false });
  for (const { sessionId } of [last, other]) {
    t.match(await engine.readSession(sessionId), { isActive: false });
  }
  for (const wallet of [poor, leaver]) t.match(await engine.readWallet(wallet), { held: 0n });

  await redis.config('SET', 'maxmemory', '0');
  t.same(await mismatches(stage), [], 'each end is booked once');
});
