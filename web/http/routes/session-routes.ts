// Devices that are logged in, the password, the end of an account, and tokens for API clients.
import Type from 'typebox';
import type { AccountService } from '../../accounts/account-service.js';
import type { ClosingService } from '../../accounts/closing-service.js';
import type { LoginGuard } from '../../accounts/login-guard.js';
import type { IssuedTokens, SessionService } from '../../accounts/session-service.js';
import type { RefreshSession } from '../../db/entities/refresh-session.js';
import { siteError } from '../../errors.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import { deviceOf } from '../device.js';
import * as schema from '../schema.js';

const Session = Type.Object({
  id: Type.String(),
  createdAt: Type.String(),
  lastUsedAt: Type.String(),
  userAgent: Type.String(),
  ip: Type.String(),
  isCurrent: Type.Boolean(),
});

const Tokens = Type.Object({
  tokenType: Type.Literal('Bearer'),
  accessToken: Type.String(),
  expiresInSec: Type.Integer(),
  refreshToken: Type.String({ description: 'Works once; its return after use ends the session.' }),
});

const Password = Type.String({ minLength: 1, maxLength: 128 });

export interface SessionRouteParts {
  readonly identity: Identity;
  readonly accounts: AccountService;
  readonly sessions: SessionService;
  readonly closing: ClosingService;
  readonly guard: LoginGuard;
  readonly limits: { readonly loginsPerMin: number };
  readonly accessTtlSec: number;
}

export function sessionRoutes(app: App, parts: SessionRouteParts): void {
  const { identity, sessions } = parts;

  app.get(
    '/auth/sessions',
    { schema: { response: schema.Replies(Type.Object({ sessions: Type.Array(Session) })) } },
    async (request) => {
      const { sub, sid } = await identity.requirePrincipal(request);
      const found = await sessions.list(sub);
      return { sessions: found.map((one) => describeSession(one, sid)) };
    },
  );

  app.delete(
    '/auth/sessions/:id',
    {
      schema: {
        params: Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }) }),
        body: schema.NoBody,
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { sub } = await identity.requirePrincipal(request);
      const isEnded = await sessions.end(request.params.id, { userId: sub, reason: 'user' });
      if (!isEnded) throw siteError('SESSION_NOT_FOUND');
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/auth/sessions/end-others',
    { schema: { body: schema.NoBody, response: schema.Replies(schema.Nothing, 204) } },
    async (request, reply) => {
      const { sub, sid } = await identity.requirePrincipal(request);
      await sessions.endAll(sub, { reason: 'user', exceptId: sid });
      return reply.code(204).send(null);
    },
  );

  passwordRoutes(app, parts);
  tokenRoutes(app, parts);
}

function passwordRoutes(app: App, parts: SessionRouteParts): void {
  const { identity, accounts, sessions, closing, guard } = parts;
  const limit = { rateLimit: { max: parts.limits.loginsPerMin, timeWindow: 60_000 } };

  app.post(
    '/account/password',
    {
      config: limit,
      schema: {
        body: schema.Body({ current: Password, password: schema.Password }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { sub, name, sid } = await identity.requirePrincipal(request);
      const { current, password } = request.body;
      const user = await guard.attempt(name, () => accounts.authenticate(name, current));
      await accounts.setPassword(user.id, password);
      await sessions.endAll(sub, { reason: 'password', exceptId: sid });
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/account/close',
    {
      config: limit,
      schema: {
        body: schema.Body({ password: Password }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { name } = await identity.requirePrincipal(request);
      const { password } = request.body;
      const user = await guard.attempt(name, () => accounts.authenticate(name, password));
      await closing.close(user);
      identity.clearTokens(reply);
      return reply.code(204).send(null);
    },
  );
}

function tokenRoutes(app: App, parts: SessionRouteParts): void {
  const { accounts, sessions, guard, limits } = parts;
  const describe = ({ access, refresh }: IssuedTokens) => ({
    tokenType: 'Bearer' as const,
    accessToken: access,
    expiresInSec: parts.accessTtlSec,
    refreshToken: refresh,
  });

  app.post(
    '/auth/token',
    {
      config: {
        isCookieless: true,
        rateLimit: { max: limits.loginsPerMin, timeWindow: 60_000 },
      },
      schema: {
        body: schema.Body({
          login: Type.String({ minLength: 1, maxLength: 254 }),
          password: Password,
        }),
        response: schema.Replies(Tokens),
      },
    },
    async (request) => {
      const { login, password } = request.body;
      const user = await guard.attempt(login, () => accounts.authenticate(login, password));
      return describe(await sessions.open(user, deviceOf(request)));
    },
  );

  app.post(
    '/auth/token/refresh',
    {
      config: { isCookieless: true, rateLimit: { max: 120, timeWindow: 60_000 } },
      schema: {
        body: schema.Body({ refreshToken: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: schema.Replies(Tokens),
      },
    },
    async (request) =>
      describe(await sessions.refresh(request.body.refreshToken, deviceOf(request))),
  );
}

function describeSession(session: RefreshSession, currentId: string) {
  return {
    id: session.id,
    createdAt: session.createdAt.toISOString(),
    lastUsedAt: session.lastUsedAt.toISOString(),
    userAgent: session.userAgent,
    ip: session.ip,
    isCurrent: session.id === currentId,
  };
}
