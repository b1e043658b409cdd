// The web role: reads the configuration, joins the site with gateway, rtmp and billing, listens,
// registers, and stops in order. Pages are served from the first moment on, whatever is away.
import { fileURLToPath } from 'node:url';
import {
  AppError,
  coerceError,
  createMetrics,
  runRole,
  startOpsServer,
  systemClock,
  type Config,
  type Lifecycle,
  type Logger,
  type OpsServer,
} from '../cluster/index.js';
import { TOPICS } from '../billing/index.js';
import {
  createGatewayControl,
  createPublisher,
  createRoomAdmin,
  type GatewayControl,
  type Publisher,
  type RoomAct,
  type RoomAdmin,
} from '../gateway/index.js';
import {
  createRtmpControl,
  FreeEpochs,
  PREVIEW_SID,
  RecordingDirectory,
  recordingSid,
  StreamDirectory,
} from '../rtmp/index.js';
import { createBacking, type Backing, type RealtimeSide } from './backing.js';
import { createDatabase, type Database } from './db/database.js';
import { createHousekeeping } from './db/housekeeping.js';
import { siteError } from './errors.js';
import { buildApp } from './http/app.js';
import { createMailer } from './mail/mailer.js';
import { createSiteMetrics } from './metrics.js';
import type { Ports } from './ports.js';
import { appSettings, siteSettings } from './settings.js';
import { createSite } from './site.js';

const PUBLIC_DIR = fileURLToPath(new URL('./public', import.meta.url));

async function compose(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const metrics = createMetrics('web');
  const siteMetrics = createSiteMetrics(metrics);
  const database = createDatabase({ ...config.mysql, log });
  const backing = createBacking({ config, log, isMember: true });
  const ports: Ports = { ...backing.ports, ...siblings(backing, config.node.id, log) };
  const base = { database, clock: systemClock, log };
  const site = createSite({ ...base, ports, settings: siteSettings(config) });
  const settings = appSettings(config, PUBLIC_DIR);
  const app = await buildApp({
    ...base,
    site,
    settings,
    onAnswer: (answer) => siteMetrics.answered(answer),
  });

  addOps(lifecycle, config, metrics.registry, () =>
    troubles({ database, backing, isStopping: lifecycle.isStopping() }),
  );
  lifecycle.add('database', { start: () => database.start(), stop: () => database.stop() });
  lifecycle.add('realtime', {
    start: () => backing.link.start(),
    stop: () => backing.link.stop(),
  });
  lifecycle.add('live', { start: () => site.live.start(), stop: () => site.live.stop() });
  const { broadcasts, privateWatch } = site;
  lifecycle.add('private shows', {
    start: () => privateWatch.start(),
    stop: () => privateWatch.stop(),
  });
  lifecycle.add('broadcasts', {
    start: () => broadcasts.start(),
    stop: () => broadcasts.stop(),
  });
  const { programme } = site;
  lifecycle.add('programme', { start: () => programme.start(), stop: () => programme.stop() });
  const housekeeping = createHousekeeping({ ...base, sweepFiles: () => site.avatars.sweep() });
  lifecycle.add('housekeeping', {
    start: () => housekeeping.start(),
    stop: () => housekeeping.stop(),
  });
  lifecycle.add('purchases', {
    start: () => site.purchases.start(),
    stop: () => site.purchases.stop(),
  });
  if (config.web.smtpUrl !== '') {
    const { smtpUrl, mailFrom: from } = config.web;
    const mailer = createMailer({ ...base, smtpUrl, from });
    lifecycle.add('mailer', { start: () => mailer.start(), stop: () => mailer.stop() });
  }
  lifecycle.add('http', {
    async start() {
      await app.listen({ host: config.node.bindHost, port: config.web.port });
      log.info({ event: 'web.listening', port: config.web.port });
    },
    async stop() {
      // To Node, a connection that has not asked for anything yet is not idle.
      const cut = setTimeout(() => app.server.closeAllConnections(), ANSWERS_MS);
      await app.close();
      clearTimeout(cut);
    },
  });
}

/** How long requests under way, and who reads their answers, have when the process stops. */
const ANSWERS_MS = 3_000;

/** How long nodes have for the answer to an order. */
const ORDER_TIMEOUT_MS = 3_000;

/** What other folders give over one connection to the realtime side. */
interface Neighbours {
  readonly publisher: Publisher;
  readonly directory: StreamDirectory;
  readonly recordings: Promise<RecordingDirectory>;
  readonly gateways: GatewayControl;
  readonly rooms: RoomAdmin;
  readonly freeEpochs: FreeEpochs;
}

