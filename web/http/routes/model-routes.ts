// A model's desk: application, room, publish address, stream key, earnings.
import Type from 'typebox';
import type { FastifyRequest } from 'fastify';
import type { ModelProfile } from '../../db/entities/model-profile.js';
import type { LiveState } from '../../live/live-state.js';
import type { ApplicationService } from '../../models/application-service.js';
import type { PublishAddress } from '../../models/publish-address.js';
import type { RoomService } from '../../models/room-service.js';
import type { Billing } from '../../ports.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { siteHost } from '../site-host.js';
import { describeOwnRoom, OwnRoom, RoomChangesShape } from './own-room-shape.js';

const DisplayName = Type.String({
  pattern: '^[A-Za-z0-9](?:[A-Za-z0-9 ]{1,28}[A-Za-z0-9])$',
  'x-hint': 'Use 3 to 30 letters, digits and spaces.',
});

const Profile = Type.Object({
  state: Type.Enum(['pending', 'approved', 'declined']),
  displayName: Type.String(),
  about: Type.String(),
  reason: Type.Union([Type.String(), Type.Null()]),
});

const Desk = Type.Object({
  profile: Profile,
  room: OwnRoom,
  publishUrl: Type.Union([Type.String(), Type.Null()], {
    description: 'Address for OBS; null while no ingest node is up.',
  }),
  keyMasked: Type.Union([Type.String(), Type.Null()]),
  isLive: Type.Boolean(),
  earnings: Type.Union([Type.Object({ pending: schema.Milli, total: schema.Milli }), Type.Null()]),
  unavailable: Type.Optional(Type.Array(Type.Enum(['billing']))),
});

export interface ModelRouteParts {
  readonly identity: Identity;
  readonly applications: ApplicationService;
  readonly rooms: RoomService;
  readonly live: LiveState;
  readonly billing: Billing;
  readonly publishAddress: PublishAddress;
  readonly publicUrl: string;
}

export function modelRoutes(app: App, parts: ModelRouteParts): void {
  const { identity, applications, rooms, live, publishAddress, publicUrl } = parts;

  app.get('/model', { schema: { response: schema.Replies(Desk) } }, async (request) => {
    const user = await identity.requireUser(request);
    const room = await rooms.findOwn(user.id);
    const [profile, tags, earnings] = await Promise.all([
      applications.find(user.id),
      rooms.tags(room.id),
      parts.billing.earnings(user.id).catch(() => undefined),
    ]);
    return {
      profile: describeProfile(profile),
      room: describeOwnRoom(room, tags),
      publishUrl: publishAddress.find(siteHost(request, publicUrl)) ?? null,
      keyMasked: room.keyMask,
      isLive: live.find(room.streamId) !== undefined,
      ...(earnings === undefined
        ? { earnings: null, unavailable: ['billing' as const] }
        : { earnings: { pending: String(earnings.pending), total: String(earnings.total) } }),
    };
  });

  app.post(
    '/model/apply',
    {
      config: { rateLimit: { max: 20, timeWindow: 3_600_000 } },
      schema: {
        body: schema.Body({
          displayName: Type.Optional(DisplayName),
          about: Type.Optional(schema.Text(0, 1_000)),
        }),
        response: schema.Replies(Type.Object({ model: Profile }), 201),
      },
    },
    async (request, reply) => {
      const user = await identity.requireUser(request);
      const { displayName = user.username, about = '' } = request.body;
      const profile = await applications.apply(user, { displayName, about });
      return reply.code(201).send({ model: describeProfile(profile) });
    },
  );

  app.post(
    '/model/key/regenerate',
    {
      config: { rateLimit: { max: 30, timeWindow: 3_600_000 } },
      schema: {
        body: schema.NoBody,
        response: schema.Replies(
          Type.Object({
            key: Type.String({ description: 'Shown this once.' }),
            keyMasked: Type.String(),
          }),
        ),
      },
    },
    async (request, reply) => {
      const key = await rooms.regenerateKey(await requireModel(request));
      void reply.header('cache-control', 'no-store');
      return { key: key.clear, keyMasked: key.mask };
    },
  );

  app.patch(
    '/model/room',
    {
      schema: {
        body: RoomChangesShape,
        response: schema.Replies(Type.Object({ room: OwnRoom })),
      },
    },
    async (request) => {
      const room = await rooms.change(await requireModel(request), request.body);
      return { room: describeOwnRoom(room, await rooms.tags(room.id)) };
    },
  );

  app.patch(
    '/model/profile',
    {
      schema: {
        body: Type.Object(
          {
            displayName: Type.Optional(DisplayName),
            about: Type.Optional(schema.Text(0, 1_000)),
          },
          { additionalProperties: false, minProperties: 1 },
        ),
        response: schema.Replies(Type.Object({ profile: Profile })),
      },
    },
    async (request) => {
      const userId = await requireModel(request);
      return { profile: describeProfile(await applications.describe(userId, request.body)) };
    },
  );

  async function requireModel(request: FastifyRequest): Promise<string> {
    const user = await identity.requireUser(request);
    return user.id;
  }
}

function describeProfile(profile: ModelProfile | undefined) {
  return {
    state: profile?.state ?? 'approved',
    displayName: profile?.displayName ?? '',
    about: profile?.about ?? '',
    reason: profile?.reason ?? null,
  };
}
