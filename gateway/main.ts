// The gateway role: reads the configuration, joins the parts, listens, registers, and drains on
// SIGTERM. Exits 2 with one line per problem when the configuration is broken.
import {
  closeRedis,
  connectRedis,
  connectSubscriber,
  createMetrics,
  createRedisBus,
  createTokenService,
  INTERNAL_ADDRESS,
  InternalClient,
  MemberRegistry,
  runRole,
  startOpsServer,
  systemClock,
  type Bus,
  type Config,
  type Lifecycle,
  type Logger,
  type Metrics,
  type OpsServer,
  type RedisClient,
  type RedisSubscriber,
} from '../cluster/index.js';
import { BillingClient } from '../billing/index.js';
import { createAdmission } from './admission.js';
import { createAddressOf, createProxyCheck } from './client-address.js';
import { createGatewayControl } from './control.js';
import { createGateway, type Gateway } from './gateway.js';
import { createHeapCare } from './heap-care.js';
import { watchLoopLag, watchWork, type LoopLag } from './loop-lag.js';
import { isOriginAllowed } from './origin-check.js';
import { createPublisher } from './publisher.js';
import { createRoomAdmin } from './room-admin.js';
import { ServerApi } from './server-api.js';
import { startInternalHttp, type InternalHttp } from './transports/internal-http.js';
import { SOCKJS_PREFIX } from './transports/sockjs-request.js';
import { createSockJsTransport, type SockJsTransport } from './transports/sockjs.js';
import { createUwsTransport, type UwsTransport } from './transports/uws.js';
import { readViewerCounts } from './presence-scripts.js';

/** Two for each of the connections that a worker is made for. */
const REMEMBERED_TOKENS = 16_384;

interface Stores {
  readonly redis: RedisClient;
  readonly subscriber: RedisSubscriber;
  readonly bus: Bus;
}

async function connectStores(config: Config, log: Logger, lifecycle: Lifecycle): Promise<Stores> {
  const url = config.redis.realtimeUrl;
  const name = config.node.id;
  const redis = await connectRedis(url, { role: 'command', name, log });
  lifecycle.add('redis', { stop: () => closeRedis(redis) });
  const subscriber = await connectSubscriber(url, { name, log });
  lifecycle.add('feeds', { stop: () => subscriber.close() });
  const bus = await createRedisBus({ url, name, log });
  lifecycle.add('bus', { stop: () => bus.close() });
  return { redis, subscriber, bus };
}

interface Parts {
  readonly gateway: Gateway;
  readonly members: MemberRegistry;
  readonly transport: UwsTransport;
  readonly fallback: SockJsTransport;
  readonly lag: LoopLag;
  readonly metrics: Metrics;
  readonly api: ServerApi;
}

function createParts(config: Config, log: Logger, lifecycle: Lifecycle, stores: Stores): Parts {
  const { redis, bus } = stores;
  const metrics = createMetrics('gateway');
  const nowMs = (): number => systemClock.nowMs();
  const members = new MemberRegistry(redis, {
    role: 'gateway',
    id: config.node.id,
    load: () => gateway.connectionCount(),
    log,
    bus,
    ...config.members,
  });
  const caller = new InternalClient({ members, secret: config.secrets.internal });
  lifecycle.add('billing client', { stop: () => caller.close() });
  const billing = new BillingClient(caller);
  const gateway: Gateway = createGateway({
    node: config.node.id,
    settings: { ...config.gateway, updateIntervalMs: config.billing.updateIntervalMs },
    ...stores,
    tokens: createTokenService(config.secrets.token, systemClock, REMEMBERED_TOKENS),
    proofOfLife: { touch: (items) => billing.touchSessions(items) },
    clock: systemClock,
    log,
    metrics,
    workedShare: watchWork(),
    heapCare: createHeapCare(),
  });
  const lag = watchLoopLag(nowMs);
  const isProxy = createProxyCheck(config.gateway.trustedProxies);
  const admission = createAdmission({
    ...config.gateway,
    connectionCount: () => gateway.connectionCount(),
    connectionsOf: (network) => gateway.connectionsOf(network),
    isProxy,
    lagMs: lag.lagMs,
    isDraining: () => lifecycle.isStopping(),
    nowMs,
  });
  const origins = {
    allowed: config.gateway.allowedOrigins,
    publicUrl: config.web.publicUrl,
    sitePort: config.web.port,
  };
  const ways = {
    events: gateway.events,
    metrics: gateway.metrics,
    log,
    nowMs,
    isProxy,
    addressOf: createAddressOf(isProxy),
    isOriginAllowed: (origin: string, host: string) => isOriginAllowed(origin, host, origins),
    admit: (address: string) => admission.admit(address),
    idleTimeoutSec: config.gateway.idleTimeoutSec,
  };
  const transport = createUwsTransport(ways);
  const fallback = createSockJsTransport({ ...ways, baseUrl: () => sockJsUrl(config) });
  gateway.addPublisher(transport);
  gateway.addPublisher(fallback);
  const { historyMax, historyTtlSec } = config.gateway;
  const store = { redis, log, historyMax, historyTtlSec };
  const api = new ServerApi({
    publisher: createPublisher(store),
    control: createGatewayControl(bus),
    rooms: createRoomAdmin(store),
    viewers: async (roomId) => (await readViewerCounts(redis, [roomId]))[0] ?? 0,
    workers: () => members.list('gateway'),
  });
  return { gateway, members, transport, fallback, lag, metrics, api };
}

