// A whole site for tests: real mariadbd, real Redis for counters, the HTTP application, and
// siblings that the test controls. Requests go through Fastify's injection with a cookie jar for
// each visitor.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import {
  connectRedis,
  closeRedis,
  systemClock,
  type Clock,
  type Logger,
} from '../../cluster/index.js';
import { silentLog, startMariadb, startRedis, TEST_SECRETS } from '../../cluster/testing/index.js';
import type { TestMariadb, TestRedis, TestScope } from '../../cluster/testing/index.js';
import { createAskBilling, createBillingPort } from '../billing-port.js';
import { createDatabase, type Database } from '../db/database.js';
import { siteError } from '../errors.js';
import { createFinancePort } from '../finance-port.js';
import { buildApp } from '../http/app.js';
import type { App } from '../http/app-type.js';
import { createRedisCounts } from '../http/redis-counts.js';
import { openPictureQueue } from '../pictures/picture-jobs.js';
import type {
  FleetMember,
  HistoryItem,
  LiveStream,
  PictureJob,
  PictureWorker,
  Ports,
  Push,
  Recording,
  StreamEvent,
} from '../ports.js';
import type { PaymentSettings } from '../money-services.js';
import type { ProgrammeSettings } from '../programme/programme-service.js';
import { createSite, type Site } from '../site.js';
import { contractProblem } from './contract.js';
import type { MoneyStage } from './money-stage.js';

export interface SiteFixture {
  readonly app: App;
  readonly site: Site;
  readonly database: Database;
  readonly mariadb: TestMariadb;
  readonly redis: TestRedis;
  readonly mediaDir: string;
  /** Every route that is served. */
  readonly routes: readonly string[];
  readonly pushes: { channel: string; push: Push }[];
  /** What rooms were told to do at once, such as `{ do: 'evict', roomId, … }`. */
  readonly orders: Record<string, unknown>[];
  /** What the history of every room answers. */
  readonly chatLog: HistoryItem[];
  readonly recordings: Recording[];
  readonly gateways: FleetMember[];
  readonly ingests: FleetMember[];
  /** Puts a stream on the air, or takes it off, and tells the fleet. */
  air(streamId: string, isLive: boolean, more?: Partial<LiveStream>): void;
  setDirectoryDown(isDown: boolean): void;
  browser(): Browser;
}

export interface FixtureOptions {
  /** The real billing, whose mariadbd the site shares; without it billing is away. */
  readonly money?: MoneyStage;
  readonly limits?: { loginsPerMin: number; signUpsPerHour: number };
  readonly activation?: 'optional' | 'required';
  readonly publicDir?: string;
  readonly refreshGraceSec?: number;
  /** Runs before each picture job; a fault makes it fail. */
  readonly beforePicture?: (job: PictureJob) => Promise<void>;
  readonly payments?: PaymentSettings;
  readonly trustedProxies?: readonly string[];
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly programme?: Partial<ProgrammeSettings>;
  /** Default: nothing is written. */
  readonly log?: Logger;
}

/** The longest show that the site of tests allows. */
export const SHOW_MAX_SEC = 7_200;

const PUBLIC_URL = 'http://site.test';

