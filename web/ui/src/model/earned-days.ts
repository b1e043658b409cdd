// Paid visits summed by day, for the chart and the statement. Pure.
import type { EarnedShow } from '../api/models.js';

export interface EarnedDay {
  /** `2026-11-21` in the zone of this browser. */
  day: string;
  /** Midnight there, Unix seconds. */
  atSec: number;
  visits: number;
  billableMs: number;
  /** What viewers paid after refunds, milli-credits, before the share of the house. */
  paidMilli: bigint;
}

const two = (n: number): string => String(n).padStart(2, '0');

export function paidFor({ chargedMilli, refundedMilli }: EarnedShow): bigint {
  return BigInt(chargedMilli) - BigInt(refundedMilli);
}

/** One row for each of the last `days` days, empty ones too, the oldest first. */
export function earnedByDay(shows: readonly EarnedShow[], days: number, now: Date): EarnedDay[] {
  const rows = new Map<string, EarnedDay>();
  for (let back = days - 1; back >= 0; back -= 1) {
    const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - back);
    const row = { atSec: at.getTime() / 1000, visits: 0, billableMs: 0, paidMilli: 0n };
    rows.set(dayOf(at), { day: dayOf(at), ...row });
  }
  for (const show of shows) {
    const row = rows.get(dayOf(new Date(show.openedMs)));
    if (!row) continue;
    row.visits += 1;
    row.billableMs += show.billableMs;
    row.paidMilli += paidFor(show);
  }
  return [...rows.values()];
}

export function dayOf(at: Date): string {
  return `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Milli-credits as a decimal number of credits, exact. */
function plain(milli: bigint): string {
  const sign = milli < 0n ? '-' : '';
  const value = milli < 0n ? -milli : milli;
  return `${sign}${String(value / 1000n)}.${String(value % 1000n).padStart(3, '0')}`;
}

/** RFC 4180, one line per visit; no text of others stands in it. */
export function statementCsv(shows: readonly EarnedShow[]): string {
  const rows = shows.map((show) =>
    [
      show.sessionId,
      new Date(show.openedMs).toISOString(),
      show.endedMs === undefined ? '' : new Date(show.endedMs).toISOString(),
      String(Math.round(show.billableMs / 1000)),
      plain(BigInt(show.chargedMilli)),
      plain(BigInt(show.refundedMilli)),
      plain(paidFor(show)),
    ].join(','),
  );
  const head = 'visit,began,ended,billed_seconds,charged_credits,refunded_credits,net_credits';
  return `${[head, ...rows].join('\r\n')}\r\n`;
}
