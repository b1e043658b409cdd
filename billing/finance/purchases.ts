// Bought credits: capture of a payment, refund to the card, chargeback. Used by the API and the
// CLI. Invariants: a payment credits once, whatever key or how often the provider says so; what is
// taken back is at most what was given; a balance never goes below zero, the rest is debt.
import { bigintOf, type Row, textOf } from '../database.js';
import { billingError } from '../errors.js';
import { type AccountName, ISSUANCE, siteAccount, walletOf } from '../posting.js';
import type { WalletReply } from '../schema.js';
import { undecided } from './command-keys.js';
import { type Booking, conflict, type Desk, unknown } from './desk.js';
import { changeFreeze, type Freezes } from './freezes.js';
import { pageRows, type PageQuery } from './pages.js';
import type * as wire from './schema.js';
import { cashOf, checkRoom, grantLot, insertedId, LOTS_MAX, openLots } from './wallet-commands.js';

/** Spent before cash, after what expires sooner by campaign. */
const BONUS_PRIORITY = 50;

interface Payment {
  readonly id: string;
  readonly wallet: string;
  readonly amount: bigint;
  readonly refunded: bigint;
  readonly fiat: bigint;
  readonly chargeback: string;
  readonly disputed: bigint;
  readonly bonusLot: string;
  readonly clearing: AccountName;
  readonly currency: string;
}

export class Purchases {
  constructor(
    private readonly desk: Desk,
    private readonly freezes: Freezes,
  ) {}

  async capture(request: wire.PurchaseRequest): Promise<WalletReply> {
    try {
      return await this.captureOnce(request);
    } catch (thrown) {
      // Two keys for one payment at the same moment: the second finds the first one's row.
      if ((thrown as { errno?: unknown }).errno !== 1062) throw thrown;
      return this.captureOnce(request);
    }
  }

  /** @throws AppError BILLING_REFUND_LIMIT, BILLING_INSUFFICIENT_CREDIT, BILLING_STATE_CONFLICT */
  async refund(request: wire.PurchaseRefundRequest): Promise<WalletReply> {
    const { key, paymentRef, amountMilli, reason, actor } = request;
    const command = { actor, idemKey: `purchase_refund:${key}` };
    const parts = [paymentRef, request.provider, amountMilli, reason];
    const { wallet } = await this.desk.once({ ...command, parts }, async (booking) => {
      const payment = await this.lock(booking, request);
      if (payment.chargeback !== '' && payment.chargeback !== 'won') {
        throw conflict(`the payment ${paymentRef}`, `under chargeback (${payment.chargeback})`);
      }
      const left = payment.amount - payment.refunded;
      const amount = amountMilli === undefined ? left : BigInt(amountMilli);
      if (amount > left || left === 0n) {
        throw billingError('BILLING_REFUND_LIMIT', { max: String(left) });
      }
      const { wallet: owner } = payment;
      const { cash } = await this.desk.options.engine.readLots(owner);
      const inLedger = await cashOf(booking.sql, owner);
      if (amount > cash || amount > inLedger) throw billingError('BILLING_INSUFFICIENT_CREDIT');
      await this.takeBack(booking, payment, { amount, code: 'purchase_refund', reason });
      const minor =
        fiatPart(payment, payment.refunded + amount) - fiatPart(payment, payment.refunded);
      await booking.post({ code: 'fiat_refund', amount: minor, ...fiatBack(payment) });
      await booking.audit(
        'purchase_refund',
        `wallet:${owner}`,
        `${paymentRef}: ${amount}, ${reason}`,
      );
      return { wallet: owner };
    });
    return this.desk.settle(wallet);
  }

  /** opened → won | lost. News that are late or come twice change nothing. */
  async chargeback(request: wire.ChargebackRequest): Promise<wire.ChargebackReply> {
    const { key, paymentRef, state, actor } = request;
    const command = {
      actor,
      idemKey: `chargeback:${key}`,
      parts: [paymentRef, request.provider, state],
    };
    const { wallet, now } = await this.desk.once(command, async (booking) => {
      const payment = await this.lock(booking, request);
      const now = await this.moveChargeback(booking, payment, { state, paymentRef });
      return { wallet: payment.wallet, now };
    });
    await this.desk.settle(wallet);
    const { debt, isFrozen } = await this.desk.options.engine.readWallet(wallet);
    if (isFrozen) await this.freezes.endShows(wallet);
    return { state: now, isFrozen, debtMilli: String(debt) };
  }

  async list(query: PageQuery & { user?: string }): Promise<wire.Page<wire.PurchaseReply>> {
    const filter = { wallet: query.user };
    return pageRows(this.desk.database, { table: 'purchase', filter, query }, toReply);
  }

