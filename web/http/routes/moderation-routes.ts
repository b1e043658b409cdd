// Looking after a room from outside its chat: moderators, the held queue, settings, acts, the audit
// record, and reports of what should not be.
import Type from 'typebox';
import type { FastifyRequest } from 'fastify';
import { REPORT_REASONS } from '../../db/entities/report.js';
import { siteError } from '../../errors.js';
import type { Moderation } from '../../ports.js';
import { commandKey } from '../../rooms/command-key.js';
import type { ModeratorService } from '../../rooms/moderator-service.js';
import type { ListedReport, ReportService } from '../../rooms/report-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';

const ACTIONS = [
  ...(['ban', 'unban', 'mute', 'unmute', 'shadow', 'unshadow', 'delete', 'clear-user'] as const),
  ...(['clear-room', 'settings', 'pin', 'unpin', 'approve', 'deny', 'goal'] as const),
];
const Open = Type.Object({}, { additionalProperties: true });
const Reason = schema.Text(0, 200);
const CHAT_USER_ID = '([1-9][0-9]{0,18}|anon:[A-Za-z0-9_-]{22})';
const CHAT_USER = `^${CHAT_USER_ID}$`;
/** As the gateways name a message that waits: a number and its sender. */
const HELD = `^[0-9]{1,19}\\.${CHAT_USER_ID}$`;

const Moderator = Type.Object({
  id: Type.String(),
  username: Type.String(),
  addedAt: Type.String(),
});

const Ban = Type.Object({
  user: Type.String(),
  name: Type.Optional(Type.String({ description: 'When the user was in the room.' })),
  kind: Type.Enum(['ban', 'mute', 'shadow']),
  untilMs: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Unix ms; null = until somebody lifts it.',
  }),
  sinceMs: Type.Integer(),
  reason: Type.Optional(Type.String()),
  by: Type.Optional(Type.String({ description: 'Name of the moderator.' })),
});

export const ReportShape = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  reporter: Type.String(),
  subject: Type.Enum(['message', 'room']),
  mid: Type.String({ description: 'Of the message; empty for a room.' }),
  author: Type.String(),
  text: Type.String(),
  reason: Type.String(),
  note: Type.String(),
  state: Type.Enum(['open', 'resolved', 'dismissed']),
  resolution: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String(),
});
export const ReportPage = Type.Object({
  reports: Type.Array(ReportShape),
  next: Type.Optional(Type.String()),
});
export const ReportQuery = Type.Object(
  {
    state: Type.Optional(Type.Enum(['open', 'resolved', 'dismissed'])),
    cursor: Type.Optional(schema.UserId),
  },
  { additionalProperties: false },
);
export const Verdict = Type.Enum(['resolve', 'dismiss'], { 'x-hint': 'Use resolve or dismiss.' });

export interface ModerationRouteParts {
  readonly identity: Identity;
  readonly moderators: ModeratorService;
  readonly moderation: Moderation;
  readonly reports: ReportService;
}

export function moderationRoutes(app: App, parts: ModerationRouteParts): void {
  deskRoutes(app, parts);
  moderatorRoutes(app, parts);
  reportRoutes(app, parts);
}

