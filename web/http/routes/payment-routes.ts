// Where payment providers report: raw bodies with a signature of their own, no cookies.
import Type from 'typebox';
import type { StripeGateway } from '../../credits/stripe-provider.js';
import { siteError } from '../../errors.js';
import type { App } from '../app-type.js';
import * as schema from '../schema.js';

const EVENT_BYTES_MAX = 262_144;

/** @param parts.stripe undefined: nobody reports here, the address does not exist */
export function paymentRoutes(app: App, { stripe }: { stripe: StripeGateway | undefined }): void {
  if (stripe === undefined) return;
  void app.register((scope: App, _options, done) => {
    // The signature covers the bytes as they came.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, next) =>
      next(null, body),
    );
    scope.post(
      '/payments/stripe/webhook',
      {
        bodyLimit: EVENT_BYTES_MAX,
        config: { isCookieless: true },
        schema: { response: schema.Replies(Type.Object({ received: Type.Boolean() })) },
      },
      async (request) => {
        const signature = request.headers['stripe-signature'];
        if (!Buffer.isBuffer(request.body) || typeof signature !== 'string') {
          throw siteError('WEBHOOK_REFUSED');
        }
        await stripe.webhook(request.body, signature);
        return { received: true };
      },
    );
    done();
  });
}
