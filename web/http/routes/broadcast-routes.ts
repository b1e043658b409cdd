// Going on the air: tickets for publishing without the key, the health of the own stream, and the
// schedule of shows to come.
import Type from 'typebox';
import { siteError } from '../../errors.js';
import type { LiveState } from '../../live/live-state.js';
import type { PublishAddress } from '../../models/publish-address.js';
import type { PublishTickets } from '../../models/publish-ticket.js';
import type { RoomService } from '../../models/room-service.js';
import type { ScheduleService } from '../../models/schedule-service.js';
import type { HlsSigner } from '../../rooms/hls-url.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { siteHost } from '../site-host.js';
import { describeSlot, Slot } from './slot-shape.js';

const PublishTicket = Type.Object({
  url: Type.String({ description: 'WebSocket address; sub-protocol showbill.publish.' }),
  token: Type.String({ description: 'First message; for an encoder the key is tk_<token>.' }),
  expiresInSec: Type.Integer(),
});

const Maybe = <S extends Parameters<typeof Type.Union>[0][number]>(shape: S) =>
  Type.Union([shape, Type.Null()]);

const Health = Type.Object({
  isLive: Type.Boolean(),
  startedAt: Maybe(Type.String()),
  viewers: Type.Integer(),
  previewUrl: Maybe(Type.String()),
  video: Maybe(Type.Object({ width: Type.Integer(), height: Type.Integer(), fps: Type.Number() })),
  health: Maybe(
    Type.Object({
      bitrateKbps: Type.Number(),
      fps: Type.Number(),
      keyFrameSec: Type.Number(),
      droppedFrames: Type.Integer(),
    }),
  ),
  notes: Type.Array(Type.String(), { description: 'Why the source is not passed on as it is.' }),
});

const SlotBody = schema.Body({
  startsAt: schema.Moment,
  endsAt: schema.Moment,
  title: schema.Text(1, 80),
});

export interface BroadcastRouteParts {
  readonly identity: Identity;
  readonly rooms: RoomService;
  readonly live: LiveState;
  readonly hls: HlsSigner;
  readonly schedule: ScheduleService;
  readonly publishAddress: PublishAddress;
  readonly publishTickets: PublishTickets;
  readonly publicUrl: string;
}

export function broadcastRoutes(app: App, parts: BroadcastRouteParts): void {
  const { identity, rooms, live, hls, publishAddress, publishTickets, publicUrl } = parts;

  app.post(
    '/model/publish-ticket',
    {
      config: { rateLimit: { max: 60, timeWindow: 60_000 } },
      schema: { body: schema.NoBody, response: schema.Replies(PublishTicket) },
    },
    async (request) => {
      const user = await identity.requireUser(request);
      const room = await rooms.findOwn(user.id);
      const site = { host: siteHost(request, publicUrl), isSecure: request.protocol === 'https' };
      const url = publishAddress.findForBrowser(site);
      if (url === undefined) throw siteError('INGEST_UNAVAILABLE');
      return { url, ...publishTickets.issue(room) };
    },
  );

  app.get('/model/health', { schema: { response: schema.Replies(Health) } }, async (request) => {
    const user = await identity.requireUser(request);
    const room = await rooms.findOwn(user.id);
    const stream = await live.findNow(room.streamId);
    if (stream === undefined) return offline;
    const { startedAtMs, viewers, video, health, notes = [] } = stream;
    return {
      isLive: true,
      startedAt: new Date(startedAtMs).toISOString(),
      viewers,
      previewUrl: hls.preview(stream, siteHost(request, publicUrl)) ?? null,
      video: video ?? null,
      health: health ?? null,
      notes: [...notes],
    };
  });

  scheduleRoutes(app, parts);
}

const offline = {
  ...{ isLive: false, startedAt: null, viewers: 0, previewUrl: null, video: null, health: null },
  notes: [],
};

function scheduleRoutes(app: App, { identity, schedule }: BroadcastRouteParts): void {
  const params = Type.Object({ id: schema.UserId });

  app.get(
    '/model/schedule',
    { schema: { response: schema.Replies(Type.Object({ slots: Type.Array(Slot) })) } },
    async (request) => {
      const user = await identity.requireUser(request);
      return { slots: (await schedule.list(user.id)).map(describeSlot) };
    },
  );

  app.post(
    '/model/schedule',
    { schema: { body: SlotBody, response: schema.Replies(Type.Object({ slot: Slot }), 201) } },
    async (request, reply) => {
      const user = await identity.requireUser(request);
      const slot = await schedule.add(user.id, request.body);
      return reply.code(201).send({ slot: describeSlot(slot) });
    },
  );

  app.put(
    '/model/schedule/:id',
    {
      schema: { params, body: SlotBody, response: schema.Replies(Type.Object({ slot: Slot })) },
    },
    async (request) => {
      const user = await identity.requireUser(request);
      const slot = await schedule.change(user.id, request.params.id, request.body);
      return { slot: describeSlot(slot) };
    },
  );

  app.delete(
    '/model/schedule/:id',
    { schema: { params, body: schema.NoBody, response: schema.Replies(schema.Nothing, 204) } },
    async (request, reply) => {
      const user = await identity.requireUser(request);
      await schedule.remove(user.id, request.params.id);
      return reply.code(204).send(null);
    },
  );
}
