// Finance reports per day, model, viewer and studio, straight from the transfers, and the list of
// shows. Used by the API and the CLI. Invariant: the day report has every transfer of credits once,
// the other reports every transfer of their accounts, so totals are what the accounts moved by.
// Days are UTC, by the time of booking.
import { bigintOf, type Row, textOf } from '../database.js';
import { billingError } from '../errors.js';
import type { TransferCode } from '../posting.js';
import { csvOf } from './csv.js';
import type { Desk } from './desk.js';
import { pageRows, type PageQuery } from './pages.js';
import type * as wire from './schema.js';

export const DAY_MS = 86_400_000;
const DAYS_MAX = 400;

/** Sums of one row by code; a code that moves both ways has its other way under `-code`. */
type Sums = ReadonlyMap<string, bigint>;
type Column = readonly [name: string, ...codes: (TransferCode | '-adjustment' | '-debt')[]];

const SHOW = ['show', 'show_fee', 'show_studio'] as const;
const TIP = ['tip', 'tip_fee', 'tip_studio'] as const;

/** Amounts as they were moved, never negative. */
const DAY: readonly Column[] = [
  ['purchasesMilli', 'purchase'],
  ['purchaseBonusMilli', 'purchase_bonus'],
  ['purchaseRefundsMilli', 'purchase_refund'],
  ['chargebacksMilli', 'chargeback'],
  ['grantsMilli', 'grant'],
  ['campaignBudgetsMilli', 'campaign_budget'],
  ['promotionsMilli', 'promotion'],
  ['adjustedUpMilli', 'adjustment'],
  ['adjustedDownMilli', '-adjustment'],
  ['modelShareMilli', 'show', 'tip'],
  ['studioShareMilli', 'show_studio', 'tip_studio'],
  ['siteShareMilli', 'show_fee', 'tip_fee'],
  ['refundsMilli', 'refund'],
  ['refundedByEarnersMilli', 'refund_share'],
  ['refundedBySiteMilli', 'refund_fee', 'refund_loss'],
  ['breakageMilli', 'breakage'],
  ['debtMadeMilli', 'debt'],
  ['debtRepaidMilli', '-debt'],
  ['ripenedMilli', 'ripe'],
  ['payoutsRequestedMilli', 'payout'],
  ['payoutsFailedMilli', 'payout_void'],
  ['payoutsPaidMilli', 'payout_paid'],
  ['payoutFeesMilli', 'payout_fee'],
  ['payoutsReturnedMilli', 'payout_return'],
];

/** What moves the pending earnings of a model or studio; what leaves them is negative. */
const EARNER: readonly Column[] = [
  ['showsMilli', 'show'],
  ['tipsMilli', 'tip'],
  ['asStudioMilli', 'show_studio', 'tip_studio'],
  ['refundedMilli', 'refund_share'],
  ['ripenedMilli', 'ripe'],
];

/** What moves a wallet; what leaves it is negative. */
const VIEWER: readonly Column[] = [
  ['purchasesMilli', 'purchase'],
  ['bonusMilli', 'purchase_bonus', 'promotion', 'grant'],
  ['showsMilli', ...SHOW],
  ['tipsMilli', ...TIP],
  ['refundsMilli', 'refund'],
  ['adjustmentsMilli', 'adjustment'],
  ['takenBackMilli', 'purchase_refund', 'chargeback'],
  ['expiredMilli', 'breakage'],
  ['debtMilli', 'debt'],
];

/** What a studio and its model have of the charges that they share. */
const STUDIO: readonly Column[] = [
  ['studioShareMilli', 'show_studio', 'tip_studio'],
  ['modelShareMilli', 'show', 'tip'],
];

export interface Range {
  readonly fromMs: number;
  readonly untilMs: number;
}

type Table = Pick<wire.ReportReply, 'columns' | 'rows' | 'totals'>;

export class Reports {
  constructor(private readonly desk: Desk) {}

  /** @throws AppError BILLING_BAD_REQUEST: not two days in order, or more than 400 of them */
  async make(kind: wire.ReportKind, from: string, to: string): Promise<wire.ReportReply> {
    const range = dayRange(from, to);
    return { kind, from, to, ...(await this.tableOf(kind, range)) };
  }

  /** The last line has the totals. */
  async csv(kind: wire.ReportKind, from: string, to: string): Promise<{ csv: string }> {
    const { columns, rows, totals } = await this.make(kind, from, to);
    return { csv: csvOf([columns, ...rows, totals]) };
  }

  async shows(
    query: PageQuery & { viewer?: string | undefined; performer?: string | undefined },
  ): Promise<wire.Page<wire.ShowReply>> {
    const filter = { wallet: query.viewer, payee: query.performer };
    return pageRows(this.desk.database, { table: 'session', filter, query }, toShow);
  }

  private async tableOf(kind: wire.ReportKind, range: Range): Promise<Table> {
    switch (kind) {
      case 'day': {
        const days = await this.perDay(range);
        return tableOf({ names: ['day'], columns: DAY, net: false }, days);
      }
      case 'viewer': {
        const wallets = await this.perOwner('wallet', range);
        return tableOf({ names: ['userId'], columns: VIEWER, net: true }, wallets);
      }
      case 'model': {
        const earners = await this.perOwner('earnings', range);
        return tableOf({ names: ['performerId'], columns: EARNER, net: true }, earners);
      }
      case 'studio': {
        const pairs = await this.perStudio(range);
        return tableOf({ names: ['studioId', 'performerId'], columns: STUDIO, net: false }, pairs);
      }
    }
  }

