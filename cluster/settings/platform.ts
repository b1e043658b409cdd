// Settings that every role has: identity, logs, stores, secrets, membership, the private port.
// One row per variable; see config.ts.
import { choice, int, port, redisUrl, text, url } from '../setting.js';

export const nodeSettings = {
  id: text('NODE_ID', {
    doc: 'Name of this process in the member list; unique in the fleet.',
    fallback: 'node-1',
    pattern: /^[A-Za-z0-9._-]{1,64}$/,
  }),
  host: text('ADVERTISE_HOST', {
    doc: 'Host name under which browsers reach this process; empty = the host of the site.',
    fallback: '',
  }),
  internalHost: text('INTERNAL_HOST', {
    doc: 'Host name or address under which other roles reach this process.',
    fallback: '127.0.0.1',
  }),
  bindHost: text('BIND_HOST', {
    doc: 'Address that the public listeners bind to.',
    fallback: '0.0.0.0',
  }),
} as const;

export const logSettings = {
  level: choice('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    doc: 'Least severe level that is written.',
    fallback: 'info',
  }),
} as const;

export const redisSettings = {
  realtimeUrl: redisUrl('REALTIME_REDIS_URL', {
    doc: 'Redis for rooms, history, presence and pub/sub; redis-cluster://h:p,h:p for a Cluster.',
    fallback: 'redis://127.0.0.1:8085',
    secret: true,
  }),
  billingUrl: redisUrl('BILLING_REDIS_URL', {
    doc:
      'Redis for credits and open sessions; wants AOF, maxmemory-policy noeviction and ' +
      'hash-max-listpack-entries 64.',
    fallback: 'redis://127.0.0.1:8086',
    secret: true,
  }),
} as const;

export const mysqlSettings = {
  url: url('MYSQL_URL', ['mysql'], {
    doc: 'MySQL or MariaDB server; the user may create and use showbill and showbill_ledger.',
    fallback: 'mysql://root@127.0.0.1:8087/',
    secret: true,
  }),
  poolMax: int(
    'MYSQL_POOL_MAX',
    { min: 1, max: 200 },
    {
      doc: 'Most connections of one process.',
      fallback: 10,
    },
  ),
} as const;

export const secretsSettings = {
  token: text('TOKEN_SECRET', {
    doc: 'Signs access, connect, room, resume and play tokens and HLS paths.',
    minLength: 32,
    secret: true,
  }),
  internal: text('INTERNAL_SECRET', {
    doc: 'Signs calls from one role to another.',
    minLength: 32,
    secret: true,
  }),
} as const;

export const membersSettings = {
  beatMs: int(
    'MEMBER_BEAT_MS',
    { min: 100, max: 60_000 },
    {
      doc: 'How often a process renews its lease in the member list.',
      fallback: 2_000,
      unit: 'ms',
    },
  ),
  leaseTtlMs: int(
    'MEMBER_LEASE_TTL_MS',
    { min: 300, max: 300_000 },
    {
      doc: 'A process that has not renewed for this long is gone; at least 3 × MEMBER_BEAT_MS.',
      fallback: 8_000,
      unit: 'ms',
    },
  ),
} as const;

export const opsSettings = {
  port: port('OPS_PORT', {
    doc: 'Private port with /metrics, /healthz and /readyz; 0 = any free port.',
    fallback: 0,
  }),
  host: text('OPS_HOST', {
    doc: 'Address that the private port binds to.',
    fallback: '127.0.0.1',
  }),
  stopDeadlineMs: int(
    'STOP_DEADLINE_MS',
    { min: 100, max: 600_000 },
    {
      doc: 'An orderly stop that takes longer is cut short.',
      fallback: 8_000,
      unit: 'ms',
    },
  ),
} as const;