function deskRoutes(app: App, parts: ModerationRouteParts): void {
  const { identity, moderators, moderation } = parts;
  const params = schema.SlugParams;
  const Desk = Type.Object({ role: Type.String(), settings: Open, held: Type.Array(Open) });

  app.get(
    '/rooms/:slug/moderation',
    { schema: { params, response: schema.Replies(Desk) } },
    async (request) => {
      const user = await identity.requireUser(request);
      const { room, role } = await moderators.require(request.params.slug, user);
      const [settings, held] = await Promise.all([
        moderation.settings(room.id),
        moderation.held(room.id),
      ]);
      return { role, settings: { ...settings }, held: [...held] };
    },
  );

  app.get(
    '/rooms/:slug/moderation/bans',
    {
      schema: {
        params,
        querystring: Type.Object(
          { cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })) },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({ bans: Type.Array(Ban), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      const user = await identity.requireUser(request);
      const { room } = await moderators.require(request.params.slug, user);
      const { cursor } = request.query;
      const before = cursor === undefined ? {} : { before: Number(cursor) };
      const { items, next } = await moderation.bans(room.id, { limit: 50, ...before });
      return { bans: [...items], ...(next === undefined ? {} : { next: String(next) }) };
    },
  );

  app.get(
    '/rooms/:slug/moderation/audit',
    {
      schema: {
        params,
        querystring: schema.RowCursor,
        response: schema.Replies(
          Type.Object({ records: Type.Array(Open), next: Type.Optional(Type.String()) }),
        ),
      },
    },
    async (request) => {
      const user = await identity.requireUser(request);
      const { room } = await moderators.require(request.params.slug, user);
      const { cursor } = request.query;
      const before = cursor === undefined ? {} : { before: Number(cursor) };
      const records = await moderation.audit(room.id, { limit: 50, ...before });
      const last = records.length === 50 ? records.at(-1) : undefined;
      return {
        records: [...records],
        ...(last === undefined ? {} : { next: String(last.id) }),
      };
    },
  );

  app.post(
    '/rooms/:slug/moderation/acts',
    {
      config: { rateLimit: { max: 240, timeWindow: 60_000 } },
      schema: {
        params,
        body: schema.Body({
          key: schema.CommandKey,
          action: Type.Enum([...ACTIONS], { 'x-hint': `Use ${ACTIONS.join(', ')}.` }),
          user: Type.Optional(Type.String({ pattern: CHAT_USER })),
          offset: Type.Optional(Type.Integer({ minimum: 1 })),
          held: Type.Optional(Type.String({ pattern: HELD })),
          seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
          reason: Type.Optional(Reason),
          settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        }),
        response: schema.Replies(Type.Object({ done: Type.Boolean() })),
      },
    },
    async (request) => {
      const user = await identity.requireUser(request);
      const { room, role } = await moderators.require(request.params.slug, user);
      const { key, ...act } = request.body;
      const by = { id: user.id, name: user.username, role };
      // A mid is short; the key of the client stays its own.
      const mid = commandKey('moderate', user.id, key).slice(0, 22);
      await moderation.moderate(room.id, { ...act, by, mid });
      return { done: true };
    },
  );
}

function moderatorRoutes(app: App, { identity, moderators }: ModerationRouteParts): void {
  /** Moderators are appointed by the model and by admins, not by each other. */
  async function requireOwner(request: FastifyRequest, slug: string) {
    const user = await identity.requireUser(request);
    const { room, role } = await moderators.require(slug, user);
    if (role === 'moderator') throw siteError('FORBIDDEN');
    return room;
  }

  app.get(
    '/rooms/:slug/moderators',
    {
      schema: {
        params: schema.SlugParams,
        response: schema.Replies(Type.Object({ moderators: Type.Array(Moderator) })),
      },
    },
    async (request) => {
      const user = await identity.requireUser(request);
      const { room } = await moderators.require(request.params.slug, user);
      const found = await moderators.list(room.id);
      return {
        moderators: found.map((one) => ({ ...one, addedAt: one.addedAt.toISOString() })),
      };
    },
  );

  app.post(
    '/rooms/:slug/moderators',
    {
      schema: {
        params: schema.SlugParams,
        body: schema.Body({ username: schema.Username }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const room = await requireOwner(request, request.params.slug);
      await moderators.add(room, request.body.username);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/rooms/:slug/moderators/:id',
    {
      schema: {
        params: Type.Object({ ...schema.SlugParams.properties, id: schema.UserId }),
        body: schema.NoBody,
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const room = await requireOwner(request, request.params.slug);
      await moderators.remove(room, request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function reportRoutes(app: App, { identity, moderators, reports }: ModerationRouteParts): void {
  app.post(
    '/rooms/:slug/reports',
    {
      config: { rateLimit: { max: 30, timeWindow: 3_600_000 } },
      schema: {
        params: schema.SlugParams,
        body: schema.Body({
          mid: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,64}$' })),
          author: Type.Optional(schema.Text(0, 64)),
          text: Type.Optional(schema.Text(0, 500)),
          reason: Type.Enum([...REPORT_REASONS], { 'x-hint': `Use ${REPORT_REASONS.join(', ')}.` }),
          note: Type.Optional(schema.Text(0, 500)),
        }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id } = await identity.requireUser(request);
      await reports.report(request.params.slug, id, request.body);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/rooms/:slug/moderation/reports',
    {
      schema: {
        params: schema.SlugParams,
        querystring: ReportQuery,
        response: schema.Replies(ReportPage),
      },
    },
    async (request) => {
      const user = await identity.requireUser(request);
      const { room } = await moderators.require(request.params.slug, user);
      const { state = 'open', cursor: afterId = '0' } = request.query;
      return reportPage(await reports.list({ state, afterId, roomId: room.id, limit: 51 }));
    },
  );

  app.post(
    '/rooms/:slug/moderation/reports/:id/:verdict',
    {
      schema: {
        params: Type.Object({
          ...schema.SlugParams.properties,
          id: schema.UserId,
          verdict: Verdict,
        }),
        body: schema.Body({ resolution: schema.Text(1, 200) }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const user = await identity.requireUser(request);
      const { room } = await moderators.require(request.params.slug, user);
      const { id, verdict } = request.params;
      const state = verdict === 'resolve' ? 'resolved' : 'dismissed';
      const actor = { id: user.id, ip: request.ip };
      await reports.close(id, { state, actor, ...request.body }, room.id);
      return reply.code(204).send(null);
    },
  );
}

/** @param found one more than a page has, if there is more */
export function reportPage(found: readonly ListedReport[]) {
  const last = found.length > 50 ? found[49] : undefined;
  const reports = found.slice(0, 50).map((one) => {
    const { id, slug, reporter, subject, subjectRef: mid, author, text, reason, note } = one;
    const { state, resolution, createdAt } = one;
    return {
      ...{ id, slug, reporter, subject, mid, author, text, reason, note, state, resolution },
      createdAt: createdAt.toISOString(),
    };
  });
  return { reports, ...(last === undefined ? {} : { next: last.id }) };
}