export async function startSite(t: TestScope, options: FixtureOptions = {}): Promise<SiteFixture> {
  const { money, log = silentLog } = options;
  const [mariadb, redis] = await Promise.all([money?.mariadb ?? startMariadb(t), startRedis(t)]);
  const connection = await connectRedis(redis.url, {
    role: 'command',
    name: 'test',
    log,
  });
  const database = createDatabase({ url: mariadb.url, poolMax: 5, log });
  await database.start();
  const world = createWorld();
  const counts = createRedisCounts(() => connection, systemClock, { patienceMs: 10_000 });
  const mediaDir = await mkdtemp(join(tmpdir(), 'site-media-'));
  const { beforePicture } = options;
  let worker: PictureWorker | undefined;
  const pictures = await openPictureQueue({
    ...{ redis: connection, url: redis.url, name: 'test', log, firstPauseMs: 10 },
    work: beforePicture && {
      async run(job) {
        await beforePicture(job);
        await worker?.run(job);
      },
      giveUp: async (job, why) => worker?.giveUp(job, why),
    },
  });
  const pictureJobs: Ports['pictureJobs'] = {
    add: (job) => pictures.add(job),
    onJob: (one) => void (worker = one),
  };
  const siblings = { ...world.ports, ...(money?.ports ?? withoutBilling()) };
  const ports: Ports = { ...siblings, hits: counts, marks: counts, pictureJobs };
  const site = createSite({
    ports,
    database,
    clock: options.clock ?? systemClock,
    log,
    settings: {
      mediaDir,
      tokenSecret: TEST_SECRETS.token,
      publicUrl: PUBLIC_URL,
      activation: options.activation ?? 'optional',
      isCookieSecure: false,
      accessTtlSec: 900,
      refreshTtlSec: 604_800,
      refreshGraceSec: options.refreshGraceSec ?? 0,
      hlsTtlSec: 90,
      privateGraceSec: 20,
      showMaxSec: SHOW_MAX_SEC,
      gatewayUrl: '',
      hlsUrl: '',
      rtmpUrl: '',
      payments: options.payments ?? { provider: 'sandbox' },
      programme: {
        ...{ source: '', refreshSec: 300, timeZone: 'UTC', embedOrigins: [] },
        ...options.programme,
      },
    },
  });
  site.live.start();
  const routes: string[] = [];
  const app = await buildApp({
    site,
    clock: systemClock,
    log,
    onAnswer: () => undefined,
    onRoute: (route) => void routes.push(route),
    settings: {
      publicUrl: PUBLIC_URL,
      isCookieSecure: false,
      extraUrls: [],
      embedOrigins: options.programme?.embedOrigins ?? [],
      frameAncestors: ['https://conference.example'],
      accessTtlSec: 900,
      allowedOrigins: ['https://partner.example'],
      payments: options.payments?.provider ?? 'sandbox',
      branding: {
        ...{ name: 'Test stage', logoUrl: '', faviconUrl: '', homeUrl: '/', accentColour: '' },
      },
      hasMailbox: true,
      trustedProxies: options.trustedProxies ?? [],
      publicDir: options.publicDir ?? '/nonexistent',
      limits: options.limits ?? { loginsPerMin: 10_000, signUpsPerHour: 10_000 },
    },
  });
  await app.ready();
  t.teardown(async () => {
    site.live.stop();
    await app.close();
    await database.stop();
    await pictures.close();
    await closeRedis(connection);
    await rm(mediaDir, { recursive: true, force: true });
  });
  return {
    app,
    site,
    database,
    mariadb,
    redis,
    mediaDir,
    routes,
    ...world,
    browser: () => new Browser(app),
  };
}

/** A site whose member list names no billing. */
function withoutBilling(): Pick<Ports, 'billing' | 'finance'> {
  const ask = createAskBilling(() => {
    throw siteError('BILLING_UNAVAILABLE');
  });
  return { billing: createBillingPort(ask), finance: createFinancePort(ask) };
}

const aBan = { user: '7', kind: 'ban', untilMs: 9, sinceMs: 5 } as const;

function createWorld() {
  const streams = new Map<string, LiveStream>();
  const handlers: ((event: StreamEvent) => void)[] = [];
  const pushes: { channel: string; push: Push }[] = [];
  const versions = new Map<string, number>();
  const gateways: FleetMember[] = [];
  const ingests: FleetMember[] = [];
  const orders: Record<string, unknown>[] = [];
  const chatLog: HistoryItem[] = [];
  const recordings: Recording[] = [];
  let isDirectoryDown = false;
  let airings = 0;
  const ports: Omit<Ports, 'hits' | 'marks' | 'pictureJobs' | 'billing' | 'finance'> = {
    directory: {
      previewSid: 'preview',
      list: () =>
        isDirectoryDown
          ? Promise.reject(siteError('REALTIME_UNAVAILABLE'))
          : Promise.resolve([...streams.values()]),
    },
    recordings: {
      sidOf: (id) => `rec:${id}`,
      list: (streamId) => Promise.resolve(recordings.filter((one) => one.streamId === streamId)),
      remove: (streamId, id) => {
        const at = recordings.findIndex((one) => one.streamId === streamId && one.id === id);
        return Promise.resolve(at >= 0 && recordings.splice(at, 1).length === 1);
      },
    },
    publisher: {
      publish: (channel, push) => {
        const version = push.cls === 'latest' ? (push.version ?? Date.now()) : 0;
        const slot = `${channel} ${push.cls === 'latest' ? push.key : pushes.length}`;
        const isNew = version > (versions.get(slot) ?? -1);
        if (isNew) pushes.push({ channel, push });
        versions.set(slot, version);
        return Promise.resolve(isNew);
      },
    },
    fleet: {
      list: (role) => (role === 'gateway' ? gateways : ingests),
      ranked: () => gateways,
    },
    events: { onStreamState: (handler) => void handlers.push(handler) },
    moderation: {
      moderate: (roomId, act) =>
        act.action === 'settings' && act.settings?.['slow'] === -1
          ? Promise.reject(siteError('MODERATION_REFUSED', { why: 'slow' }))
          : Promise.resolve(void orders.push({ do: 'moderate', roomId, ...act })),
      held: () => Promise.resolve([{ held: '7.42', text: 'hm' }]),
      audit: () => Promise.resolve([{ id: 1, action: 'ban' }]),
      bans: (_roomId, { before }) =>
        Promise.resolve(
          before === undefined
            ? { items: [{ ...aBan, untilMs: null }], next: 7 }
            : { items: [{ ...aBan, reason: 'spam', by: 'Mira' }] },
        ),
      settings: () => Promise.resolve({ slow: 0, flags: { isOnline: true } }),
      history: (_roomId, { before = chatLog.length + 1, limit }) =>
        Promise.resolve({
          top: chatLog.length,
          msgs: chatLog.filter(([at]) => at < before && at >= before - limit),
        }),
      setFlags: (roomId, flags) =>
        Promise.resolve(void orders.push({ do: 'flags', roomId, ...flags })),
    },
    control: {
      evict: (order) => Promise.resolve(void orders.push({ do: 'evict', ...order })),
      disconnect: (user) => Promise.resolve(void orders.push({ do: 'disconnect', user })),
      endBroadcast: (stream) => Promise.resolve(void orders.push({ do: 'end', stream })),
      closeFreeVideo: (stream, epoch) =>
        Promise.resolve(void orders.push({ do: 'closeFree', stream, epoch })),
    },
  };
  return {
    ports,
    pushes,
    orders,
    chatLog,
    recordings,
    gateways,
    ingests,
    setDirectoryDown: (isDown: boolean) => void (isDirectoryDown = isDown),
    air(streamId: string, isLive: boolean, more: Partial<LiveStream> = {}) {
      airings += 10;
      const startedAtMs = Date.now() + airings;
      const stream = {
        streamId,
        nodeId: 'rtmp-1',
        hlsUrlBase: 'http://:8082',
        startedAtMs,
        viewers: 3,
        ...more,
      };
      if (isLive) streams.set(streamId, stream);
      else streams.delete(streamId);
      for (const handler of handlers) handler({ streamId, state: isLive ? 'live' : 'ended' });
    },
  };
}

