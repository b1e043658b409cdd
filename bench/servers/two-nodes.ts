// The servers of the fan-out as two nodes with half of the clients each: two gateway workers behind
// one Redis, and two processes of a peer joined by Redis as its manual says.
import type { Run } from '../lib/run-context.js';
import type { BroadcastServer } from './broadcast-server.js';
import { startFullGateway } from './full-gateway.js';
import { startGatewayWorker, startRealtimeRedis } from './gateway-worker.js';
import { startPeer } from './peer.js';

export async function startTwoWorkers(run: Run): Promise<BroadcastServer> {
  const first = await startFullGateway(run);
  const redisUrl = first.redis.server.url;
  const second = await startGatewayWorker(run, { name: 'gateway-2', redisUrl });
  return { ...first, otherNodes: [second] };
}

/** The first publishes; what it says reaches the other's clients through Redis. */
export async function startTwoPeers(
  run: Run,
  peer: string,
  args: readonly string[] = [],
): Promise<BroadcastServer> {
  const redis = await startRealtimeRedis(run);
  const options = { args: [`--redis=${redis.server.url}`, ...args] };
  const first = await startPeer(run, peer, options);
  const second = await startPeer(run, peer, options);
  return {
    ...first,
    name: `${first.name}${joined(peer)}`,
    storePid: redis.pid,
    otherNodes: [second],
  };
}

function joined(peer: string): string {
  return peer.startsWith('socket.io') ? ' + redis-adapter' : ' + Redis pub/sub';
}
