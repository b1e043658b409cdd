// What a model has earned, show by show, and payouts.
import { Readable } from 'node:stream';
import Type from 'typebox';
import type { Finance } from '../../finance-port.js';
import type { EarnedShow as Earned, EarningService } from '../../models/earning-service.js';
import type { RoomService } from '../../models/room-service.js';
import { commandKey } from '../../rooms/command-key.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as shape from '../money-shapes.js';
import * as schema from '../schema.js';

const { BillingCursor, Earnings, pageOf, PageOf, Payout, Show, toWire } = shape;
const SHOW_PAGE = 20;
const Range = Type.Object({ from: shape.Day, to: shape.Day }, { additionalProperties: false });

const DayList = Type.Array(
  Type.Object({
    day: Type.String({ description: 'UTC day of booking.' }),
    showsMilli: schema.Milli,
    tipsMilli: schema.Milli,
    asStudioMilli: schema.Milli,
    refundedMilli: schema.Milli,
    netMilli: schema.Milli,
  }),
);

const EarnedShow = Type.Object({
  id: Type.String(),
  title: Type.String(),
  showType: Type.String(),
  startedAt: Type.String(),
  endedAt: Type.Union([Type.String(), Type.Null()]),
  viewersMax: Type.Integer(),
  showsMilli: schema.Milli,
  tipsMilli: schema.Milli,
});

const Cursor = Type.Object(
  { cursor: Type.Optional(BillingCursor) },
  { additionalProperties: false },
);

export interface EarningsRouteParts {
  readonly identity: Identity;
  readonly rooms: RoomService;
  readonly finance: Finance;
  readonly earnings: EarningService;
}

export function earningsRoutes(app: App, parts: EarningsRouteParts): void {
  sumRoutes(app, parts);
  statementRoute(app, parts);
  payoutRoutes(app, parts);
}

function sumRoutes(app: App, { identity, rooms, finance, earnings }: EarningsRouteParts): void {
  app.get(
    '/model/earnings',
    { schema: { response: schema.Replies(Earnings) } },
    async (request) => {
      const { performerId } = await rooms.findOwn((await identity.requireUser(request)).id);
      return toWire(await finance.getEarnings(performerId));
    },
  );

  app.get(
    '/model/earnings/days',
    { schema: { querystring: Range, response: schema.Replies(Type.Object({ days: DayList })) } },
    async (request) => {
      const { performerId } = await rooms.findOwn((await identity.requireUser(request)).id);
      return { days: toWire([...(await finance.getEarningsDays(performerId, request.query))]) };
    },
  );

  app.get(
    '/model/earnings/shows',
    {
      schema: {
        querystring: schema.RowCursor,
        response: schema.Replies(
          Type.Object({ shows: Type.Array(EarnedShow), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      const room = await rooms.findOwn((await identity.requireUser(request)).id);
      const { cursor: beforeId } = request.query;
      const found = await earnings.shows(room, { beforeId, limit: SHOW_PAGE });
      const last = found.length === SHOW_PAGE ? found.at(-1) : undefined;
      return {
        shows: found.map(describeShow),
        ...(last === undefined ? {} : { next: last.id }),
      };
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
}

function statementRoute(app: App, { identity, rooms, earnings }: EarningsRouteParts): void {
  app.get(
    '/model/earnings/statement.csv',
    {
      config: { rateLimit: { max: 30, timeWindow: 3_600_000 } },
      schema: { querystring: Range, response: schema.StreamReplies('text/csv') },
    },
    async (request, reply) => {
      const room = await rooms.findOwn((await identity.requireUser(request)).id);
      const { from, to } = request.query;
      const pages = earnings.statement(room, { from, to });
      // Billing that is away is a problem, not half a file.
      const first = await pages.next();
      const lines = (async function* () {
        if (first.done !== true) yield first.value;
        yield* pages;
      })();
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="statement-${from}-${to}.csv"`)
        .send(Readable.from(lines, { objectMode: false }));
    },
  );
}

function payoutRoutes(app: App, { identity, rooms, finance }: EarningsRouteParts): void {
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

function describeShow(one: Earned) {
  const { id, title, showType, startedAt, endedAt, viewersMax, showsMilli, tipsMilli } = one;
  return {
    ...{ id, title, showType, viewersMax },
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    ...toWire({ showsMilli, tipsMilli }),
  };
}
