// The rtmp role: reads the configuration, joins ingest, packager and HLS server, registers, and
// stops in order. Exits 2 with one line per problem when the configuration is broken.
import {
  BillingClient,
  parseCutMessage,
  parseKickMessage,
  type StreamStateMessage,
  TOPICS,
} from '../billing/index.js';
import {
  AppError,
  type Bus,
  closeRedis,
  coerceError,
  type Config,
  connectRedis,
  createMetrics,
  createRedisBus,
  createTokenService,
  InternalClient,
  type Lifecycle,
  type Logger,
  MemberRegistry,
  type Metrics,
  type OpsServer,
  type RedisClient,
  runRole,
  startOpsServer,
  systemClock,
} from '../cluster/index.js';
import { PublishEndpoint } from './browser/publish-endpoint.js';
import { FleetControl } from './control/fleet-control.js';
import { type ControlServer, startControlServer } from './control/http.js';
import { LiveLeases } from './directory.js';
import { RedisDoneLedger } from './done-ledger.js';
import { DoneWatch } from './done-watch.js';
import { CpuBudget } from './ffmpeg/cpu-budget.js';
import { chooseEncoder } from './ffmpeg/encoders.js';
import { Turns } from './ffmpeg/thumbnailer.js';
import { HlsAccess } from './hls/access.js';
import { FreeEpochs } from './hls/free-epochs.js';
import { type HlsServer, startHlsServer } from './hls/http.js';
import type { LiveShowDeps, ShowShape } from './hls/live-show.js';
import { MediaFiles } from './hls/media-files.js';
import { ReloadWaits } from './hls/reload-waits.js';
import { RemoteShows } from './hls/remote-shows.js';
import { SegmentCipher } from './hls/segment-cipher.js';
import { ShowManager } from './hls/show-manager.js';
import { ShowStore } from './hls/show-store.js';
import { ViewerCounter } from './hls/viewer-counter.js';
import { WatchGuard } from './hls/watch-guard.js';
import { ingestOptions } from './ingest-options.js';
import type { LiveStreamListener } from './live-stream.js';
import {
  createHlsMetrics,
  createIngestMetrics,
  createOverloadMetrics,
  createRecordingMetrics,
  type HlsMetrics,
} from './metrics.js';
import type { HookTarget, WatchGate } from './ports.js';
import type { Recordings } from './recording/recordings.js';
import { createRecordings } from './recording-parts.js';
import { OverloadGuard } from './overload.js';
import { playBills } from './play-bills.js';
import { publishAdmission } from './publish-admission.js';
import { RtmpServer } from './server.js';
import { StreamOptions } from './stream-options.js';

const HOOK_PATH = '/hooks/nginx-rtmp';
const PRUNE_EVERY_MS = 30_000;
const LEASE_TTL_MS = 9_000;
const CONTROL_TIMEOUT_MS = 2_000;
const DONE_WATCH_EVERY_MS = 5_000;

interface Fleet {
  readonly config: Config;
  readonly log: Logger;
  readonly redis: RedisClient;
  readonly bus: Bus;
  readonly members: MemberRegistry;
}

interface Parts {
  readonly ingest: RtmpServer;
  readonly lifecycle: Lifecycle;
}

/** What packages and what records, one after the other. */
function both(...listeners: readonly LiveStreamListener[]): LiveStreamListener {
  return {
    streamStarted: (stream) => listeners.forEach((one) => one.streamStarted(stream)),
    streamEnded: (stream, reason) => listeners.forEach((one) => one.streamEnded(stream, reason)),
  };
}

