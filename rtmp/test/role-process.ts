// The rtmp role as a process of its own, with a scripted billing member: signed session answers and
// hooks.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MemberRegistry } from '../../cluster/index.js';
import {
  freePort,
  silentLog,
  TEST_SECRETS,
  type TestRedis,
  type TestScope,
  until,
} from '../../cluster/testing/index.js';

const MAIN = join(import.meta.dirname, '../main.ts');

export interface BillingMember {
  readonly calls: string[];
  /** Sessions that are active; all others are unknown. */
  readonly active: Set<string>;
}

/** A member of role billing that accepts every publish and knows the sessions it is told. */
export async function startBillingMember(t: TestScope, redis: TestRedis): Promise<BillingMember> {
  const calls: string[] = [];
  const active = new Set<string>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => (body += bytes.toString()));
    request.on('end', () => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      const form = new URLSearchParams(body);
      calls.push(`${path.split('/').at(-1) ?? ''} ${form.get('name') ?? ''}`.trim());
      const sid = /^\/v1\/sessions\/(.+)$/.exec(path)?.[1];
      const json = (status: number, value: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(value));
      };
      if (sid !== undefined && active.has(sid)) {
        const row = { sessionId: sid, viewerId: '1', roomId: '2', state: 'active' };
        json(200, { ...row, chargedMilli: '0', billableMs: 0, openedMs: 0 });
      } else if (sid !== undefined) {
        json(404, { error: { code: 'BILLING_SESSION_UNKNOWN', message: 'unknown', retry: false } });
      } else if (path.endsWith('/on_publish')) {
        response.writeHead(302, { location: `pub-${form.get('name') ?? ''}` }).end();
      } else {
        response.writeHead(200).end();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const members = new MemberRegistry(redis.client(), {
    ...{ role: 'billing', id: 'billing-test', log: silentLog, beatMs: 500, leaseTtlMs: 5_000 },
    address: { internal: `http://127.0.0.1:${port}` },
  });
  await members.join();
  t.teardown(async () => {
    await members.close();
    server.closeAllConnections();
    server.close();
  });
  return { calls, active };
}

export interface RoleProcess {
  readonly child: ChildProcess;
  readonly rtmpPort: number;
  readonly hls: string;
  readonly ops: string;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

export interface RoleSettings {
  readonly redis: TestRedis;
  readonly mediaDir: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `rtmp/main.ts` and waits until it is ready. */
export async function startRole(t: TestScope, settings: RoleSettings): Promise<RoleProcess> {
  const [rtmpPort, hlsPort, opsPort] = [await freePort(), await freePort(), await freePort()];
  const child = spawn(process.execPath, ['--import=tsx', MAIN], {
    env: {
      ...process.env,
      ...{ NODE_ID: 'rtmp-1', REALTIME_REDIS_URL: settings.redis.url, LOG_LEVEL: 'info' },
      ...{ TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal },
      ...{ RTMP_PORT: String(rtmpPort), HLS_PORT: String(hlsPort), OPS_PORT: String(opsPort) },
      ...{ MEDIA_DIR: settings.mediaDir, HLS_SEGMENT_MS: '1000' },
      ...settings.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.on('data', (bytes: Buffer) => (text += bytes.toString()));
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.teardown(async () => {
    if (!t.passing()) t.comment(text.slice(-4_000));
    child.kill('SIGKILL');
    await exited;
  });
  const ops = `http://127.0.0.1:${opsPort}`;
  const isReady = async (): Promise<boolean> => (await fetch(`${ops}/readyz`)).ok;
  const ended = exited.then((code) =>
    Promise.reject(new Error(`exit ${code ?? 'signal'}: ${text}`)),
  );
  const ready = until(isReady, { what: 'a ready rtmp role', everyMs: 50 });
  // Both may fail later, when nobody listens any more.
  for (const one of [ended, ready]) one.catch(() => undefined);
  await Promise.race([ready, ended]);
  const hls = `http://127.0.0.1:${hlsPort}`;
  return { child, rtmpPort, hls, ops, output: () => text, exited };
}
