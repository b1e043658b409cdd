// Recordings: what a visitor may see of a room, an address to play one, and the model's care of the
// own ones.
import Type from 'typebox';
import type { FastifyRequest } from 'fastify';
import type { RecordingService, ShownRecording } from '../../rooms/recording-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { siteHost } from '../site-host.js';

const RecordingId = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,60}$',
  'x-hint': 'There is no such recording.',
});
const OwnParams = Type.Object({ id: RecordingId });
const PlayParams = Type.Object({ slug: schema.SlugParams.properties.slug, id: RecordingId });

const Recording = Type.Object({
  id: Type.String(),
  title: Type.String({ description: 'Of its show; empty = not known any more.' }),
  startedAt: Type.String(),
  durationMs: Type.Integer({ description: '0 while it is being recorded.' }),
  bytes: Type.Integer(),
  isReady: Type.Boolean({ description: 'Can be played.' }),
  isShown: Type.Boolean({ description: 'For everybody who may enter the room.' }),
});
const List = Type.Object({ recordings: Type.Array(Recording) });

export interface RecordingRouteParts {
  readonly identity: Identity;
  readonly recordings: RecordingService;
  readonly publicUrl: string;
}

export function recordingRoutes(app: App, parts: RecordingRouteParts): void {
  const { identity, recordings, publicUrl } = parts;
  const ownerOf = async (request: FastifyRequest) => (await identity.requireUser(request)).id;

  app.get(
    '/rooms/:slug/recordings',
    { schema: { params: schema.SlugParams, response: schema.Replies(List) } },
    async (request, reply) => {
      const visitor = await identity.visitor(request, reply);
      const found = await recordings.list(request.params.slug, visitor);
      return { recordings: found.map(describe) };
    },
  );

  app.post(
    '/rooms/:slug/recordings/:id/play',
    {
      config: { rateLimit: { max: 120, timeWindow: 60_000 } },
      schema: {
        params: PlayParams,
        body: schema.NoBody,
        response: schema.Replies(
          Type.Object({
            url: Type.String({ description: 'MP4 with byte ranges, good for hours.' }),
          }),
        ),
      },
    },
    async (request, reply) => {
      const visitor = await identity.visitor(request, reply);
      const host = siteHost(request, publicUrl);
      return { url: await recordings.play({ ...request.params, visitor, siteHost: host }) };
    },
  );

  app.get(
    '/model/recordings',
    {
      schema: {
        response: schema.Replies(
          Type.Object({ isPublic: Type.Boolean(), recordings: Type.Array(Recording) }),
        ),
      },
    },
    async (request) => {
      const own = await recordings.own(await ownerOf(request));
      return { isPublic: own.isPublic, recordings: own.recordings.map(describe) };
    },
  );

  app.patch(
    '/model/recordings',
    {
      schema: {
        body: schema.Body({ isPublic: Type.Boolean() }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      await recordings.setPublic(await ownerOf(request), request.body.isPublic);
      return reply.code(204).send(null);
    },
  );

  app.patch(
    '/model/recordings/:id',
    {
      schema: {
        params: OwnParams,
        body: schema.Body({ isShown: Type.Boolean() }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await recordings.show(await ownerOf(request), id, request.body.isShown);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/model/recordings/:id',
    { schema: { params: OwnParams, response: schema.Replies(schema.Nothing, 204) } },
    async (request, reply) => {
      await recordings.remove(await ownerOf(request), request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function describe({ id, title, startedAtMs, durationMs, bytes, isReady, isShown }: ShownRecording) {
  return {
    ...{ id, title, bytes, isReady, isShown },
    durationMs: Math.round(durationMs),
    startedAt: new Date(startedAtMs).toISOString(),
  };
}