async function compose(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const metrics = createMetrics('rtmp');
  const hlsMetrics = createHlsMetrics(metrics);
  const fleet = await joinFleet(config, log, lifecycle, () => budget.usedPercent / 100);
  const budget = new CpuBudget(config.rtmp.cpuBudgetPercent);
  const files = new MediaFiles(config.rtmp.mediaDir, log);
  const viewers = new ViewerCounter();
  const guard = createGuard(fleet, lifecycle);
  const encoder = await chooseEncoder({ wanted: config.rtmp.encoder, log });
  const shows = createShows(fleet, { budget, files, viewers, hlsMetrics, encoder });
  const remote = new RemoteShows({
    ...{ nodeId: config.node.id, windowSegments: config.rtmp.windowSegments },
    ...{ store: new ShowStore(fleet.redis), clock: systemClock, log },
  });
  const ledger = new RedisDoneLedger({ redis: fleet.redis, nodeId: config.node.id, log });
  const { recordings, part: recordingPart } = createRecordings({
    ...{ config, redis: fleet.redis, log, budget, ledger },
    metrics: createRecordingMetrics(metrics),
    settle: (owed) => ingest.settle(owed),
  });
  const overload = new OverloadGuard({
    ...{ limitPercent: config.rtmp.overloadPercent, shed: () => shows.shedDearest() },
    ...{ clock: systemClock, log, metrics: createOverloadMetrics(metrics) },
  });
  lifecycle.add('overload', { start: () => overload.start(), stop: () => overload.stop() });
  const ingest = new RtmpServer({
    billOf: playBills(createTokenService(config.secrets.token)),
    mayBegin: publishAdmission({ overload, shows }),
    options: ingestOptions(config),
    hookTarget: hookTarget(config, fleet.members),
    listener: both(shows, recordings),
    metrics: createIngestMetrics(metrics),
    ledger,
    log,
  });

  const browsers = new PublishEndpoint({
    ...{ server: ingest, tokens: createTokenService(config.secrets.token), budget, log },
    segmentSec: config.rtmp.segmentMs / 1_000,
    ...{ origins: config.rtmp.hlsOrigins, proxies: config.rtmp.proxies },
  });

  addOps(fleet, metrics, lifecycle);
  lifecycle.add('shows', { start: () => shows.start(), stop: () => shows.stop() });
  let hls: HlsServer | undefined;
  lifecycle.add('hls', {
    async start() {
      const { token: secret } = config.secrets;
      hls = await startHlsServer({
        ...{ port: config.rtmp.hlsPort, host: config.node.bindHost },
        origins: config.rtmp.hlsOrigins,
        access: new HlsAccess({
          ...{ secret, guard, clock: systemClock },
          freeEpochs: new FreeEpochs({ redis: fleet.redis, clock: systemClock }),
        }),
        cipher: new SegmentCipher(secret),
        ...{ shows, remote, files, viewers, recordings, nodeId: config.node.id },
        waits: new ReloadWaits(),
        ...{ clock: systemClock, metrics: hlsMetrics, log },
        onUpgrade: (request, socket, head) => browsers.upgrade(request, socket, head),
      });
    },
    stop: () => hls?.close(),
  });
  lifecycle.add('browser publishing', { stop: () => browsers.close() });
  // Its files are closed before the done queue of ingest is.
  lifecycle.add('recordings', { start: () => recordingPart.start() });
  lifecycle.add('ingest', {
    async start() {
      await ingest.start();
      log.info({ event: 'rtmp.listening', rtmpPort: ingest.port, hlsPort: hls?.port });
    },
    stop: () => ingest.stop(),
  });
  lifecycle.add('recorders', { stop: () => recordingPart.stop() });
  addOrders(fleet, { guard, ingest, lifecycle });
  addControl(fleet, { ingest, recordings, lifecycle });
  lifecycle.add('members', {
    async start() {
      const host = config.node.host;
      const ports = { rtmpPort: String(ingest.port), hlsPort: String(hls?.port ?? 0) };
      await fleet.members.update({ address: { host, ...ports } });
      await fleet.members.join();
    },
    stop: () => fleet.members.update({ draining: true }),
  });
  addDoneWatch(fleet, { ledger, ingest, lifecycle });
}

