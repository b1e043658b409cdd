// Applies the numbered migrations of the ledger schema, in order, each once, one process at a time.
// Invariant: a file that was applied never changes; its checksum is compared at every start.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Logger } from '../cluster/index.js';
import type { Database } from './database.js';
import { SHARD_COUNT } from './shard.js';

const FOLDER = new URL('./migrations/', import.meta.url);

/** @returns names of the files applied now. @throws Error when an applied file was edited. */
export async function migrate(database: Database, log: Logger): Promise<readonly string[]> {
  // The user of a running role may not create anything; it needs no more than to see that it is so.
  if (await isUpToDate(database)) return [];
  return database.withLock('showbill_ledger.migrate', 60, async () => {
    await database.run(
      `CREATE TABLE IF NOT EXISTS schema_version (
         file VARCHAR(100) NOT NULL PRIMARY KEY, checksum CHAR(64) NOT NULL, applied_ms BIGINT NOT NULL)`,
    );
    const rows = await database.query('SELECT file, checksum FROM schema_version');
    const known = new Map(rows.map((row) => [row['file'], row['checksum']]));
    const applied: string[] = [];
    for (const file of await migrationFiles()) {
      const { source, checksum } = await readMigration(file);
      if (known.get(file) === checksum) continue;
      if (known.has(file)) throw new Error(`${file} was edited after it had been applied`);
      for (const statement of statements(source)) await runOnce(database, statement);
      await database.run('INSERT INTO schema_version VALUES (?, ?, ?)', [
        file,
        checksum,
        Date.now(),
      ]);
      log.info({ event: 'ledger.migrated', file });
      applied.push(file);
    }
    await addCursors(database);
    return applied;
  });
}

async function isUpToDate(database: Database): Promise<boolean> {
  const found = await database
    .query('SELECT file, checksum FROM schema_version')
    .catch((thrown: unknown) => {
      if ((thrown as { errno?: unknown }).errno === NO_SUCH_TABLE) return [];
      throw thrown;
    });
  const known = new Map(found.map((row) => [row['file'], row['checksum']]));
  for (const file of await migrationFiles()) {
    if (known.get(file) !== (await readMigration(file)).checksum) return false;
  }
  const [row] = await database.query('SELECT COUNT(*) AS cursors FROM shard_cursor');
  return Number(row?.['cursors']) === SHARD_COUNT;
}

async function readMigration(file: string): Promise<{ source: string; checksum: string }> {
  const source = await readFile(new URL(file, FOLDER), 'utf8');
  return { source, checksum: createHash('sha256').update(source).digest('hex') };
}

const NO_SUCH_TABLE = 1146;
/** Column or key exists, or is gone: applied up to here before a process died. */
const DONE_BEFORE: readonly unknown[] = [1060, 1061, 1091];

async function runOnce(database: Database, statement: string): Promise<void> {
  try {
    await database.run(statement);
  } catch (thrown) {
    const { errno } = thrown as { errno?: unknown };
    if (!statement.startsWith('ALTER TABLE') || !DONE_BEFORE.includes(errno)) throw thrown;
  }
}

async function migrationFiles(): Promise<string[]> {
  const names = await readdir(FOLDER);
  return names.filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
}

/** One statement ends with `;` at the end of a line. */
function statements(source: string): string[] {
  return source
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** The cursor row of each shard is its settlement lock, so all of them exist from the start. */
async function addCursors(database: Database): Promise<void> {
  const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => [shard]);
  await database.run(
    'INSERT INTO shard_cursor (shard) VALUES ? ON DUPLICATE KEY UPDATE shard = VALUES(shard)',
    [shards],
  );
}
