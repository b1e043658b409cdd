// The ledger's SQL user: with the rights that `grants` prints everything works and nothing that is
// booked can be changed, whatever the triggers say.
import t from 'tap';
import { silentLog } from '../../cluster/testing/index.js';
import { Database, textOf } from '../database.js';
import { createFinance } from '../finance/finance.js';
import { Funder } from '../funder.js';
import { grantsFor } from '../grants.js';
import { migrate } from '../migrator.js';
import { Settler } from '../settler.js';
import { DAY_MS, newKey, payment, SETTINGS, startFinance, tip } from './finance-stage.js';

t.test('a user without UPDATE and DELETE on the journals runs everything else', async (t) => {
  const stage = await startFinance(t);
  const { mariadb, engine, clock, metrics, redis } = stage;
  const account = "'ledger'@'%'";
  await stage.database.run(`CREATE USER ${account} IDENTIFIED BY 'only-for-this-test'`);
  for (const line of await grantsFor(stage.database, account)) await stage.database.run(line);
  await stage.database.run('DROP TRIGGER transfer_no_update');
  await stage.database.run('DROP TRIGGER transfer_no_delete');
  const url = new URL(mariadb.url);
  [url.username, url.password] = ['ledger', 'only-for-this-test'];
  const log = silentLog;
  const database = await Database.open(url.href, { poolMax: 4, log });
  t.teardown(() => database.close());
  t.same(await migrate(database, log), [], 'there is nothing to migrate');

  const shared = { engine, database, clock, metrics, log };
  const funder = new Funder({ ...shared, onFunded: () => undefined });
  const settings = { ...SETTINGS, earningsHoldDays: 0 };
  const finance = createFinance({ ...shared, funder, settings });
  const settler = new Settler({ ...shared, redis });
  await finance.purchases.capture(payment({ bonusMilli: '100' }));
  const tipId = await tip({ ...stage, settler }, 5_000n);
  clock.advance(1);
  await finance.earnings.ripen();
  const actor = 'admin:1';
  await finance.payouts.request({ key: newKey(), performerId: '99', method: 'sepa', actor });
  await finance.refunds.give({ key: newKey(), tipId, reason: 'no show', actor });
  const freeze = { wallet: '42', source: 'manual', reason: 'test', actor };
  await finance.freezes.set({ ...freeze, isFrozen: true });
  await finance.freezes.set({ ...freeze, isFrozen: false });
  clock.advance(2 * DAY_MS);
  await finance.audit.anchor();
  await settler.drain();
  t.same(await stage.audit(), []);

  for (const table of ['transfer', 'settlement', 'lot_use', 'refund', 'audit', 'audit_anchor']) {
    const [first] = await database.query(`SHOW COLUMNS FROM ${table}`);
    const column = textOf(first, 'Field');
    await t.rejects(database.run(`DELETE FROM ${table}`), /denied/, `DELETE ${table}`);
    const update = database.run(`UPDATE ${table} SET ${column} = ${column}`);
    await t.rejects(update, /denied/, `UPDATE ${table}`);
  }
  await t.rejects(database.run('DROP TABLE transfer'), /denied/);
});
