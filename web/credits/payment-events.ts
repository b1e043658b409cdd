// What a provider reports of a payment after the checkout: money back and disputes, turned into
// commands to billing. Used by the webhook. Invariant: reports may repeat and come in any order;
// what is taken back is always the sum that the provider names, never more.
import type { Clock, Logger } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { PurchaseEntity, type Purchase } from '../db/entities/purchase.js';
import { siteError } from '../errors.js';
import type { Finance } from '../finance-port.js';
import { commandKey } from '../rooms/command-key.js';

const ACTOR = 'provider';

export interface PaymentEvents {
  /**
   * Runs `handle` unless an event of this id was handled before; an event whose handling failed
   * may come again. @returns false for a repeat.
   */
  once(
    event: { provider: string; id: string; type: string },
    handle: () => Promise<void>,
  ): Promise<boolean>;
  /**
   * The provider has given back this much of the price in all.
   * @throws EVENT_TOO_EARLY when the payment is not known or has no credits yet
   */
  refunded(payment: {
    provider: string;
    ref: string;
    totalCents: number;
    reason: string;
  }): Promise<void>;
  /** Throws as `refunded`. */
  disputed(payment: {
    provider: string;
    ref: string;
    state: 'opened' | 'won' | 'lost';
  }): Promise<void>;
}

export function createPaymentEvents(parts: {
  database: Database;
  finance: Finance;
  clock: Clock;
  log: Logger;
}): PaymentEvents {
  const { database, finance, clock, log } = parts;
  const now = (): Date => new Date(clock.nowMs());

  /** Works on the payment under its row lock; what billing refuses leaves the row as it was. */
  const withPayment = (
    { provider, ref }: { provider: string; ref: string },
    work: (purchase: Purchase) => Promise<Partial<Purchase>>,
  ): Promise<void> =>
    database.transaction(async (manager) => {
      const purchases = manager.getRepository(PurchaseEntity);
      const purchase = await purchases.findOne({
        where: { provider, providerRef: ref },
        lock: { mode: 'pessimistic_write' },
      });
      if (purchase?.state !== 'granted') throw siteError('EVENT_TOO_EARLY');
      const columns = await work(purchase);
      if (Object.keys(columns).length > 0) await purchases.update({ id: purchase.id }, columns);
    });

  return {
    async once({ provider, id, type }, handle) {
      const event = [provider, id];
      await database.rows(
        'INSERT IGNORE INTO payment_event (provider, id, type, received_at) VALUES (?, ?, ?, ?)',
        [...event, type.slice(0, 60), now()],
      );
      const [known] = await database.rows<{ handled_at: Date | null }>(
        'SELECT handled_at FROM payment_event WHERE provider = ? AND id = ?',
        event,
      );
      if (known?.handled_at !== null) return false;
      await handle();
      await database.rows('UPDATE payment_event SET handled_at = ? WHERE provider = ? AND id = ?', [
        now(),
        ...event,
      ]);
      log.info({ event: 'payment.event', type, id });
      return true;
    },

    refunded: ({ totalCents, reason, ...payment }) =>
      withPayment(payment, async (purchase) => {
        const wanted = creditsFor(purchase, totalCents);
        const missing = wanted - BigInt(purchase.refundedMilli);
        if (missing <= 0n) return {};
        await finance.refundPurchase({
          key: commandKey('purchase-refund', purchase.id, String(wanted)),
          provider: purchase.provider,
          paymentRef: payment.ref,
          amountMilli: missing,
          reason,
          actor: ACTOR,
        });
        return { refundedMilli: String(wanted) };
      }),

    disputed: ({ state, ...payment }) =>
      withPayment(payment, async (purchase) => {
        if (purchase.dispute === 'won' || purchase.dispute === 'lost') return {};
        const tell = async (step: 'opened' | 'won' | 'lost'): Promise<void> => {
          await finance.chargeback({
            key: commandKey('chargeback', purchase.id, step),
            provider: purchase.provider,
            paymentRef: payment.ref,
            state: step,
            actor: ACTOR,
          });
        };
        // The end may be reported before the beginning.
        if (purchase.dispute === null) await tell('opened');
        if (state !== 'opened') await tell(state);
        return { dispute: state };
      }),
  };
}

/** The part of the credits that this part of the price has bought, rounded down. */
export function creditsFor(purchase: Purchase, cents: number): bigint {
  const { amountMilli, priceCents } = purchase;
  if (cents >= priceCents) return BigInt(amountMilli);
  return (BigInt(amountMilli) * BigInt(cents)) / BigInt(priceCents);
}
