// Card payments through Stripe: checkout sessions by its official SDK, and what its signed webhooks
// say. Used by purchase-service.ts and the webhook route. Invariant: an event counts only after its
// signature over the raw body was verified.
import Stripe from 'stripe';
import { coerceError, type Logger } from '../../cluster/index.js';
import { siteError } from '../errors.js';
import type { PaymentEvents } from './payment-events.js';
import type { PaymentProvider } from './provider.js';
import type { PurchaseService } from './purchase-service.js';

const NAME = 'stripe';

export interface StripeSettings {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Address of the API; empty = Stripe's own. */
  readonly apiUrl: string;
  /** Where the buyer comes back to. */
  readonly publicUrl: string;
}

export interface StripeGateway {
  readonly provider: PaymentProvider;
  /**
   * @param body as it came, byte by byte
   * @throws WEBHOOK_REFUSED, EVENT_TOO_EARLY (Stripe sends it again), BILLING_UNAVAILABLE
   */
  webhook(body: Buffer, signature: string): Promise<void>;
}

export function createStripeGateway(parts: {
  settings: StripeSettings;
  events: PaymentEvents;
  purchases: () => Pick<PurchaseService, 'paid' | 'failed'>;
  log: Logger;
}): StripeGateway {
  const { settings, events, purchases, log } = parts;
  const { secretKey, webhookSecret, publicUrl } = settings;
  const stripe = new Stripe(secretKey, {
    ...addressOf(settings.apiUrl),
    maxNetworkRetries: 2,
    timeout: 10_000,
    telemetry: false,
  });

  /** Asks Stripe; its faults become ours, and their reason reaches the log alone. */
  async function ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (thrown) {
      log.warn({ event: 'stripe.failed', reason: coerceError(thrown).message });
      throw siteError('PAYMENT_UNAVAILABLE', {}, thrown);
    }
  }

  const provider: PaymentProvider = {
    name: NAME,
    startCheckout: (purchase, buyer) =>
      ask(async () => {
        const { id, priceCents, currency, amountMilli } = purchase;
        const name = `${BigInt(amountMilli) / 1_000n} credits`;
        const session = await stripe.checkout.sessions.create(
          {
            mode: 'payment',
            client_reference_id: id,
            customer_email: buyer.email,
            line_items: [
              {
                quantity: 1,
                price_data: {
                  currency: currency.toLowerCase(),
                  unit_amount: priceCents,
                  product_data: { name },
                },
              },
            ],
            payment_intent_data: { metadata: { order: id } },
            success_url: `${publicUrl}/credits?order=${id}`,
            cancel_url: `${publicUrl}/credits?cancelled=${id}`,
          },
          { idempotencyKey: `order-${id}` },
        );
        if (session.url === null) throw new Error('the checkout session has no address');
        return session.url;
      }),
    giveBack: ({ id, providerRef, refundedMilli }, amount) =>
      ask(async () => {
        await stripe.refunds.create(
          { payment_intent: providerRef ?? '', amount, metadata: { order: id } },
          { idempotencyKey: `refund-${id}-${refundedMilli}-${amount}` },
        );
        return 'told' as const;
      }),
  };

  async function handle(event: Stripe.Event): Promise<void> {
    switch (event.type) {
      case 'checkout.session.completed':
      case 'checkout.session.async_payment_succeeded':
        return sessionDone(event.data.object);
      case 'checkout.session.async_payment_failed':
      case 'checkout.session.expired':
        return sessionFailed(event.data.object);
      case 'charge.refunded':
        return chargeRefunded(event.data.object);
      case 'charge.dispute.created':
        return dispute(event.data.object, 'opened');
      case 'charge.dispute.closed':
        return dispute(event.data.object, event.data.object.status === 'lost' ? 'lost' : 'won');
      default:
        return undefined;
    }
  }

  async function sessionDone(session: Stripe.Checkout.Session): Promise<void> {
    const ref = idOf(session.payment_intent);
    const orderId = session.client_reference_id;
    if (session.payment_status !== 'paid' || ref === undefined || orderId === null) return;
    await pay(orderId, ref);
  }

  async function pay(orderId: string, ref: string): Promise<void> {
    await purchases()
      .paid({ provider: NAME, orderId, ref })
      .catch((thrown: unknown) => {
        // Another site may share the account: its orders are none of ours.
        log.warn({ event: 'stripe.unknown_order', reason: coerceError(thrown).message });
        if (coerceError(thrown).name !== 'AppError') throw thrown;
      });
  }

  async function sessionFailed({ client_reference_id: orderId }: Stripe.Checkout.Session) {
    if (orderId !== null) await purchases().failed({ provider: NAME, orderId });
  }

  async function chargeRefunded(charge: Stripe.Charge): Promise<void> {
    const ref = idOf(charge.payment_intent);
    if (ref === undefined) return;
    const order = charge.metadata['order'];
    // What was given back was paid before, whichever event arrives first.
    if (order !== undefined) await pay(order, ref);
    const totalCents = charge.amount_refunded;
    await events.refunded({ provider: NAME, ref, totalCents, reason: 'refund by the provider' });
  }

  async function dispute(
    { payment_intent: intent }: Stripe.Dispute,
    state: 'opened' | 'won' | 'lost',
  ): Promise<void> {
    const ref = idOf(intent);
    if (ref !== undefined) await events.disputed({ provider: NAME, ref, state });
  }

  return {
    provider,
    async webhook(body, signature) {
      let event: Stripe.Event;
      try {
        event = stripe.webhooks.constructEvent(body, signature, webhookSecret);
      } catch (thrown) {
        throw siteError('WEBHOOK_REFUSED', {}, thrown);
      }
      const { id, type } = event;
      await events.once({ provider: NAME, id, type }, () => handle(event));
    },
  };
}

function idOf(reference: string | { id: string } | null | undefined): string | undefined {
  return typeof reference === 'string' ? reference : reference?.id;
}

function addressOf(apiUrl: string): { host?: string; port?: number; protocol?: 'http' | 'https' } {
  if (apiUrl === '') return {};
  const { hostname, port, protocol } = new URL(apiUrl);
  const isPlain = protocol === 'http:';
  return {
    host: hostname,
    port: port === '' ? (isPlain ? 80 : 443) : Number(port),
    protocol: isPlain ? 'http' : 'https',
  };
}
