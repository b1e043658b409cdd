// The billing role: reads the configuration, joins engine, ledger and the gateway's publisher,
// listens, registers, and stops in order. Exits 2 with one line per problem when the configuration
// is broken.
import {
  closeRedis,
  type Config,
  connectRedis,
  createMetrics,
  createRedisBus,
  INTERNAL_ADDRESS,
  type Lifecycle,
  type Logger,
  MemberRegistry,
  type OpsServer,
  runRole,
  startOpsServer,
} from '../cluster/index.js';
import { createPublisher } from '../gateway/index.js';
import { Database } from './database.js';
import { createNotifier } from './notifier.js';
import { BillingRole } from './role.js';

async function compose(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const { realtimeUrl, billingUrl } = config.redis;
  const name = config.node.id;
  const metrics = createMetrics('billing');

  const realtime = await connectRedis(realtimeUrl, { role: 'command', name, log });
  lifecycle.add('realtime redis', { stop: () => closeRedis(realtime) });
  const money = await connectRedis(billingUrl, { role: 'money', name, log });
  lifecycle.add('billing redis', { stop: () => closeRedis(money) });
  const bus = await createRedisBus({ url: realtimeUrl, name, log });
  lifecycle.add('bus', { stop: () => bus.close() });
  const database = await Database.open(config.mysql.url, { poolMax: config.mysql.poolMax, log });
  lifecycle.add('ledger', { stop: () => database.close() });

  const notifier = createNotifier(createPublisher({ redis: realtime, log }));
  const role = new BillingRole({ config, redis: money, database, bus, notifier, metrics, log });
  const members = new MemberRegistry(realtime, {
    ...{ role: 'billing', id: config.node.id, log, bus },
    ...config.members,
  });
  let ops: OpsServer | undefined;
  lifecycle.add('ops', {
    async start() {
      ops = await startOpsServer({
        ...config.ops,
        registry: metrics.registry,
        isReady: () => {
          const reasons = [members.problem].filter((one) => one !== '');
          if (!role.fence.isLifted) reasons.push('Redis is being compared with the ledger');
          if (lifecycle.isStopping()) reasons.push('stopping');
          return { ready: reasons.length === 0, reasons };
        },
      });
    },
    stop: () => ops?.close(),
  });
  let port = 0;
  lifecycle.add('billing', {
    async start() {
      port = await role.start();
      log.info({ event: 'billing.listening', port });
    },
    stop: () => role.stop(),
  });
  lifecycle.add('members', {
    async start() {
      const { internalHost } = config.node;
      await members.update({ address: { [INTERNAL_ADDRESS]: `http://${internalHost}:${port}` } });
      await members.join();
    },
    stop: () => members.close(),
  });
}

runRole('billing', compose);
