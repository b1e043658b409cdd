// Accounts as staff sees them: search, suspend, restore, roles; the audit record and the local
// mailbox.
import Type from 'typebox';
import type { RecordService } from '../../admin/record-service.js';
import type { UserService } from '../../admin/user-service.js';
import type { AuditEntry } from '../../db/entities/audit.js';
import type { User } from '../../db/entities/user.js';
import { siteError } from '../../errors.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';

const Account = Type.Object({
  id: Type.String(),
  username: Type.String(),
  email: Type.String(),
  status: Type.String(),
  isModel: Type.Boolean(),
  isModerator: Type.Boolean(),
  isAdmin: Type.Boolean(),
  isFinance: Type.Boolean(),
  isSupport: Type.Boolean(),
  createdAt: Type.String(),
});

const AuditRow = Type.Object({
  id: Type.String(),
  actorId: Type.String(),
  actorName: Type.String(),
  action: Type.String(),
  subjectType: Type.String(),
  subjectId: Type.String(),
  /** Of accounts alone. */
  subjectName: Type.Optional(Type.String()),
  detail: Type.Object({}, { additionalProperties: true }),
  createdAt: Type.String(),
});

const Letter = Type.Object({
  id: Type.String(),
  to: Type.String(),
  subject: Type.String(),
  body: Type.String(),
  createdAt: Type.String(),
});

const Role = Type.Optional(Type.Boolean());
const Roles = Type.Object(
  { isAdmin: Role, isFinance: Role, isSupport: Role, isModerator: Role },
  { additionalProperties: false, minProperties: 1 },
);

const UserParams = Type.Object({ id: schema.UserId });
const PAGE = 50;

export interface UserAdminRouteParts {
  readonly identity: Identity;
  readonly users: UserService;
  readonly records: RecordService;
  /** Mails are readable only where no mail server sends them. */
  readonly hasMailbox: boolean;
}

export function userAdminRoutes(app: App, parts: UserAdminRouteParts): void {
  const { identity, users } = parts;

  app.get(
    '/admin/users',
    {
      schema: {
        querystring: Type.Object(
          {
            q: Type.Optional(Type.String({ maxLength: 100 })),
            cursor: Type.Optional(schema.UserId),
          },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({ users: Type.Array(Account), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'accounts');
      const { q: search = '', cursor: afterId = '0' } = request.query;
      const found = await users.list({ search: search.trim(), afterId, limit: PAGE + 1 });
      const last = found.length > PAGE ? found[PAGE - 1] : undefined;
      return {
        users: found.slice(0, PAGE).map(describeAccount),
        ...(last === undefined ? {} : { next: last.id }),
      };
    },
  );

  app.post(
    '/admin/users/:id/suspend',
    {
      schema: {
        params: UserParams,
        body: schema.Body({ reason: schema.Text(1, 200) }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const actor = staffActor(await identity.requireRight(request, 'suspend'), request.ip);
      await users.suspend(request.params.id, request.body.reason, actor);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/admin/users/:id/restore',
    {
      schema: {
        params: UserParams,
        body: schema.NoBody,
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const actor = staffActor(await identity.requireRight(request, 'suspend'), request.ip);
      await users.restore(request.params.id, actor);
      return reply.code(204).send(null);
    },
  );

  app.patch(
    '/admin/users/:id/roles',
    {
      schema: {
        params: UserParams,
        body: Roles,
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id } = await identity.requireRight(request, 'site');
      await users.setRoles(request.params.id, request.body, { id, ip: request.ip });
      return reply.code(204).send(null);
    },
  );

  recordRoutes(app, parts);
}

function staffActor(user: User, ip: string) {
  return { id: user.id, ip, roles: user };
}

function recordRoutes(app: App, { identity, records, hasMailbox }: UserAdminRouteParts): void {
  app.get(
    '/admin/audit',
    {
      schema: {
        querystring: Type.Object(
          { cursor: Type.Optional(schema.UserId) },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({ entries: Type.Array(AuditRow), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      await identity.requireRight(request, 'site');
      const { cursor } = request.query;
      const before = cursor === undefined ? {} : { beforeId: cursor };
      const found = await records.audit({ limit: PAGE + 1, ...before });
      const last = found.length > PAGE ? found[PAGE - 1] : undefined;
      const entries = found.slice(0, PAGE);
      const names = await records.names(
        entries.flatMap((one) => [one.actorId, ...(isOfAccount(one) ? [one.subjectId] : [])]),
      );
      return {
        entries: entries.map((one) => describeDeed(one, names)),
        ...(last === undefined ? {} : { next: last.id }),
      };
    },
  );

  app.get(
    '/admin/mailbox',
    { schema: { response: schema.Replies(Type.Object({ mails: Type.Array(Letter) })) } },
    async (request) => {
      await identity.requireRight(request, 'site');
      if (!hasMailbox) throw siteError('NOT_FOUND');
      const mails = await records.mailbox(PAGE);
      return {
        mails: mails.map(({ id, recipient, subject, body, createdAt }) => {
          return { id, to: recipient, subject, body, createdAt: createdAt.toISOString() };
        }),
      };
    },
  );
}

const isOfAccount = ({ subjectType }: AuditEntry): boolean =>
  subjectType === 'user' || subjectType === 'model';

function describeDeed(deed: AuditEntry, names: ReadonlyMap<string, string>) {
  const { actorId, subjectId, createdAt } = deed;
  const subjectName = isOfAccount(deed) ? names.get(subjectId) : undefined;
  return {
    ...{ ...deed, actorName: names.get(actorId) ?? actorId, createdAt: createdAt.toISOString() },
    ...(subjectName === undefined ? {} : { subjectName }),
  };
}

function describeAccount(user: User) {
  const { id, username, email, status, isModel, createdAt } = user;
  const { isModerator, isAdmin, isFinance, isSupport } = user;
  const roles = { isModel, isModerator, isAdmin, isFinance, isSupport };
  return { id, username, email, status, ...roles, createdAt: createdAt.toISOString() };
}
