// A viewer's own money matters: limits, lots, shows that were paid for, receipts, and wishes for
// refunds.
import Type from 'typebox';
import type { PurchaseService } from '../../credits/purchase-service.js';
import { receiptOf, receiptPage } from '../../credits/receipt.js';
import type { RefundService } from '../../credits/refund-service.js';
import { REFUND_KINDS, type RefundRequest } from '../../db/entities/refund-request.js';
import type { Finance } from '../../finance-port.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import { BillingCursor, Limits, Lots, pageOf, PageOf, Show, toWire } from '../money-shapes.js';
import * as schema from '../schema.js';

const OrderParams = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }) });
const Cursor = Type.Object(
  { cursor: Type.Optional(BillingCursor) },
  { additionalProperties: false },
);

const Receipt = Type.Object({
  number: Type.String(),
  seller: Type.String(),
  buyer: Type.String(),
  item: Type.String(),
  amountMilli: schema.Milli,
  priceCents: Type.Integer(),
  currency: Type.String(),
  provider: Type.String(),
  providerRef: Type.String(),
  paidAt: Type.String(),
  refundedMilli: schema.Milli,
});

export const RefundShape = Type.Object({
  id: Type.String(),
  kind: Type.Enum([...REFUND_KINDS]),
  ref: Type.String(),
  reason: Type.String(),
  state: Type.Enum(['open', 'approved', 'declined']),
  answer: Type.Union([Type.String(), Type.Null()]),
  amountMilli: Type.Union([schema.Milli, Type.Null()]),
  createdAt: Type.String(),
  decidedAt: Type.Union([Type.String(), Type.Null()]),
});

export interface WalletRouteParts {
  readonly identity: Identity;
  readonly finance: Finance;
  readonly purchases: PurchaseService;
  readonly refunds: RefundService;
  /** Who sells, as receipts say it. */
  readonly siteName: string;
}

export function walletRoutes(app: App, parts: WalletRouteParts): void {
  const { identity, finance } = parts;

  app.get('/credits/limits', { schema: { response: schema.Replies(Limits) } }, async (request) => {
    const { sub } = await identity.requirePrincipal(request);
    return toWire(await finance.getLimits(sub));
  });

  app.put(
    '/credits/limits',
    { schema: { body: Limits, response: schema.Replies(Limits) } },
    async (request) => {
      const { id } = await identity.requireUser(request);
      const limits = Object.entries(request.body).map(([name, value]) => [name, BigInt(value)]);
      await finance.putLimits(id, Object.fromEntries(limits) as Record<string, bigint>);
      return request.body;
    },
  );

  app.get('/credits/lots', { schema: { response: schema.Replies(Lots) } }, async (request) => {
    const { sub } = await identity.requirePrincipal(request);
    return toWire(await finance.getLots(sub));
  });

  app.get(
    '/credits/shows',
    { schema: { querystring: Cursor, response: schema.Replies(PageOf(Show)) } },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      return toWire(await finance.listSessions({ viewer: sub, ...pageOf(request.query) }));
    },
  );

  receiptRoutes(app, parts);
  refundRoutes(app, parts);
}

function receiptRoutes(app: App, { identity, purchases, siteName }: WalletRouteParts): void {
  app.get(
    '/credits/orders/:id/receipt',
    { schema: { params: OrderParams, response: schema.Replies(Receipt) } },
    async (request) => {
      const user = await identity.requireUser(request);
      const order = await purchases.find(user.id, request.params.id);
      return receiptOf(order, { buyer: user.username, seller: siteName });
    },
  );

  app.get(
    '/credits/orders/:id/receipt.html',
    { schema: { params: OrderParams, response: schema.TextReplies('text/html') } },
    async (request, reply) => {
      const user = await identity.requireUser(request);
      const order = await purchases.find(user.id, request.params.id);
      const receipt = receiptOf(order, { buyer: user.username, seller: siteName });
      const page = receiptPage(receipt);
      return reply.type('text/html; charset=utf-8').serializer(String).send(page);
    },
  );
}

function refundRoutes(app: App, { identity, refunds }: WalletRouteParts): void {
  app.post(
    '/credits/refund-requests',
    {
      config: { rateLimit: { max: 30, timeWindow: 3_600_000 } },
      schema: {
        body: schema.Body({
          kind: Type.Enum([...REFUND_KINDS], { 'x-hint': 'Use show, tip or purchase.' }),
          ref: Type.String({ pattern: '^[A-Za-z0-9_-]{20,40}$', 'x-hint': 'An id is needed.' }),
          reason: schema.Text(1, 500),
        }),
        response: schema.Replies(Type.Object({ request: RefundShape }), 201),
      },
    },
    async (request, reply) => {
      const { id } = await identity.requireUser(request);
      const made = await refunds.ask(id, request.body);
      return reply.code(201).send({ request: describeRefund(made) });
    },
  );

  app.get(
    '/credits/refund-requests',
    {
      schema: {
        querystring: schema.RowCursor,
        response: schema.Replies(
          Type.Object({ requests: Type.Array(RefundShape), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      const found = await refunds.ofUser(sub, request.query.cursor);
      const last = found.length === 50 ? found.at(-1) : undefined;
      return {
        requests: found.map(describeRefund),
        ...(last === undefined ? {} : { next: last.id }),
      };
    },
  );
}

export function describeRefund(one: RefundRequest) {
  const { id, kind, ref, reason, state, answer, createdAt, decidedAt } = one;
  // What one of two persons has proposed is nothing yet.
  const amountMilli = state === 'open' ? null : one.amountMilli;
  const times = {
    createdAt: createdAt.toISOString(),
    decidedAt: decidedAt?.toISOString() ?? null,
  };
  return { id, kind, ref, reason, state, answer, amountMilli, ...times };
}
