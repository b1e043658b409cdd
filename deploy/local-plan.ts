// The processes of a one-machine cluster: which port each has and which environment each gets.
// Pure; local.ts carries it out, tests read it.
import { join } from 'node:path';
import { GATEWAY_NODE_OPTIONS } from '../cluster/index.js';
import { GATEWAYS_MAX, type LocalOptions } from './local-options.js';

export interface LocalPorts {
  readonly web: number;
  readonly gatewayShared: number;
  readonly hls: number;
  readonly rtmp: number;
  readonly billing: number;
  readonly realtimeRedis: number;
  readonly billingRedis: number;
  readonly mariadb: number;
  readonly webOps: number;
  readonly billingOps: number;
  readonly rtmpOps: number;
  readonly gateways: readonly GatewayPorts[];
}

export interface GatewayPorts {
  readonly socket: number;
  readonly sockjs: number;
  readonly ops: number;
}

export interface RolePlan {
  /** Unique, also NODE_ID. */
  readonly name: string;
  /** Path below dist/. */
  readonly entry: string;
  /** Options of Node before the entry. */
  readonly nodeOptions: readonly string[];
  readonly opsPort: number;
  readonly env: Readonly<Record<string, string>>;
}

export interface LocalSecrets {
  readonly token: string;
  readonly internal: string;
  readonly mariadbPassword: string;
}

/**
 * Port layout: base + 0…7 services, + 10… gateway sockets, + 20…22 and + 30… private ports, + 50…
 * SockJS of the gateways.
 */
export function localPorts(base: number, gateways: number): LocalPorts {
  return {
    web: base,
    gatewayShared: base + 1,
    hls: base + 2,
    rtmp: base + 3,
    billing: base + 4,
    realtimeRedis: base + 5,
    billingRedis: base + 6,
    mariadb: base + 7,
    webOps: base + 20,
    billingOps: base + 21,
    rtmpOps: base + 22,
    gateways: Array.from({ length: Math.min(gateways, GATEWAYS_MAX) }, (_, index) => ({
      socket: base + 10 + index,
      ops: base + 30 + index,
      sockjs: base + 50 + index,
    })),
  };
}

/** The ports that must be free before the start, each with what wants it. */
export function wantedPorts(ports: LocalPorts, options: LocalOptions): readonly [number, string][] {
  return [
    [ports.web, 'the site'],
    [ports.gatewayShared, 'the gateways'],
    [ports.hls, 'HLS'],
    [ports.rtmp, 'RTMP'],
    [ports.billing, 'billing'],
    ...(options.realtimeRedisUrl === undefined
      ? ([[ports.realtimeRedis, 'the realtime Redis']] as [number, string][])
      : []),
    ...(options.billingRedisUrl === undefined
      ? ([[ports.billingRedis, 'the billing Redis']] as [number, string][])
      : []),
    ...(options.mysqlUrl === undefined ? ([[ports.mariadb, 'MariaDB']] as [number, string][]) : []),
    [ports.webOps, "the site's metrics"],
    [ports.billingOps, "billing's metrics"],
    [ports.rtmpOps, "RTMP's metrics"],
    ...ports.gateways.flatMap(({ socket, sockjs, ops }, index): [number, string][] => [
      [socket, `gateway ${index + 1}`],
      [sockjs, `SockJS of gateway ${index + 1}`],
      [ops, `gateway ${index + 1}'s metrics`],
    ]),
  ];
}

/**
 * Roles in start order; they stop in reverse. What the caller's environment sets wins over tuning
 * defaults.
 */
export function rolePlans(
  options: LocalOptions,
  ports: LocalPorts,
  urls: { realtimeRedis: string; billingRedis: string; mysql: string },
  secrets: LocalSecrets,
): readonly RolePlan[] {
  const shared = {
    REALTIME_REDIS_URL: urls.realtimeRedis,
    BILLING_REDIS_URL: urls.billingRedis,
    MYSQL_URL: urls.mysql,
    TOKEN_SECRET: secrets.token,
    INTERNAL_SECRET: secrets.internal,
    WEB_PORT: String(ports.web),
    WEB_PUBLIC_URL: `http://127.0.0.1:${ports.web}`,
    GATEWAY_PORT: String(ports.gatewayShared),
    HLS_PORT: String(ports.hls),
    RTMP_PORT: String(ports.rtmp),
    BILLING_PORT: String(ports.billing),
    MEDIA_DIR: join(options.dataDir, 'media'),
    WEB_MEDIA_DIR: join(options.dataDir, 'web-media'),
    // Checkout through a bank that only this machine believes in.
    WEB_PAYMENT_PROVIDER: 'sandbox',
  };
  const role = (
    name: string,
    folder: string,
    opsPort: number,
    env: Record<string, string> = {},
    nodeOptions: readonly string[] = [],
  ): RolePlan => ({
    name,
    entry: `${folder}/main.js`,
    nodeOptions,
    opsPort,
    env: { ...shared, ...env, NODE_ID: name, OPS_PORT: String(opsPort) },
  });
  return [
    role('billing-1', 'billing', ports.billingOps),
    role('rtmp-1', 'rtmp', ports.rtmpOps),
    ...ports.gateways.map(({ socket, sockjs, ops }, index) =>
      role(
        `gateway-${index + 1}`,
        'gateway',
        ops,
        {
          GATEWAY_PRIVATE_PORT: String(socket),
          GATEWAY_SOCKJS_PORT: String(sockjs),
          // All stop at once: there is nobody to hand over to.
          GATEWAY_DRAIN_MS: '2000',
        },
        GATEWAY_NODE_OPTIONS,
      ),
    ),
    role('web-1', 'web', ports.webOps),
  ];
}
