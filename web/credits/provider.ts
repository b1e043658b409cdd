// Payment providers: how a checkout starts and how money goes back. `sandbox` takes no money and is
// for machines without a real provider; stripe-provider.ts is the other one.
import type { Purchase } from '../db/entities/purchase.js';
import type { User } from '../db/entities/user.js';

export interface PaymentProvider {
  readonly name: 'sandbox' | 'stripe';
  /** Where the buyer pays. The same order gives the same checkout. @throws PAYMENT_UNAVAILABLE */
  startCheckout(purchase: Purchase, buyer: User): Promise<string>;
  /**
   * Sends money back to the buyer. `told`: the provider reports it by a webhook, and credits are
   * taken then; `done`: nobody will report it. @throws PAYMENT_UNAVAILABLE
   */
  giveBack(purchase: Purchase, amountCents: number): Promise<'told' | 'done'>;
}

/** Sends the buyer to a page of this site, where one click plays the part of the bank. */
export function createSandboxProvider(): PaymentProvider {
  return {
    name: 'sandbox',
    startCheckout: ({ id }) => Promise.resolve(`/checkout/sandbox?purchase=${id}`),
    giveBack: () => Promise.resolve('done'),
  };
}