/** Where browsers find this worker's SockJS listener; '' = wherever they found it. */
function sockJsUrl({ node, gateway, web }: Config): string {
  if (gateway.sockjsUrl !== '' || node.host === '') return gateway.sockjsUrl;
  const scheme = web.publicUrl.startsWith('https:') ? 'https' : 'http';
  return `${scheme}://${node.host}:${gateway.sockjsPort}${SOCKJS_PREFIX}`;
}

/**
 * In starting order; a stop goes the other way: off the list, no new clients, hand-over, the rest.
 */
function addParts(config: Config, log: Logger, lifecycle: Lifecycle, parts: Parts): void {
  const { gateway, members, transport, fallback, lag, metrics } = parts;
  let ops: OpsServer | undefined;
  lifecycle.add('ops', {
    stop: () => ops?.close(),
    async start() {
      ops = await startOpsServer({
        ...config.ops,
        registry: metrics.registry,
        isReady: () => {
          const reasons = [...gateway.troubles(), members.problem].filter((one) => one !== '');
          if (lifecycle.isStopping()) reasons.push('draining');
          return { ready: reasons.length === 0, reasons };
        },
      });
    },
  });
  lifecycle.add('gateway', {
    start: () => gateway.start(),
    stop: async () => {
      await gateway.stop();
      lag.stop();
      transport.close();
      await fallback.close();
    },
  });
  let internal: InternalHttp | undefined;
  lifecycle.add('server api', {
    async start() {
      const { internalPort: port } = config.gateway;
      const { internal: secret } = config.secrets;
      const nowMs = (): number => systemClock.nowMs();
      const { bindHost: host } = config.node;
      internal = await startInternalHttp({ api: parts.api, secret, nowMs, log, host, port });
    },
    stop: () => internal?.close(),
  });
  let privatePort = 0;
  lifecycle.add('listeners', {
    async start() {
      const { bindHost } = config.node;
      privatePort = await transport.listen(bindHost, config.gateway.privatePort, false);
      const { port: sharedPort, sockjsPort } = config.gateway;
      if (sharedPort !== 0) await transport.listen(bindHost, sharedPort, true);
      if (sockjsPort !== 0) await fallback.listen(bindHost, sockjsPort);
      log.info({ event: 'gateway.listening', privatePort, sharedPort, sockjsPort });
    },
    async stop() {
      transport.stopListening();
      const { drainMs, drainPerSec: perSec } = config.gateway;
      await gateway.drain(drainMs, { perSec });
    },
    stopMs: config.gateway.drainMs,
  });
  lifecycle.add('members', {
    async start() {
      const { host, internalHost } = config.node;
      const sharedPort = String(config.gateway.port);
      const sockjsPort = String(config.gateway.sockjsPort);
      const sockjs = sockJsUrl(config);
      const port = String(privatePort);
      const base = `http://${internalHost}:${internal?.port ?? 0}`;
      const address = { host, port, sharedPort, sockjsPort, sockjs, [INTERNAL_ADDRESS]: base };
      await members.update({ address });
      await members.join();
    },
    stop: () => members.close(),
  });
}

async function compose(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const stores = await connectStores(config, log, lifecycle);
  addParts(config, log, lifecycle, createParts(config, log, lifecycle, stores));
}

runRole('gateway', compose);
