// What a simulated run stands on: redis-servers and a mariadbd behind fault proxies, and two
// billing roles in processes of their own, which may be killed and started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { InternalClient } from '../../../cluster/index.js';
import {
  freePort,
  startMariadb,
  startRedis,
  startTcpProxy,
  type TcpProxy,
  TEST_SECRETS,
  type TestMariadb,
  type TestRedis,
  type TestScope,
  until,
} from '../../../cluster/testing/index.js';
import { BillingClient } from '../../client.js';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
export const INTERVAL_MS = 1_000;
/** Longer silence than this counts as the grace, as timingOf() has it. */
export const MAX_GAP_MS = 3 * INTERVAL_MS;
/** A role takes 25 s to start where thirty others want the two cores. */
const READY_MS = 180_000;

export interface RoleProcess {
  readonly base: string;
  /** Resolves when it answers. */
  start(): Promise<void>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

export interface Fleet {
  readonly redis: TestRedis;
  readonly mariadb: TestMariadb;
  readonly toRedis: TcpProxy;
  readonly toSql: TcpProxy;
  readonly roles: readonly RoleProcess[];
  readonly client: BillingClient;
}

export async function startFleet(t: TestScope): Promise<Fleet> {
  const [realtime, redis, mariadb] = await Promise.all([
    startRedis(t),
    startRedis(t, { appendFsync: 'always' }),
    startMariadb(t),
  ]);
  const toRedis = await startTcpProxy(t, { targetPort: redis.port });
  const toSql = await startTcpProxy(t, { targetPort: mariadb.port });
  const mysql = new URL(mariadb.url);
  mysql.port = String(toSql.port);
  const env = {
    ...{ REALTIME_REDIS_URL: realtime.url, MYSQL_URL: String(mysql), BIND_HOST: '127.0.0.1' },
    BILLING_REDIS_URL: `redis://127.0.0.1:${toRedis.port}`,
    BILLING_UPDATE_INTERVAL_MS: String(INTERVAL_MS),
    ...{ BILLING_GRACE_MS: '200', RTMP_UPDATE_INTERVAL_MS: '60000', LOG_LEVEL: 'fatal' },
    ...{ TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal },
  };
  const roles = await Promise.all(['b1', 'b2'].map((id) => newRole(t, { ...env, NODE_ID: id })));
  // The first one makes the schema.
  for (const role of roles) await role.start();
  const members = roles.map(({ base }, at) => ({
    ...({ id: `b${at + 1}`, incarnation: 1, role: 'billing', load: 0, draining: false } as const),
    address: { internal: base },
  }));
  const caller = new InternalClient({
    ...{ members: { list: () => members }, secret: TEST_SECRETS.internal },
  });
  t.teardown(() => caller.close());
  return { redis, mariadb, toRedis, toSql, roles, client: new BillingClient(caller) };
}

async function newRole(t: TestScope, env: Record<string, string>): Promise<RoleProcess> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  async function kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill(signal);
    await gone;
  }
  t.teardown(() => kill('SIGKILL'));
  return {
    base,
    kill,
    async start() {
      await until(
        async () => {
          // It ends by itself when a server is away at its start, as under a supervisor.
          if (child === undefined || child.exitCode !== null) {
            child = spawn(process.execPath, ['--import=tsx', MAIN], {
              ...{ env: { ...env, BILLING_PORT: String(port) }, stdio: 'ignore' },
            });
          }
          return fetch(`${base}/hooks/nginx-rtmp/on_connect`, { method: 'POST' }).then(
            (response) => response.status < 500,
            () => false,
          );
        },
        { what: 'billing to answer', deadlineMs: READY_MS, everyMs: 50 },
      );
    },
  };
}
