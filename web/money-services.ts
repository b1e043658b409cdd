// The services around money, made together because they share the payment provider. Used by
// site.ts.
import type { Clock, Logger } from '../cluster/index.js';
import { createPaymentEvents } from './credits/payment-events.js';
import { createSandboxProvider, type PaymentProvider } from './credits/provider.js';
import { createPurchaseService, type PurchaseService } from './credits/purchase-service.js';
import { createRefundOrders, type RefundOrders } from './credits/refund-orders.js';
import { createRefundService, type RefundService } from './credits/refund-service.js';
import { createStripeGateway, type StripeGateway } from './credits/stripe-provider.js';
import type { Database } from './db/database.js';
import type { Finance } from './finance-port.js';
import { createEarningService, type EarningService } from './models/earning-service.js';

export type PaymentSettings =
  | { readonly provider: 'none' | 'sandbox' }
  | {
      readonly provider: 'stripe';
      readonly secretKey: string;
      readonly webhookSecret: string;
      readonly apiUrl: string;
    };

export interface MoneyServices {
  readonly purchases: PurchaseService;
  readonly refunds: RefundService;
  readonly refundOrders: RefundOrders;
  readonly earnings: EarningService;
  /** Only where the provider is stripe. */
  readonly stripe: StripeGateway | undefined;
}

export function createMoneyServices(parts: {
  database: Database;
  finance: Finance;
  clock: Clock;
  log: Logger;
  publicUrl: string;
  payments: PaymentSettings;
}): MoneyServices {
  const { payments, publicUrl, log } = parts;
  const stripe =
    payments.provider === 'stripe'
      ? createStripeGateway({
          settings: { ...payments, publicUrl },
          events: createPaymentEvents(parts),
          purchases: () => purchases,
          log,
        })
      : undefined;
  const sandbox = payments.provider === 'sandbox' ? createSandboxProvider() : undefined;
  const provider: PaymentProvider | undefined = stripe?.provider ?? sandbox;
  const purchases = createPurchaseService({ ...parts, provider });
  const refunds = createRefundService({ ...parts, provider });
  const refundOrders = createRefundOrders(parts);
  return { purchases, refunds, refundOrders, earnings: createEarningService(parts), stripe };
}