/** What comes from other folders: live streams from rtmp, pushes and orders to the gateways. */
function siblings(
  { link }: Backing,
  nodeId: string,
  log: Logger,
): Pick<Ports, 'directory' | 'recordings' | 'publisher' | 'control' | 'moderation'> {
  const known = new WeakMap<RealtimeSide, Neighbours>();
  const neighbours = (side: RealtimeSide): Neighbours => {
    const { redis, bus } = side;
    const found = known.get(side) ?? {
      publisher: createPublisher({ redis, log }),
      directory: new StreamDirectory(redis),
      recordings: openRecordings(side, nodeId),
      gateways: createGatewayControl(bus),
      rooms: createRoomAdmin({ redis, log }),
      freeEpochs: new FreeEpochs({ redis, clock: systemClock }),
    };
    known.set(side, found);
    return found;
  };
  /** Asks a neighbour; whatever goes wrong means that realtime is away. */
  async function ask<T>(
    question: (near: Neighbours, side: RealtimeSide) => Promise<T>,
  ): Promise<T> {
    const side = link.current();
    return question(neighbours(side), side).catch((thrown: unknown) => {
      throw translate(thrown);
    });
  }
  return {
    directory: {
      previewSid: PREVIEW_SID,
      list: () => ask(({ directory }) => directory.list()),
    },
    recordings: {
      sidOf: recordingSid,
      list: (streamId) =>
        ask(async ({ recordings }) =>
          (await (await recordings).list(streamId)).map(({ state, ...row }) => ({
            ...row,
            isReady: state === 'ready',
          })),
        ),
      remove: (streamId, id) =>
        ask(async ({ recordings }) => (await recordings).remove(streamId, id)),
    },
    publisher: {
      async publish(channel, push) {
        const outcome = await ask(({ publisher }) => publisher.publish(channel, push));
        if (outcome.cls === 'latest') return outcome.isWritten;
        return outcome.cls === 'reliable' && !outcome.isRepeat;
      },
    },
    moderation: {
      moderate: async (roomId, act) => {
        // The gateway's own check refuses what is no action.
        await ask(({ rooms }) => rooms.moderate(roomId, act as RoomAct));
      },
      held: (roomId) => ask(({ rooms }) => rooms.held(roomId)),
      audit: (roomId, page) => ask(({ rooms }) => rooms.audit(roomId, page)),
      settings: (roomId) => ask(({ rooms }) => rooms.settings(roomId)),
      bans: (roomId, page) => ask(({ rooms }) => rooms.bans(roomId, page)),
      history: (roomId, page) => ask(({ rooms }) => rooms.history(roomId, page)),
      setFlags: (roomId, flags) => ask(({ rooms }) => rooms.setFlags(roomId, flags)),
    },
    control: {
      evict: ({ roomId: room, ...order }) =>
        ask(({ gateways }) => gateways.send({ do: 'evict', room, ...order })),
      disconnect: (user) => ask(({ gateways }) => gateways.send({ do: 'disconnect', user })),
      closeFreeVideo: (streamId, epoch) =>
        ask(({ freeEpochs }) => freeEpochs.raise(streamId, epoch)),
      endBroadcast: (streamId) =>
        ask((_near, { bus }) =>
          bus.publish(TOPICS.kick, JSON.stringify({ streamId, reason: 'ended_by_staff' })),
        ),
    },
  };
}

async function openRecordings(side: RealtimeSide, nodeId: string): Promise<RecordingDirectory> {
  const { bus, members, redis } = side;
  const nodeIds = () => members.list('rtmp').map(({ id }) => id);
  const control = await createRtmpControl({ bus, nodeId, nodeIds, timeoutMs: ORDER_TIMEOUT_MS });
  return new RecordingDirectory(redis, control);
}

/** What the gateway's code says, in the words of the site; everything else means it is away. */
function translate(thrown: unknown): Error {
  const code = thrown instanceof AppError ? String(thrown.code) : '';
  const why = coerceError(thrown).message;
  if (code === 'GATEWAY_ACT_INVALID') return siteError('MODERATION_REFUSED', { why }, thrown);
  if (code === 'GATEWAY_ACT_FORBIDDEN') return siteError('FORBIDDEN', {}, thrown);
  if (code === 'GATEWAY_NOT_FOUND') return siteError('NOT_FOUND', {}, thrown);
  return siteError('REALTIME_UNAVAILABLE', {}, thrown);
}

async function troubles(parts: {
  database: Database;
  backing: Backing;
  isStopping: boolean;
}): Promise<string[]> {
  const { database, backing, isStopping } = parts;
  const reasons: string[] = [];
  if (isStopping) reasons.push('draining');
  if (!(await database.isReachable())) reasons.push('MySQL does not answer');
  if (!backing.link.isUp()) reasons.push('realtime Redis has not answered yet');
  else if (backing.link.current().members.problem !== '') {
    reasons.push(backing.link.current().members.problem);
  }
  return reasons;
}

function addOps(
  lifecycle: Lifecycle,
  config: Config,
  registry: ReturnType<typeof createMetrics>['registry'],
  ask: () => Promise<string[]>,
): void {
  let server: OpsServer | undefined;
  lifecycle.add('ops', {
    async start() {
      const isReady = async () => {
        const reasons = await ask();
        return { ready: reasons.length === 0, reasons };
      };
      server = await startOpsServer({ ...config.ops, registry, isReady });
    },
    stop: () => server?.close(),
  });
}

runRole('web', compose);
