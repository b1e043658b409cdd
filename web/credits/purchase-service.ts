// Buying credits: order, payment, grant. Used by the credit routes. Invariant: one payment
// reference gives its credits exactly once, whatever is repeated and wherever a process dies:
// billing credits a payment once, under whatever key, and paid orders are completed until billing
// has them.
import { coerceError, type Clock, type Logger } from '../../cluster/index.js';
import { randomId } from '../accounts/random-id.js';
import { duplicateKey, type Database } from '../db/database.js';
import { PurchaseEntity, type Purchase } from '../db/entities/purchase.js';
import type { User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import type { Finance } from '../finance-port.js';
import { commandKey } from '../rooms/command-key.js';
import { creditPackages } from './packages.js';
import type { PaymentProvider } from './provider.js';

const COMPLETE_EVERY_MS = 5_000;
const HOUR_MS = 3_600_000;
const HISTORY_MAX = 50;

/** Place of an order in the history of its buyer. */
export interface OrderPosition {
  readonly createdAt: Date;
  readonly id: string;
}

export interface PurchaseService {
  start(): void;
  stop(): void;
  /** The same key is the same order. @throws PACKAGE_NOT_FOUND, KEY_REUSED */
  checkout(
    user: User,
    order: { packageId: string; key: string },
  ): Promise<{ purchase: Purchase; url: string }>;
  /** Newest first, with the cursor of the page before. */
  history(userId: string, page: { limit: number; before?: OrderPosition }): Promise<Purchase[]>;
  find(userId: string, id: string): Promise<Purchase>;
  /**
   * The provider has the money for the order. Repeating it changes nothing.
   * @throws PURCHASE_NOT_FOUND
   */
  paid(payment: { provider: string; orderId: string; ref: string }): Promise<Purchase>;
  /** The buyer did not pay; an order that was paid stays paid. */
  failed(payment: { provider: string; orderId: string }): Promise<void>;
  /** Grants what is paid and not yet granted. @returns how many. */
  complete(): Promise<number>;
}

export function createPurchaseService(parts: {
  database: Database;
  finance: Finance;
  /** undefined: credits are not sold here. */
  provider: PaymentProvider | undefined;
  clock: Clock;
  log: Logger;
}): PurchaseService {
  const { database, finance, provider, clock, log } = parts;
  const purchases = () => database.repository(PurchaseEntity);
  let timer: NodeJS.Timeout | undefined;

  async function order(
    userId: string,
    { packageId, key, provider: name }: { packageId: string; key: string; provider: string },
  ): Promise<Purchase> {
    const chosen = creditPackages.find((one) => one.id === packageId);
    if (chosen === undefined) throw siteError('PACKAGE_NOT_FOUND');
    const row: Purchase = {
      id: randomId(),
      userId,
      commandKey: commandKey('purchase', userId, key),
      packageId,
      amountMilli: String(chosen.amountMilli),
      priceCents: chosen.priceCents,
      currency: chosen.currency,
      provider: name,
      providerRef: null,
      state: 'open',
      createdAt: new Date(clock.nowMs()),
      paidAt: null,
      refundedMilli: '0',
      dispute: null,
    };
    try {
      await purchases().insert(row);
      return row;
    } catch (thrown) {
      if (duplicateKey(thrown) !== 'purchase_command') throw thrown;
      const known = await purchases().findOneByOrFail({ commandKey: row.commandKey });
      if (known.packageId !== packageId) throw siteError('KEY_REUSED');
      return known;
    }
  }

  async function grant(purchase: Purchase): Promise<void> {
    // A refusal (a wallet that is full) holds for its key: the paid order goes on an hour later.
    const hour = Math.floor(clock.nowMs() / HOUR_MS);
    await finance.purchase({
      key: commandKey('purchase', purchase.userId, `${purchase.id} ${hour}`),
      provider: purchase.provider,
      paymentRef: purchase.providerRef ?? purchase.id,
      userId: purchase.userId,
      amountMilli: BigInt(purchase.amountMilli),
      fiatMinor: purchase.priceCents,
      currency: purchase.currency,
    });
    await purchases().update({ id: purchase.id }, { state: 'granted' });
  }

  async function complete(): Promise<number> {
    const waiting = await purchases().find({
      where: { state: 'paid' },
      order: { createdAt: 'ASC' },
      take: 100,
    });
    let done = 0;
    for (const purchase of waiting) {
      try {
        await grant(purchase);
        done += 1;
      } catch (thrown) {
        const err = coerceError(thrown);
        log.warn({ event: 'purchase.not_granted', purchase: purchase.id, err });
      }
    }
    return done;
  }

  return {
    start() {
      timer = setInterval(() => void complete().catch(() => undefined), COMPLETE_EVERY_MS);
    },
    stop: () => clearInterval(timer),

    async checkout(user, { packageId, key }) {
      if (provider === undefined) throw siteError('NOT_FOR_SALE');
      const purchase = await order(user.id, { packageId, key, provider: provider.name });
      return { purchase, url: await provider.startCheckout(purchase, user) };
    },

    history: (userId, { limit, before }) => {
      const query = purchases().createQueryBuilder('p').where('p.userId = :userId', { userId });
      if (before !== undefined) {
        query.andWhere('(p.createdAt, p.id) < (:createdAt, :id)', { ...before });
      }
      return query
        .orderBy('p.createdAt', 'DESC')
        .addOrderBy('p.id', 'DESC')
        .take(Math.min(limit, HISTORY_MAX))
        .getMany();
    },

    async find(userId, id) {
      const purchase = await purchases().findOneBy({ id, userId });
      if (purchase === null) throw siteError('PURCHASE_NOT_FOUND');
      return purchase;
    },

    async paid({ provider: name, orderId, ref }) {
      const where = { provider: name, id: orderId };
      const paidAt = new Date(clock.nowMs());
      // An order that had failed counts as well: the money is there.
      await purchases()
        .createQueryBuilder()
        .update()
        .set({ state: 'paid', paidAt, providerRef: ref })
        .where("id = :id AND provider = :provider AND state IN ('open', 'failed')", where)
        .execute();
      const latest = await purchases().findOneBy(where);
      if (latest === null) throw siteError('PURCHASE_NOT_FOUND');
      // Billing may be away: then the loop gives the credits later.
      if (latest.state === 'paid') await grant(latest).catch(() => undefined);
      return purchases().findOneByOrFail(where);
    },

    async failed({ provider: name, orderId: id }) {
      await purchases().update({ provider: name, id, state: 'open' }, { state: 'failed' });
    },

    complete,
  };
}
