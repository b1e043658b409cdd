// Payment providers: how a checkout starts and how a payment is learned of. `sandbox` takes no
// money and is for machines without a real provider.
import type { Purchase } from '../db/entities/purchase.js';

export interface PaymentProvider {
  readonly name: string;
  /** Where the buyer pays; `ref` is the provider's reference of the payment, if known already. */
  startCheckout(purchase: Purchase): Promise<{ url: string; ref?: string }>;
}

/** Sends the buyer to a page of this site, where one click plays the part of the bank. */
export function createSandboxProvider(): PaymentProvider {
  return {
    name: 'sandbox',
    startCheckout: ({ id }) =>
      Promise.resolve({ url: `/checkout/sandbox?purchase=${id}`, ref: `sandbox-${id}` }),
  };
}
