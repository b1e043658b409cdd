// What the site is compared with: a Fastify server without accounts, database or limits. It gives
// bytes that it was told, checks a password, or passes a tip or a payment on to billing.
import { verify } from 'argon2';
import Fastify from 'fastify';
import Stripe from 'stripe';
import { serveParent } from '../lib/node-child.js';
import { billingClientAt } from '../servers/billing-role.js';

export interface SiteCeilingCalls {
  readonly listen: {
    readonly args: {
      readonly passwordHash: string;
      readonly billingUrl: string;
      readonly webhookSecret: string;
      readonly roomId: string;
      /** Answers by path. */
      readonly fixed: Readonly<Record<string, string>>;
    };
    readonly reply: { readonly port: number };
  };
}

type Listen = SiteCeilingCalls['listen'];

interface PaidEvent {
  readonly data: { readonly object: { readonly client_reference_id: string } };
}

async function listen(args: Listen['args']): Promise<Listen['reply']> {
  const { passwordHash, billingUrl, webhookSecret, roomId, fixed } = args;
  const { billing } = billingClientAt(billingUrl);
  const stripe = new Stripe('sk_test_bench');
  const app = Fastify();
  for (const [path, text] of Object.entries(fixed)) {
    app.get(path, (_request, reply) => reply.type('application/json; charset=utf-8').send(text));
  }
  app.post<{ Body: { password: string } }>('/login', async ({ body }) => ({
    ok: await verify(passwordHash, body.password),
  }));
  app.post<{ Body: { key: string; amountMilli: string; viewer: string } }>(
    '/tip',
    async ({ body: { key, amountMilli, viewer } }) => {
      const tip = { key, viewerId: viewer, viewerName: 'viewer', roomId };
      const { tipId } = await billing.tip({ ...tip, amountMilli: BigInt(amountMilli) });
      return { tipId };
    },
  );
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, next) =>
      next(null, body),
    );
    scope.post<{ Body: Buffer }>('/webhook', async ({ body, headers }) => {
      const signature = String(headers['stripe-signature']);
      stripe.webhooks.constructEvent(body, signature, webhookSecret);
      const event = JSON.parse(body.toString()) as PaidEvent;
      const ref = event.data.object.client_reference_id;
      await billing.purchase({
        ...{ key: ref, provider: 'stripe', paymentRef: ref, userId: '1' },
        ...{ amountMilli: 100_000n, fiatMinor: 999, currency: 'EUR' },
      });
      return { received: true };
    });
    done();
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: Number(new URL(address).port) };
}

serveParent<SiteCeilingCalls>({ listen });
