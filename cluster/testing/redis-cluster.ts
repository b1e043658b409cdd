// A real Redis Cluster, made through CLUSTER commands (no redis-cli), with a replica for each
// master when asked for, a live slot move and a failover. Used by tests of everything that must
// work on one server and on a Cluster alike.
import type { Redis } from 'ioredis';
import { startNode, type TestRedis } from './redis.js';
import type { TestScope } from './scope.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { until } from './until.js';

const SLOTS = 16_384;

export interface TestRedisCluster {
  /** `redis-cluster://127.0.0.1:p1,127.0.0.1:p2,…`; through the proxies when there are any. */
  readonly url: string;
  /** The servers themselves, reached directly. */
  readonly nodes: readonly TestRedis[];
  /** One per node, in order, with `hasProxies`; else empty. */
  readonly proxies: readonly TcpProxy[];
  /** The replica of each node, in order, with `hasReplicas`; else empty. */
  readonly replicas: readonly TestRedis[];
  /**
   * The node's replica takes its place: in agreement with the master, which hands over all that it
   * has, or by force when the master is dead. All nodes that are alive know it on return.
   */
  failOver(index: number, way: 'handed-over' | 'forced'): Promise<void>;
  /** Index of the node that owns the slot, as node 0 (or the first that answers) sees it. */
  ownerOf(slot: number): Promise<number>;
  /**
   * Moves a slot with its keys to another node while clients go on; all nodes know it on return.
   */
  moveSlot(slot: number, toIndex: number): Promise<void>;
}

/**
 * Starts masters with equal, contiguous slot ranges; all of them say "ok" on return.
 * @param options.hasProxies every node announces the port of a fault proxy, so that all that
 * clients send passes through one.
 */
