// Looking after the programme: its state, uploads, refresh, options of its rooms; and the log of a
// room's chat for those in charge of the room.
import Type from 'typebox';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../admin/audit.js';
import type { Moderation } from '../../ports.js';
import { readChatLog, renderChatLog } from '../../programme/chat-log.js';
import { DOCUMENT_BYTES_MAX } from '../../programme/import-programme.js';
import type { ProgrammeService } from '../../programme/programme-service.js';
import type { RoomOptions } from '../../programme/programme-store.js';
import type { ModeratorService } from '../../rooms/moderator-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { RoomKey } from './programme-routes.js';

const Faults = Type.Array(
  Type.Object({ field: Type.String(), code: Type.String(), message: Type.String() }),
);
const Time = Type.Union([Type.String(), Type.Null()]);

const Player = Type.Object(
  {
    kind: Type.Enum(['none', 'youtube', 'vimeo', 'frame'], {
      'x-hint': 'Use none, youtube, vimeo or frame.',
    }),
    ref: schema.Text(0, 300),
  },
  { additionalProperties: false },
);

const SourceUrl = Type.String({
  maxLength: 500,
  pattern: '^(https?://[!-~]+)?$',
  'x-hint': 'Use an address that begins with https:// or http://.',
});

const Status = Type.Object({
  source: Type.String({ description: 'Without its query; empty = uploads only.' }),
  isOwnSource: Type.Boolean({ description: 'Set here, not in the settings of the site.' }),
  origin: Type.String({ description: 'Of the one in force: the source, or "upload".' }),
  loadedAt: Time,
  warnings: Faults,
  check: Type.Object({
    state: Type.Enum(['none', 'ok', 'invalid', 'unreachable']),
    origin: Type.String(),
    at: Time,
    problems: Faults,
  }),
  programme: Type.Union([
    Type.Object({
      title: Type.String(),
      version: Type.String(),
      timeZone: Type.String(),
      days: Type.Integer(),
      talks: Type.Integer(),
      rooms: Type.Array(
        Type.Object({
          key: Type.String(),
          name: Type.String(),
          slug: Type.Union([Type.String(), Type.Null()]),
          title: Type.String(),
          logoUrl: Type.String(),
          player: Player,
          hasChat: Type.Boolean(),
        }),
      ),
    }),
    Type.Null(),
  ]),
});

export interface ProgrammeAdminRouteParts {
  readonly identity: Identity;
  readonly programme: ProgrammeService;
  readonly moderators: ModeratorService;
  readonly moderation: Moderation;
}

