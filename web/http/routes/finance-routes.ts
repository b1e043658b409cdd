// The books as admins work with them: reports, purchases, payouts, campaigns, adjustments, refunds.
// Billing decides and keeps its own audit record; the admin's id travels as the actor.
import Type from 'typebox';
import type { AccountService } from '../../accounts/account-service.js';
import type { Finance } from '../../finance-port.js';
import { commandKey } from '../../rooms/command-key.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as shape from '../money-shapes.js';
import * as schema from '../schema.js';

const { PageOf, pageOf, toWire } = shape;
const Reason = schema.Text(1, 200);
const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', 'x-hint': 'An id is needed.' });
const IdParams = Type.Object({ id: Id });
const Word = Type.String({ pattern: '^[a-z][a-z0-9_]{1,39}$', 'x-hint': 'Use one_word.' });
const Ref = Type.String({ pattern: '^[!-~]{1,64}$', 'x-hint': 'A reference is needed.' });

const CAMPAIGN_PAGE = 20;

const query = <P extends Parameters<typeof Type.Object>[0]>(members: P) =>
  Type.Object(
    { ...members, cursor: Type.Optional(shape.BillingCursor) },
    { additionalProperties: false },
  );

export interface FinanceRouteParts {
  readonly identity: Identity;
  readonly accounts: AccountService;
  readonly finance: Finance;
}

export function financeRoutes(app: App, parts: FinanceRouteParts): void {
  reportRoutes(app, parts);
  purchaseRoutes(app, parts);
  payoutRoutes(app, parts);
  campaignRoutes(app, parts);
  adjustmentRoutes(app, parts);
  walletRoutes(app, parts);
}

function reportRoutes(app: App, { identity, finance }: FinanceRouteParts): void {
  const params = Type.Object({
    kind: Type.Enum(['day', 'model', 'viewer', 'studio'], {
      'x-hint': 'Use day, model, viewer or studio.',
    }),
  });
  const range = Type.Object({ from: shape.Day, to: shape.Day }, { additionalProperties: false });

  app.get(
    '/admin/finance/reports/:kind',
    { schema: { params, querystring: range, response: schema.Replies(shape.Report) } },
    async (request) => {
      await identity.requireRight(request, 'money');
      return toWire(await finance.getReport(request.params.kind, request.query));
    },
  );

  app.get(
    '/admin/finance/reports/:kind/csv',
    { schema: { params, querystring: range, response: schema.TextReplies('text/csv') } },
    async (request, reply) => {
      await identity.requireRight(request, 'money');
      const { kind } = request.params;
      const csv = await finance.getReportCsv(kind, request.query);
      const name = `${kind}-${request.query.from}-${request.query.to}.csv`;
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${name}"`)
        .serializer(String)
        .send(csv);
    },
  );

  app.get(
    '/admin/finance/audit',
    {
      schema: { querystring: query({}), response: schema.Replies(PageOf(shape.LedgerEvent)) },
    },
    async (request) => {
      await identity.requireRight(request, 'money');
      return toWire(await finance.listAudit(pageOf(request.query)));
    },
  );

  app.get(
    '/admin/finance/shows',
    {
      schema: {
        querystring: query({
          viewer: Type.Optional(schema.UserId),
          performer: Type.Optional(schema.UserId),
        }),
        response: schema.Replies(PageOf(shape.Show)),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'refunds');
      const { viewer, performer } = request.query;
      return toWire(
        await finance.listSessions({
          ...pageOf(request.query),
          ...(viewer === undefined ? {} : { viewer }),
          ...(performer === undefined ? {} : { performer }),
        }),
      );
    },
  );
}