export async function startRedisCluster(
  t: TestScope,
  masters = 3,
  {
    hasProxies = false,
    hasReplicas = false,
  }: { readonly hasProxies?: boolean; readonly hasReplicas?: boolean } = {},
): Promise<TestRedisCluster> {
  const nodes = await Promise.all(Array.from({ length: masters }, () => startNode(t, {}, true)));
  const clients = nodes.map((node) => node.client());
  const proxies: TcpProxy[] = [];
  for (const [at, node] of hasProxies ? nodes.entries() : []) {
    const proxy = await startTcpProxy(t, { targetPort: node.port });
    proxies.push(proxy);
    await clients[at]?.config('SET', 'cluster-announce-port', proxy.port);
  }
  const ports = (hasProxies ? proxies : nodes).map((one) => one.port);
  await assignSlots(clients);
  await introduce(nodes, clients);
  for (const client of clients) await untilWhole(client, ports);
  const replicas = hasReplicas ? await addReplicas(t, nodes) : [];
  const ids = await Promise.all(clients.map((one) => one.cluster('MYID')));
  const ownerOf = (slot: number): Promise<number> => findOwner(clients, ids, slot);

  return {
    url: `redis-cluster://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    proxies,
    replicas,
    ownerOf,
    async failOver(index, way) {
      const replica = replicas[index]?.client();
      if (replica === undefined) throw new RangeError(`no replica of node ${index}`);
      await replica.call('CLUSTER', 'FAILOVER', ...(way === 'forced' ? ['TAKEOVER'] : []));
      const id = await replica.cluster('MYID');
      const others = clients.filter((_, at) => at !== index);
      for (const client of [replica, ...others]) {
        await until(
          async () => (await client.cluster('SLOTS')).some(([, , master]) => master?.[2] === id),
          { what: 'everybody knows the new master' },
        );
      }
    },
    async moveSlot(slot, toIndex) {
      const fromIndex = await ownerOf(slot);
      const [from, to] = [clients[fromIndex], clients[toIndex]];
      const [fromId, toId] = [ids[fromIndex], ids[toIndex]];
      const target = nodes[toIndex];
      if (!from || !to || !target || fromId === undefined || toId === undefined) {
        throw new RangeError(`no node ${toIndex}`);
      }
      if (fromIndex === toIndex) return;
      await untilEpochsAgree(clients);
      await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
      await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
      await moveKeys(from, slot, target);
      // The new owner first, so that the slot is at no moment without one; everybody once, because
      // saying it twice makes a node drop the subscriptions that it has got meanwhile.
      for (const client of new Set([to, from, ...clients])) {
        await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
      }
      await untilEpochsAgree(clients);
      await until(async () => (await ownerOf(slot)) === toIndex, { what: `slot ${slot} moved` });
    },
  };
}

/** The ranges that `redis-cli --cluster create` gives to `count` masters. */
export function slotRanges(count: number): { first: number; last: number }[] {
  const perNode = SLOTS / count;
  return Array.from({ length: count }, (_, index) => ({
    first: Math.round(index * perNode),
    last: index === count - 1 ? SLOTS - 1 : Math.round((index + 1) * perNode) - 1,
  }));
}

async function assignSlots(clients: readonly Redis[]): Promise<void> {
  const ranges = slotRanges(clients.length);
  await Promise.all(
    clients.map(async (client, index) => {
      const range = ranges[index];
      if (range === undefined) return;
      // Distinct epochs before the first handshake: no node has to resolve a collision later.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      await client.call('CLUSTER', 'ADDSLOTSRANGE', range.first, range.last);
    }),
  );
}

/** Everyone meets everyone: waiting for gossip to spread the news would take a second longer. */
async function introduce(nodes: readonly TestRedis[], clients: readonly Redis[]): Promise<void> {
  const busPorts = await Promise.all(clients.map(busPortOf));
  for (const [from, client] of clients.entries()) {
    for (const [to, node] of nodes.entries()) {
      const busPort = busPorts[to];
      if (to === from || busPort === undefined) continue;
      await client.call('CLUSTER', 'MEET', node.host, node.port, busPort);
    }
  }
}

/** One replica for each master; all have what their master has on return. */
async function addReplicas(t: TestScope, masters: readonly TestRedis[]): Promise<TestRedis[]> {
  const replicas = await Promise.all(masters.map(() => startNode(t, {}, true)));
  await Promise.all(
    replicas.map(async (replica, at) => {
      const [client, master] = [replica.client(), masters[at]?.client()];
      if (master === undefined) return;
      const busPort = await busPortOf(client);
      await master.call('CLUSTER', 'MEET', replica.host, replica.port, busPort);
      const id = await master.cluster('MYID');
      await until(() => client.call('CLUSTER', 'REPLICATE', id), {
        ...{ what: 'the replica knows its master' },
      });
      await until(async () => (await client.info('replication')).includes('link_status:up'), {
        ...{ what: 'the replica follows' },
      });
      // Else it may not take the place of its master.
      await until(async () => (await client.cluster('INFO')).includes('cluster_state:ok'), {
        ...{ what: 'the replica sees the cluster' },
      });
    }),
  );
  return replicas;
}

async function busPortOf(client: Redis): Promise<number> {
  const [, port] = (await client.config('GET', 'cluster-port')) as string[];
  return Number(port);
}

/**
 * The node knows all masters, under the ports that they announce, and that the cluster is in order.
 */
async function untilWhole(client: Redis, ports: readonly number[]): Promise<void> {
  const wanted = [...ports].sort().join();
  await until(
    async () => {
      const info = await client.cluster('INFO');
      const owners = (await client.cluster('SLOTS')).map(([, , master]) => master?.[1]);
      return (
        info.includes('cluster_state:ok') &&
        info.includes(`cluster_slots_ok:${SLOTS}`) &&
        owners.sort().join() === wanted
      );
    },
    { what: 'cluster_state:ok on every node', everyMs: 20 },
  );
}

async function findOwner(
  clients: readonly Redis[],
  ids: readonly string[],
  slot: number,
): Promise<number> {
  const client = clients.find((one) => one.status === 'ready') ?? clients[0];
  const rows = (await client?.cluster('SLOTS')) ?? [];
  const [, , master] = rows.find(([first, last]) => first <= slot && slot <= last) ?? [];
  const index = ids.findIndex((id) => id === master?.[2]);
  if (index < 0) throw new Error(`slot ${slot} has no owner`);
  return index;
}

/**
 * A move gives the new owner a config epoch above all that it knows. One that it has not heard of
 * could be the same, and when the two are told apart the old owner's claim may win: then no node
 * believes that it has the slot.
 */
async function untilEpochsAgree(clients: readonly Redis[]): Promise<void> {
  await until(
    async () => {
      const infos = await Promise.all(clients.map((client) => client.cluster('INFO')));
      const read = (field: string): Set<string | undefined> =>
        new Set(infos.map((info) => new RegExp(`${field}:(\\d+)`).exec(info)?.[1]));
      const isSame = read('cluster_current_epoch').size === 1;
      return isSame && read('cluster_my_epoch').size === clients.length;
    },
    { what: 'config epochs known to all nodes' },
  );
}

async function moveKeys(from: Redis, slot: number, target: TestRedis): Promise<void> {
  for (;;) {
    const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
    if (keys.length === 0) return;
    await from.call('MIGRATE', target.host, target.port, '', 0, 5_000, 'KEYS', ...keys);
  }
}