  private async captureOnce(request: wire.PurchaseRequest): Promise<WalletReply> {
    const { key, provider, paymentRef, userId, fiatMinor, currency } = request;
    const amount = BigInt(request.amountMilli);
    const bonus = BigInt(request.bonusMilli ?? '0');
    const body = [provider, paymentRef, userId, String(amount), String(bonus), fiatMinor, currency];
    const command = {
      ...{ actor: `psp:${provider}`, idemKey: `purchase:${key}` },
      parts: [...body, request.bonusExpiresMs],
    };
    const { wallet } = await this.desk.once(command, async (booking) => {
      const { sql, nowMs, fingerprint } = booking;
      const [known] = await sql.query(
        'SELECT wallet, fingerprint FROM purchase WHERE payment_ref = ? AND provider = ?',
        [paymentRef, provider],
      );
      if (known !== undefined) {
        if (textOf(known, 'fingerprint') !== fingerprint)
          throw billingError('BILLING_KEY_CONFLICT');
        return { wallet: textOf(known, 'wallet') };
      }
      await checkRoom(sql, userId, amount + bonus);
      await sql.run(
        `INSERT INTO purchase (provider, payment_ref, fingerprint, wallet, amount, bonus, fiat_minor,
           currency, created_ms) VALUES (?)`,
        [
          [
            ...[provider, paymentRef, fingerprint, userId, String(amount), String(bonus)],
            ...[fiatMinor, currency, nowMs],
          ],
        ],
      );
      const id = await insertedId(sql);
      const reason = `payment ${paymentRef}`;
      await booking.tell('cash', { wallet: userId, kind: 'credit', amount, reason });
      await booking.post(
        { code: 'purchase', debit: ISSUANCE, credit: walletOf(userId), amount },
        {
          ...{ code: 'fiat_sale', debit: clearingOf(provider, currency) },
          ...{ credit: salesOf(currency), amount: BigInt(fiatMinor) },
        },
      );
      if (bonus > 0n) await this.addBonus(booking, { ...request, id, bonus, reason });
      const detail = `${reason}: ${amount} + ${bonus} for ${fiatMinor} ${currency}`;
      await booking.audit('purchase', `wallet:${userId}`, detail);
      return { wallet: userId };
    });
    return this.desk.settle(wallet);
  }

  /** A wallet with too many lots gets its bonus as cash: a captured payment is never refused. */
  private async addBonus(
    booking: Booking,
    bought: wire.PurchaseRequest & { id: string; bonus: bigint; reason: string },
  ): Promise<void> {
    const { userId: wallet, id, bonus: amount, reason, bonusExpiresMs = 0 } = bought;
    const { sql, nowMs } = booking;
    const from = siteAccount('site_promo');
    if ((await openLots(sql, wallet)) >= LOTS_MAX) {
      await booking.tell('bonus', { wallet, kind: 'credit', amount, reason });
      await booking.post({ code: 'purchase_bonus', debit: from, credit: walletOf(wallet), amount });
      return;
    }
    const lot = await grantLot(
      sql,
      {
        ...{
          wallet,
          amount,
          reason,
          from,
          kind: 'purchase',
          sourceRef: id,
          code: 'purchase_bonus',
        },
        ...{ expiresMs: bonusExpiresMs, priority: BONUS_PRIORITY, scope: 0, paysPerformer: true },
        ...booking.identity('bonus'),
      },
      nowMs,
    );
    await sql.run('UPDATE purchase SET bonus_lot = ? WHERE id = ?', [lot, id]);
  }

  /** Credits leave the wallet; with the last of them goes what is left of the bonus. */
  private async takeBack(
    booking: Booking,
    payment: Payment,
    taken: { amount: bigint; code: 'purchase_refund' | 'chargeback'; reason: string },
  ): Promise<void> {
    const { sql, nowMs } = booking;
    const { id, wallet, bonusLot } = payment;
    const { amount, code, reason } = taken;
    if (amount > 0n) {
      await booking.tell('cash', { wallet, kind: 'debit', amount, reason });
      await booking.post({ code, debit: walletOf(wallet), credit: ISSUANCE, amount });
    }
    const refunded = payment.refunded + amount;
    await sql.run('UPDATE purchase SET refunded = ? WHERE id = ?', [String(refunded), id]);
    if (refunded < payment.amount || bonusLot === '') return;
    await booking.tell('bonus', {
      wallet,
      kind: 'end-lot',
      amount: 0n,
      lot: `${bonusLot} 0 0 0`,
      reason,
    });
    await sql.run(
      'UPDATE lot SET expires_ms = ? WHERE id = ? AND (expires_ms = 0 OR expires_ms > ?)',
      [...[nowMs, bonusLot, nowMs]],
    );
  }

