// The one table of settings and the only reader of process.env. Every role loads the whole table and
// takes its own group. All problems are reported at once, each with the name of its variable.
import { bool, choice, int, list, port, text, url, type Setting } from './setting.js';

const CIDR = /^[0-9a-fA-F.:]+(\/\d{1,3})?$/;

const table = {
  node: {
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
  },
  log: {
    level: choice('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      doc: 'Least severe level that is written.',
      fallback: 'info',
    }),
  },
  redis: {
    realtimeUrl: url('REALTIME_REDIS_URL', ['redis', 'rediss', 'redis-cluster'], {
      doc: 'Redis for rooms, history, presence and pub/sub; redis-cluster://h:p,h:p for a Cluster.',
      fallback: 'redis://127.0.0.1:8085',
      secret: true,
    }),
    billingUrl: url('BILLING_REDIS_URL', ['redis', 'rediss', 'redis-cluster'], {
      doc: 'Redis for credits and open sessions; wants AOF and maxmemory-policy noeviction.',
      fallback: 'redis://127.0.0.1:8086',
      secret: true,
    }),
  },
  mysql: {
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
  },
  secrets: {
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
  },
  members: {
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
  },
  ops: {
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
  },
  web: {
    port: port('WEB_PORT', { doc: 'Site and REST API.', fallback: 8080 }),
    publicUrl: url('WEB_PUBLIC_URL', ['http', 'https'], {
      doc: 'Address of the site as browsers see it; used in mails and for the origin check.',
      fallback: 'http://127.0.0.1:8080',
    }),
    trustedProxies: list('WEB_TRUSTED_PROXIES', {
      doc: 'Proxies whose X-Forwarded-For is believed.',
      fallback: [],
      item: CIDR,
    }),
    isCookieSecure: bool('WEB_COOKIE_SECURE', {
      doc: 'Sends cookies over https only; switch on wherever the site has TLS.',
      fallback: false,
    }),
    accessTtlSec: int(
      'WEB_ACCESS_TTL_SEC',
      { min: 30, max: 1_200 },
      {
        doc: 'Life of an access token.',
        fallback: 900,
        unit: 's',
      },
    ),
    refreshTtlSec: int(
      'WEB_REFRESH_TTL_SEC',
      { min: 60, max: 7_776_000 },
      {
        doc: 'Life of a refresh token; each use replaces it.',
        fallback: 604_800,
        unit: 's',
      },
    ),
    gatewayUrl: url('GATEWAY_PUBLIC_URL', ['ws', 'wss'], {
      doc: 'One address for all gateways behind a balancer; empty = the addresses they register.',
      fallback: '',
    }),
    hlsUrl: url('HLS_PUBLIC_URL', ['http', 'https'], {
      doc: 'One address for all HLS servers behind a balancer; empty = those they register.',
      fallback: '',
    }),
    rtmpUrl: url('RTMP_PUBLIC_URL', ['rtmp', 'rtmps'], {
      doc: 'Address shown to models for publishing; empty = the one an ingest node registers.',
      fallback: '',
    }),
    hlsTtlSec: int(
      'HLS_PATH_TTL_SEC',
      { min: 10, max: 600 },
      {
        doc: 'Life of a signed HLS path; it is renewed with each playlist.',
        fallback: 90,
        unit: 's',
      },
    ),
    loginsPerMinMax: int(
      'WEB_LOGINS_PER_MIN_MAX',
      { min: 1, max: 1_000_000 },
      {
        doc: 'Log-in attempts per minute and client address, in the whole fleet.',
        fallback: 30,
      },
    ),
    signUpsPerHourMax: int(
      'WEB_SIGN_UPS_PER_HOUR_MAX',
      { min: 1, max: 1_000_000 },
      {
        doc: 'Sign-ups per hour and client address, in the whole fleet.',
        fallback: 30,
      },
    ),
  },
  gateway: {
    port: port('GATEWAY_PORT', {
      doc: 'WebSocket port shared by all gateway workers of a host; 0 = none.',
      fallback: 8081,
    }),
    privatePort: port('GATEWAY_PRIVATE_PORT', {
      doc: 'WebSocket port of this worker alone; 0 = any free port.',
      fallback: 8090,
    }),
    allowedOrigins: list('GATEWAY_ALLOWED_ORIGINS', {
      doc: 'Origins that browsers may connect from; empty = every host that serves the site port.',
      fallback: [],
    }),
    connectionsMax: int(
      'GATEWAY_CONNECTIONS_MAX',
      { min: 1, max: 1_000_000 },
      {
        doc: 'Further connections are refused with 503 and Retry-After.',
        fallback: 15_000,
      },
    ),
    connectsPerSecMax: int(
      'GATEWAY_CONNECTS_PER_SEC_MAX',
      { min: 1, max: 1_000_000 },
      {
        doc: 'Connection attempts admitted per second; more get 503 and Retry-After.',
        fallback: 5_000,
      },
    ),
    idleTimeoutSec: int(
      'GATEWAY_IDLE_TIMEOUT_SEC',
      { min: 8, max: 960 },
      {
        doc: 'A socket without any frame or pong for this long is closed.',
        fallback: 60,
        unit: 's',
      },
    ),
    historyMax: int(
      'GATEWAY_HISTORY_MAX',
      { min: 50, max: 100_000 },
      {
        doc: 'Messages kept per channel for backlog and resume.',
        fallback: 1_000,
      },
    ),
    historyTtlSec: int(
      'GATEWAY_HISTORY_TTL_SEC',
      { min: 10, max: 2_592_000 },
      {
        doc: 'A channel without messages for this long forgets its history.',
        fallback: 86_400,
        unit: 's',
      },
    ),
    messageLengthMax: int(
      'GATEWAY_MESSAGE_LENGTH_MAX',
      { min: 1, max: 4_000 },
      {
        doc: 'Longest chat text.',
        fallback: 500,
        unit: 'characters',
      },
    ),
    drainMs: int(
      'GATEWAY_DRAIN_MS',
      { min: 0, max: 600_000 },
      {
        doc: 'Time over which a draining worker hands its clients over.',
        fallback: 2_000,
        unit: 'ms',
      },
    ),
    trustedProxies: list('GATEWAY_TRUSTED_PROXIES', {
      doc: 'Proxies whose X-Forwarded-For is believed.',
      fallback: [],
      item: CIDR,
    }),
  },
  billing: {
    port: port('BILLING_PORT', { doc: 'Hooks and internal API.', fallback: 8084 }),
    hookAllow: list('BILLING_HOOK_ALLOW', {
      doc: 'Networks from which media servers may call hooks.',
      fallback: ['127.0.0.0/8', '::1/128'],
      item: CIDR,
    }),
    updateIntervalMs: int(
      'BILLING_UPDATE_INTERVAL_MS',
      { min: 200, max: 600_000 },
      {
        doc: 'How often a paid session proves that it is alive and is charged.',
        fallback: 10_000,
        unit: 'ms',
      },
    ),
    graceMs: int(
      'BILLING_GRACE_MS',
      { min: 0, max: 600_000 },
      {
        doc: 'Most time that is charged across a gap between two proofs of life.',
        fallback: 5_000,
        unit: 'ms',
      },
    ),
    modelShareBps: int(
      'BILLING_MODEL_SHARE_BPS',
      { min: 0, max: 10_000 },
      {
        doc: 'Share of each charge that the model earns; the site keeps the rest.',
        fallback: 6_000,
        unit: '1/10000',
      },
    ),
    tipMaxMilli: int(
      'BILLING_TIP_MAX_MILLI',
      { min: 1_000, max: 1_000_000_000 },
      {
        doc: 'Largest single tip.',
        fallback: 10_000_000,
        unit: 'milli-credits',
      },
    ),
    failOpenMs: int(
      'BILLING_FAIL_OPEN_MS',
      { min: 0, max: 600_000 },
      {
        doc: 'How long a paid session is let through while its Redis is away.',
        fallback: 60_000,
        unit: 'ms',
      },
    ),
  },
  rtmp: {
    port: port('RTMP_PORT', { doc: 'RTMP ingest and play.', fallback: 8083 }),
    hlsPort: port('HLS_PORT', { doc: 'HLS over HTTP.', fallback: 8082 }),
    mediaDir: text('MEDIA_DIR', {
      doc: 'Directory for segments; only this process may use it.',
      fallback: 'var/media',
    }),
    hookUrl: url('RTMP_HOOK_URL', ['http', 'https'], {
      doc: 'Base address of the hooks; empty = a billing process from the member list.',
      fallback: '',
    }),
    updateIntervalMs: int(
      'RTMP_UPDATE_INTERVAL_MS',
      { min: 200, max: 600_000 },
      {
        doc: 'Period of on_update for each session.',
        fallback: 30_000,
        unit: 'ms',
      },
    ),
    publishPolicy: choice('RTMP_PUBLISH_POLICY', ['replace', 'refuse'], {
      doc: 'What happens when the same key publishes while a publisher is live.',
      fallback: 'replace',
    }),
    idleTimeoutMs: int(
      'RTMP_IDLE_TIMEOUT_MS',
      { min: 500, max: 600_000 },
      {
        doc: 'A publisher without media for this long is dropped.',
        fallback: 15_000,
        unit: 'ms',
      },
    ),
    connectionsMax: int(
      'RTMP_CONNECTIONS_MAX',
      { min: 1, max: 100_000 },
      {
        doc: 'Further RTMP connections are refused.',
        fallback: 5_000,
      },
    ),
    segmentMs: int(
      'HLS_SEGMENT_MS',
      { min: 500, max: 10_000 },
      {
        doc: 'Wanted length of a segment; cuts fall on key frames.',
        fallback: 2_000,
        unit: 'ms',
      },
    ),
    windowSegments: int(
      'HLS_WINDOW_SEGMENTS',
      { min: 3, max: 10_000 },
      {
        doc: 'Segments listed in a live playlist.',
        fallback: 8,
      },
    ),
    reconnectGraceMs: int(
      'RTMP_RECONNECT_GRACE_MS',
      { min: 0, max: 600_000 },
      {
        doc: 'A publisher that returns within this time continues its show.',
        fallback: 10_000,
        unit: 'ms',
      },
    ),
    disposeMs: int(
      'HLS_DISPOSE_MS',
      { min: 0, max: 86_400_000 },
      {
        doc: 'Files of an ended show are removed after this time.',
        fallback: 60_000,
        unit: 'ms',
      },
    ),
    hlsOrigins: list('HLS_ALLOWED_ORIGINS', {
      doc: 'Origins that may read HLS across sites; * = all (paths are signed).',
      fallback: ['*'],
    }),
    cpuBudgetPercent: int(
      'TRANSCODE_CPU_BUDGET_PERCENT',
      { min: 0, max: 100_000 },
      {
        doc: 'CPU that transcodes may use together; 100 = one core. Copies are nearly free.',
        fallback: 150,
        unit: '% of a core',
      },
    ),
  },
} as const;