function purchaseRoutes(app: App, { identity, finance }: FinanceRouteParts): void {
  app.get(
    '/admin/finance/purchases',
    {
      schema: {
        querystring: query({ user: Type.Optional(schema.UserId) }),
        response: schema.Replies(PageOf(shape.Purchase)),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'money');
      const { user } = request.query;
      const filter = user === undefined ? {} : { user };
      return toWire(await finance.listPurchases({ ...pageOf(request.query), ...filter }));
    },
  );

  app.post(
    '/admin/finance/chargebacks',
    {
      schema: {
        body: schema.Body({
          key: schema.CommandKey,
          paymentRef: Ref,
          state: Type.Enum(['opened', 'won', 'lost'], { 'x-hint': 'Use opened, won or lost.' }),
        }),
        response: schema.Replies(
          Type.Object({
            state: Type.String(),
            isFrozen: Type.Boolean(),
            debtMilli: schema.Milli,
          }),
        ),
      },
    },
    async (request) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      const { key, ...wish } = request.body;
      const command = { key: commandKey('chargeback', actor, key), actor };
      return toWire(await finance.chargeback({ ...wish, ...command }));
    },
  );
}

function payoutRoutes(app: App, { identity, finance }: FinanceRouteParts): void {
  const states = ['requested', 'in_flight', 'paid', 'failed', 'returned'] as const;
  app.get(
    '/admin/finance/payouts',
    {
      schema: {
        querystring: query({
          state: Type.Optional(Type.Enum([...states])),
          performer: Type.Optional(schema.UserId),
        }),
        response: schema.Replies(PageOf(shape.Payout)),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'money');
      const { state, performer } = request.query;
      return toWire(
        await finance.listPayouts({
          ...pageOf(request.query),
          ...(state === undefined ? {} : { state }),
          ...(performer === undefined ? {} : { performer }),
        }),
      );
    },
  );

  const steps = {
    approve: finance.approvePayout,
    complete: finance.completePayout,
    fail: finance.failPayout,
    return: finance.returnPayout,
  } as const;
  app.post(
    '/admin/finance/payouts/:id/:step',
    {
      schema: {
        params: Type.Object({
          id: Id,
          step: Type.Enum(['approve', 'complete', 'fail', 'return'], {
            'x-hint': 'Use approve, complete, fail or return.',
          }),
        }),
        body: schema.Body({ reason: Type.Optional(Reason), providerRef: Type.Optional(Ref) }),
        response: schema.Replies(Type.Object({ payout: shape.Payout })),
      },
    },
    async (request) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      const { id, step } = request.params;
      return { payout: toWire(await steps[step](id, { actor, ...request.body })) };
    },
  );

  app.put(
    '/admin/finance/performers/:id/terms',
    {
      schema: {
        params: Type.Object({ id: schema.UserId }),
        body: schema.Body({
          studioId: Type.Optional(Type.Union([schema.UserId, Type.Null()])),
          studioShareBps: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
          isOnHold: Type.Optional(Type.Boolean()),
          payoutMinimumMilli: Type.Optional(schema.AmountMilli),
          holdDays: Type.Optional(Type.Integer({ minimum: 0, maximum: 365 })),
        }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      const { payoutMinimumMilli: least, ...terms } = request.body;
      await finance.putPerformerTerms(request.params.id, {
        ...{ ...terms, actor },
        ...(least === undefined ? {} : { payoutMinimumMilli: BigInt(least) }),
      });
      return reply.code(204).send(null);
    },
  );
}

function campaignRoutes(app: App, { identity, accounts, finance }: FinanceRouteParts): void {
  app.get(
    '/admin/finance/campaigns',
    {
      schema: {
        querystring: schema.RowCursor,
        response: schema.Replies(
          Type.Object({
            campaigns: Type.Array(shape.Campaign),
            next: Type.Optional(Type.String()),
          }),
        ),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'money');
      const { cursor } = request.query;
      // Billing tells all of them: there are few, and each has its budget.
      const older = [...(await finance.listCampaigns())]
        .sort((a, b) => Number(BigInt(b.id) - BigInt(a.id)))
        .filter(({ id }) => cursor === undefined || BigInt(id) < BigInt(cursor));
      const page = older.slice(0, CAMPAIGN_PAGE);
      const last = older.length > CAMPAIGN_PAGE ? page.at(-1) : undefined;
      return { campaigns: toWire(page), ...(last === undefined ? {} : { next: last.id }) };
    },
  );

  app.post(
    '/admin/finance/campaigns',
    {
      schema: {
        body: schema.Body({
          key: schema.CommandKey,
          name: schema.Text(1, 100),
          budgetMilli: schema.AmountMilli,
          expiresDays: Type.Integer({ minimum: 0, maximum: 3_650 }),
          paysPerformer: Type.Boolean(),
        }),
        response: schema.Replies(Type.Object({ campaign: shape.Campaign }), 201),
      },
    },
    async (request, reply) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      const { key, budgetMilli, ...wish } = request.body;
      const campaign = await finance.createCampaign({
        ...wish,
        actor,
        key: commandKey('campaign', actor, key),
        budgetMilli: BigInt(budgetMilli),
      });
      return reply.code(201).send({ campaign: toWire(campaign) });
    },
  );

  app.post(
    '/admin/finance/campaigns/:id/grants',
    {
      schema: {
        params: IdParams,
        body: schema.Body({
          key: schema.CommandKey,
          username: schema.Username,
          amountMilli: schema.AmountMilli,
        }),
        response: schema.Replies(Type.Object({ userId: Type.String(), balance: schema.Milli })),
      },
    },
    async (request) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      const { key, username, amountMilli } = request.body;
      const { id: userId } = await accounts.find({ username });
      const wallet = await finance.grantFromCampaign(request.params.id, {
        ...{ userId, actor },
        key: commandKey('campaign-grant', actor, key),
        amountMilli: BigInt(amountMilli),
      });
      return { userId, balance: String(wallet.balance) };
    },
  );
}

