// What admins do: decide on applications, grant credits, look at the books.
import Type from 'typebox';
import type { FinanceService } from '../../admin/finance-service.js';
import type { User } from '../../db/entities/user.js';
import { FieldsError } from '../../errors.js';
import type { Application, ApplicationService } from '../../models/application-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';

const ApplicationReply = Type.Object({
  id: Type.String({ description: 'User id of the applicant.' }),
  username: Type.String(),
  displayName: Type.String(),
  about: Type.String(),
  state: Type.String(),
  reason: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String(),
  decidedAt: Type.Union([Type.String(), Type.Null()]),
});

const ModelParams = Type.Object({ id: schema.UserId });

export interface AdminRouteParts {
  readonly identity: Identity;
  readonly applications: ApplicationService;
  readonly finance: FinanceService;
}

const PAGE = 50;

export function adminRoutes(app: App, { identity, applications, finance }: AdminRouteParts): void {
  app.get(
    '/admin/models',
    {
      schema: {
        querystring: Type.Object(
          {
            state: Type.Optional(Type.Enum(['pending', 'approved', 'declined'])),
            cursor: Type.Optional(schema.UserId),
          },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({
            models: Type.Array(ApplicationReply),
            next: Type.Optional(Type.String()),
          }),
        ),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'applications');
      const { state = 'pending', cursor } = request.query;
      const after = cursor === undefined ? {} : { afterId: cursor };
      const found = await applications.list(state, { limit: PAGE + 1, ...after });
      const page = found.slice(0, PAGE);
      const last = found.length > PAGE ? page.at(-1) : undefined;
      return {
        models: page.map(describeApplication),
        ...(last === undefined ? {} : { next: last.userId }),
      };
    },
  );

  app.post(
    '/admin/models/:id/approve',
    {
      schema: {
        params: ModelParams,
        body: schema.NoBody,
        response: schema.Replies(
          Type.Object({ room: Type.Object({ id: Type.String(), slug: Type.String() }) }),
        ),
      },
    },
    async (request) => {
      const admin = await identity.requireRight(request, 'applications');
      const room = await applications.approve(request.params.id, actorOf(admin, request.ip));
      return { room: { id: room.id, slug: room.slug } };
    },
  );

  app.post(
    '/admin/models/:id/decline',
    {
      schema: {
        params: ModelParams,
        body: schema.Body({ reason: schema.Text(1, 200) }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const admin = await identity.requireRight(request, 'applications');
      const { id } = request.params;
      await applications.decline(id, request.body.reason, actorOf(admin, request.ip));
      return reply.code(204).send(null);
    },
  );

  financeRoutes(app, { identity, finance });
}

function financeRoutes(
  app: App,
  { identity, finance }: Pick<AdminRouteParts, 'identity' | 'finance'>,
): void {
  app.post(
    '/admin/grants',
    {
      schema: {
        body: schema.Body({
          userId: Type.Optional(schema.UserId),
          username: Type.Optional(schema.Username),
          amountMilli: schema.AmountMilli,
          reason: schema.Text(1, 200),
          key: schema.CommandKey,
        }),
        response: schema.Replies(Type.Object({ userId: Type.String(), balance: schema.Milli })),
      },
    },
    async (request) => {
      const admin = await identity.requireRight(request, 'money');
      const { userId, username, ...grant } = request.body;
      const to = granteeOf({ userId, username });
      const actor = actorOf(admin, request.ip);
      const done = await finance.grant({ ...grant, to, actor });
      return { userId: done.userId, balance: String(done.balance) };
    },
  );

  app.get(
    '/admin/finance/summary',
    {
      schema: {
        response: schema.Replies(
          Type.Object({
            entriesSum: schema.Milli,
            transfers: Type.Integer(),
            accounts: Type.Array(Type.Object({ name: Type.String(), balance: schema.Milli })),
          }),
        ),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'money');
      const { accounts, ...sums } = await finance.summary();
      return { ...sums, accounts: accounts.map(({ kind, balance }) => ({ name: kind, balance })) };
    },
  );
}

function granteeOf(who: { userId: string | undefined; username: string | undefined }) {
  if (who.userId !== undefined && who.username === undefined) return { id: who.userId };
  if (who.username !== undefined && who.userId === undefined) return { username: who.username };
  throw new FieldsError('BAD_INPUT', [
    { field: 'username', code: 'MISSING', message: 'Name either a username or a userId.' },
  ]);
}

function actorOf(admin: User, ip: string) {
  return { id: admin.id, ip };
}

function describeApplication(one: Application) {
  return {
    id: one.userId,
    username: one.username,
    displayName: one.displayName,
    about: one.about,
    state: one.state,
    reason: one.reason,
    createdAt: one.appliedAt.toISOString(),
    decidedAt: one.decidedAt?.toISOString() ?? null,
  };
}
