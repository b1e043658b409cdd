// Sign-up, log-in, refresh, log-out, who am I.
import Type from 'typebox';
import type { LoginGuard } from '../../accounts/login-guard.js';
import type { AccountService } from '../../accounts/account-service.js';
import { RIGHTS, rightsOf } from '../../admin/rights.js';
import { accessRole } from '../../accounts/principal.js';
import type { RecoveryService } from '../../accounts/recovery-service.js';
import type { SessionService } from '../../accounts/session-service.js';
import type { User } from '../../db/entities/user.js';
import { siteError } from '../../errors.js';
import type { ApplicationService } from '../../models/application-service.js';
import type { Billing } from '../../ports.js';
import type { App } from '../app-type.js';
import { deviceOf } from '../device.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { sameSitePath } from '../site-host.js';

const PublicUser = Type.Object({
  id: Type.String(),
  username: Type.String(),
  role: Type.Enum(['viewer', 'model', 'admin']),
  rights: Type.Array(Type.Enum([...RIGHTS]), {
    description: 'What the account may do as staff; empty for everybody else.',
  }),
});

const SignedIn = Type.Object({
  user: PublicUser,
  next: Type.String({ description: 'Path on this site to go to.' }),
});

const Me = Type.Object({
  user: PublicUser,
  avatarUrl: schema.AvatarUrl,
  isAvatarPending: Type.Boolean({ description: 'A new picture is being resized.' }),
  balance: Type.Union([schema.Milli, Type.Null()], {
    description: 'Milli-credits that can be spent now; null while billing is away.',
  }),
  held: Type.Optional(schema.Milli),
  version: Type.Optional(Type.Integer()),
  model: Type.Optional(
    Type.Object({ state: Type.String(), reason: Type.Union([Type.String(), Type.Null()]) }),
  ),
  unavailable: Type.Optional(Type.Array(Type.Enum(['billing']))),
});

export interface AccountRouteParts {
  readonly identity: Identity;
  readonly accounts: AccountService;
  readonly sessions: SessionService;
  readonly recovery: RecoveryService;
  readonly guard: LoginGuard;
  readonly applications: ApplicationService;
  readonly billing: Billing;
  readonly limits: { readonly loginsPerMin: number; readonly signUpsPerHour: number };
}

export function accountRoutes(app: App, parts: AccountRouteParts): void {
  const { identity, accounts, sessions, guard, limits } = parts;

  app.post(
    '/auth/signup',
    {
      config: { rateLimit: { max: limits.signUpsPerHour, timeWindow: 3_600_000 } },
      schema: {
        body: schema.Body({
          username: schema.Username,
          email: schema.Email,
          password: schema.Password,
        }),
        response: schema.Replies(
          Type.Object({
            user: PublicUser,
            activation: Type.Enum(['done', 'mailed'], {
              description: 'mailed: the account works after the link in the mail was followed.',
            }),
          }),
          201,
        ),
      },
    },
    async (request, reply) => {
      const user = await accounts.signUp(request.body);
      await parts.recovery.mailActivation(user);
      const isActive = user.status === 'active';
      if (isActive) identity.setTokens(reply, await sessions.open(user, deviceOf(request)));
      return reply
        .code(201)
        .send({ user: publicUser(user), activation: isActive ? 'done' : 'mailed' });
    },
  );

  app.post(
    '/auth/login',
    {
      config: { rateLimit: { max: limits.loginsPerMin, timeWindow: 60_000 } },
      schema: {
        body: schema.Body({
          login: Type.String({ minLength: 1, maxLength: 254 }),
          password: Type.String({ minLength: 1, maxLength: 128 }),
          next: Type.Optional(Type.String({ maxLength: 500 })),
        }),
        response: schema.Replies(SignedIn),
      },
    },
    async (request, reply) => {
      const { login, password, next } = request.body;
      const user = await guard.attempt(login, () => accounts.authenticate(login, password));
      identity.setTokens(reply, await sessions.open(user, deviceOf(request)));
      return { user: publicUser(user), next: sameSitePath(next, '/') };
    },
  );

  app.post(
    '/auth/refresh',
    {
      config: { rateLimit: { max: 120, timeWindow: 60_000 } },
      schema: { body: schema.NoBody, response: schema.Replies(Type.Object({ user: PublicUser })) },
    },
    async (request, reply) => {
      const token = identity.refreshToken(request);
      if (token === undefined) throw siteError('UNAUTHENTICATED');
      try {
        const issued = await sessions.refresh(token, deviceOf(request));
        identity.setTokens(reply, issued);
        return { user: publicUser(issued.user) };
      } catch (thrown) {
        if (isSessionOver(thrown)) identity.clearTokens(reply);
        throw thrown;
      }
    },
  );

  app.post(
    '/auth/logout',
    { schema: { body: schema.NoBody, response: schema.Replies(schema.Nothing, 204) } },
    async (request, reply) => {
      const principal = await identity.principal(request);
      // Cookies go whatever happens: a browser that asks to be logged out is.
      identity.clearTokens(reply);
      if (principal !== undefined) {
        await sessions.end(principal.sid, { userId: principal.sub, reason: 'logout' });
      }
      return reply.code(204).send(null);
    },
  );

  app.get('/me', { schema: { response: schema.Replies(Me) } }, async (request) => {
    const user = await identity.requireUser(request);
    return describeMe(parts, user);
  });
}

async function describeMe({ applications, billing }: AccountRouteParts, user: User) {
  const [profile, wallet] = await Promise.all([
    applications.find(user.id),
    billing.wallet(user.id).catch(() => undefined),
  ]);
  return {
    user: publicUser(user),
    avatarUrl: schema.avatarUrl(user.avatarId),
    isAvatarPending: user.avatarUpload !== null,
    ...(wallet === undefined
      ? { balance: null, unavailable: ['billing' as const] }
      : {
          balance: String(wallet.balance - wallet.held),
          held: String(wallet.held),
          version: wallet.version,
        }),
    ...(profile === undefined ? {} : { model: { state: profile.state, reason: profile.reason } }),
  };
}

function publicUser(user: User) {
  return { id: user.id, username: user.username, role: accessRole(user), rights: rightsOf(user) };
}

function isSessionOver(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return code === 'SESSION_ENDED' || code === 'SESSION_REUSED';
}
