// Payouts in two phases: requested (reserved) → in_flight → paid | failed, paid → returned. Used by
// the API and the CLI. Invariant: what is reserved has left `available`, so nothing is paid out
// twice; each state moves its amount by one set of transfers, a repeated step moves nothing.
import { bigintOf, type Row, type Sql, textOf } from '../database.js';
import { billingError } from '../errors.js';
import { type AccountName, lockAccount, type TransferDraft } from '../posting.js';
import { conflict, type Desk, type Draft, unknown } from './desk.js';
import { availableOf, type Earnings } from './earnings.js';
import { pageRows, type PageQuery } from './pages.js';
import type * as wire from './schema.js';
import { insertedId } from './wallet-commands.js';

export type PayoutStep = 'approve' | 'complete' | 'fail' | 'return';

const STEPS: Readonly<
  Record<PayoutStep, { from: readonly wire.PayoutState[]; to: wire.PayoutState }>
> = {
  approve: { from: ['requested'], to: 'in_flight' },
  complete: { from: ['in_flight'], to: 'paid' },
  fail: { from: ['requested', 'in_flight'], to: 'failed' },
  return: { from: ['paid'], to: 'returned' },
};

export class Payouts {
  constructor(
    private readonly desk: Desk,
    private readonly earnings: Earnings,
  ) {}

  /** @throws AppError BILLING_PAYOUT_HOLD, BILLING_PAYOUT_MINIMUM, BILLING_EARNINGS_SHORT */
  async request(request: wire.PayoutRequest): Promise<wire.PayoutReply> {
    const { key, performerId, amountMilli, method, actor } = request;
    const parts = [performerId, amountMilli, method];
    const command = { actor, idemKey: `payout:${key}`, parts };
    const { id } = await this.desk.once(command, async (booking) => {
      const { sql, nowMs } = booking;
      const { balance } = await lockAccount(sql, availableOf(performerId));
      const terms = await this.earnings.terms(sql, performerId);
      if (terms.isOnHold) throw billingError('BILLING_PAYOUT_HOLD', { id: performerId });
      const amount = amountMilli === undefined ? balance : BigInt(amountMilli);
      if (amount > balance) {
        throw billingError('BILLING_EARNINGS_SHORT', { available: String(balance) });
      }
      const fee = BigInt(this.desk.settings.payoutFeeMilli);
      if (amount < terms.payoutMinimum || amount <= fee) {
        throw billingError('BILLING_PAYOUT_MINIMUM', { min: String(terms.payoutMinimum) });
      }
      await sql.run(
        `INSERT INTO payout (performer, state, amount, fee, method, actor, created_ms, updated_ms)
         VALUES (?)`,
        [[performerId, 'requested', String(amount), String(fee), method, actor, nowMs, nowMs]],
      );
      const id = await insertedId(sql);
      const debit = availableOf(performerId);
      await booking.post({ code: 'payout', debit, credit: inFlightOf(performerId), amount });
      await booking.audit('payout', `performer:${performerId}`, `${id}: ${amount} by ${method}`);
      return { id };
    });
    return this.read(id);
  }

  /**
   * A step that was made already answers the payout.
   * @throws AppError BILLING_STATE_CONFLICT; of `approve` also BILLING_SELF_APPROVAL when who asked
   * approves, BILLING_PAYOUT_HOLD
   */
  async step(
    id: string,
    step: PayoutStep,
    { actor, reason, providerRef }: wire.PayoutStepRequest,
  ): Promise<wire.PayoutReply> {
    const { from, to } = STEPS[step];
    const command = { actor, idemKey: `payout:id:${id}` };
    await this.desk.step(command, async (booking) => {
      const payout = await lock(booking.sql, id);
      if (payout.state === to) return;
      if (!from.includes(payout.state)) throw conflict(`payout ${id}`, payout.state);
      if (step === 'approve') await this.checkApproval(booking.sql, id, { actor, payout });
      await booking.post(...transfersOf(step, payout));
      await booking.sql.run(
        `UPDATE payout SET state = ?, reason = COALESCE(?, reason),
           provider_ref = COALESCE(?, provider_ref), updated_ms = ? WHERE id = ?`,
        [to, reason ?? null, providerRef ?? null, booking.nowMs, id],
      );
      const detail = [`${id}: ${payout.state} → ${to}`, providerRef, reason];
      const text = detail.filter((one) => one !== undefined).join(', ');
      await booking.audit(`payout_${step}`, `performer:${payout.performer}`, text);
    });
    return this.read(id);
  }

