// Puts the site together: plug-ins, hooks and routes over the services that main.ts made. Used by
// main.ts and by tests; it opens no connection of its own.
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyBaseLogger, type FastifyServerOptions, LogController } from 'fastify';
import type { Clock, Logger } from '../../cluster/index.js';
import { siteError } from '../errors.js';
import type { Site } from '../site.js';
import type { App } from './app-type.js';
import { installDocumentation } from './documentation.js';
import { createHitStore } from './hit-store.js';
import { installPages } from './pages.js';
import { installProblems, sendProblem } from './problem.js';
import { accountRoutes } from './routes/account-routes.js';
import { adminRoutes } from './routes/admin-routes.js';
import { avatarRoutes } from './routes/avatar-routes.js';
import { broadcastRoutes } from './routes/broadcast-routes.js';
import { creditRoutes } from './routes/credit-routes.js';
import { earningsRoutes } from './routes/earnings-routes.js';
import { financeRoutes } from './routes/finance-routes.js';
import { moderationRoutes } from './routes/moderation-routes.js';
import { modelRoutes } from './routes/model-routes.js';
import { paymentRoutes } from './routes/payment-routes.js';
import { programmeAdminRoutes } from './routes/programme-admin-routes.js';
import { programmeRoutes } from './routes/programme-routes.js';
import { privateRoutes } from './routes/private-routes.js';
import { recoveryRoutes } from './routes/recovery-routes.js';
import { sessionRoutes } from './routes/session-routes.js';
import { realtimeRoutes } from './routes/realtime-routes.js';
import { socialRoutes } from './routes/social-routes.js';
import { stageRoutes } from './routes/stage-routes.js';
import { userAdminRoutes } from './routes/user-admin-routes.js';
import { recordingRoutes } from './routes/recording-routes.js';
import { roomListRoutes } from './routes/room-list-routes.js';
import { roomRoutes } from './routes/room-routes.js';
import { siteRoutes, type Branding } from './routes/site-routes.js';
import { refundRoutes } from './routes/refund-routes.js';
import { walletRoutes } from './routes/wallet-routes.js';
import { installSecurity, type SecuritySettings } from './security.js';

/** Longest request body; forms here are small. */
const BODY_BYTES_MAX = 32_768;

export interface AppSettings extends SecuritySettings {
  readonly trustedProxies: readonly string[];
  readonly accessTtlSec: number;
  /** Origins whose scripts may call the API with bearer tokens. */
  readonly allowedOrigins: readonly string[];
  /** Whether admins may read the mails, because no mail server sends them. */
  readonly hasMailbox: boolean;
  readonly payments: 'none' | 'sandbox' | 'stripe';
  readonly branding: Branding;
  /** Directory of the built pages. */
  readonly publicDir: string;
  readonly limits: { readonly loginsPerMin: number; readonly signUpsPerHour: number };
}

export async function buildApp(parts: {
  site: Site;
  settings: AppSettings;
  clock: Clock;
  log: Logger;
  /** Told about every answer, for metrics. */
  onAnswer: (answer: { route: string; status: number; seconds: number }) => void;
  /** Told about every route that is served, such as `GET /api/v1/rooms/:slug`. */
  onRoute?: (route: string) => void;
}): Promise<App> {
  const { site, settings, clock, log, onAnswer, onRoute } = parts;
  const app: App = Fastify(serverOptions(settings, log));
  app.addHook('onRoute', ({ method, url }) => onRoute?.(`${String(method)} ${url}`));
  installProblems(app);
  await app.register(cookie);
  await app.register(cors, {
    origin: [...settings.allowedOrigins],
    credentials: false,
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE'],
    maxAge: 600,
  });
  await app.register(rateLimit, {
    global: false,
    store: createHitStore({ hits: site.ports.hits, clock }),
  });
  await installSecurity(app, { fleet: site.ports.fleet, settings });
  app.removeContentTypeParser('text/plain');
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    onAnswer({ route, status: reply.statusCode, seconds: reply.elapsedTime / 1_000 });
    done();
  });
  await installDocumentation(app);
  await app.register(
    (api, _options, done) => {
      installApi(api, site, settings);
      done();
    },
    { prefix: '/api/v1' },
  );
  await installPages(app, settings.publicDir);
  return app;
}

function installApi(api: App, site: Site, settings: AppSettings): void {
  const { identity } = site;
  api.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store');
    await identity.refuseForeign(request);
  });
  api.addHook('preValidation', (request, _reply, done) => {
    // Requests that say everything by their address may come without a body.
    if (request.method !== 'GET' && (request.body === undefined || request.body === null)) {
      request.body = {};
    }
    done();
  });
  const { billing, finance } = site.ports;
  const shared = { ...site, billing, publicUrl: settings.publicUrl };
  const money = { ...site, finance, siteName: settings.branding.name };
  const { limits, accessTtlSec } = settings;
  siteRoutes(api, settings);
  accountRoutes(api, { ...shared, limits });
  avatarRoutes(api, shared);
  recoveryRoutes(api, shared);
  sessionRoutes(api, { ...shared, limits, accessTtlSec });
  roomListRoutes(api, shared);
  roomRoutes(api, shared);
  privateRoutes(api, shared);
  moderationRoutes(api, { ...shared, moderation: site.ports.moderation });
  programmeRoutes(api, shared);
  programmeAdminRoutes(api, { ...shared, moderation: site.ports.moderation });
  recordingRoutes(api, shared);
  realtimeRoutes(api, shared);
  modelRoutes(api, shared);
  broadcastRoutes(api, shared);
  socialRoutes(api, shared);
  adminRoutes(api, shared);
  stageRoutes(api, shared);
  userAdminRoutes(api, { ...shared, hasMailbox: settings.hasMailbox });
  earningsRoutes(api, money);
  walletRoutes(api, money);
  financeRoutes(api, money);
  refundRoutes(api, money);
  paymentRoutes(api, site);
  creditRoutes(api, { ...shared, hasSandbox: settings.payments === 'sandbox' });
}

function serverOptions(settings: AppSettings, log: FastifyBaseLogger) {
  return {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: settings.trustedProxies.length === 0 ? false : [...settings.trustedProxies],
    bodyLimit: BODY_BYTES_MAX,
    // Faults before routing, such as a malformed address.
    frameworkErrors: (_error, _request, reply) => void sendProblem(reply, siteError('BAD_REQUEST')),
    routerOptions: { maxParamLength: 200 },
    // Slow senders are cut off; idle keep-alive connections end after those of common proxies.
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    ajv: {
      customOptions: {
        allErrors: true,
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        verbose: true,
        keywords: ['x-hint'],
      },
    },
  } as const satisfies FastifyServerOptions;
}
