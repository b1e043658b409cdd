// What the SQL user of a running role may do, table by table, as GRANT statements. Used by the CLI
// (`grants <user>`) and tests. Migrations need another user. Invariant: nobody who can run the role
// can change or remove a transfer, a settlement, a use of a lot, a refund or an audit entry.
import { type Database, LEDGER_SCHEMA, textOf } from './database.js';

const APPEND_ONLY = ['transfer', 'settlement', 'lot_use', 'refund', 'audit', 'audit_anchor'];
const READ_ONLY = ['schema_version'];
/** A thaw removes the reasons of a freeze. */
const REMOVABLE = ['wallet_freeze'];

/** @param account as SQL writes it: `'ledger'@'10.0.0.%'` */
export async function grantsFor(database: Database, account: string): Promise<readonly string[]> {
  const rows = await database.query(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY table_name`,
    [LEDGER_SCHEMA],
  );
  return rows.map((row) => {
    const table = textOf(row, 'name');
    return `GRANT ${rightsOf(table)} ON ${LEDGER_SCHEMA}.${table} TO ${account};`;
  });
}

function rightsOf(table: string): string {
  if (READ_ONLY.includes(table)) return 'SELECT';
  if (APPEND_ONLY.includes(table)) return 'SELECT, INSERT';
  if (REMOVABLE.includes(table)) return 'SELECT, INSERT, UPDATE, DELETE';
  return 'SELECT, INSERT, UPDATE';
}
