// A complete gateway worker in the test's own process, on real Redis and real sockets, and clients
// for it.
import { WebSocket } from 'ws';
import {
  closeRedis,
  connectRedis,
  connectSubscriber,
  createMemoryBus,
  createMetrics,
  createTokenService,
  systemClock,
  type Bus,
  type Logger,
} from '../../cluster/index.js';
import { silentLog, TEST_SECRETS, type TestScope } from '../../cluster/testing/index.js';
import { RealtimeClient, type ClientOptions, type ReceivedMessage } from '../client/index.js';
import { createAdmission, type AdmissionOptions } from '../admission.js';
import { createAddressOf, createProxyCheck } from '../client-address.js';
import { createGateway, type Gateway, type GatewaySettings } from '../gateway.js';
import { noPaidSessions, type ProofOfLife } from '../ports.js';
import type { AccessLevel, Role } from '../protocol/index.js';
import {
  createSockJsTransport,
  type SockJsTransport,
  type SockJsTransportOptions,
} from '../transports/sockjs.js';
import { createUwsTransport, type UwsTransport } from '../transports/uws.js';

export const tokens = createTokenService(TEST_SECRETS.token);

export function connectToken(sub: string, role: Role = 'viewer', ttlSec = 600): string {
  return tokens.sign('connect', { sub, name: `name-${sub}`, role }, ttlSec);
}

let ticketCount = 0;
/** A room ticket as the site issues it. */
export function roomTicket(
  sub: string,
  room: string,
  level: AccessLevel = 'participant',
  more: { bill?: string; groups?: string; flags?: string } = {},
): string {
  ticketCount += 1;
  return tokens.sign('room', { sub, room, level, jti: String(ticketCount), ...more }, 30);
}

export interface TestWorker {
  readonly gateway: Gateway;
  readonly transport: UwsTransport;
  readonly sockjs: SockJsTransport;
  /** Base address for SockJS clients. */
  readonly sockjsUrl: string;
  readonly url: string;
  readonly port: number;
  readonly bus: Bus;
  stop(): Promise<void>;
}

export interface TestWorkerOptions {
  readonly node?: string;
  readonly settings?: Partial<GatewaySettings>;
  readonly proofOfLife?: ProofOfLife;
  readonly bus?: Bus;
  readonly log?: Logger;
  readonly backpressureBytes?: number;
  readonly isOriginAllowed?: (origin: string, host: string) => boolean;
  /** What admission looks at; without it everybody is let in. */
  readonly admission?: Partial<AdmissionOptions>;
  readonly trustedProxies?: readonly string[];
  readonly sockjs?: Partial<SockJsTransportOptions>;
  /** For commands, when they go another way than the feeds. */
  readonly commandUrl?: string;
}

let workerCount = 0;

