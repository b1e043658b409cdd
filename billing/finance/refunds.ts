// Gives a viewer back what a show or a tip has cost. Used by the API and the CLI. Invariants: the
// refunds of one source are contiguous from 0 and end at its cost, so no milli-credit goes back
// twice; model and studio give back their part of exactly what is refunded, from what has not
// ripened; what they no longer have is the site's loss.
import { bigintOf, type Row, type Sql, textOf } from '../database.js';
import { billingError } from '../errors.js';
import {
  type AccountName,
  earningsOf,
  lockAccount,
  siteAccount,
  siteRevenueOf,
  walletOf,
} from '../posting.js';
import { undecided } from './command-keys.js';
import { type Booking, conflict, type Desk, unknown } from './desk.js';
import type * as wire from './schema.js';
import { checkRoom, insertedId, insertLot } from './wallet-commands.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A show or a tip. */
interface Source {
  readonly table: 'session' | 'tip';
  readonly id: string;
  readonly shard: number;
  readonly wallet: string;
  readonly payee: string;
  readonly studio: string;
  readonly cost: bigint;
  readonly refunded: bigint;
  /** Of the model and its studio together. */
  readonly payeeMilli: bigint;
  readonly studioMilli: bigint;
}

export class Refunds {
  constructor(private readonly desk: Desk) {}

  /** @throws AppError BILLING_REFUND_LIMIT, BILLING_REFUND_WINDOW, BILLING_APPROVAL_NEEDED, … */
  async give(request: wire.RefundRequest): Promise<wire.RefundReply> {
    const { key, sessionId, tipId, amountMilli, reason, actor, approver } = request;
    if ((sessionId === undefined) === (tipId === undefined)) {
      throw billingError('BILLING_BAD_REQUEST', { problem: 'name either a session or a tip' });
    }
    // That somebody approves it is part of the body; who does is not, as with the actor.
    const approval = approver === undefined ? [] : ['approved'];
    const parts = [sessionId, tipId, amountMilli, reason, ...approval];
    const command = { actor, idemKey: `refund:${key}`, parts };
    const { id, wallet, amount } = await this.desk.once(command, async (booking) => {
      const source = await lockSource(booking.sql, request, (endedMs) => this.checkAge(endedMs));
      const left = source.cost - source.refunded;
      const amount = amountMilli === undefined ? left : BigInt(amountMilli);
      if (amount > left || left === 0n) {
        throw billingError('BILLING_REFUND_LIMIT', { max: String(left) });
      }
      this.checkApproval(amount, actor, approver);
      const { wallet } = source;
      await checkRoom(booking.sql, wallet, amount);
      const parts = await this.share(booking, source, amount);
      const id = await insertRefund(booking, { source, amount, ...parts, request });
      await this.restore(booking, source, { id, amount, reason });
      const to = source.refunded + amount;
      await booking.sql.run(`UPDATE ${source.table} SET refunded_milli = ? WHERE id = ?`, [
        ...[String(to), source.id],
      ]);
      const by = approver === undefined ? '' : `, approved by ${approver}`;
      const detail = `${source.id}: ${amount} of ${source.cost}, ${reason}${by}`;
      await booking.audit('refund', `wallet:${wallet}`, detail);
      return { id, wallet, amount: String(amount) };
    });
    const { balance } = await this.desk.settle(wallet);
    return { refundId: id, amountMilli: amount, walletBalance: balance };
  }

  private checkAge(endedMs: number): void {
    const { refundWindowHours: hours } = this.desk.settings;
    if (this.desk.nowMs() - endedMs > hours * HOUR_MS) {
      throw billingError('BILLING_REFUND_WINDOW', { hours });
    }
  }

  private checkApproval(amount: bigint, actor: string, approver: string | undefined): void {
    const { refundAutoMaxMilli: max } = this.desk.settings;
    const isApproved = approver !== undefined && approver !== actor;
    if (amount > BigInt(max) && !isApproved) throw billingError('BILLING_APPROVAL_NEEDED', { max });
  }

  /** Books who pays for it. All of it passes refund_clearing, so the viewer sees one entry. */
  private async share(
    booking: Booking,
    source: Source,
    amount: bigint,
  ): Promise<{ model: bigint; studio: bigint; loss: bigint }> {
    const { cost, refunded, payeeMilli, studioMilli } = source;
    // Cumulative floors, as at the charge: the parts of any split add up to the whole.
    const before = (payeeMilli * refunded) / cost;
    const after = (payeeMilli * (refunded + amount)) / cost;
    const cut = (earned: bigint) => (payeeMilli === 0n ? 0n : (studioMilli * earned) / payeeMilli);
    const studioPart = cut(after) - cut(before);
    const modelPart = after - before - studioPart;
    const model = await unripe(booking.sql, earningsOf(source.payee), modelPart);
    const studio =
      studioPart === 0n ? 0n : await unripe(booking.sql, earningsOf(source.studio), studioPart);
    const loss = modelPart - model + (studioPart - studio);
    const clearing = siteAccount('refund_clearing');
    const session = source.table === 'session' ? { sessionId: source.id } : {};
    const back = (
      code: 'refund_share' | 'refund_fee' | 'refund_loss',
      debit: AccountName,
      part: bigint,
    ) => ({ code, debit, credit: clearing, amount: part, ...session }) as const;
    await booking.post(
      back('refund_share', earningsOf(source.payee), model),
      back('refund_share', earningsOf(source.studio || source.payee), studio),
      back('refund_fee', siteRevenueOf(source.shard), amount - (after - before)),
      back('refund_loss', siteAccount('site_loss'), loss),
      { code: 'refund', debit: clearing, credit: walletOf(source.wallet), amount, ...session },
    );
    return { model, studio, loss };
  }

