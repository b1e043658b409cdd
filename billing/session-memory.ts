// Sessions as this process has booked them last, so that the settler need not read each of them
// again every minute. Invariant: what is known of a shard holds only while its cursor, read under
// its lock, stands where this process left it; another settler or a restored ledger moves it.
import type { Cursor } from './outbox.js';
import type { SessionRow } from './settlement.js';

/** Of a shard; the oldest are forgotten first. 64,000 in all, about 500 bytes each. */
const SESSIONS_MAX = 1_000;

export class SessionMemory {
  private readonly shards = new Map<
    number,
    { at: Cursor; readonly sessions: Map<string, SessionRow> }
  >();

  /** @param cursor as it was read under its lock. @returns what is known of its shard */
  of(cursor: Cursor): ReadonlyMap<string, Readonly<SessionRow>> {
    const known = this.shards.get(cursor.shard);
    if (known?.at.epoch === cursor.epoch && known.at.seq === cursor.seq) return known.sessions;
    this.shards.delete(cursor.shard);
    return new Map();
  }

  /** After the commit that moved the cursor to `at`. Sessions that ended are not needed again. */
  keep(at: Cursor, booked: Iterable<readonly [string, SessionRow]>): void {
    const { sessions } = this.shards.get(at.shard) ?? { sessions: new Map<string, SessionRow>() };
    for (const [id, row] of booked) {
      sessions.delete(id);
      if (row.endedMs === null) sessions.set(id, row);
    }
    for (const id of sessions.keys()) {
      if (sessions.size <= SESSIONS_MAX) break;
      sessions.delete(id);
    }
    this.shards.set(at.shard, { at, sessions });
  }

  /** After any fault: the database may be another one now. */
  clear(): void {
    this.shards.clear();
  }
}