export async function startWorker(
  t: TestScope,
  redisUrl: string,
  options: TestWorkerOptions = {},
): Promise<TestWorker> {
  workerCount += 1;
  const node = options.node ?? `test-${workerCount}`;
  const log = options.log ?? silentLog;
  const redis = await connectRedis(options.commandUrl ?? redisUrl, {
    role: 'command',
    name: node,
    log,
  });
  const subscriber = await connectSubscriber(redisUrl, { name: node, log, heartbeatMs: 500 });
  const bus = options.bus ?? createMemoryBus({ log });
  const gateway = createGateway({
    node,
    settings: {
      historyMax: 1_000,
      historyTtlSec: 600,
      messageLengthMax: 500,
      updateIntervalMs: 50,
      userConnectionsMax: 0,
      ...options.settings,
    },
    redis,
    subscriber,
    bus,
    tokens,
    proofOfLife: options.proofOfLife ?? noPaidSessions,
    clock: systemClock,
    log,
    metrics: createMetrics('gateway', { process: false }),
  });
  const isProxy = createProxyCheck(options.trustedProxies ?? []);
  const admission = createAdmission({
    connectionsMax: 100_000,
    connectsPerSecMax: 100_000,
    addressConnectionsMax: 0,
    addressConnectsPerSecMax: 0,
    connectionCount: () => gateway.connectionCount(),
    connectionsOf: (network) => gateway.connectionsOf(network),
    isProxy,
    isDraining: () => false,
    lagMs: () => 0,
    nowMs: () => Date.now(),
    ...options.admission,
  });
  const ways = {
    events: gateway.events,
    metrics: gateway.metrics,
    log,
    nowMs: () => Date.now(),
    isProxy,
    addressOf: createAddressOf(isProxy),
    isOriginAllowed: options.isOriginAllowed ?? (() => true),
    admit: (address: string) => admission.admit(address),
    idleTimeoutSec: 60,
    ...(options.backpressureBytes === undefined
      ? {}
      : { backpressureBytes: options.backpressureBytes }),
  };
  const transport = createUwsTransport(ways);
  const sockjs = createSockJsTransport({ ...ways, baseUrl: () => '', ...options.sockjs });
  gateway.addPublisher(transport);
  gateway.addPublisher(sockjs);
  await gateway.start();
  const port = await transport.listen('127.0.0.1', 0, false);
  const sockjsUrl = `http://127.0.0.1:${await sockjs.listen('127.0.0.1', 0)}/rt`;
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await gateway.stop();
    transport.close();
    await sockjs.close();
    subscriber.close();
    await closeRedis(redis);
    await bus.close();
  };
  t.teardown(stop);
  const url = `ws://127.0.0.1:${port}`;
  return { gateway, transport, sockjs, sockjsUrl, url, port, bus, stop };
}

/** A client whose reconnects are quick; closed by teardown. */
export function startClient(
  t: TestScope,
  urls: readonly string[],
  { sub, role, ...options }: { sub: string; role?: Role } & Partial<ClientOptions>,
): RealtimeClient {
  const client = new RealtimeClient({
    credentials: () => Promise.resolve({ token: connectToken(sub, role), urls }),
    WebSocket,
    backoff: { minMs: 5, firstMs: 20, capMs: 100 },
    ...options,
  });
  t.teardown(() => client.close());
  return client;
}

export interface Watched {
  readonly client: RealtimeClient;
  readonly messages: ReceivedMessage[];
  /** Texts of reliable chat messages in the order shown. */
  readonly texts: () => string[];
  readonly offsets: () => number[];
  readonly events: string[];
}

/** A client in a room, with everything that it is shown. */
export function watch(
  t: TestScope,
  urls: readonly string[],
  channel: string,
  options: {
    sub: string;
    role?: Role;
    level?: AccessLevel;
    bill?: string;
    groups?: string;
    flags?: string;
  } & Partial<ClientOptions>,
): Watched {
  const { level, bill, groups, flags, ...rest } = options;
  const client = startClient(t, urls, rest);
  const messages: ReceivedMessage[] = [];
  const events: string[] = [];
  const [namespace, id = ''] = channel.split(':');
  const ticket = (): string =>
    roomTicket(options.sub, id, level, {
      ...(bill === undefined ? {} : { bill }),
      ...(groups === undefined ? {} : { groups }),
      ...(flags === undefined ? {} : { flags }),
    });
  client.subscribe(channel, namespace === 'room' ? { ticket } : {}, {
    onMessage: (message) => messages.push(message),
    onReady: ({ recovered }) => events.push(recovered ? 'recovered' : 'ready'),
    onLost: () => events.push('lost'),
    onEnd: (reason) => events.push(`end:${reason}`),
  });
  client.connect();
  const reliable = (): ReceivedMessage[] => messages.filter((one) => one.offset > 0);
  return {
    client,
    messages,
    events,
    texts: () => reliable().map((one) => String(one.body['text'])),
    offsets: () => reliable().map((one) => one.offset),
  };
}
