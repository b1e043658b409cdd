// What goes back to viewers: what they ask for, and what staff gives by itself. Above billing's
// limit both wait for a second person.
import Type from 'typebox';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../admin/audit.js';
import type { RefundOrders } from '../../credits/refund-orders.js';
import type { RefundService } from '../../credits/refund-service.js';
import { REFUND_ORDER_STATES, type RefundOrder } from '../../db/entities/refund-order.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { describeRefund, RefundShape } from './wallet-routes.js';

const PAGE = 50;
const Reason = schema.Text(1, 200);
const Params = Type.Object({ id: schema.UserId });
const Person = Type.Union([Type.String(), Type.Null()]);

const Order = Type.Object({
  id: Type.String(),
  kind: Type.Enum(['show', 'tip']),
  ref: Type.String(),
  amountMilli: Type.Union([schema.Milli, Type.Null()], { description: 'null = all of it.' }),
  reason: Type.String(),
  state: Type.Enum([...REFUND_ORDER_STATES]),
  returnedMilli: Type.Union([schema.Milli, Type.Null()]),
  askedBy: Type.String(),
  decidedBy: Person,
  createdAt: Type.String(),
});

export interface RefundRouteParts {
  readonly identity: Identity;
  readonly refunds: RefundService;
  readonly refundOrders: RefundOrders;
}

export function refundRoutes(app: App, parts: RefundRouteParts): void {
  const actorOf = async (request: FastifyRequest): Promise<Actor> => {
    const { id } = await parts.identity.requireRight(request, 'refunds');
    return { id, ip: request.ip };
  };
  orderRoutes(app, parts, actorOf);
  requestRoutes(app, parts, actorOf);
}

type ActorOf = (request: FastifyRequest) => Promise<Actor>;

function orderRoutes(app: App, { refundOrders: orders }: RefundRouteParts, actorOf: ActorOf): void {
  app.post(
    '/admin/refunds',
    {
      schema: {
        body: schema.Body({
          key: schema.CommandKey,
          kind: Type.Enum(['show', 'tip'], { 'x-hint': 'Use show or tip.' }),
          ref: Type.String({ pattern: '^[A-Za-z0-9_-]{20,40}$', 'x-hint': 'An id is needed.' }),
          amountMilli: Type.Optional(schema.AmountMilli),
          reason: Reason,
        }),
        response: schema.Replies(Type.Object({ refund: Order }), 201),
      },
    },
    async (request, reply) => {
      const actor = await actorOf(request);
      const refund = await orders.give({ ...request.body, actor });
      return reply.code(201).send({ refund: describeOrder(refund) });
    },
  );

  app.get(
    '/admin/refunds',
    {
      schema: {
        querystring: Type.Object(
          {
            state: Type.Optional(Type.Enum([...REFUND_ORDER_STATES])),
            cursor: Type.Optional(schema.UserId),
          },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({ refunds: Type.Array(Order), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      await actorOf(request);
      const { state, cursor: beforeId } = request.query;
      const found = await orders.list({ state, beforeId, limit: PAGE + 1 });
      const last = found.length > PAGE ? found[PAGE - 1] : undefined;
      return {
        refunds: found.slice(0, PAGE).map(describeOrder),
        ...(last === undefined ? {} : { next: last.id }),
      };
    },
  );

  app.post(
    '/admin/refunds/:id/:verdict',
    {
      schema: {
        params: Type.Object({
          id: schema.UserId,
          verdict: Type.Enum(['approve', 'decline'], { 'x-hint': 'Use approve or decline.' }),
        }),
        body: schema.NoBody,
        response: schema.Replies(Type.Object({ refund: Order })),
      },
    },
    async (request) => {
      const actor = await actorOf(request);
      const { id, verdict } = request.params;
      return { refund: describeOrder(await orders[verdict](id, actor)) };
    },
  );
}

function requestRoutes(app: App, { refunds }: RefundRouteParts, actorOf: ActorOf): void {
  const Asked = Type.Object({
    ...RefundShape.properties,
    userId: Type.String(),
    username: Type.String(),
    proposedBy: Type.Union([Type.String(), Type.Null()], {
      description: 'The first of two persons to approve it; a second one is needed.',
    }),
  });
  app.get(
    '/admin/refund-requests',
    {
      schema: {
        querystring: Type.Object(
          {
            state: Type.Optional(Type.Enum(['open', 'approved', 'declined'])),
            cursor: Type.Optional(schema.UserId),
          },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({ requests: Type.Array(Asked), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      await actorOf(request);
      const { state = 'open', cursor: afterId = '0' } = request.query;
      const found = await refunds.list(state, { limit: PAGE + 1, afterId });
      const last = found.length > PAGE ? found[PAGE - 1] : undefined;
      return {
        requests: found.slice(0, PAGE).map((one) => ({
          ...describeRefund(one),
          userId: one.userId,
          username: one.username,
          amountMilli: one.amountMilli,
          proposedBy: one.proposedBy,
        })),
        ...(last === undefined ? {} : { next: last.id }),
      };
    },
  );

  app.post(
    '/admin/refund-requests/:id/approve',
    {
      schema: {
        params: Params,
        body: schema.Body({
          amountMilli: Type.Optional(schema.AmountMilli),
          answer: Type.Optional(Reason),
        }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const actor = await actorOf(request);
      await refunds.approve(request.params.id, { ...request.body, actor });
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/admin/refund-requests/:id/decline',
    {
      schema: {
        params: Params,
        body: schema.Body({ answer: Reason }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const actor = await actorOf(request);
      await refunds.decline(request.params.id, { ...request.body, actor });
      return reply.code(204).send(null);
    },
  );
}

function describeOrder(one: RefundOrder) {
  const { id, kind, ref, amountMilli, reason, state, returnedMilli, askedBy, decidedBy } = one;
  const people = { askedBy, decidedBy, createdAt: one.createdAt.toISOString() };
  return { id, kind, ref, amountMilli, reason, state, returnedMilli, ...people };
}
