// The one table of settings (rows in settings/*.ts, a file per role) and the only reader of
// process.env. Every role loads the whole table and takes its own group. All problems are reported
// at once, each with the name of its variable.
import type { Setting } from './setting.js';
import { billingSettings } from './settings/billing.js';
import { gatewaySettings } from './settings/gateway.js';
import {
  logSettings,
  membersSettings,
  mysqlSettings,
  nodeSettings,
  opsSettings,
  redisSettings,
  secretsSettings,
} from './settings/platform.js';
import { recordingSettings } from './settings/recording.js';
import { rtmpSettings } from './settings/rtmp.js';
import { webSettings } from './settings/web.js';

const table = {
  node: nodeSettings,
  log: logSettings,
  redis: redisSettings,
  mysql: mysqlSettings,
  secrets: secretsSettings,
  members: membersSettings,
  ops: opsSettings,
  web: webSettings,
  gateway: gatewaySettings,
  billing: billingSettings,
  rtmp: rtmpSettings,
  recording: recordingSettings,
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
  const { beatMs, leaseTtlMs } = config.members;
  if (leaseTtlMs < 3 * beatMs && !problems.some((one) => one.startsWith('MEMBER_'))) {
    problems.push(
      `MEMBER_LEASE_TTL_MS=${leaseTtlMs} must be at least 3 × MEMBER_BEAT_MS=${beatMs}`,
    );
  }
  const { tlsPort, tlsCertFile, tlsKeyFile } = config.rtmp;
  if (tlsPort !== 0 && (tlsCertFile === '' || tlsKeyFile === '')) {
    problems.push('RTMP_TLS_PORT needs RTMP_TLS_CERT_FILE and RTMP_TLS_KEY_FILE');
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

const DEFAULT_SEED = 20_251;

/**
 * Seed for randomised tests, 0…2^31-1. Without SHOWBILL_SEED always the same, so that a change is
 * judged by what it changed; `random` draws one (the nightly run), a number repeats a run.
 */
export function testSeed(env: Readonly<Record<string, string | undefined>> = process.env): number {
  const raw = env['SHOWBILL_SEED'] ?? '';
  if (raw === 'random') return Math.floor(Math.random() * 2 ** 31);
  return /^\d{1,10}$/.test(raw) ? Number(raw) % 2 ** 31 : DEFAULT_SEED;
}

/**
 * Rounds of each fuzz test (SHOWBILL_FUZZ_ROUNDS, up to 10^7); `fallback` keeps the normal run
 * short.
 */
export function fuzzRounds(
  fallback: number,
  env: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const raw = env['SHOWBILL_FUZZ_ROUNDS'] ?? '';
  return /^[1-9]\d{0,6}$/.test(raw) ? Number(raw) : fallback;
}
