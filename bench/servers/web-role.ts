// The site as it runs in production: the compiled web and billing roles over real Redis and
// MariaDB, with accounts, rooms and live shows in them. Used by the scenarios of the site.
import { closeRedis, connectRedis, freePortRange, startChildServer } from '../../cluster/index.js';
import {
  silentLog,
  startMariadb,
  startRedis,
  TEST_SECRETS,
  until,
} from '../../cluster/testing/index.js';
import { serverFlags, type Run } from '../lib/run-context.js';
import { SQL } from '../scenarios/ledger.js';
import { giveInSql, openLedger } from '../testing/billing-ledger.js';
import { isOk, startBillingRole } from './billing-role.js';
import { redisPid } from './gateway-worker.js';
import { mariadbPid } from './sql-process.js';
import { airRooms, fillSite, openSiteTables, type SiteData } from '../testing/site-data.js';

export interface WebRoleServer {
  readonly origin: string;
  readonly billingUrl: string;
  readonly mysqlUrl: string;
  /** Everything that works for a request, by name. */
  readonly pids: Readonly<Record<'web' | 'billing' | 'realtime' | 'money' | 'sql', number>>;
  readonly data: SiteData;
}

export const WEBHOOK_SECRET = 'whsec_bench_0123456789abcdef';
const EACH = 1_000_000_000n;
const READY_MS = 60_000;

export async function startWebRole(run: Run, viewers: number): Promise<WebRoleServer> {
  const [realtime, money, mariadb] = await Promise.all([
    startRedis(run.scope),
    startRedis(run.scope, { appendFsync: 'everysec' }),
    startMariadb(run.scope, SQL),
  ]);
  const ledger = await openLedger({
    ...{ redisUrl: money.url, mysqlUrl: mariadb.url, startMs: Date.now() },
  });
  await giveInSql(ledger, { count: viewers, amount: EACH });
  await ledger.close();
  const billing = await startBillingRole(run, {
    ...{ name: 'billing-1', redisUrl: money.url, mysqlUrl: mariadb.url, hasShow: false },
    realtimeUrl: realtime.url,
  });
  const web = await startWeb(run, { realtimeUrl: realtime.url, mysqlUrl: mariadb.url });
  const sql = await openSiteTables(mariadb.url);
  const data = await fillSite(sql, viewers);
  await sql.end();
  for (const { id, performerId, streamId } of data.rooms) {
    await billing.client.putRoom(id, {
      ...{ performerId, streamId, priceMilliPerMin: 0n, isActive: true },
    });
  }
  return {
    origin: web.origin,
    billingUrl: `http://127.0.0.1:${billing.port}`,
    mysqlUrl: mariadb.url,
    pids: {
      ...{ web: web.pid, billing: billing.pid, sql: await mariadbPid(mariadb.url) },
      ...{ realtime: await pidOfRedis(realtime.url), money: await pidOfRedis(money.url) },
    },
    data: { ...data, live: await goLive(realtime.url, data, web.origin) },
  };
}

async function startWeb(
  run: Run,
  urls: { readonly realtimeUrl: string; readonly mysqlUrl: string },
): Promise<{ readonly origin: string; readonly pid: number }> {
  const port = await freePortRange(2);
  const opsPort = port + 1;
  const child = await startChildServer({
    ...{ name: 'web-1', programs: [process.execPath], debianPackage: 'nodejs' },
    args: [...serverFlags(run, 'web-1'), run.tree.entry('web/main.ts')],
    ...{ port: opsPort, portBusyPattern: /EADDRINUSE/, readyDeadlineMs: READY_MS },
    isReady: () => isOk(`http://127.0.0.1:${opsPort}/readyz`),
    env: {
      ...process.env,
      ...{ NODE_ID: 'web-1', NODE_ENV: 'production', LOG_LEVEL: 'warn', BIND_HOST: '127.0.0.1' },
      ...{ REALTIME_REDIS_URL: urls.realtimeUrl, MYSQL_URL: urls.mysqlUrl },
      ...{ TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal },
      ...{ WEB_PORT: String(port), OPS_PORT: String(opsPort) },
      ...{ WEB_PAYMENT_PROVIDER: 'stripe', WEB_STRIPE_SECRET_KEY: 'sk_test_bench' },
      WEB_STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      // Limits are counted as always, and are never reached: each viewer has an address.
      ...{ WEB_LOGINS_PER_MIN_MAX: '1000000', WEB_TRUSTED_PROXIES: '127.0.0.1' },
    },
  });
  run.scope.teardown(() => child.stop());
  return { origin: `http://127.0.0.1:${port}`, pid: child.pid };
}

async function pidOfRedis(url: string): Promise<number> {
  const redis = await connectRedis(url, { role: 'command', name: 'bench', log: silentLog });
  try {
    return await redisPid(redis);
  } finally {
    await closeRedis(redis);
  }
}

/** Half of the rooms go on the air, and the site has noticed. @returns how many */
async function goLive(url: string, data: SiteData, origin: string): Promise<number> {
  const redis = await connectRedis(url, { role: 'command', name: 'bench', log: silentLog });
  const count = await airRooms(redis, data);
  await closeRedis(redis);
  const isSeen = async (): Promise<boolean> => {
    const answer = await fetch(`${origin}/api/v1/rooms?filter=live&limit=1`);
    return ((await answer.json()) as { rooms: readonly unknown[] }).rooms.length > 0;
  };
  await until(isSeen, { what: 'shows on the site', deadlineMs: READY_MS });
  return count;
}
