// Being in a room: entry, video address, leaving, tips.
import Type from 'typebox';
import type { EntryService } from '../../rooms/entry-service.js';
import type { TipService } from '../../rooms/tip-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { siteHost } from '../site-host.js';

const Entry = Type.Object({
  ticket: Type.Optional(
    Type.String({ description: 'Room ticket for the gateway, good for 30 s.' }),
  ),
  channel: Type.String(),
  level: Type.String(),
  isLive: Type.Boolean(),
  streamId: Type.Optional(Type.String()),
  hlsUrl: Type.Optional(Type.String()),
  sessionId: Type.Optional(Type.String()),
  priceMilliPerMin: Type.Optional(schema.Milli),
  ticketMilli: Type.Optional(schema.Milli),
  balance: Type.Optional(schema.Milli),
  grantedUntilMs: Type.Optional(Type.Integer()),
});

export interface RoomRouteParts {
  readonly identity: Identity;
  readonly entry: EntryService;
  readonly tips: TipService;
  readonly publicUrl: string;
}

export function roomRoutes(app: App, parts: RoomRouteParts): void {
  const { identity, entry, tips, publicUrl } = parts;

  app.post(
    '/rooms/:slug/enter',
    {
      config: { rateLimit: { max: 120, timeWindow: 60_000 } },
      schema: {
        params: schema.SlugParams,
        body: schema.Body({
          accept: Type.Optional(Type.Boolean()),
          priceMilliPerMin: Type.Optional(schema.PriceMilli),
          ticketMilli: Type.Optional(schema.PriceMilli),
          key: Type.Optional(schema.CommandKey),
        }),
        response: schema.Replies(Entry),
      },
    },
    async (request, reply) => {
      const { accept = false, ...rest } = request.body;
      return entry.enter({
        slug: request.params.slug,
        visitor: await identity.visitor(request, reply),
        siteHost: siteHost(request, publicUrl),
        accept,
        ...rest,
      });
    },
  );

  app.post(
    '/rooms/:slug/hls',
    {
      schema: {
        params: schema.SlugParams,
        body: schema.Body({ sessionId: Type.Optional(schema.SessionId) }),
        response: schema.Replies(Type.Object({ hlsUrl: Type.String(), streamId: Type.String() })),
      },
    },
    async (request, reply) =>
      entry.renewHls({
        slug: request.params.slug,
        visitor: await identity.visitor(request, reply),
        siteHost: siteHost(request, publicUrl),
        ...request.body,
      }),
  );

  app.post(
    '/rooms/:slug/leave',
    {
      schema: {
        params: schema.SlugParams,
        body: schema.Body({ sessionId: Type.Optional(schema.SessionId) }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const visitor = await identity.visitor(request, reply);
      await entry.leave({ slug: request.params.slug, visitor, ...request.body });
      return reply.code(204).send(null);
    },
  );

  tipRoute(app, { identity, tips });
}

function tipRoute(app: App, { identity, tips }: Pick<RoomRouteParts, 'identity' | 'tips'>): void {
  app.post(
    '/rooms/:slug/tips',
    {
      config: { rateLimit: { max: 120, timeWindow: 60_000 } },
      schema: {
        params: schema.SlugParams,
        body: schema.Body({
          key: schema.CommandKey,
          amountMilli: schema.AmountMilli,
          text: Type.Optional(schema.Text(0, 200)),
          note: Type.Optional(schema.Text(0, 500)),
        }),
        response: schema.Replies(
          Type.Object({ tipId: Type.String(), balance: schema.Milli, duplicate: Type.Boolean() }),
        ),
      },
    },
    async (request) => {
      const from = await identity.requireUser(request);
      const receipt = await tips.tip({ slug: request.params.slug, from, ...request.body });
      return {
        tipId: receipt.tipId,
        balance: String(receipt.balance),
        duplicate: receipt.isDuplicate,
      };
    },
  );
}
