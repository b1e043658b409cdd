// Earnings ripen: what a model or a studio has earned can be paid out after some days, oldest
// first. Used by the periodic jobs and by the API of terms. Invariant: what is ripe is at most all
// that was earned before the line, less everything that ever left the pending account.
import { bigintOf, type Row, type Sql, textOf } from '../database.js';
import { type AccountName, earningsOf, lockAccount } from '../posting.js';
import type { Booking, Desk } from './desk.js';
import type { PerformerTermsRequest } from './schema.js';

const DAY_MS = 86_400_000;
const PAGE = 1_000;
/**
 * A transfer gets its id before its transaction commits, and a settler may take its time: what is
 * younger is counted again at the next look, or a late one with a lower id would never ripen.
 */
const LATE_MS = 3_600_000;

export interface PerformerTerms {
  readonly isOnHold: boolean;
  readonly payoutMinimum: bigint;
  readonly holdDays: number;
}

export const availableOf = (owner: string): AccountName => ({ kind: 'available', owner });

export class Earnings {
  constructor(private readonly desk: Desk) {}

  /** Changes what is given; the rest stays. */
  async putTerms(performer: string, request: PerformerTermsRequest): Promise<void> {
    const { studioId, studioShareBps, isOnHold, payoutMinimumMilli, holdDays } = request;
    const { actor = 'system' } = request;
    const changes = Object.entries({
      studio: studioId,
      studio_share_bps: studioShareBps,
      is_on_hold: isOnHold === undefined ? undefined : Number(isOnHold),
      payout_minimum: payoutMinimumMilli,
      hold_days: holdDays,
    }).filter(([, value]) => value !== undefined);
    const command = { actor, idemKey: `terms:${performer}` };
    await this.desk.step(command, async (booking) => {
      const columns = ['performer', ...changes.map(([name]) => name), 'updated_ms'];
      const updates = columns.map((name) => `${name} = VALUES(${name})`).join(', ');
      await booking.sql.run(
        `INSERT INTO performer_terms (${columns.join(', ')}) VALUES (?)
         ON DUPLICATE KEY UPDATE ${updates}`,
        [[performer, ...changes.map(([, value]) => value), booking.nowMs]],
      );
      const detail = changes.map(([name, value]) => `${name} ${String(value)}`).join(', ');
      await booking.audit('performer_terms', `performer:${performer}`, detail);
    });
  }

  async terms(sql: Sql, performer: string): Promise<PerformerTerms> {
    const [row] = await sql.query('SELECT * FROM performer_terms WHERE performer = ?', [performer]);
    const { earningsHoldDays, payoutMinimumMilli } = this.desk.settings;
    const site = BigInt(payoutMinimumMilli);
    const own = isNull(row, 'payout_minimum') ? 0n : bigintOf(row, 'payout_minimum');
    return {
      isOnHold: Number(row?.['is_on_hold'] ?? 0) === 1,
      payoutMinimum: own > site ? own : site,
      holdDays: isNull(row, 'hold_days') ? earningsHoldDays : Number(row?.['hold_days']),
    };
  }

  /** Moves what has ripened by now. Any number may run at once. @returns accounts that moved */
  async ripen(): Promise<number> {
    const rows = await this.desk.database.query(
      `SELECT owner_ref FROM account WHERE kind = 'earnings' AND credits > debits`,
    );
    let moved = 0;
    for (const row of rows) {
      const owner = textOf(row, 'owner_ref');
      const command = { actor: 'system', idemKey: `ripe:${owner}` };
      if (await this.desk.step(command, (booking) => this.ripenOne(booking, owner))) moved += 1;
    }
    return moved;
  }

  private async ripenOne(booking: Booking, owner: string): Promise<boolean> {
    const { sql, nowMs } = booking;
    const { id, debits, balance } = await lockAccount(sql, earningsOf(owner));
    const { holdDays } = await this.terms(sql, owner);
    const [row] = await sql.query('SELECT ripe_id, ripe_milli FROM earner WHERE account = ?', [id]);
    const from = row === undefined ? '0' : textOf(row, 'ripe_id');
    const found = await earnedBefore(sql, {
      ...{ account: id, from, beforeMs: nowMs - holdDays * DAY_MS, sureMs: nowMs - LATE_MS },
    });
    const before = row === undefined ? 0n : bigintOf(row, 'ripe_milli');
    const ripe = before + found.amount;
    if (found.sureId !== from) {
      await sql.run(
        `INSERT INTO earner (account, ripe_id, ripe_milli) VALUES (?)
         ON DUPLICATE KEY UPDATE ripe_id = VALUES(ripe_id), ripe_milli = VALUES(ripe_milli)`,
        [[id, found.sureId, String(before + found.sureAmount)]],
      );
    }
    // Refunds and earlier ripening have left the account: they count against the oldest.
    const due = ripe - debits < balance ? ripe - debits : balance;
    if (due <= 0n) return false;
    await booking.post({
      ...{ code: 'ripe', debit: earningsOf(owner), credit: availableOf(owner), amount: due },
    });
    return true;
  }
}

/**
 * Credits after transfer `from`, up to the first one that is too young. `sure` is the part of it
 * before which nothing can appear any more.
 */
async function earnedBefore(
  sql: Sql,
  {
    account,
    from,
    beforeMs,
    sureMs,
  }: { account: string; from: string; beforeMs: number; sureMs: number },
): Promise<{ amount: bigint; sureId: string; sureAmount: bigint }> {
  const found = { amount: 0n, sureId: from, sureAmount: 0n };
  let isSure = true;
  let last = from;
  for (;;) {
    const rows = await sql.query(
      `SELECT id, amount, booked_ms FROM transfer WHERE credit_account = ? AND id > ?
       ORDER BY id LIMIT ${PAGE}`,
      [account, last],
    );
    for (const row of rows) {
      const bookedMs = Number(row['booked_ms']);
      if (bookedMs > beforeMs) return found;
      last = textOf(row, 'id');
      found.amount += bigintOf(row, 'amount');
      isSure &&= bookedMs <= sureMs;
      if (isSure) {
        found.sureId = last;
        found.sureAmount = found.amount;
      }
    }
    if (rows.length < PAGE) return found;
  }
}

function isNull(row: Row | undefined, column: string): boolean {
  return row === undefined || row[column] === null;
}
