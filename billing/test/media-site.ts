// Billing, gateway and media node as processes of their own on real servers, as in production; the
// media node hears of the fleet through a proxy that can be broken.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTokenService } from '../../cluster/index.js';
import {
  freePort,
  startMariadb,
  startRedis,
  startTcpProxy,
  TEST_SECRETS,
  until,
  type TcpProxy,
  type TestScope,
} from '../../cluster/testing/index.js';
import { startProcess } from '../../web/test/role-process.js';
import { BillingClient } from '../client.js';
import { callerTo } from './role-stage.js';

export interface MediaSite {
  readonly client: BillingClient;
  /** Base address of hooks and API. */
  readonly billing: string;
  /** Of the gateway's worker. */
  readonly realtime: string;
  readonly rtmpPort: number;
  readonly hls: string;
  /** Between the media node and the Redis that carries orders. */
  readonly orders: TcpProxy;
  readonly mysqlUrl: string;
  readonly tokens: ReturnType<typeof createTokenService>;
}

type Ports = Readonly<
  Record<'billing' | 'gateway' | 'rtmp' | 'hls' | 'billingOps' | 'gatewayOps' | 'rtmpOps', number>
>;

async function freePorts(): Promise<Ports> {
  return {
    billing: await freePort(),
    gateway: await freePort(),
    rtmp: await freePort(),
    hls: await freePort(),
    billingOps: await freePort(),
    gatewayOps: await freePort(),
    rtmpOps: await freePort(),
  };
}

/** @param env settings of all roles */
export async function startMediaSite(
  t: TestScope,
  env: Readonly<Record<string, string>>,
): Promise<MediaSite> {
  const [realtime, money, mariadb, ports] = await Promise.all([
    startRedis(t),
    startRedis(t, { appendFsync: 'always' }),
    startMariadb(t),
    freePorts(),
  ]);
  const orders = await startTcpProxy(t, { targetPort: realtime.port });
  const mediaDir = await mkdtemp(join(tmpdir(), 'showbill-cut-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  const shared = {
    ...{ BIND_HOST: '127.0.0.1', REALTIME_REDIS_URL: realtime.url, LOG_LEVEL: 'warn' },
    ...{ TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal, ...env },
  };
  startProcess(t, 'billing/main.ts', {
    ...{ ...shared, BILLING_REDIS_URL: money.url, MYSQL_URL: mariadb.url, NODE_ID: 'billing-1' },
    ...{ BILLING_PORT: String(ports.billing), OPS_PORT: String(ports.billingOps) },
  });
  startProcess(t, 'gateway/main.ts', {
    ...{ ...shared, NODE_ID: 'gateway-1', GATEWAY_PORT: '0', GATEWAY_SOCKJS_PORT: '0' },
    ...{ GATEWAY_PRIVATE_PORT: String(ports.gateway), OPS_PORT: String(ports.gatewayOps) },
  });
  startProcess(t, 'rtmp/main.ts', {
    ...{ ...shared, REALTIME_REDIS_URL: `redis://127.0.0.1:${orders.port}`, NODE_ID: 'rtmp-1' },
    ...{ RTMP_PORT: String(ports.rtmp), HLS_PORT: String(ports.hls), MEDIA_DIR: mediaDir },
    ...{ OPS_PORT: String(ports.rtmpOps), HLS_SEGMENT_MS: '1000' },
  });
  for (const ops of [ports.billingOps, ports.gatewayOps, ports.rtmpOps]) {
    await until(async () => (await fetch(`http://127.0.0.1:${ops}/readyz`)).ok, {
      ...{ what: `the role with the private port ${ops} is ready`, deadlineMs: 60_000 },
    });
  }
  const billing = `http://127.0.0.1:${ports.billing}`;
  return {
    ...{ client: billingClient(t, billing), billing, orders, rtmpPort: ports.rtmp },
    realtime: `ws://127.0.0.1:${ports.gateway}`,
    hls: `http://127.0.0.1:${ports.hls}`,
    mysqlUrl: mariadb.url,
    tokens: createTokenService(TEST_SECRETS.token),
  };
}

function billingClient(t: TestScope, base: string): BillingClient {
  const caller = callerTo(base);
  t.teardown(() => caller.close());
  return new BillingClient(caller);
}