  /**
   * Unwinds what paid: cash, which was spent last, then lots in reverse order of their use. A lot
   * that has expired since is replaced by an equal one.
   */
  private async restore(
    booking: Booking,
    { id: source, wallet, cost, refunded }: Source,
    refund: { id: string; amount: bigint; reason: string },
  ): Promise<void> {
    const uses = await booking.sql.query(
      `SELECT lot, MAX(id) AS last, SUM(IF(kind = 'spend', amount, 0)) AS spent,
         SUM(IF(kind = 'spend', 0, amount)) AS restored
       FROM lot_use WHERE source = ? GROUP BY lot ORDER BY MAX(IF(kind = 'spend', id, 0)) DESC`,
      [source],
    );
    const sum = (name: string) => uses.reduce((total, row) => total + bigintOf(row, name), 0n);
    const cashLeft = cost - sum('spent') - (refunded - sum('restored'));
    const { amount, reason } = refund;
    const cash = amount < cashLeft ? amount : cashLeft;
    if (cash > 0n) await booking.tell('cash', { wallet, kind: 'credit', amount: cash, reason });
    let left = amount - cash;
    for (const row of uses) {
      const used = bigintOf(row, 'spent') - bigintOf(row, 'restored');
      const part = left < used ? left : used;
      if (part === 0n) continue;
      await this.restoreLot(booking, { lot: textOf(row, 'lot'), source, refund, part });
      left -= part;
    }
    if (left !== 0n) throw new Error(`refund of ${source}: ${left} have no lot to go back to`);
  }

  private async restoreLot(
    booking: Booking,
    back: { lot: string; source: string; refund: { id: string; reason: string }; part: bigint },
  ): Promise<void> {
    const { sql, nowMs } = booking;
    const { source, refund, part } = back;
    const [row] = await sql.query('SELECT * FROM lot WHERE id = ? FOR UPDATE', [back.lot]);
    const { wallet, expiresMs, priority, scope, paysPerformer } = lotOf(row);
    const isOver = expiresMs !== 0 && expiresMs <= nowMs;
    let text = `${back.lot} ${expiresMs} ${priority} ${scope}`;
    if (isOver) {
      const expires = nowMs + this.desk.settings.refundLotDays * DAY_MS;
      const equal = { wallet, amount: part, priority, scope, paysPerformer, expiresMs: expires };
      const made = await insertLot(sql, { ...equal, kind: 'refund', sourceRef: refund.id }, nowMs);
      text = made.text;
    } else {
      await sql.run('UPDATE lot SET remaining = remaining + CAST(? AS SIGNED) WHERE id = ?', [
        String(part),
        back.lot,
      ]);
    }
    await sql.run('INSERT INTO lot_use (lot, kind, source, amount, at_ms) VALUES (?)', [
      [back.lot, isOver ? 'moved' : 'restore', source, String(part), nowMs],
    ]);
    const { reason } = refund;
    await booking.tell(back.lot, { wallet, kind: 'lot', amount: part, lot: text, reason });
  }
}

/** How much of `wanted` the account still has. */
async function unripe(sql: Sql, account: AccountName, wanted: bigint): Promise<bigint> {
  if (wanted === 0n) return 0n;
  const { balance } = await lockAccount(sql, account);
  if (balance <= 0n) return 0n;
  return balance < wanted ? balance : wanted;
}

async function lockSource(
  sql: Sql,
  { sessionId, tipId }: wire.RefundRequest,
  checkAge: (endedMs: number) => void,
): Promise<Source> {
  const table = sessionId === undefined ? 'tip' : 'session';
  const id = sessionId ?? tipId ?? '';
  const [row] = await sql.query(`SELECT * FROM ${table} WHERE id = ? FOR UPDATE`, [id]);
  // The ledger is some seconds behind, and knows of an end when it is booked.
  if (row === undefined) throw undecided(unknown(table === 'tip' ? 'tip' : 'show', id));
  const ended = table === 'tip' ? row['occurred_ms'] : row['ended_ms'];
  if (ended === null) throw undecided(conflict(`show ${id}`, 'open'));
  checkAge(Number(ended));
  return {
    ...{ table, id },
    shard: Number(row['shard']),
    wallet: textOf(row, 'wallet'),
    payee: textOf(row, 'payee'),
    studio: textOf(row, 'studio'),
    cost: bigintOf(row, table === 'tip' ? 'amount' : 'settled_cost'),
    refunded: bigintOf(row, 'refunded_milli'),
    payeeMilli: bigintOf(row, 'payee_milli'),
    studioMilli: bigintOf(row, 'studio_milli'),
  };
}

async function insertRefund(
  { sql, nowMs, command }: Booking,
  refund: {
    source: Source;
    amount: bigint;
    model: bigint;
    studio: bigint;
    loss: bigint;
    request: wire.RefundRequest;
  },
): Promise<string> {
  const { source, amount, model, studio, loss, request } = refund;
  await sql.run(
    `INSERT INTO refund (source, from_milli, to_milli, wallet, payee, payee_milli, studio_milli,
       loss_milli, reason, actor, approver, created_ms) VALUES (?)`,
    [
      [
        ...[source.id, String(source.refunded), String(source.refunded + amount), source.wallet],
        ...[source.payee, String(model), String(studio), String(loss), request.reason],
        ...[command.actor, request.approver ?? null, nowMs],
      ],
    ],
  );
  return insertedId(sql);
}

function lotOf(row: Row | undefined) {
  return {
    wallet: textOf(row, 'wallet'),
    expiresMs: Number(bigintOf(row, 'expires_ms')),
    priority: Number(bigintOf(row, 'priority')),
    scope: Number(bigintOf(row, 'scope')),
    paysPerformer: bigintOf(row, 'pays_performer') === 1n,
  };
}