type Answer = LightMyRequestResponse;

/** One visitor: keeps cookies, sends the header that our pages send. */
export class Browser {
  readonly cookies = new Map<string, string>();

  constructor(private readonly app: App) {}

  get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send({ method: 'GET', url, headers });
  }

  post(url: string, payload?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send({ method: 'POST', url, headers, ...bodyOf(payload) });
  }

  put(url: string, payload: unknown): Promise<Answer> {
    return this.send({ method: 'PUT', url, ...bodyOf(payload) });
  }

  delete(url: string): Promise<Answer> {
    return this.send({ method: 'DELETE', url });
  }

  patch(url: string, payload: unknown): Promise<Answer> {
    return this.send({ method: 'PATCH', url, ...bodyOf(payload) });
  }

  async send(request: InjectOptions & { url: string }): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.app.inject({
      ...request,
      headers: {
        host: 'site.test',
        'x-showbill': '1',
        ...(cookie === '' ? {} : { cookie }),
        ...request.headers,
      },
    });
    const problem = contractProblem(this.app, {
      method: String(request.method),
      url: request.url,
      status: answer.statusCode,
      body: answer.body,
    });
    if (problem !== undefined) throw new Error(problem);
    for (const { name, value, maxAge } of answer.cookies) {
      if (value === '' || maxAge === 0) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  /** Signs up a new account and stays logged in. */
  async signUp(username: string): Promise<{ id: string; username: string }> {
    const form = { username, email: `${username}@example.org`, password: 'correct horse' };
    const answer = await this.post('/api/v1/auth/signup', form);
    if (answer.statusCode !== 201) throw new Error(`sign-up: ${answer.body}`);
    return answer.json<{ user: { id: string; username: string } }>().user;
  }
}

function bodyOf(payload: unknown): Pick<InjectOptions, 'payload'> {
  return payload === undefined ? {} : { payload: payload as object };
}

/** An admin, and a model with a room, both logged in. */
export async function staff(fixture: SiteFixture) {
  const admin = fixture.browser();
  const adminUser = await admin.signUp('boss');
  await fixture.site.accounts.setRoles(adminUser.id, { isAdmin: true });
  const model = fixture.browser();
  const modelUser = await model.signUp('Mira');
  await model.post('/api/v1/model/apply', { displayName: 'Mira' });
  const approved = await admin.post(`/api/v1/admin/models/${modelUser.id}/approve`);
  if (approved.statusCode !== 200) throw new Error(`approve: ${approved.body}`);
  const room = await fixture.site.rooms.findOwn(modelUser.id);
  return { admin, adminUser, model, modelUser, room };
}