/** Redis, bus and the member list, followed before anything listens: hooks need to know billing. */
async function joinFleet(
  config: Config,
  log: Logger,
  lifecycle: Lifecycle,
  load: () => number,
): Promise<Fleet> {
  const { realtimeUrl: url } = config.redis;
  const name = config.node.id;
  const redis = await connectRedis(url, { role: 'command', name, log });
  lifecycle.add('redis', { stop: () => closeRedis(redis) });
  const bus = await createRedisBus({ url, name, log });
  lifecycle.add('bus', { stop: () => bus.close() });
  const members = new MemberRegistry(redis, {
    ...{ role: 'rtmp', id: name, load, log, bus },
    ...config.members,
  });
  // It leaves the list after its sessions have ended: others would think it dead and end them
  // twice.
  lifecycle.add('member list', { start: () => members.watch(), stop: () => members.close() });
  return { config, log, redis, bus, members };
}

/** The hooks of the setting, or of a billing process from the member list, one after the other. */
function hookTarget(config: Config, members: MemberRegistry): HookTarget {
  let turn = 0;
  return {
    url() {
      if (config.rtmp.hookUrl !== '') return config.rtmp.hookUrl;
      const billing = members.list('billing').filter((one) => !one.draining);
      turn += 1;
      const base = billing[turn % Math.max(1, billing.length)]?.address['internal'];
      return base === undefined ? undefined : `${base}${HOOK_PATH}`;
    },
  };
}

/** Billing says whether a paid session is alive; unknown and ended ones may not watch. */
function billingGate(client: BillingClient): WatchGate {
  return {
    async mayWatch(sid) {
      try {
        const { state, reason = 'ended' } = await client.getSession(sid);
        return state === 'active' ? { ok: true } : { ok: false, reason };
      } catch (thrown) {
        const code = thrown instanceof AppError ? (thrown as AppError).code : '';
        if (code === 'BILLING_SESSION_UNKNOWN') return { ok: false, reason: 'unknown_session' };
        throw thrown;
      }
    },
  };
}

function createGuard({ config, members }: Fleet, lifecycle: Lifecycle): WatchGuard {
  const caller = new InternalClient({ members, secret: config.secrets.internal });
  const guard = new WatchGuard({
    gate: billingGate(new BillingClient(caller)),
    clock: systemClock,
    failOpenMs: config.billing.failOpenMs,
  });
  let timer: NodeJS.Timeout | undefined;
  lifecycle.add('watch guard', {
    start: () => {
      timer = setInterval(() => guard.prune(), PRUNE_EVERY_MS);
    },
    stop: () => {
      clearInterval(timer);
      caller.close();
    },
  });
  return guard;
}

function createShows(
  { config, log, redis, bus, members }: Fleet,
  parts: Pick<LiveShowDeps, 'budget' | 'files' | 'viewers' | 'encoder'> & {
    hlsMetrics: HlsMetrics;
  },
): ShowManager {
  const { rtmp, node } = config;
  /** The bus only says "look": what counts stands in the directory. */
  const tell = async (topic: string, message: object): Promise<void> => {
    await bus.publish(topic, JSON.stringify(message)).catch((thrown: unknown) => {
      log.warn({ event: 'bus.untold', topic, err: coerceError(thrown) });
    });
  };
  const { hlsMetrics, ...own } = parts;
  return new ShowManager({
    ...{ ...own, metrics: hlsMetrics, log, clock: systemClock },
    nodeId: node.id,
    hlsUrlBase: `http://${node.host}:${rtmp.hlsPort}`,
    segmentSec: rtmp.segmentMs / 1_000,
    windowSegments: rtmp.windowSegments,
    shapeOf: showShapes(new StreamOptions(redis), rtmp, log),
    renditionsMax: rtmp.renditionsMax,
    hasAudioOnly: rtmp.hasAudioOnly,
    isEncrypted: rtmp.encryption === 'aes-128',
    pictureEveryMs: rtmp.pictureEveryMs,
    turns: new Turns(),
    graceMs: rtmp.reconnectGraceMs,
    gracePolicy: rtmp.gracePolicy,
    disposeMs: rtmp.disposeMs,
    leaseTtlMs: LEASE_TTL_MS,
    store: new ShowStore(redis),
    leases: new LiveLeases(redis),
    isNodeAlive: (nodeId) => members.list('rtmp').some((one) => one.id === nodeId),
    announce: (streamId, state) =>
      tell(TOPICS.streamState, { streamId, state, node: node.id } satisfies StreamStateMessage),
    kickElsewhere: (streamId, session) =>
      tell(TOPICS.kick, { streamId, session, reason: 'taken_over' }),
  });
}

