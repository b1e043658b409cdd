// Credits: packages, checkout, orders, the statement of the wallet. The sandbox route plays the
// bank.
import Type from 'typebox';
import { creditPackages } from '../../credits/packages.js';
import type { PurchaseService } from '../../credits/purchase-service.js';
import type { Purchase } from '../../db/entities/purchase.js';
import type { Billing } from '../../ports.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';

const Package = Type.Object({
  id: Type.String(),
  title: Type.String(),
  amountMilli: schema.Milli,
  priceCents: Type.Integer(),
  currency: Type.String(),
});

const Order = Type.Object({
  id: Type.String(),
  packageId: Type.String(),
  amountMilli: schema.Milli,
  priceCents: Type.Integer(),
  currency: Type.String(),
  state: Type.Enum(['open', 'paid', 'granted', 'failed']),
  createdAt: Type.String(),
  paidAt: Type.Union([Type.String(), Type.Null()]),
  refundedMilli: schema.Milli,
  dispute: Type.Union([Type.Enum(['opened', 'won', 'lost']), Type.Null()]),
});

const StatementEntry = Type.Object({
  id: Type.String(),
  code: Type.String(),
  amount: schema.Milli,
  sessionId: Type.Optional(Type.String()),
  bookedAtMs: Type.Integer(),
});

const OrderParams = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }) });

export interface CreditRouteParts {
  readonly identity: Identity;
  readonly purchases: PurchaseService;
  readonly billing: Billing;
  /** Whether the sandbox bank is open; never beside a real provider. */
  readonly hasSandbox: boolean;
}

const PAGE = 20;

export function creditRoutes(app: App, parts: CreditRouteParts): void {
  const { identity, purchases, billing } = parts;

  app.get(
    '/credits/packages',
    { schema: { response: schema.Replies(Type.Object({ packages: Type.Array(Package) })) } },
    () => ({
      packages: creditPackages.map((one) => ({ ...one, amountMilli: String(one.amountMilli) })),
    }),
  );

  app.post(
    '/credits/checkout',
    {
      config: { rateLimit: { max: 60, timeWindow: 3_600_000 } },
      schema: {
        body: schema.Body({
          packageId: Type.String({ minLength: 1, maxLength: 20 }),
          key: schema.CommandKey,
        }),
        response: schema.Replies(Type.Object({ order: Order, url: Type.String() }), 201),
      },
    },
    async (request, reply) => {
      const user = await identity.requireUser(request);
      const { purchase, url } = await purchases.checkout(user, request.body);
      return reply.code(201).send({ order: describeOrder(purchase), url });
    },
  );

  app.get(
    '/credits/orders',
    {
      schema: {
        querystring: Type.Object(
          { cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}[.][A-Za-z0-9_-]{22}$' })) },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({ orders: Type.Array(Order), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      const { cursor } = request.query;
      const before = cursor === undefined ? {} : { before: positionOf(cursor) };
      const found = await purchases.history(sub, { limit: PAGE + 1, ...before });
      const last = found.length > PAGE ? found[PAGE - 1] : undefined;
      return {
        orders: found.slice(0, PAGE).map(describeOrder),
        ...(last === undefined ? {} : { next: `${last.createdAt.getTime()}.${last.id}` }),
      };
    },
  );

  app.get(
    '/credits/orders/:id',
    {
      schema: {
        params: OrderParams,
        response: schema.Replies(Type.Object({ order: Order })),
      },
    },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      return { order: describeOrder(await purchases.find(sub, request.params.id)) };
    },
  );

  app.get(
    '/credits/statement',
    {
      schema: {
        querystring: Type.Object(
          { cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,20}$' })) },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({ entries: Type.Array(StatementEntry), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      const { cursor } = request.query;
      const before = cursor === undefined ? {} : { before: cursor };
      return billing.statement(sub, { limit: PAGE, ...before });
    },
  );

  if (parts.hasSandbox) sandboxRoute(app, parts);
}

function sandboxRoute(app: App, { identity, purchases }: CreditRouteParts): void {
  app.post(
    '/credits/orders/:id/sandbox-pay',
    {
      schema: {
        params: OrderParams,
        body: schema.NoBody,
        response: schema.Replies(Type.Object({ order: Order })),
      },
    },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      const order = await purchases.find(sub, request.params.id);
      const paid = await purchases.paid({
        ...{ provider: 'sandbox', orderId: order.id, ref: `sandbox-${order.id}` },
      });
      return { order: describeOrder(paid) };
    },
  );
}

function positionOf(cursor: string) {
  const [createdMs, id = ''] = cursor.split('.');
  return { createdAt: new Date(Number(createdMs)), id };
}

function describeOrder(one: Purchase) {
  return {
    id: one.id,
    packageId: one.packageId,
    amountMilli: one.amountMilli,
    priceCents: one.priceCents,
    currency: one.currency,
    state: one.state,
    createdAt: one.createdAt.toISOString(),
    paidAt: one.paidAt?.toISOString() ?? null,
    refundedMilli: one.refundedMilli,
    dispute: one.dispute,
  };
}
