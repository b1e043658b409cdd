// What a model has earned, show by show, and payouts.
import Type from 'typebox';
import type { Finance } from '../../finance-port.js';
import type { RoomService } from '../../models/room-service.js';
import { commandKey } from '../../rooms/command-key.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import { BillingCursor, Earnings, pageOf, PageOf, Payout, Show, toWire } from '../money-shapes.js';
import * as schema from '../schema.js';

const Cursor = Type.Object(
  { cursor: Type.Optional(BillingCursor) },
  { additionalProperties: false },
);

export interface EarningsRouteParts {
  readonly identity: Identity;
  readonly rooms: RoomService;
  readonly finance: Finance;
}

export function earningsRoutes(app: App, { identity, rooms, finance }: EarningsRouteParts): void {
  app.get(
    '/model/earnings',
    { schema: { response: schema.Replies(Earnings) } },
    async (request) => {
      const { performerId } = await rooms.findOwn((await identity.requireUser(request)).id);
      return toWire(await finance.getEarnings(performerId));
    },
  );

  app.get(
    '/model/shows',
    { schema: { querystring: Cursor, response: schema.Replies(PageOf(Show)) } },
    async (request) => {
      const { performerId } = await rooms.findOwn((await identity.requireUser(request)).id);
      const page = pageOf(request.query);
      return toWire(await finance.listSessions({ performer: performerId, ...page }));
    },
  );

  app.get(
    '/model/payouts',
    { schema: { querystring: Cursor, response: schema.Replies(PageOf(Payout)) } },
    async (request) => {
      const { performerId } = await rooms.findOwn((await identity.requireUser(request)).id);
      const page = pageOf(request.query);
      return toWire(await finance.listPayouts({ performer: performerId, ...page }));
    },
  );

  app.post(
    '/model/payouts',
    {
      config: { rateLimit: { max: 20, timeWindow: 3_600_000 } },
      schema: {
        body: schema.Body({
          key: schema.CommandKey,
          amountMilli: Type.Optional(schema.AmountMilli),
          method: Type.String({ pattern: '^[a-z][a-z0-9_-]{0,23}$' }),
        }),
        response: schema.Replies(Type.Object({ payout: Payout }), 201),
      },
    },
    async (request, reply) => {
      const { performerId } = await rooms.findOwn((await identity.requireUser(request)).id);
      const { key, amountMilli, method } = request.body;
      const payout = await finance.requestPayout({
        key: commandKey('payout', performerId, key),
        performerId,
        actor: performerId,
        method,
        ...(amountMilli === undefined ? {} : { amountMilli: BigInt(amountMilli) }),
      });
      return reply.code(201).send({ payout: toWire(payout) });
    },
  );
}
