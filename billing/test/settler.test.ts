// How the settler shares its time between shards.
import t from 'tap';
import { silentLog } from '../../cluster/testing/index.js';
import { Settler } from '../settler.js';
import { shardOfWallet } from '../shard.js';
import { grant, mismatches, startLedger, tip } from './stage.js';

/** More than eight transactions of one shard. */
const BACKLOG = 2_600;

t.test('a shard with a long backlog does not keep the others waiting', async (t) => {
  const stage = await startLedger(t);
  const { redis, engine, database, metrics, clock, settler } = stage;
  t.not(shardOfWallet('1'), shardOfWallet('42'));
  await grant(stage, '42', 1_000_000n);
  await grant(stage, '1', 1_000n);
  await settler.drain();
  const keys = Array.from({ length: BACKLOG }, (_, at) => `tip-key-${String(at).padStart(5, '0')}`);
  await Promise.all(keys.map((key) => tip(stage, { key, amount: 10n })));
  let late: Promise<unknown> | undefined;
  const fair = new Settler({
    ...{ redis, engine, database, metrics, clock, log: silentLog },
    async beforeTrim() {
      late ??= tip(stage, { key: 'tip-key-late', amount: 7n, wallet: '1' });
      await late;
    },
  });
  await fair.drain();
  const [row] = await database.query(
    `SELECT SUM(shard = ? AND id > (SELECT MAX(id) FROM transfer WHERE shard = ?)) AS behind,
            COUNT(DISTINCT shard, seq) AS tips
     FROM transfer WHERE code = 'tip'`,
    [shardOfWallet('42'), shardOfWallet('1')],
  );
  t.equal(Number(row?.['tips']), BACKLOG + 1);
  t.ok(Number(row?.['behind']) > 0, 'the late tip is booked before the last of the backlog');
  t.same(await mismatches(stage), []);
});
