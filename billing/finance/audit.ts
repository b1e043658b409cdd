// The audit log: reading it, and a hash a day over its rows and the hash before. Used by the API,
// the periodic jobs and the CLI. An anchor that was written down elsewhere proves that nobody has
// changed the days up to it; a chain per row would put all commands in one line.
import { createHash } from 'node:crypto';
import { type Row, type Sql, textOf } from '../database.js';
import type { Desk } from './desk.js';
import { pageRows, type PageQuery } from './pages.js';
import type { AuditReply, Page } from './schema.js';

const DAY_MS = 86_400_000;
/** A transaction that began before midnight may still write a row of the day. */
const LATE_MS = 600_000;
const PAGE = 5_000;

export interface Anchor {
  /** Days since 1970, UTC. */
  readonly day: number;
  readonly entries: number;
  readonly hash: string;
}

export class AuditLog {
  constructor(private readonly desk: Desk) {}

  async list(query: PageQuery): Promise<Page<AuditReply>> {
    return pageRows(this.desk.database, { table: 'audit', filter: {}, query }, toReply);
  }

  /** Anchors every day that is over and has none. @returns the new anchors */
  async anchor(): Promise<readonly Anchor[]> {
    const { database } = this.desk;
    const nowMs = this.desk.nowMs();
    const over = Math.floor((nowMs - LATE_MS) / DAY_MS);
    return database.withLock('showbill_ledger.anchor', 10, async () => {
      const made: Anchor[] = [];
      let { day, last, hash } = await newestAnchor(database);
      for (;;) {
        const [row] = await database.query('SELECT MIN(at_ms) AS at FROM audit WHERE id > ?', [
          last,
        ]);
        if (row === undefined || row['at'] === null) return made;
        day = Math.max(day + 1, Math.floor(Number(row['at']) / DAY_MS));
        if (day >= over) return made;
        const found = await hashDay(database, { after: last, beforeMs: (day + 1) * DAY_MS, hash });
        await database.run('INSERT INTO audit_anchor VALUES (?)', [
          [day, found.last, found.entries, found.hash, nowMs],
        ]);
        made.push({ day, entries: found.entries, hash: found.hash });
        ({ last, hash } = found);
      }
    });
  }

  /** Computes every anchor again. @returns days whose rows are not what they were */
  async verify(): Promise<{ anchors: number; broken: readonly number[]; newest: string }> {
    const { database } = this.desk;
    const rows = await database.query(
      'SELECT day, last_id, entries, hash FROM audit_anchor ORDER BY day',
    );
    const broken: number[] = [];
    let [last, hash] = ['0', ''];
    for (const row of rows) {
      const found = await hashRange(database, {
        after: last,
        through: textOf(row, 'last_id'),
        hash,
      });
      const isSame = found.hash === textOf(row, 'hash') && found.entries === Number(row['entries']);
      if (!isSame) broken.push(Number(row['day']));
      [last, hash] = [textOf(row, 'last_id'), textOf(row, 'hash')];
    }
    return { anchors: rows.length, broken, newest: hash };
  }
}

/** The one way into the log. */
export async function recordAudit(
  sql: Sql,
  { actor, action, subject, detail, atMs }: Omit<AuditReply, 'id'>,
): Promise<void> {
  await sql.run('INSERT INTO audit (actor, action, subject, detail, at_ms) VALUES (?)', [
    [actor.slice(0, 64), action, subject, detail.slice(0, 1_000), atMs],
  ]);
}

interface Hashed {
  readonly last: string;
  readonly entries: number;
  readonly hash: string;
}

async function newestAnchor(sql: Sql): Promise<{ day: number; last: string; hash: string }> {
  const [row] = await sql.query('SELECT * FROM audit_anchor ORDER BY day DESC LIMIT 1');
  if (row === undefined) return { day: -1, last: '0', hash: '' };
  return { day: Number(row['day']), last: textOf(row, 'last_id'), hash: textOf(row, 'hash') };
}

/** Rows in the order of their ids, up to the last one of the day. */
async function hashDay(
  sql: Sql,
  day: { after: string; beforeMs: number; hash: string },
): Promise<Hashed> {
  const [row] = await sql.query('SELECT MAX(id) AS id FROM audit WHERE at_ms < ? AND id > ?', [
    day.beforeMs,
    day.after,
  ]);
  const through = row?.['id'] === null ? day.after : textOf(row, 'id');
  return hashRange(sql, { ...day, through });
}

async function hashRange(
  sql: Sql,
  { after, through, hash: before }: { after: string; through: string; hash: string },
): Promise<Hashed> {
  const sum = createHash('sha256').update(before);
  let last = after;
  let entries = 0;
  for (;;) {
    const rows = await sql.query(
      `SELECT * FROM audit WHERE id > ? AND id <= ? ORDER BY id LIMIT ${PAGE}`,
      [last, through],
    );
    for (const row of rows) {
      const { id, actor, action, subject, detail, at_ms: at } = row;
      sum.update(JSON.stringify([id, actor, action, subject, detail, at].map(String)));
    }
    entries += rows.length;
    if (rows.length < PAGE) return { last: through, entries, hash: sum.digest('hex') };
    last = textOf(rows.at(-1), 'id');
  }
}

function toReply(row: Row): AuditReply {
  return {
    id: textOf(row, 'id'),
    actor: textOf(row, 'actor'),
    action: textOf(row, 'action'),
    subject: textOf(row, 'subject'),
    detail: textOf(row, 'detail'),
    atMs: Number(row['at_ms']),
  };
}
