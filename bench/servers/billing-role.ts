// The billing role as it runs in production: the compiled main.ts, configured by environment alone,
// with one live paid room and viewers in it. Used by the scenarios that measure hooks.
import { createHash } from 'node:crypto';
import { freePortRange, InternalClient, startChildServer } from '../../cluster/index.js';
import { startRedis, TEST_SECRETS } from '../../cluster/testing/index.js';
import { BillingClient } from '../../billing/index.js';
import { serverFlags, type Run } from '../lib/run-context.js';

export interface BillingRoleServer {
  readonly pid: number;
  readonly port: number;
  readonly client: BillingClient;
  /** Number behind a metric, labels added up. */
  readonly metric: (name: string) => Promise<number>;
  /** Opens a paid session for each; answers the bodies of their update_play hooks. */
  readonly openSessions: (viewers: readonly string[]) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

export const HOOK_PATH = '/hooks/nginx-rtmp/on_update';
const STREAM = 'stream-bench';
const ROOM = '7';
const PRICE = 6_000n;
const STREAM_KEY = 'sk_bench_0123456789abcdefghijklmnopqrstuvwxyz';
const READY_MS = 60_000;
const OPEN_IN_FLIGHT = 32;

export async function startBillingRole(
  run: Run,
  options: {
    readonly name: string;
    readonly redisUrl: string;
    readonly mysqlUrl: string;
    /** Where the fleet meets; a server of its own when absent. */
    readonly realtimeUrl?: string;
    /** Whether the room and its show are made; default true. */
    readonly hasShow?: boolean;
  },
): Promise<BillingRoleServer> {
  const { name, redisUrl, mysqlUrl, hasShow = true } = options;
  const realtimeUrl = options.realtimeUrl ?? (await startRedis(run.scope)).url;
  const port = await freePortRange(2);
  const opsPort = port + 1;
  const ops = `http://127.0.0.1:${opsPort}`;
  const child = await startChildServer({
    name,
    programs: [process.execPath],
    debianPackage: 'nodejs',
    args: [...serverFlags(run, name), run.tree.entry('billing/main.ts')],
    port: opsPort,
    portBusyPattern: /EADDRINUSE/,
    isReady: () => isOk(`${ops}/readyz`),
    readyDeadlineMs: READY_MS,
    env: {
      ...process.env,
      ...{ NODE_ID: name, NODE_ENV: 'production', LOG_LEVEL: 'warn', BIND_HOST: '127.0.0.1' },
      ...{ REALTIME_REDIS_URL: realtimeUrl, BILLING_REDIS_URL: redisUrl, MYSQL_URL: mysqlUrl },
      ...{ TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal },
      ...{ BILLING_PORT: String(port), OPS_PORT: String(opsPort) },
      // The publisher of the room proves its life once; the show must last as long as the run.
      RTMP_UPDATE_INTERVAL_MS: '600000',
    },
  });
  const stop = (): Promise<void> => child.stop();
  run.scope.teardown(stop);
  const base = `http://127.0.0.1:${port}`;
  const client = billingClientAt(base);
  run.scope.teardown(() => client.close());
  if (hasShow) await goLive(client.billing, base);
  return {
    ...{ pid: child.pid, port, client: client.billing, stop },
    metric: (metric) => sumOf(ops, metric),
    openSessions: (viewers) => openSessions(client.billing, viewers),
  };
}

export async function isOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}

/** Speaks to the role at this address, as the site does. */
export function billingClientAt(internal: string): { billing: BillingClient; close: () => void } {
  const member = {
    ...({ id: 'bench', incarnation: 1, role: 'billing', address: { internal } } as const),
    ...{ load: 0, draining: false },
  };
  const caller = new InternalClient({
    members: { list: () => [member] },
    secret: TEST_SECRETS.internal,
  });
  return { billing: new BillingClient(caller), close: () => caller.close() };
}

async function goLive(client: BillingClient, base: string): Promise<void> {
  await client.putRoom(ROOM, {
    ...{ performerId: '8999999', streamId: STREAM, priceMilliPerMin: PRICE, isActive: true },
  });
  const keyHash = createHash('sha256').update(STREAM_KEY).digest('hex');
  await client.putStreamKey({ streamId: STREAM, keyHash });
  const form = new URLSearchParams({
    call: 'publish',
    name: STREAM_KEY,
    session: 'p1',
    node: 'n1',
  });
  const answer = await fetch(`${base}/hooks/nginx-rtmp/on_publish`, {
    ...{ method: 'POST', body: form, redirect: 'manual' },
  });
  if (answer.status !== 302) throw new Error(`on_publish: ${answer.status}`);
}

async function openSessions(
  client: BillingClient,
  viewers: readonly string[],
): Promise<readonly string[]> {
  const bodies: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < viewers.length) {
      const viewerId = viewers[next] ?? '';
      next += 1;
      const { playToken } = await client.openSession({
        ...{ viewerId, roomId: ROOM, key: `open-hook-${viewerId}` },
      });
      const hook = { call: 'update_play', name: STREAM, addr: '10.0.0.1', token: playToken };
      bodies.push(new URLSearchParams({ ...hook, clientid: viewerId, time: '30' }).toString());
    }
  };
  await Promise.all(Array.from({ length: OPEN_IN_FLIGHT }, work));
  return bodies;
}

async function sumOf(ops: string, name: string): Promise<number> {
  const text = await (await fetch(`${ops}/metrics`)).text();
  const lines = text.split('\n').filter((line) => /^[\w]+/.exec(line)?.[0] === name);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