  /** A hold that was set since the request keeps the money here; `fail` gives it back. */
  private async checkApproval(
    sql: Sql,
    id: string,
    { actor, payout }: { actor: string; payout: Payout },
  ): Promise<void> {
    if (actor === payout.actor)
      throw billingError('BILLING_SELF_APPROVAL', { what: `payout ${id}` });
    const { isOnHold } = await this.earnings.terms(sql, payout.performer);
    if (isOnHold) throw billingError('BILLING_PAYOUT_HOLD', { id: payout.performer });
  }

  async list(
    query: PageQuery & { performer?: string; state?: string },
  ): Promise<wire.Page<wire.PayoutReply>> {
    const filter = { performer: query.performer, state: query.state };
    return pageRows(this.desk.database, { table: 'payout', filter, query }, toReply);
  }

  private async read(id: string): Promise<wire.PayoutReply> {
    const [row] = await this.desk.database.query('SELECT * FROM payout WHERE id = ?', [id]);
    if (row === undefined) throw unknown('payout', id);
    return toReply(row);
  }
}

interface Payout {
  readonly performer: string;
  readonly state: wire.PayoutState;
  readonly amount: bigint;
  readonly fee: bigint;
  /** Who asked for it. */
  readonly actor: string;
}

const inFlightOf = (owner: string): AccountName => ({ kind: 'in_flight', owner });
const paidOutOf = (owner: string): AccountName => ({ kind: 'paid_out', owner });
const FEES: AccountName = { kind: 'payout_fees', owner: '-' };

function transfersOf(step: PayoutStep, { performer, amount, fee }: Payout): readonly Draft[] {
  const [inFlight, paid] = [inFlightOf(performer), paidOutOf(performer)];
  const move = (
    code: TransferDraft['code'],
    debit: AccountName,
    credit: AccountName,
    sum: bigint,
  ) => ({ code, debit, credit, amount: sum }) as const;
  switch (step) {
    case 'approve':
      return [];
    case 'complete':
      return [
        move('payout_paid', inFlight, paid, amount - fee),
        move('payout_fee', inFlight, FEES, fee),
      ];
    case 'fail':
      return [move('payout_void', inFlight, availableOf(performer), amount)];
    case 'return':
      return [move('payout_return', paid, availableOf(performer), amount - fee)];
  }
}

async function lock(sql: Sql, id: string): Promise<Payout> {
  const [row] = await sql.query('SELECT * FROM payout WHERE id = ? FOR UPDATE', [id]);
  if (row === undefined) throw unknown('payout', id);
  return {
    performer: textOf(row, 'performer'),
    state: textOf(row, 'state') as wire.PayoutState,
    amount: bigintOf(row, 'amount'),
    fee: bigintOf(row, 'fee'),
    actor: textOf(row, 'actor'),
  };
}

function toReply(row: Row): wire.PayoutReply {
  const [reason, providerRef] = [textOf(row, 'reason'), textOf(row, 'provider_ref')];
  return {
    id: textOf(row, 'id'),
    performerId: textOf(row, 'performer'),
    state: textOf(row, 'state') as wire.PayoutState,
    amountMilli: textOf(row, 'amount'),
    feeMilli: textOf(row, 'fee'),
    method: textOf(row, 'method'),
    actor: textOf(row, 'actor'),
    ...(reason === '' ? {} : { reason }),
    ...(providerRef === '' ? {} : { providerRef }),
    createdMs: Number(row['created_ms']),
    updatedMs: Number(row['updated_ms']),
  };
}
