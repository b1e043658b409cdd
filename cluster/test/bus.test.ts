// Every bus keeps the promises of pubsub/bus.ts: in one process, over one Redis, over a Redis
// Cluster.
import t, { type Test } from 'tap';
import { createMemoryBus, MemoryNetwork } from '../pubsub/bus-memory.js';
import { createRedisBus } from '../pubsub/bus-redis.js';
import type { Bus } from '../pubsub/bus.js';
import { busContract, type BusUnderTest } from '../testing/bus-contract.js';
import { silentLog, startRedis, startRedisCluster, type TestRedis } from '../testing/index.js';

await t.test('memory', async (t) => {
  await busContract(t, (t) => {
    const network = new MemoryNetwork();
    return Promise.resolve({
      open: () => closedAfter(t, Promise.resolve(createMemoryBus({ log: silentLog, network }))),
      cutLinks: () => {
        network.cut();
        return Promise.resolve();
      },
    });
  });
});

await t.test('redis, one server', async (t) => {
  const redis = await startRedis(t);
  await busContract(t, (t) => Promise.resolve(overRedis(t, redis.url, [redis])));
});

await t.test('redis cluster', async (t) => {
  const cluster = await startRedisCluster(t);
  await busContract(t, (t) => Promise.resolve(overRedis(t, cluster.url, cluster.nodes)));
});

function overRedis(t: Test, url: string, nodes: readonly TestRedis[]): BusUnderTest {
  const inspectors = nodes.map((node) => node.client());
  return {
    open: () => closedAfter(t, createRedisBus({ url, name: 'test', log: silentLog })),
    async cutLinks() {
      for (const client of inspectors) await client.client('KILL', 'TYPE', 'pubsub');
    },
  };
}

async function closedAfter(t: Test, opening: Promise<Bus>): Promise<Bus> {
  const bus = await opening;
  t.teardown(() => bus.close());
  return bus;
}
