// Following rooms and being told about it.
import Type from 'typebox';
import type { Notification } from '../../db/entities/notification.js';
import type { FollowService } from '../../social/follow-service.js';
import type { NotificationService } from '../../social/notification-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';

const Notice = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  title: Type.String(),
  link: Type.String(),
  createdAt: Type.String(),
  isRead: Type.Boolean(),
});

const PAGE = 30;

export interface SocialRouteParts {
  readonly identity: Identity;
  readonly follows: FollowService;
  readonly notifications: NotificationService;
}

export function socialRoutes(app: App, { identity, follows, notifications }: SocialRouteParts) {
  const following = {
    params: schema.SlugParams,
    body: schema.NoBody,
    response: schema.Replies(schema.Nothing, 204),
  };
  app.put('/rooms/:slug/follow', { schema: following }, async (request, reply) => {
    const user = await identity.requireUser(request);
    await follows.follow(user.id, request.params.slug);
    return reply.code(204).send(null);
  });
  app.delete('/rooms/:slug/follow', { schema: following }, async (request, reply) => {
    const user = await identity.requireUser(request);
    await follows.unfollow(user.id, request.params.slug);
    return reply.code(204).send(null);
  });

  app.get(
    '/me/following',
    { schema: { response: schema.Replies(Type.Object({ slugs: Type.Array(Type.String()) })) } },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      return { slugs: await follows.slugs(sub) };
    },
  );

  app.get(
    '/me/notifications',
    {
      schema: {
        querystring: Type.Object(
          { cursor: Type.Optional(schema.UserId) },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({
            notifications: Type.Array(Notice),
            unread: Type.Integer(),
            next: Type.Optional(Type.String()),
          }),
        ),
      },
    },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      const { cursor } = request.query;
      const before = cursor === undefined ? {} : { beforeId: cursor };
      const [found, unread] = await Promise.all([
        notifications.list(sub, { limit: PAGE + 1, ...before }),
        notifications.unread(sub),
      ]);
      const last = found.length > PAGE ? found[PAGE - 1] : undefined;
      return {
        notifications: found.slice(0, PAGE).map(describeNotice),
        unread,
        ...(last === undefined ? {} : { next: last.id }),
      };
    },
  );

  app.post(
    '/me/notifications/read',
    {
      schema: {
        body: schema.Body({ upto: schema.UserId }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { sub } = await identity.requirePrincipal(request);
      await notifications.read(sub, request.body.upto);
      return reply.code(204).send(null);
    },
  );
}

function describeNotice({ id, kind, title, link, createdAt, readAt }: Notification) {
  return { id, kind, title, link, createdAt: createdAt.toISOString(), isRead: readAt !== null };
}
