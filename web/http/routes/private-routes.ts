// Private shows: asking for one, and the model's answer.
import Type from 'typebox';
import type { PrivateRequest } from '../../db/entities/private-request.js';
import type { RoomService } from '../../models/room-service.js';
import type { PrivateService } from '../../rooms/private-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { describeOwnRoom, OwnRoom } from './own-room-shape.js';

const Request = Type.Object({
  id: Type.String(),
  viewerId: Type.String(),
  note: Type.String(),
  priceMilliPerMin: schema.Milli,
  minimumSec: Type.Integer(),
  graceSec: Type.Integer(),
  state: Type.Enum(['open', 'accepted', 'refused', 'cancelled', 'expired', 'ended']),
  reason: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String(),
  expiresAt: Type.String(),
});
const Asked = Type.Object({ ...Request.properties, username: Type.String() });

export interface PrivateRouteParts {
  readonly identity: Identity;
  readonly rooms: RoomService;
  readonly privates: PrivateService;
}

export function privateRoutes(app: App, parts: PrivateRouteParts): void {
  const { identity, privates } = parts;
  const path = '/rooms/:slug/private-request';

  app.post(
    path,
    {
      config: { rateLimit: { max: 30, timeWindow: 60_000 } },
      schema: {
        params: schema.SlugParams,
        body: schema.Body({ note: Type.Optional(schema.Text(0, 200)) }),
        response: schema.Replies(Type.Object({ request: Request }), 201),
      },
    },
    async (request, reply) => {
      const viewer = await identity.requireUser(request);
      const made = await privates.ask(request.params.slug, viewer, request.body.note ?? '');
      return reply.code(201).send({ request: describe(made) });
    },
  );

  app.get(
    path,
    {
      schema: {
        params: schema.SlugParams,
        response: schema.Replies(Type.Object({ request: Request })),
      },
    },
    async (request) => {
      const { sub } = await identity.requirePrincipal(request);
      return { request: describe(await privates.mine(request.params.slug, sub)) };
    },
  );

  app.delete(
    path,
    {
      schema: {
        params: schema.SlugParams,
        body: schema.NoBody,
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id } = await identity.requireUser(request);
      await privates.cancel(request.params.slug, id);
      return reply.code(204).send(null);
    },
  );

  answerRoutes(app, parts);
}

function answerRoutes(app: App, { identity, rooms, privates }: PrivateRouteParts): void {
  const params = Type.Object({ id: schema.UserId });
  const Room = schema.Replies(Type.Object({ room: OwnRoom }));

  app.get(
    '/model/private-requests',
    { schema: { response: schema.Replies(Type.Object({ requests: Type.Array(Asked) })) } },
    async (request) => {
      const { id } = await identity.requireUser(request);
      const found = await privates.waiting(id);
      return { requests: found.map((one) => ({ ...describe(one), username: one.username })) };
    },
  );

  app.post(
    '/model/private-requests/:id/accept',
    { schema: { params, body: schema.NoBody, response: Room } },
    async (request) => {
      const { id } = await identity.requireUser(request);
      const room = await privates.accept(id, request.params.id);
      return { room: describeOwnRoom(room, await rooms.tags(room.id)) };
    },
  );

  app.post(
    '/model/private-requests/:id/refuse',
    {
      schema: {
        params,
        body: schema.Body({ reason: Type.Optional(schema.Text(0, 200)) }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id } = await identity.requireUser(request);
      const { reason = 'Not now.' } = request.body;
      await privates.refuse(id, request.params.id, reason);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/model/private/end',
    { schema: { body: schema.NoBody, response: Room } },
    async (request) => {
      const { id } = await identity.requireUser(request);
      const room = await privates.end(id);
      return { room: describeOwnRoom(room, await rooms.tags(room.id)) };
    },
  );
}

function describe(one: PrivateRequest) {
  const { id, viewerId, note, minimumSec, graceSec, state, reason } = one;
  return {
    ...{ id, viewerId, note, minimumSec, graceSec, state, reason },
    priceMilliPerMin: one.priceMilli,
    createdAt: one.createdAt.toISOString(),
    expiresAt: one.expiresAt.toISOString(),
  };
}
