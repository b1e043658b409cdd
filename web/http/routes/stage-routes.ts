// Staff on running shows: end one, move its viewers, and the queue of reports of the whole site.
import Type from 'typebox';
import type { StageService } from '../../admin/stage-service.js';
import type { ReportService } from '../../rooms/report-service.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';
import { reportPage, ReportPage, ReportQuery, Verdict } from './moderation-routes.js';

export interface StageRouteParts {
  readonly identity: Identity;
  readonly stage: StageService;
  readonly reports: ReportService;
}

export function stageRoutes(app: App, { identity, stage, reports }: StageRouteParts): void {
  app.post(
    '/admin/rooms/:slug/end',
    {
      schema: {
        params: schema.SlugParams,
        body: schema.Body({ reason: schema.Text(1, 200) }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id } = await identity.requireRight(request, 'stage');
      await stage.end(request.params.slug, request.body.reason, { id, ip: request.ip });
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/admin/rooms/:slug/redirect',
    {
      schema: {
        params: schema.SlugParams,
        body: schema.Body({ to: schema.SlugParams.properties.slug }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id } = await identity.requireRight(request, 'stage');
      await stage.redirect(request.params.slug, request.body.to, { id, ip: request.ip });
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/admin/reports',
    { schema: { querystring: ReportQuery, response: schema.Replies(ReportPage) } },
    async (request) => {
      await identity.requireRight(request, 'reports');
      const { state = 'open', cursor: afterId = '0' } = request.query;
      return reportPage(await reports.list({ state, afterId, limit: 51 }));
    },
  );

  app.post(
    '/admin/reports/:id/:verdict',
    {
      schema: {
        params: Type.Object({ id: schema.UserId, verdict: Verdict }),
        body: schema.Body({ resolution: schema.Text(1, 200) }),
        response: schema.Replies(schema.Nothing, 204),
      },
    },
    async (request, reply) => {
      const { id: actorId } = await identity.requireRight(request, 'reports');
      const { id, verdict } = request.params;
      const state = verdict === 'resolve' ? 'resolved' : 'dismissed';
      const actor = { id: actorId, ip: request.ip };
      await reports.close(id, { state, actor, ...request.body });
      return reply.code(204).send(null);
    },
  );
}
