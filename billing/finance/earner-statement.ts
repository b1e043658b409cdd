// What a model or a studio has earned, day by day and entry by entry, for its chart and its
// statement. Used by the API. All of it is SQL: it lags by the settlement of open shows (≤ 1 min).
import { type Database, type Row, textOf } from '../database.js';
import type { PageQuery } from './pages.js';
import { billingError } from '../errors.js';
import { dayRange, DAY_MS, dayText, type Range } from './reports.js';
import type * as wire from './schema.js';

type Kind = wire.EarnerEntryReply['kind'];
type Side = 'credit' | 'debit';

/** Transfers that an earner sees; ripening moves its own money and is none of them. */
const KINDS: readonly {
  readonly account: 'earnings' | 'available';
  readonly side: Side;
  readonly codes: Readonly<Record<string, Kind>>;
}[] = [
  {
    ...{ account: 'earnings', side: 'credit' },
    codes: { show: 'show', tip: 'tip', show_studio: 'studio_show', tip_studio: 'studio_tip' },
  },
  { account: 'earnings', side: 'debit', codes: { refund_share: 'refund' } },
  { account: 'available', side: 'debit', codes: { payout: 'payout' } },
  {
    ...{ account: 'available', side: 'credit' },
    codes: { payout_void: 'payout_failed', payout_return: 'payout_returned' },
  },
];

const KIND_OF = Object.assign({}, ...KINDS.map(({ codes }) => codes)) as Record<string, Kind>;

/** Sums of a day by code, in the columns of the reply. */
const DAY_COLUMNS: Readonly<Record<string, keyof Sums>> = {
  show: 'shows',
  tip: 'tips',
  show_studio: 'asStudio',
  tip_studio: 'asStudio',
  refund_share: 'refunded',
};

interface Sums {
  shows: bigint;
  tips: bigint;
  asStudio: bigint;
  refunded: bigint;
}

/** Ids and booking times grow together, but for transactions that overlap. */
const OVERLAP_MS = 3_600_000;
const SPANS_MAX = 50;
const ID_MAX = '18446744073709551615';

/** Keeps the index scan of an account to what can be new enough. */
const SINCE_BOOKED = `t.id >= COALESCE((SELECT MIN(id) FROM (SELECT id FROM transfer
  WHERE booked_ms >= ? ORDER BY booked_ms LIMIT 1) AS first), 0)`;

export class EarnerStatement {
  constructor(private readonly database: Database) {}

  /**
   * Every day of the range, oldest first, by UTC day of booking; what went back is below zero.
   * @throws AppError BILLING_BAD_REQUEST: not two days in order, or more than 400 of them
   */
  async days(owner: string, from: string, to: string): Promise<wire.EarnerDaysReply> {
    const range = dayRange(from, to);
    const byDay = new Map<string, Sums>();
    for (let ms = range.fromMs; ms < range.untilMs; ms += DAY_MS) {
      byDay.set(dayText(ms), { shows: 0n, tips: 0n, asStudio: 0n, refunded: 0n });
    }
    for (const row of await this.sums(owner, range)) {
      const sums = byDay.get(dayText(Number(row['day']) * DAY_MS));
      const column = DAY_COLUMNS[textOf(row, 'code')];
      if (sums !== undefined && column !== undefined) sums[column] += BigInt(textOf(row, 'amount'));
    }
    const days = [...byDay].map(([day, { shows, tips, asStudio, refunded }]) => ({
      day,
      showsMilli: String(shows),
      tipsMilli: String(tips),
      asStudioMilli: String(asStudio),
      refundedMilli: String(refunded),
      netMilli: String(shows + tips + asStudio + refunded),
    }));
    return { from, to, days };
  }