function adjustmentRoutes(app: App, { identity, accounts, finance }: FinanceRouteParts): void {
  const state = Type.Optional(Type.Enum(['applied', 'pending', 'rejected']));
  app.get(
    '/admin/finance/adjustments',
    {
      schema: {
        querystring: query({ state }),
        response: schema.Replies(PageOf(shape.Adjustment)),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'money');
      const { state: wanted } = request.query;
      const filter = wanted === undefined ? {} : { state: wanted };
      return toWire(await finance.listAdjustments({ ...pageOf(request.query), ...filter }));
    },
  );

  app.post(
    '/admin/finance/adjustments',
    {
      schema: {
        body: schema.Body({
          key: schema.CommandKey,
          username: schema.Username,
          amountMilli: Type.String({
            pattern: '^-?[1-9][0-9]{0,12}$',
            'x-hint': 'Milli-credits, below zero to take some.',
          }),
          reasonCode: Word,
          ticket: Ref,
        }),
        response: schema.Replies(Type.Object({ adjustment: shape.Adjustment }), 201),
      },
    },
    async (request, reply) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      const { key, username, amountMilli, ...wish } = request.body;
      const { id: userId } = await accounts.find({ username });
      const adjustment = await finance.adjust({
        ...{ ...wish, userId, actor },
        key: commandKey('adjustment', actor, key),
        amountMilli: BigInt(amountMilli),
      });
      return reply.code(201).send({ adjustment: toWire(adjustment) });
    },
  );

  const verdict = Type.Enum(['approve', 'reject'], { 'x-hint': 'Use approve or reject.' });
  app.post(
    '/admin/finance/adjustments/:id/:verdict',
    {
      schema: {
        params: Type.Object({ id: Id, verdict }),
        body: schema.NoBody,
        response: schema.Replies(Type.Object({ adjustment: shape.Adjustment })),
      },
    },
    async (request) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      const { id, verdict: said } = request.params;
      const decide = said === 'approve' ? finance.approveAdjustment : finance.rejectAdjustment;
      return { adjustment: toWire(await decide(id, actor)) };
    },
  );
}

function walletRoutes(app: App, { identity, finance }: FinanceRouteParts): void {
  const params = Type.Object({ id: schema.UserId });
  app.get(
    '/admin/users/:id/wallet',
    {
      schema: {
        params,
        response: schema.Replies(Type.Object({ ...shape.Lots.properties, limits: shape.Limits })),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'accounts');
      const { id } = request.params;
      const [lots, limits] = await Promise.all([finance.getLots(id), finance.getLimits(id)]);
      return toWire({ ...lots, limits });
    },
  );

  app.post(
    '/admin/users/:id/freeze',
    {
      schema: {
        params,
        body: schema.Body({ isFrozen: Type.Boolean(), reason: Reason }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id: actor } = await identity.requireRight(request, 'money');
      await finance.freezeWallet(request.params.id, { ...request.body, actor });
      return reply.code(204).send(null);
    },
  );
}
