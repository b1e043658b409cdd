// The money scripts one by one, against a real redis-server and a clock that only the test moves.
import t from 'tap';
import { credit, goLive, open, startStage, touch } from './stage.js';
import { shardOfWallet } from '../shard.js';

t.test('a session costs price × time and holds one quantum ahead', async (t) => {
  const stage = await startStage(t);
  const { engine, clock } = stage;
  await credit(engine, '42', 100_000n);
  await goLive(stage);
  const opened = await open(stage);
  t.match(opened, { status: 'OK', isDuplicate: false, wallet: { owned: 100_000n, held: 1_500n } });
  clock.advance(10_000);
  const row = await touch(stage, opened.sessionId);
  t.match(row, { verdict: 'ok', owned: 99_000n, held: 1_500n });
  clock.advance(5);
  const ended = await engine.end(opened.sessionId, 'left');
  t.match(ended, { wasEnded: false, charged: 1_000n, billMs: 10_005, owned: 99_000n, held: 0n });
});

t.test('the credit runs out: the cut comes at the exact millisecond and leaves zero', async (t) => {
  const stage = await startStage(t);
  const { engine, clock } = stage;
  await credit(engine, '42', 1_000n);
  await goLive(stage);
  const { sessionId, grantedUntilMs } = await open(stage);
  t.equal(
    grantedUntilMs,
    clock.nowMs() + 10_009,
    '1000 milli at 6000 a minute, up to the next step',
  );
  clock.advance(10_008);
  const shard = shardOfWallet('42');
  t.match(await engine.sweep(shard, { limit: 10, isSuspended: false }), { notices: [] });
  clock.advance(1);
  const { notices } = await engine.sweep(shard, { limit: 10, isSuspended: false });
  t.match(notices, [
    { sessionId, kind: 'cut', reason: 'insufficient_credit', owned: 0n, held: 0n, wallet: '42' },
  ]);
  t.match(await touch(stage, sessionId), { verdict: 'ended', reason: 'insufficient_credit' });
});