/** The stream's own settings, else the fleet's; a Redis that is away changes nothing else. */
function showShapes(options: StreamOptions, { dvrMs, partMs }: ShowShape, log: Logger) {
  return async (streamId: string): Promise<ShowShape> => {
    try {
      return { dvrMs, partMs, ...(await options.get(streamId)) };
    } catch (thrown) {
      log.warn({ event: 'show.options_unknown', streamId, err: coerceError(thrown) });
      return { dvrMs, partMs };
    }
  };
}

/** What the fleet tells this node: cut a viewer off, drop a publisher. */
function addOrders(
  { bus }: Fleet,
  { guard, ingest, lifecycle }: Parts & { guard: WatchGuard },
): void {
  lifecycle.add('orders', {
    async start() {
      await bus.subscribe(TOPICS.cut, (payload) => {
        const cut = parseCutMessage(payload);
        if (cut === undefined) return;
        guard.cut(cut.sessionId, cut.reason);
        ingest.cutPlays(cut.sessionId, cut.reason);
      });
      await bus.subscribe(TOPICS.kick, (payload) => {
        const kick = parseKickMessage(payload);
        if (kick === undefined) return;
        const { streamId, session, reason } = kick;
        const isMeant = session === undefined || ingest.find(streamId)?.sessionId === session;
        if (isMeant) ingest.kickStream(streamId, reason);
      });
    },
  });
}

/** Ids of the ingest nodes in the member list; undefined while the list may be out of date. */
function aliveNodeIds(members: MemberRegistry): ReadonlySet<string> | undefined {
  return members.isMember ? new Set(members.list('rtmp').map((one) => one.id)) : undefined;
}

/**
 * Control and statistics of the fleet: every node answers on the bus, HTTP only where it is
 * configured.
 */
function addControl(
  { config, log, bus, members }: Fleet,
  { ingest, recordings, lifecycle }: Parts & { recordings: Recordings },
): void {
  const control = new FleetControl({
    ...{
      bus,
      log,
      recordings,
      server: ingest,
      nodeId: config.node.id,
      timeoutMs: CONTROL_TIMEOUT_MS,
    },
    nodeIds: () => [...(aliveNodeIds(members) ?? [config.node.id])],
  });
  let http: ControlServer | undefined;
  lifecycle.add('control', {
    async start() {
      await control.start();
      if (config.rtmp.controlPort === 0) return;
      http = await startControlServer({
        ...{ port: config.rtmp.controlPort, host: config.ops.host, control, log },
        async onDrain() {
          ingest.drain();
          await members.update({ draining: true });
        },
      });
    },
    stop: () => http?.close(),
  });
}

/** Done events of nodes that died, and of this one before a restart. */
function addDoneWatch({ log, members }: Fleet, parts: Parts & { ledger: RedisDoneLedger }): void {
  const { ledger, ingest } = parts;
  const watch = new DoneWatch({
    ...{ ledger, log, everyMs: DONE_WATCH_EVERY_MS },
    aliveNodeIds: () => aliveNodeIds(members),
    settle: (owed) => ingest.settle(owed),
  });
  members.onChange(() => watch.check());
  parts.lifecycle.add('done watch', { start: () => watch.start(), stop: () => watch.stop() });
}

function addOps({ config, members }: Fleet, metrics: Metrics, lifecycle: Lifecycle): void {
  let ops: OpsServer | undefined;
  lifecycle.add('ops', {
    async start() {
      ops = await startOpsServer({
        ...config.ops,
        registry: metrics.registry,
        isReady: () => {
          const reasons = [members.problem].filter((one) => one !== '');
          if (lifecycle.isStopping()) reasons.push('stopping');
          return { ready: reasons.length === 0, reasons };
        },
      });
    },
    stop: () => ops?.close(),
  });
}

runRole('rtmp', compose);
