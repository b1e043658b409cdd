// The gateway as a server of the fan-out: tokens, tickets, offsets, history, framing, metrics, and
// each message through the sequencing script and pub/sub of Redis. The publisher is the backend's
// own.
import { BENCH_SECRET, startGatewayWorker, startRealtimeRedis } from './gateway-worker.js';
import type { RealtimeRedis } from './gateway-worker.js';
import type { Run } from '../lib/run-context.js';
import { packValue, type Body, type Subprotocol } from '../../gateway/protocol/index.js';
import { PAYLOAD_BYTES, TICK_MS, type BroadcastServer } from './broadcast-server.js';

export const ROOM = '7';
const FROM = { id: '1001', name: 'anna', role: 'viewer' } as const;

/** A chat message whose body takes PAYLOAD_BYTES in MessagePack, as peers send as many bytes. */
export function chatBody(): Body {
  const empty = packValue({ from: FROM, text: 'x'.repeat(40) }).length - 40;
  return { from: FROM, text: 'x'.repeat(PAYLOAD_BYTES - empty) };
}

export interface FullGateway extends BroadcastServer {
  readonly redis: RealtimeRedis;
}

export async function startFullGateway(
  run: Run,
  encoding: Subprotocol = 'rt1.msgpack',
  env: Readonly<Record<string, string>> = {},
): Promise<FullGateway> {
  const redis = await startRealtimeRedis(run);
  const redisUrl = redis.server.url;
  const worker = await startGatewayWorker(run, { name: 'gateway-1', redisUrl, env });
  const body = chatBody();
  let ticksLeft = 0;
  let done = { ticks: 0, messages: 0 };
  let timer: NodeJS.Timeout | undefined;
  let inFlight: Promise<unknown>[] = [];

  function tick(perTick: number): void {
    if (ticksLeft === 0) return;
    ticksLeft -= 1;
    inFlight = Array.from({ length: perTick }, () =>
      redis.publisher.publish(`room:${ROOM}`, { cls: 'reliable', kind: 'm', body }),
    );
    done = { ticks: done.ticks + 1, messages: done.messages + perTick };
  }

  return {
    ...{ name: 'gateway', version: '', port: worker.port, pid: worker.pid, redis },
    storePid: redis.pid,
    setup: { kind: 'gateway', secret: BENCH_SECRET, rooms: [ROOM], encoding, firstUser: 1_000_000 },
    start(perTick, ticks) {
      ticksLeft = ticks;
      done = { ticks: 0, messages: 0 };
      timer = setInterval(() => tick(perTick), TICK_MS);
      return Promise.resolve();
    },
    grant: (ticks) => void (ticksLeft += ticks),
    async halt() {
      clearInterval(timer);
      ticksLeft = 0;
      await Promise.all(inFlight);
      return done;
    },
    stop: () => worker.stop(),
  };
}