  private async moveChargeback(
    booking: Booking,
    payment: Payment,
    news: { state: wire.ChargebackState; paymentRef: string },
  ): Promise<wire.ChargebackState> {
    const { state, paymentRef } = news;
    const before = payment.chargeback;
    if (before === state || (state === 'opened' && before !== '')) {
      return before as wire.ChargebackState;
    }
    if (before === 'won' || before === 'lost')
      throw conflict(`the chargeback ${paymentRef}`, before);
    const disputed =
      before === '' ? payment.fiat - fiatPart(payment, payment.refunded) : payment.disputed;
    const { clearing, currency, wallet } = payment;
    const dispute: AccountName = { ...clearing, kind: 'psp_dispute' };
    const reason = `chargeback of ${paymentRef}`;
    const freeze = { wallet, source: `chargeback:${payment.id}`, reason };
    if (before === '') {
      await booking.post({
        code: 'fiat_dispute',
        debit: dispute,
        credit: clearing,
        amount: disputed,
      });
      await changeFreeze(booking, { ...freeze, isFrozen: true });
    }
    if (state === 'won') {
      await booking.post({
        code: 'fiat_dispute_won',
        debit: clearing,
        credit: dispute,
        amount: disputed,
      });
      await changeFreeze(booking, { ...freeze, isFrozen: false });
    } else if (state === 'lost') {
      const loss: AccountName = { ...salesOf(currency), kind: 'chargeback_loss' };
      await booking.post({ code: 'fiat_loss', debit: loss, credit: dispute, amount: disputed });
      const amount = payment.amount - payment.refunded;
      await this.takeBack(booking, payment, { amount, code: 'chargeback', reason });
    }
    await booking.sql.run('UPDATE purchase SET chargeback = ?, disputed_fiat = ? WHERE id = ?', [
      ...[state, String(disputed), payment.id],
    ]);
    await booking.audit('chargeback', `wallet:${wallet}`, `${paymentRef}: ${before} → ${state}`);
    return state;
  }

  private async lock(
    { sql }: Booking,
    ref: { paymentRef: string; provider?: string },
  ): Promise<Payment> {
    return onlyPayment(await sql.query(...findPayment(ref)), ref.paymentRef);
  }
}

function findPayment(ref: { paymentRef: string; provider?: string }): [string, string[]] {
  const { paymentRef, provider } = ref;
  const sql = 'SELECT * FROM purchase WHERE payment_ref = ?';
  if (provider === undefined) return [`${sql} LIMIT 2 FOR UPDATE`, [paymentRef]];
  return [`${sql} AND provider = ? FOR UPDATE`, [paymentRef, provider]];
}

function onlyPayment([row, other]: readonly Row[], paymentRef: string): Payment {
  // What a provider says of a payment may come before the payment.
  if (row === undefined) throw undecided(unknown('payment', paymentRef));
  if (other !== undefined) {
    throw billingError('BILLING_BAD_REQUEST', { problem: 'two providers know it; say which' });
  }
  return {
    id: textOf(row, 'id'),
    wallet: textOf(row, 'wallet'),
    amount: bigintOf(row, 'amount'),
    refunded: bigintOf(row, 'refunded'),
    fiat: bigintOf(row, 'fiat_minor'),
    chargeback: textOf(row, 'chargeback'),
    disputed: bigintOf(row, 'disputed_fiat'),
    bonusLot: textOf(row, 'bonus_lot'),
    clearing: clearingOf(textOf(row, 'provider'), textOf(row, 'currency')),
    currency: textOf(row, 'currency'),
  };
}

/** Fiat that belongs to the first `credits` of the payment: cumulative floor. */
function fiatPart({ fiat, amount }: Payment, credits: bigint): bigint {
  return (fiat * credits) / amount;
}

function fiatBack({ clearing, currency }: Payment): { debit: AccountName; credit: AccountName } {
  return { debit: salesOf(currency), credit: clearing };
}

function clearingOf(provider: string, currency: string): AccountName {
  return { kind: 'psp_clearing', owner: `${provider}.${currency}`, ledger: currency };
}

function salesOf(currency: string): AccountName {
  return { kind: 'fiat_sales', owner: currency, ledger: currency };
}

function toReply(row: Row): wire.PurchaseReply {
  const chargeback = textOf(row, 'chargeback');
  return {
    id: textOf(row, 'id'),
    userId: textOf(row, 'wallet'),
    provider: textOf(row, 'provider'),
    paymentRef: textOf(row, 'payment_ref'),
    amountMilli: textOf(row, 'amount'),
    bonusMilli: textOf(row, 'bonus'),
    refundedMilli: textOf(row, 'refunded'),
    fiatMinor: Number(row['fiat_minor']),
    currency: textOf(row, 'currency'),
    ...(chargeback === '' ? {} : { chargeback: chargeback as wire.ChargebackState }),
    createdMs: Number(row['created_ms']),
  };
}
