// The gateway as it runs in production: real worker processes from the compiled tree, configured by
// environment alone, behind a real Redis of their own.
import {
  closeRedis,
  connectRedis,
  freePortRange,
  GATEWAY_NODE_OPTIONS,
  startChildServer,
  type ChildServer,
  type RedisClient,
} from '../../cluster/index.js';
import {
  silentLog,
  startRedis,
  TEST_SECRETS,
  type TestRedis,
} from '../../cluster/testing/index.js';
import { createPublisher, type Publisher } from '../../gateway/index.js';
import { serverFlags, type Run } from '../lib/run-context.js';

export interface GatewayWorker extends ChildServer {
  readonly name: string;
  readonly port: number;
  readonly opsPort: number;
}

export interface RealtimeRedis {
  readonly server: TestRedis;
  readonly pid: number;
  readonly client: RedisClient;
  readonly publisher: Publisher;
}

/** Redis for rooms, with a publisher as billing and web have it. */
export async function startRealtimeRedis(
  run: Run,
  options: { readonly historyMax?: number } = {},
): Promise<RealtimeRedis> {
  const server = await startRedis(run.scope);
  const client = await connectRedis(server.url, {
    ...{ role: 'command', name: 'bench', log: silentLog },
  });
  run.scope.teardown(() => closeRedis(client));
  const publisher = createPublisher({ redis: client, log: silentLog, ...options });
  return { server, client, publisher, pid: await redisPid(client) };
}

export async function redisPid(client: RedisClient): Promise<number> {
  const info = await client.info('server');
  return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
}

const READY_MS = 20_000;
export async function startGatewayWorker(
  run: Run,
  options: {
    readonly name: string;
    readonly redisUrl: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<GatewayWorker> {
  const { name, redisUrl } = options;
  const first = await freePortRange(3);
  const opsPort = first + 2;
  const child = await startChildServer({
    name,
    programs: [process.execPath],
    debianPackage: 'nodejs',
    args: [...GATEWAY_NODE_OPTIONS, ...serverFlags(run, name), run.tree.entry('gateway/main.ts')],
    port: opsPort,
    portBusyPattern: /EADDRINUSE/,
    isReady: () => isReady(opsPort),
    readyDeadlineMs: READY_MS,
    env: {
      ...process.env,
      NODE_ID: name,
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      BIND_HOST: '127.0.0.1',
      REALTIME_REDIS_URL: redisUrl,
      TOKEN_SECRET: TEST_SECRETS.token,
      INTERNAL_SECRET: TEST_SECRETS.internal,
      GATEWAY_PORT: String(first),
      GATEWAY_PRIVATE_PORT: String(first + 1),
      GATEWAY_SOCKJS_PORT: '0',
      OPS_PORT: String(opsPort),
      // Admission control is not what is measured.
      GATEWAY_CONNECTIONS_MAX: '100000',
      GATEWAY_CONNECTS_PER_SEC_MAX: '1000000',
      GATEWAY_ADDRESS_CONNECTIONS_MAX: '0',
      GATEWAY_ADDRESS_CONNECTS_PER_SEC_MAX: '0',
      GATEWAY_USER_CONNECTIONS_MAX: '0',
      // Generators of most scenarios do not follow a hand-over.
      GATEWAY_DRAIN_MS: '1000',
      ...options.env,
    },
  });
  run.scope.teardown(() => child.stop());
  return { ...child, name, port: first + 1, opsPort };
}

async function isReady(opsPort: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1_000);
    return (await fetch(`http://127.0.0.1:${opsPort}/readyz`, { signal })).ok;
  } catch {
    return false;
  }
}

export const BENCH_SECRET = TEST_SECRETS.token;
