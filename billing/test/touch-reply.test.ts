// A call of proofs of life answers bytes for plain sessions and text for others; each session has
// to get its own line.
import t from 'tap';
import { newSessionId, shardOfWallet } from '../shard.js';
import { credit, goLive, open, startStage } from './stage.js';

const SHARD = shardOfWallet('1');
const ROOM = '7';
/** Wallets of one shard. */
const [RICH = '', POOR = '', LAST = ''] = Array.from({ length: 1_000 }, (_, at) => String(at + 1))
  .filter((wallet) => shardOfWallet(wallet) === SHARD)
  .slice(0, 3);

t.test('each session of a call gets its own answer, whichever way it goes', async (t) => {
  const stage = await startStage(t);
  await goLive(stage, ROOM);
  const ids: string[] = [];
  for (const [wallet, credits] of [
    [RICH, 9_000_000_000_000n],
    [POOR, 3_000n],
    [LAST, 100_000n],
  ] as const) {
    await credit(stage.engine, wallet, credits);
    ids.push((await open(stage, { wallet, room: ROOM })).sessionId);
  }
  const [rich = '', poor = '', last = ''] = ids;
  const nobody = newSessionId(SHARD, stage.clock.nowMs());
  const verdicts: string[] = [];
  // The tenth version of a wallet has the byte of a line's end in it.
  for (let proof = 1; proof <= 12; proof += 1) {
    stage.clock.advance(10_000);
    const asked = [rich, poor, nobody, last].map((sessionId) => [sessionId, 'g'] as const);
    const rows = await stage.engine.touch(SHARD, asked);
    const cost = BigInt(proof) * 1_000n;
    const plain = { verdict: 'ok', leftMs: -1, room: ROOM, held: 1_500n, version: proof + 2 };
    t.match(rows, [
      { ...plain, sessionId: rich, wallet: RICH, owned: 9_000_000_000_000n - cost },
      { sessionId: poor, wallet: POOR, room: ROOM },
      { sessionId: nobody, wallet: '', room: '', verdict: 'unknown', owned: 0n, version: 0 },
      { sessionId: last, wallet: LAST, owned: 100_000n - cost },
    ]);
    t.equal(rows.length, 4);
    verdicts.push(rows[1]?.verdict ?? '');
  }
  t.same(verdicts.slice(0, 5), ['warn', 'warn', 'warn', 'cut', 'ended']);
});