type Table = typeof table;
type Value<S> = S extends Setting<infer T> ? T : never;

/** The frozen, typed settings of one process. */
export type Config = {
  readonly [G in keyof Table]: { readonly [K in keyof Table[G]]: Value<Table[G][K]> };
};

/** Thrown by loadConfig; `problems` holds one line per broken variable. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Configuration:\n${problems.map((one) => `  ${one}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** Every row in table order, for the generated example and for tests. */
export function settingRows(): readonly (Setting<unknown> & { readonly group: string })[] {
  return Object.entries(table).flatMap(([group, rows]) =>
    Object.values(rows).map((setting: Setting<unknown>) => ({
      ...setting,
      parse: (raw: string) => setting.parse(raw),
      group,
    })),
  );
}

/**
 * Reads all settings. A variable that is unset or empty takes its default.
 * @throws ConfigError with every problem at once.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const problems: string[] = [];
  const groups = Object.entries(table).map(([group, rows]) => {
    const values = Object.entries(rows).map(([key, setting]: [string, Setting<unknown>]) => [
      key,
      readSetting(setting, env[setting.env], problems),
    ]);
    return [group, Object.freeze(Object.fromEntries(values) as Record<string, unknown>)];
  });
  const config = Object.freeze(Object.fromEntries(groups) as Config);
  if (problems.length === 0 && config.members.leaseTtlMs < 3 * config.members.beatMs) {
    problems.push('MEMBER_LEASE_TTL_MS must be at least 3 × MEMBER_BEAT_MS');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readSetting(
  setting: Setting<unknown>,
  raw: string | undefined,
  problems: string[],
): unknown {
  if (raw === undefined || raw === '') {
    if (setting.fallback === undefined) problems.push(`${setting.env} is required: ${setting.doc}`);
    return setting.fallback;
  }
  const parsed = setting.parse(raw);
  if (parsed.ok) return parsed.value;
  const shown = setting.secret ? '(secret)' : `"${raw}"`;
  problems.push(`${setting.env}=${shown} ${parsed.problem}`);
  return setting.fallback;
}

/** The effective settings by variable name, secrets masked; for the first log line of a role. */
export function maskedSettings(config: Config): Record<string, unknown> {
  const values: Record<string, Readonly<Record<string, unknown>>> = config;
  return Object.fromEntries(
    Object.entries(table).flatMap(([group, rows]) =>
      Object.entries(rows).map(([key, setting]: [string, Setting<unknown>]) => [
        setting.env,
        setting.secret ? '***' : values[group]?.[key],
      ]),
    ),
  );
}

/** Seed for randomised tests (SHOWBILL_SEED, 0…2^31-1), or undefined: each run takes its own. */
export function testSeed(
  env: Readonly<Record<string, string | undefined>> = process.env,
): number | undefined {
  const raw = env['SHOWBILL_SEED'] ?? '';
  return /^\d{1,10}$/.test(raw) ? Number(raw) % 2 ** 31 : undefined;
}

/** Rounds of each fuzz test (SHOWBILL_FUZZ_ROUNDS, up to 10^7); `fallback` keeps the normal run short. */
export function fuzzRounds(
  fallback: number,
  env: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const raw = env['SHOWBILL_FUZZ_ROUNDS'] ?? '';
  return /^[1-9]\d{0,6}$/.test(raw) ? Number(raw) : fallback;
}
