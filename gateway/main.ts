// The gateway role: reads the configuration, joins the parts, listens, registers, and drains on SIGTERM.
// Exits 2 with one line per problem when the configuration is broken.
import {
  closeRedis,
  ConfigError,
  connectRedis,
  connectSubscriber,
  createLifecycle,
  createLogger,
  createMetrics,
  createRedisBus,
  createTokenService,
  InternalClient,
  loadConfig,
  MemberRegistry,
  startOpsServer,
  systemClock,
  type Config,
  type Lifecycle,
  type Logger,
  type OpsServer,
} from '../cluster/index.js';
import { BillingClient } from '../billing/index.js';
import { createAdmission } from './admission.js';
import { createAddressOf } from './client-address.js';
import { createGateway, type Gateway } from './gateway.js';
import { isOriginAllowed } from './origin-check.js';
import { createUwsTransport } from './transports/uws.js';

async function compose(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const { realtimeUrl } = config.redis;
  const name = config.node.id;
  const metrics = createMetrics('gateway');
  const nowMs = (): number => systemClock.nowMs();

  const redis = await connectRedis(realtimeUrl, { role: 'command', name, log });
  lifecycle.add('redis', { stop: () => closeRedis(redis) });
  const subscriber = await connectSubscriber(realtimeUrl, { name, log });
  lifecycle.add('feeds', { stop: () => subscriber.close() });
  const bus = await createRedisBus({ url: realtimeUrl, name, log });
  lifecycle.add('bus', { stop: () => bus.close() });

  let privatePort = 0;
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
    redis,
    subscriber,
    bus,
    tokens: createTokenService(config.secrets.token),
    proofOfLife: { touch: (items) => billing.touchSessions(items) },
    clock: systemClock,
    log,
    metrics,
  });
  const admission = createAdmission({
    ...config.gateway,
    connectionCount: () => gateway.connectionCount(),
    isDraining: () => lifecycle.isStopping(),
    nowMs,
  });
  const origins = {
    allowed: config.gateway.allowedOrigins,
    publicUrl: config.web.publicUrl,
    sitePort: config.web.port,
  };
  const transport = createUwsTransport({
    events: gateway.events,
    metrics: gateway.metrics,
    log,
    nowMs,
    addressOf: createAddressOf(config.gateway.trustedProxies),
    isOriginAllowed: (origin, host) => isOriginAllowed(origin, host, origins),
    admit: () => admission.admit(),
    idleTimeoutSec: config.gateway.idleTimeoutSec,
  });
  gateway.addPublisher(transport);

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
      admission.stop();
      transport.close();
    },
  });
  lifecycle.add('listeners', {
    async start() {
      const { bindHost } = config.node;
      privatePort = await transport.listen(bindHost, config.gateway.privatePort, false);
      if (config.gateway.port !== 0) await transport.listen(bindHost, config.gateway.port, true);
      log.info({ event: 'gateway.listening', privatePort, sharedPort: config.gateway.port });
    },
    async stop() {
      transport.stopListening();
      await gateway.drain(config.gateway.drainMs);
    },
  });
  lifecycle.add('members', {
    async start() {
      await members.update({
        address: {
          host: config.node.host,
          port: String(privatePort),
          sharedPort: String(config.gateway.port),
        },
      });
      await members.join();
    },
    stop: () => members.close(),
  });
}

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLogger({ role: 'gateway', nodeId: config.node.id, level: config.log.level });
  const lifecycle = createLifecycle(log, { stopDeadlineMs: config.ops.stopDeadlineMs });
  await compose(config, log, lifecycle);
  await lifecycle.runUntilSignal();
}

main().catch((thrown: unknown) => {
  const lines = thrown instanceof ConfigError ? thrown.problems : [String(thrown)];
  for (const line of lines) process.stderr.write(`gateway: ${line}\n`);
  process.exit(thrown instanceof ConfigError ? 2 : 1);
});
