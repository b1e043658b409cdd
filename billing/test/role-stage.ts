// A whole billing role on real servers with a memory bus and a notifier that keeps what it is told.
import {
  connectRedis,
  closeRedis,
  createMemoryBus,
  createMetrics,
  createTokenService,
  InternalClient,
  loadConfig,
  type Config,
  type Metrics,
  type TokenService,
} from '../../cluster/index.js';
import {
  silentLog,
  startMariadb,
  startRedis,
  TEST_SECRETS,
  type TestMariadb,
  type TestRedis,
  type TestScope,
} from '../../cluster/testing/index.js';
import { BillingClient } from '../client.js';
import { Database } from '../database.js';
import type { Notifier } from '../ports.js';
import { BillingRole } from '../role.js';

export interface Said {
  readonly what: keyof Notifier;
  readonly to: string;
  readonly [field: string]: unknown;
}

export interface RoleStage {
  readonly role: BillingRole;
  readonly client: BillingClient;
  readonly caller: InternalClient;
  readonly base: string;
  readonly config: Config;
  readonly redis: TestRedis;
  readonly mariadb: TestMariadb;
  readonly database: Database;
  readonly tokens: TokenService;
  readonly metrics: Metrics;
  readonly bus: ReturnType<typeof createMemoryBus>;
  /** Everything that was said to people, in order. */
  readonly said: readonly Said[];
  /** Everything on the bus topic billing.cut. */
  readonly cuts: readonly Record<string, string>[];
  readonly hook: (
    call: string,
    params: Record<string, string>,
    method?: 'GET' | 'POST',
  ) => Promise<{ status: number; body: string; location: string | null }>;
}

/** Short rounds, so that a test sees several of them. */
const FAST: Record<string, string> = {
  BILLING_PORT: '0',
  BIND_HOST: '127.0.0.1',
  BILLING_UPDATE_INTERVAL_MS: '1000',
  BILLING_GRACE_MS: '200',
  RTMP_UPDATE_INTERVAL_MS: '20000',
  RTMP_RECONNECT_GRACE_MS: '300',
  TOKEN_SECRET: TEST_SECRETS.token,
  INTERNAL_SECRET: TEST_SECRETS.internal,
};

export async function startRole(
  t: TestScope,
  env: Record<string, string> = {},
): Promise<RoleStage> {
  const [redis, mariadb] = await Promise.all([
    startRedis(t, { appendFsync: 'always' }),
    startMariadb(t),
  ]);
  const config = loadConfig({ ...FAST, MYSQL_URL: mariadb.url, ...env });
  const log = silentLog;
  const money = await connectRedis(redis.url, { role: 'money', name: 'test', log });
  const database = await Database.open(mariadb.url, { poolMax: 8, log });
  const bus = createMemoryBus({ log });
  const said: Said[] = [];
  const cuts: Record<string, string>[] = [];
  await bus.subscribe('billing.cut', (payload) => {
    cuts.push(JSON.parse(payload.toString()) as Record<string, string>);
  });
  const metrics = createMetrics('billing', { process: false });
  const role = new BillingRole({
    ...{ config, redis: money, database, bus, log, metrics, notifier: recorder(said) },
  });
  const port = await role.start();
  const base = `http://127.0.0.1:${port}`;
  const caller = callerTo(base);
  t.teardown(async () => {
    caller.close();
    await role.stop();
    await bus.close();
    await closeRedis(money);
    await database.close();
  });
  return {
    ...{ role, caller, base, config, redis, mariadb, database, bus, said, cuts, metrics },
    client: new BillingClient(caller),
    tokens: createTokenService(TEST_SECRETS.token),
    hook: (call, params, method = 'POST') => callHook(base, call, params, method),
  };
}

/** Signed calls to the one billing process at `base`; whoever asks for it closes it. */
export function callerTo(base: string, secret: string = TEST_SECRETS.internal): InternalClient {
  const member = {
    id: 'b1',
    incarnation: 1,
    role: 'billing',
    address: { internal: base },
  } as const;
  return new InternalClient({
    members: { list: () => [{ ...member, load: 0, draining: false }] },
    secret,
  });
}

function recorder(said: Said[]): Notifier {
  const note =
    (what: keyof Notifier) =>
    (to: string, news: object): Promise<void> => {
      said.push({ what, to, ...news });
      return Promise.resolve();
    };
  return {
    balance: note('balance'),
    tip: note('tip'),
    tipNote: note('tipNote'),
    priceChanged: note('priceChanged'),
    cut: note('cut'),
    showOver: (show) => note('showOver')(show.performerId, show),
    lowBalance: note('lowBalance'),
  };
}

async function callHook(
  base: string,
  call: string,
  params: Record<string, string>,
  method: 'GET' | 'POST',
): Promise<{ status: number; body: string; location: string | null }> {
  const form = new URLSearchParams(params).toString();
  const url = `${base}/hooks/nginx-rtmp/${call}`;
  const response =
    method === 'GET'
      ? await fetch(`${url}?${form}`, { redirect: 'manual' })
      : await fetch(url, {
          method,
          redirect: 'manual',
          body: form,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        });
  return {
    status: response.status,
    body: await response.text(),
    location: response.headers.get('location'),
  };
}

/** Room 7 of model 99 with stream `stream-seven` at 6 credits a minute; viewer 42 with credits. */
export async function openShop(
  stage: RoleStage,
  options: { credits?: bigint; price?: bigint } = {},
): Promise<void> {
  const { credits = 100_000n, price = 6_000n } = options;
  const { client } = stage;
  await client.putRoom('7', {
    ...{ performerId: '99', streamId: 'stream-seven', priceMilliPerMin: price, isActive: true },
  });
  await client.putStreamKey({ streamId: 'stream-seven', keyHash: KEY_HASH });
  if (credits > 0n) {
    const grant = { userId: '42', amountMilli: credits, reason: 'welcome', actor: 'admin:1' };
    await client.grant({ key: 'grant-key-1', ...grant });
  }
}

export const STREAM_KEY = 'sk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG';
// sha256 of STREAM_KEY
export const KEY_HASH = '7118bf581a5083e96f82f8f6496ee96a54341373c052c0fff40f695bc3650c68';
