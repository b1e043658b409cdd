// What questions read from a ledger that is large: rows of the wallet or model that is asked about,
// not of everybody. Counted by the server, so the speed of the machine does not matter.
import t from 'tap';
import { bigintOf, type Database } from '../database.js';
import { Reconciler } from '../reconcile.js';
import { shardOfWallet } from '../shard.js';
import { Statements } from '../statements.js';
import { silentLog } from '../../cluster/testing/index.js';
import { drill } from '../drill.js';
import { payment, startFinance, tip } from './finance-stage.js';

const OTHERS = 6_000;
/** What the server reads to tell its counters, and room for bookkeeping. */
const FEW = 3_000;

/** Transfers of as many other viewers to another model, on the same day. */
async function crowd(database: Database, nowMs: number): Promise<void> {
  await database.run(
    `INSERT INTO account (kind, owner_ref) SELECT 'wallet', 1000000 + seq FROM seq_1_to_${OTHERS}`,
  );
  await database.run("INSERT INTO account (kind, owner_ref) VALUES ('earnings', '555')");
  await database.run(
    `INSERT INTO transfer (code, debit_account, credit_account, amount, shard, epoch, seq, idx,
       occurred_ms, booked_ms)
     SELECT 'tip', w.id, e.id, 5, 63, 9, w.id, 0, ${nowMs}, ${nowMs} FROM account e, account w
     WHERE e.kind = 'earnings' AND e.owner_ref = '555' AND w.kind = 'wallet' AND w.shard IS NULL`,
  );
  await database.query('ANALYZE TABLE account, transfer');
}

async function rowsRead(database: Database, work: () => Promise<unknown>): Promise<number> {
  const count = async (): Promise<bigint> => {
    const [row] = await database.query(
      `SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) AS n FROM information_schema.GLOBAL_STATUS
       WHERE VARIABLE_NAME LIKE 'HANDLER_READ%'`,
    );
    return bigintOf(row, 'n');
  };
  const before = await count();
  await work();
  return Number((await count()) - before);
}

t.test('questions about one read what is of that one', async (t) => {
  const stage = await startFinance(t);
  const { finance, database, engine, metrics, redis, clock } = stage;
  await finance.purchases.capture(payment({ amountMilli: '90000' }));
  for (let at = 0; at < 12; at += 1) await tip(stage, 1_000n);
  await crowd(database, clock.nowMs());
  const day = new Date(clock.nowMs()).toISOString().slice(0, 10);
  const statements = new Statements(database);
  const reconciler = new Reconciler({ engine, database, metrics, log: silentLog });
  const check = async (what: string, most: number, work: () => Promise<unknown>) => {
    const rows = await rowsRead(database, work);
    t.ok(rows < most, `${what}: ${rows} rows`);
  };
  await check('a page of a statement', FEW, async () => {
    const first = await statements.entries('42', { before: undefined, limit: 5 });
    t.equal(first.entries.length, 5);
    const { entries, next } = await statements.entries('42', { before: first.next, limit: 50 });
    t.match(entries, { length: 8 }, 'no tip is lost between the pages');
    t.equal(next, undefined);
    t.equal(entries.at(-1)?.amount, '90000');
  });
  await check('the days of a model', FEW, async () => {
    const { days } = await finance.statement.days('99', day, day);
    t.match(days, [{ tipsMilli: '7200' }]);
  });
  await check('both journals of a wallet', FEW, () => drill({ engine, redis, database }, '42'));
  await check('the comparison of a shard', FEW, async () => {
    t.same((await reconciler.shard(shardOfWallet('42'))).mismatches, []);
  });
});
