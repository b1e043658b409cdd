// Activation and password reset over the owner's mailbox. Answers never tell whether an account
// exists.
import Type from 'typebox';
import type { RecoveryService } from '../../accounts/recovery-service.js';
import type { App } from '../app-type.js';
import * as schema from '../schema.js';

const Token = Type.String({ pattern: '^[A-Za-z0-9_-]{22}$', 'x-hint': 'This link is not valid.' });
const Login = Type.String({ minLength: 1, maxLength: 254 });
const Accepted = Type.Object({
  message: Type.String({ description: 'The same whether or not a mail was sent.' }),
});

const PER_ADDRESS = { max: 20, timeWindow: 3_600_000 };
/** A link cannot be guessed (128 bits); behind one address there may be a whole house of guests. */
const LINKS_PER_ADDRESS = { max: 300, timeWindow: 3_600_000 };
const ON_ITS_WAY = 'If there is such an account, a mail is on its way.';

export function recoveryRoutes(app: App, { recovery }: { recovery: RecoveryService }): void {
  app.post(
    '/auth/activate',
    {
      config: { rateLimit: LINKS_PER_ADDRESS },
      schema: {
        body: schema.Body({ token: Token }),
        response: schema.Replies(Type.Object({ username: Type.String() })),
      },
    },
    async (request) => {
      const user = await recovery.activate(request.body.token);
      return { username: user.username };
    },
  );

  app.post(
    '/auth/activation/request',
    {
      config: { rateLimit: PER_ADDRESS },
      schema: { body: schema.Body({ login: Login }), response: schema.Replies(Accepted, 202) },
    },
    async (request, reply) => {
      await recovery.mailActivationTo(request.body.login);
      return reply.code(202).send({ message: ON_ITS_WAY });
    },
  );

  app.post(
    '/auth/reset/request',
    {
      config: { rateLimit: PER_ADDRESS },
      schema: { body: schema.Body({ login: Login }), response: schema.Replies(Accepted, 202) },
    },
    async (request, reply) => {
      await recovery.mailReset(request.body.login);
      return reply.code(202).send({ message: ON_ITS_WAY });
    },
  );

  app.post(
    '/auth/reset',
    {
      config: { rateLimit: PER_ADDRESS },
      schema: {
        body: schema.Body({ token: Token, password: schema.Password }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      await recovery.reset(request.body.token, request.body.password);
      return reply.code(204).send(null);
    },
  );
}
