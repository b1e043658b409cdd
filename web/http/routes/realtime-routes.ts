// The ticket with which a browser joins the realtime gateways.
import Type from 'typebox';
import type { ConnectService } from '../../realtime/connect-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { siteHost } from '../site-host.js';

const Ticket = Type.Object({
  token: Type.String(),
  urls: Type.Array(Type.String()),
  sockjsUrls: Type.Array(Type.String()),
  userId: Type.String(),
  name: Type.String(),
  role: Type.Enum(['anon', 'viewer', 'model', 'moderator', 'admin']),
});

const TicketRequest = schema.Body({
  room: Type.Optional(
    Type.String({
      maxLength: 30,
      description: 'Slug of the room that is being opened; the best gateways for it come first.',
    }),
  ),
});

export interface RealtimeRouteParts {
  readonly identity: Identity;
  readonly connect: ConnectService;
  readonly publicUrl: string;
}

export function realtimeRoutes(app: App, parts: RealtimeRouteParts): void {
  const { identity, connect, publicUrl } = parts;
  app.post(
    '/realtime/ticket',
    {
      config: { rateLimit: { max: 240, timeWindow: 60_000 } },
      schema: { body: TicketRequest, response: schema.Replies(Ticket) },
    },
    async (request, reply) => {
      const visitor = await identity.visitor(request, reply);
      const site = { host: siteHost(request, publicUrl), isSecure: request.protocol === 'https' };
      return connect.ticket(visitor, { site, slug: request.body.room });
    },
  );
}