  /**
   * What was earned within each span `fromMs-untilMs`, such as a show that was on the air.
   * @param text up to 50 spans, commas between them
   * @throws AppError BILLING_BAD_REQUEST
   */
  async spans(owner: string, text: string): Promise<{ spans: wire.EarnerSpanReply[] }> {
    const spans = parseSpans(text);
    const oldestMs = Math.min(...spans.map(([fromMs]) => fromMs));
    const union = spans
      .map(() => 'SELECT ? AS n, ? AS since_ms, ? AS until_ms')
      .join(' UNION ALL ');
    const rows = await this.database.query(
      `SELECT s.n, t.code, SUM(t.amount) AS amount
       FROM account a JOIN transfer t ON t.credit_account = a.id
         JOIN (${union}) AS s ON t.occurred_ms >= s.since_ms AND t.occurred_ms < s.until_ms
       WHERE a.kind = 'earnings' AND a.owner_ref = ? AND ${SINCE_BOOKED} GROUP BY 1, 2`,
      [...spans.flatMap((span, n) => [n, ...span]), owner, oldestMs - OVERLAP_MS],
    );
    const sums = spans.map(() => ({ shows: 0n, tips: 0n, asStudio: 0n, refunded: 0n }));
    for (const row of rows) {
      const column = DAY_COLUMNS[textOf(row, 'code')];
      const sum = sums[Number(row['n'])];
      if (sum !== undefined && column !== undefined) sum[column] += BigInt(textOf(row, 'amount'));
    }
    return {
      spans: sums.map(({ shows, tips, asStudio }) => ({
        showsMilli: String(shows),
        tipsMilli: String(tips),
        asStudioMilli: String(asStudio),
      })),
    };
  }

  /** Newest first. */
  async entries(
    owner: string,
    { before, limit }: PageQuery,
  ): Promise<wire.Page<wire.EarnerEntryReply>> {
    const parts = KINDS.map(({ side, codes }) => {
      const names = Object.keys(codes).map((code) => `'${code}'`);
      return `(SELECT t.id, t.code, t.session_id, t.occurred_ms, t.booked_ms,
          ${side === 'credit' ? '' : '-'} CAST(t.amount AS SIGNED) AS amount
        FROM transfer t WHERE t.${side}_account =
          (SELECT id FROM account WHERE kind = ? AND owner_ref = ?)
          AND t.id < ? AND t.code IN (${names.join(', ')}) ORDER BY t.id DESC LIMIT ?)`;
    });
    const values = KINDS.flatMap(({ account }) => [account, owner, before ?? ID_MAX, limit]);
    const rows = await this.database.query(
      `${parts.join(' UNION ALL ')} ORDER BY id DESC LIMIT ?`,
      [...values, limit],
    );
    const items = rows.map(toEntry);
    const last = items.length === limit ? items.at(-1) : undefined;
    return { items, ...(last === undefined ? {} : { next: last.id }) };
  }

  private sums(owner: string, { fromMs, untilMs }: Range): Promise<readonly Row[]> {
    // Each side by its own index: a join on both would read every transfer since then.
    const side = (name: Side): string =>
      `SELECT t.booked_ms DIV ${DAY_MS} AS day, t.code,
         ${name === 'credit' ? '' : '-'}CAST(t.amount AS SIGNED) AS amount
       FROM account a JOIN transfer t ON t.${name}_account = a.id
       WHERE a.kind = 'earnings' AND a.owner_ref = ? AND t.booked_ms >= ? AND t.booked_ms < ?
         AND ${SINCE_BOOKED}`;
    const values = [owner, fromMs, untilMs, fromMs - OVERLAP_MS];
    return this.database.query(
      `SELECT day, code, SUM(amount) AS amount
       FROM (${side('credit')} UNION ALL ${side('debit')}) both_sides GROUP BY day, code`,
      [...values, ...values],
    );
  }
}

function parseSpans(text: string): readonly (readonly [number, number])[] {
  const spans = text.split(',').map((one) => {
    const [, from = '', until = ''] = /^([0-9]{1,15})-([0-9]{1,15})$/.exec(one) ?? [];
    return [Number(from), Number(until)] as const;
  });
  if (spans.length > SPANS_MAX || spans.some(([from, until]) => from >= until)) {
    throw billingError('BILLING_BAD_REQUEST', { problem: `of is 1…${SPANS_MAX} spans in Unix ms` });
  }
  return spans;
}

function toEntry(row: Row): wire.EarnerEntryReply {
  const code = textOf(row, 'code');
  const kind = KIND_OF[code];
  if (kind === undefined) throw new Error(`an earner has no entry of code ${code}`);
  const source = textOf(row, 'session_id');
  const isTip = kind === 'tip' || kind === 'studio_tip';
  return {
    id: textOf(row, 'id'),
    kind,
    amountMilli: textOf(row, 'amount'),
    atMs: Number(row['occurred_ms']),
    bookedMs: Number(row['booked_ms']),
    ...(source === '' ? {} : isTip ? { tipId: source } : { sessionId: source }),
  };
}
