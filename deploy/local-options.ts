// What `npm start` may be told, by flag or by environment. Used by local.ts; all problems at once.
import { resolve } from 'node:path';

export interface LocalOptions {
  /** Base port; every other port follows from it. */
  readonly port: number;
  readonly gateways: number;
  /** Absolute path of the data directory. */
  readonly dataDir: string;
  readonly isDemo: boolean;
  /** Servers of one's own; undefined = a private one is started. */
  readonly realtimeRedisUrl: string | undefined;
  readonly billingRedisUrl: string | undefined;
  readonly mysqlUrl: string | undefined;
}

/** Highest offset from the base port that localPorts hands out. */
const PORT_SPAN = 59;
export const GATEWAYS_MAX = 10;

export const USAGE = `npm start -- [options]
  --port N        base port, all others follow from it   (SHOWBILL_PORT, 8080)
  --gateways N    gateway workers, 1…${GATEWAYS_MAX}                 (SHOWBILL_GATEWAYS, 2)
  --data DIR      where everything is kept               (SHOWBILL_DATA, var)
  --no-demo       no demo accounts and broadcast         (SHOWBILL_DEMO=false)
  REALTIME_REDIS_URL, BILLING_REDIS_URL, MYSQL_URL       use these servers instead of private ones`;

type Outcome =
  | { readonly ok: true; readonly options: LocalOptions }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads flags first, then environment, then defaults. */
export function parseLocalOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Outcome {
  const problems: string[] = [];
  const flags = readFlags(argv, problems);
  const pick = (flag: string, variable: string, fallback: string): [string, string] => {
    const fromFlag = flags.get(flag);
    return fromFlag === undefined
      ? [variable, nonEmpty(env[variable]) ?? fallback]
      : [`--${flag}`, fromFlag];
  };
  const whole = ([setting, raw]: [string, string], max: number): number => {
    const value = /^\d{1,5}$/.test(raw) ? Number(raw) : 0;
    if (value < 1 || value > max) problems.push(`${setting}=${raw} must be 1…${max}`);
    return value;
  };
  const options: LocalOptions = {
    port: whole(pick('port', 'SHOWBILL_PORT', '8080'), 65_535 - PORT_SPAN),
    gateways: whole(pick('gateways', 'SHOWBILL_GATEWAYS', '2'), GATEWAYS_MAX),
    dataDir: resolve(pick('data', 'SHOWBILL_DATA', 'var')[1]),
    isDemo: !flags.has('no-demo') && !/^(false|0|no|off)$/i.test(env['SHOWBILL_DEMO'] ?? ''),
    realtimeRedisUrl: nonEmpty(env['REALTIME_REDIS_URL']),
    billingRedisUrl: nonEmpty(env['BILLING_REDIS_URL']),
    mysqlUrl: nonEmpty(env['MYSQL_URL']),
  };
  return problems.length === 0 ? { ok: true, options } : { ok: false, problems };
}

function readFlags(argv: readonly string[], problems: string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    const [, name = '', inline] = /^--(port|gateways|data)(?:=(.*))?$/.exec(word) ?? [];
    if (word === '--no-demo') {
      flags.set('no-demo', '');
    } else if (name === '') {
      problems.push(`${word} is not an option`);
    } else {
      const value = inline ?? argv[++at];
      if (value === undefined || value === '') problems.push(`--${name} needs a value`);
      else flags.set(name, value);
    }
  }
  return flags;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
