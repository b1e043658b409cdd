// Pages of finance tables, newest first by id. Used by every list of the finance API. Column names
// come from the code, values from the request.
import { type Row, type Sql, textOf } from '../database.js';
import type { Page } from './schema.js';

export interface PageQuery {
  readonly before?: string | undefined;
  readonly limit: number;
}

export interface PageOfTable {
  readonly table: 'purchase' | 'adjustment' | 'payout' | 'session' | 'audit';
  /** Column → value; undefined = any. */
  readonly filter: Readonly<Record<string, string | undefined>>;
  readonly query: PageQuery;
}

/** `next` is there when the page is full. */
export async function pageRows<T>(
  sql: Sql,
  { table, filter, query: { before, limit } }: PageOfTable,
  map: (row: Row) => T,
): Promise<Page<T>> {
  const wanted = Object.entries(filter).flatMap(([name, value]) => {
    return value === undefined ? [] : [[name, value] as const];
  });
  const tests = wanted.map(([name]) => `${name} = ?`);
  if (before !== undefined) tests.push('id < ?');
  const where = tests.length === 0 ? '' : `WHERE ${tests.join(' AND ')}`;
  const rows = await sql.query(`SELECT * FROM ${table} ${where} ORDER BY id DESC LIMIT ?`, [
    ...wanted.map(([, value]) => value),
    ...(before === undefined ? [] : [before]),
    limit,
  ]);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return { items: rows.map(map), ...(last === undefined ? {} : { next: textOf(last, 'id') }) };
}