  private async perDay({ fromMs, untilMs }: Range): Promise<readonly Row[]> {
    const rows = await this.desk.database.query(
      `SELECT t.booked_ms DIV ${DAY_MS} AS day,
         IF((t.code = 'adjustment' OR t.code = 'debt') AND d.kind = 'wallet',
           CONCAT('-', t.code), t.code) AS code, SUM(t.amount) AS amount
       FROM transfer t JOIN account d ON d.id = t.debit_account AND d.ledger = 'credit'
       WHERE t.booked_ms >= ? AND t.booked_ms < ? GROUP BY 1, 2 ORDER BY 1`,
      [fromMs, untilMs],
    );
    return rows.map((row) => ({
      ...row,
      owner: dayText(Number(row['day']) * DAY_MS),
    }));
  }

  private perOwner(
    kind: 'wallet' | 'earnings',
    { fromMs, untilMs }: Range,
  ): Promise<readonly Row[]> {
    // Each side looks its account up; a join on both would go through all accounts per transfer.
    const side = (name: 'debit' | 'credit'): string =>
      `SELECT a.owner_ref AS owner, t.code, ${name === 'debit' ? '-' : ''}t.amount AS amount
       FROM transfer t JOIN account a ON a.id = t.${name}_account
       WHERE a.kind = ? AND t.booked_ms >= ? AND t.booked_ms < ?`;
    return this.desk.database.query(
      `SELECT owner, code, SUM(amount) AS amount
       FROM (${side('debit')} UNION ALL ${side('credit')}) both_sides
       GROUP BY owner, code ORDER BY LENGTH(owner), owner`,
      [...[kind, fromMs, untilMs], ...[kind, fromMs, untilMs]],
    );
  }

  /** The studio's transfer and the model's are parts of one event of the outbox. */
  private async perStudio({ fromMs, untilMs }: Range): Promise<readonly Row[]> {
    const rows = await this.desk.database.query(
      `SELECT s.owner_ref AS studio, COALESCE(p.owner_ref, '-') AS performer, t.code,
         SUM(t.amount) AS amount, SUM(m.amount) AS kept
       FROM transfer t JOIN account s ON s.id = t.credit_account
       LEFT JOIN transfer m ON m.shard = t.shard AND m.epoch = t.epoch AND m.seq = t.seq
         AND m.idx = (t.idx - 32768) * 2
       LEFT JOIN account p ON p.id = m.credit_account
       WHERE t.code IN ('show_studio', 'tip_studio') AND t.booked_ms >= ? AND t.booked_ms < ?
       GROUP BY 1, 2, 3 ORDER BY 1, 2`,
      [fromMs, untilMs],
    );
    return rows.flatMap((row) => {
      const owner = `${textOf(row, 'studio')} ${textOf(row, 'performer')}`;
      const code = textOf(row, 'code');
      const kept = { owner, code: code.replace('_studio', ''), amount: row['kept'] ?? '0' };
      return [{ owner, code, amount: row['amount'] ?? '0' }, kept];
    });
  }
}

/** `owner` of a row is its names, joined by blanks. */
function tableOf(
  shape: { names: readonly string[]; columns: readonly Column[]; net: boolean },
  rows: readonly Row[],
): Table {
  const byOwner = new Map<string, Map<string, bigint>>();
  const total = new Map<string, bigint>();
  for (const row of rows) {
    const code = textOf(row, 'code');
    const owner = textOf(row, 'owner');
    const sums = byOwner.get(owner) ?? new Map<string, bigint>();
    byOwner.set(owner, sums);
    for (const one of [sums, total]) one.set(code, (one.get(code) ?? 0n) + bigintOf(row, 'amount'));
  }
  const cells = (sums: Sums): string[] => {
    const values = shape.columns.map(([, ...codes]) =>
      codes.reduce((sum, code) => sum + (sums.get(code) ?? 0n), 0n),
    );
    const net = [...sums.values()].reduce((sum, one) => sum + one, 0n);
    return [...values, ...(shape.net ? [net] : [])].map(String);
  };
  return {
    columns: [
      ...shape.names,
      ...shape.columns.map(([name]) => name),
      ...(shape.net ? ['netMilli'] : []),
    ],
    rows: [...byOwner].map(([owner, sums]) => [...owner.split(' '), ...cells(sums)]),
    totals: ['total', ...shape.names.slice(1).map(() => ''), ...cells(total)],
  };
}

/** @throws AppError BILLING_BAD_REQUEST: not two days in order, or more than 400 of them */
export function dayRange(from: string, to: string): Range {
  const range = { fromMs: dayMs(from), untilMs: dayMs(to) + DAY_MS };
  if (range.untilMs <= range.fromMs || range.untilMs - range.fromMs > DAYS_MAX * DAY_MS) {
    throw billingError('BILLING_BAD_REQUEST', { problem: `a range is 1…${DAYS_MAX} days` });
  }
  return range;
}

export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function dayMs(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (!Number.isFinite(ms) || dayText(ms) !== text) {
    throw billingError('BILLING_BAD_REQUEST', { problem: 'from and to are days: 2026-01-31' });
  }
  return ms;
}

function toShow(row: Row): wire.ShowReply {
  const reason = textOf(row, 'reason');
  return {
    sessionId: textOf(row, 'id'),
    viewerId: textOf(row, 'wallet'),
    roomId: textOf(row, 'room'),
    performerId: textOf(row, 'payee'),
    openedMs: Number(row['opened_ms']),
    ...(row['ended_ms'] === null ? {} : { endedMs: Number(row['ended_ms']) }),
    ...(reason === '' ? {} : { reason }),
    billableMs: Number(row['settled_bill_ms']),
    chargedMilli: textOf(row, 'settled_cost'),
    refundedMilli: textOf(row, 'refunded_milli'),
  };
}