export function programmeAdminRoutes(app: App, parts: ProgrammeAdminRouteParts): void {
  const { identity, programme } = parts;

  async function actorOf(request: FastifyRequest): Promise<Actor> {
    const { id } = await identity.requireRight(request, 'site');
    return { id, ip: request.ip };
  }

  app.get('/admin/programme', { schema: { response: schema.Replies(Status) } }, async (request) => {
    await identity.requireRight(request, 'site');
    return describeStatus(programme);
  });

  app.put(
    '/admin/programme',
    {
      bodyLimit: DOCUMENT_BYTES_MAX,
      // Before the body is read: nobody else may make the site take megabytes.
      onRequest: async (request) => {
        await identity.requireRight(request, 'site');
      },
      config: { rateLimit: { max: 30, timeWindow: 60_000 } },
      schema: {
        body: Type.Object({}, { additionalProperties: true }),
        response: schema.Replies(Status),
      },
    },
    async (request) => {
      await programme.upload(request.body, await actorOf(request));
      return describeStatus(programme);
    },
  );

  app.delete(
    '/admin/programme',
    { schema: { body: schema.NoBody, response: schema.Replies(schema.Nothing, 204) } },
    async (request, reply) => {
      await programme.remove(await actorOf(request));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/admin/programme/refresh',
    {
      config: { rateLimit: { max: 30, timeWindow: 60_000 } },
      schema: { body: schema.NoBody, response: schema.Replies(Status) },
    },
    async (request) => {
      await identity.requireRight(request, 'site');
      await programme.refresh();
      return describeStatus(programme);
    },
  );

  app.put(
    '/admin/programme/source',
    {
      config: { rateLimit: { max: 30, timeWindow: 60_000 } },
      schema: { body: schema.Body({ url: SourceUrl }), response: schema.Replies(Status) },
    },
    async (request) => {
      const actor = await actorOf(request);
      await programme.setSource(request.body.url, actor);
      return describeStatus(programme);
    },
  );

  app.put(
    '/admin/programme/rooms/:room',
    {
      schema: {
        params: Type.Object({ room: RoomKey }),
        body: schema.Body({
          slug: Type.Optional(Type.Union([schema.SlugParams.properties.slug, Type.Null()])),
          title: Type.Optional(schema.Text(0, 80)),
          logoUrl: Type.Optional(schema.Text(0, 300)),
          player: Type.Optional(Player),
          hasChat: Type.Optional(Type.Boolean()),
        }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const actor = await actorOf(request);
      const { slug = null, title = '', logoUrl = '', hasChat = true } = request.body;
      const { player = { kind: 'none', ref: '' } } = request.body;
      const form = { slug, title, logoUrl, player, hasChat };
      await programme.setRoom(request.params.room, form, actor);
      return reply.code(204).send(null);
    },
  );

  chatLogRoutes(app, parts);
}

async function describeStatus(programme: ProgrammeService) {
  const [status, snapshot] = await Promise.all([programme.status(), programme.find()]);
  const { title, version, timeZone, days, talks, rooms } = snapshot?.programme ?? {};
  return {
    source: status.source,
    isOwnSource: status.sourceUrl !== '',
    origin: status.origin,
    loadedAt: status.loadedAt?.toISOString() ?? null,
    warnings: [...status.warnings],
    check: {
      state: status.checkState,
      origin: status.checkOrigin,
      at: status.checkedAt?.toISOString() ?? null,
      problems: [...status.problems],
    },
    programme:
      title === undefined || version === undefined || timeZone === undefined
        ? null
        : {
            ...{ title, version, timeZone },
            days: days?.length ?? 0,
            talks: talks?.length ?? 0,
            rooms: (rooms ?? []).map(({ key, name }) => ({
              ...{ key, name },
              ...describeOptions(snapshot?.options.get(key)),
            })),
          },
  };
}

function describeOptions(options: RoomOptions | undefined) {
  const { slug = null, title = '', logoUrl = '', hasChat = true } = options ?? {};
  const { playerKind = 'none', playerRef = '' } = options ?? {};
  return { slug, title, logoUrl, player: { kind: playerKind, ref: playerRef }, hasChat };
}

function chatLogRoutes(app: App, parts: ProgrammeAdminRouteParts): void {
  const { identity, moderators, moderation } = parts;
  const params = schema.SlugParams;

  async function read(request: FastifyRequest, slug: string) {
    const user = await identity.requireUser(request);
    const { room } = await moderators.require(slug, user);
    return readChatLog(moderation, room.id);
  }

  const Line = Type.Object({
    at: Type.String(),
    offset: Type.Integer(),
    kind: Type.Enum(['message', 'tip']),
    from: Type.Object({ id: Type.String(), name: Type.String() }),
    text: Type.String(),
    amountMilli: Type.Optional(schema.Milli),
  });
  app.get(
    '/rooms/:slug/chat-log',
    {
      schema: { params, response: schema.Replies(Type.Object({ lines: Type.Array(Line) })) },
    },
    async (request) => ({ lines: await read(request, request.params.slug) }),
  );

  app.get(
    '/rooms/:slug/chat-log.txt',
    { schema: { params, response: schema.TextReplies('text/plain') } },
    async (request, reply) => {
      const { slug } = request.params;
      const text = renderChatLog(await read(request, slug));
      return reply
        .type('text/plain; charset=utf-8')
        .header('content-disposition', `attachment; filename="${slug}-chat.txt"`)
        .serializer(String)
        .send(text);
    },
  );
}
