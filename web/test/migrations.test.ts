// Migrations: from nothing, twice, by many processes at once, and what entities expect of the
// result.
import t from 'tap';
import { silentLog, startMariadb } from '../../cluster/testing/index.js';
import { createDataSource } from '../db/data-source.js';
import { migrateSite } from '../db/migrations.js';
import { migrations } from '../db/schema.js';

const mariadb = await startMariadb(t);
const options = { url: mariadb.url, log: silentLog };

t.test('many processes that start at once migrate once', async (t) => {
  const ran = await Promise.all(Array.from({ length: 6 }, () => migrateSite(options)));
  const names = migrations.map((one) => one.name);
  t.same(ran.flat().sort(), [...names].sort(), 'each migration ran in one of them');
  t.same(await migrateSite(options), [], 'the next start finds nothing to do');
});

t.test('the schema is what the entities say', async (t) => {
  const source = createDataSource({ ...options, poolMax: 1, statementTimeoutMs: 0 });
  await source.initialize();
  t.teardown(() => source.destroy());
  for (const entity of source.entityMetadatas) {
    const columns = await source.query<{ Field: string; Type: string; Null: string }[]>(
      `SHOW COLUMNS FROM \`${entity.tableName}\``,
    );
    const actual = columns.map((one) => `${one.Field} ${one.Null === 'YES' ? 'null' : ''}`).sort();
    const declared = entity.columns
      .map((one) => `${one.databaseName} ${one.isNullable ? 'null' : ''}`)
      .sort();
    t.same(actual, declared, entity.tableName);
  }
});

t.test('migrations can be taken back to nothing', async (t) => {
  const source = createDataSource({ ...options, poolMax: 1, statementTimeoutMs: 0 });
  await source.initialize();
  t.teardown(() => source.destroy());
  for (let n = 0; n < migrations.length; n += 1) await source.undoLastMigration();
  const tables = await source.query<object[]>("SHOW TABLES LIKE 'room'");
  t.equal(tables.length, 0);
  t.equal((await migrateSite(options)).length, migrations.length);
});
