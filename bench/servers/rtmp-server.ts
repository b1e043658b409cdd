// RTMP servers under test: ours and nginx-rtmp (Debian's libnginx-mod-rtmp), each a process of its
// own with one worker, reached by the same clients.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from '../../cluster/testing/index.js';
import { startNodeChild } from '../lib/node-child.js';
import { serverFlags, type Run } from '../lib/run-context.js';
import type { RtmpNodeCalls } from './rtmp-node.js';

export interface BenchRtmpServer {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  /** The process that does the work. */
  readonly pid: number;
  readonly publishApp: string;
  readonly playApp: string;
}

export async function startOurRtmp(run: Run): Promise<BenchRtmpServer> {
  const child = startNodeChild<RtmpNodeCalls>(run.scope, {
    entry: run.tree.entry('bench/servers/rtmp-node.ts'),
    execArgv: serverFlags(run, 'rtmp-node'),
    env: { NODE_ENV: 'production' },
  });
  const { port } = await child.call('listen', null);
  return {
    ...{ name: 'showbill', version: 'work tree', port, pid: child.pid },
    ...{ publishApp: 'publish', playApp: 'play' },
  };
}

/** @throws Error when nginx or its RTMP module is not installed */
export async function startNginxRtmp(run: Run): Promise<BenchRtmpServer> {
  const dir = mkdtempSync(join(tmpdir(), 'showbill-nginx-'));
  run.scope.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const port = await freePort();
  const config = join(dir, 'nginx.conf');
  writeFileSync(config, nginxConfig(dir, port));
  const child = spawn('nginx', ['-p', dir, '-c', config, '-e', join(dir, 'error.log')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  run.scope.teardown(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  await until(() => canConnect(port), { what: 'nginx to listen' });
  const { pid } = child;
  if (pid === undefined) throw new Error('nginx did not start: apt-get install libnginx-mod-rtmp');
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return {
    ...{ name: 'nginx-rtmp', version: nginxVersion(), port },
    pid: Number(children.split(' ')[0]),
    ...{ publishApp: 'live', playApp: 'live' },
  };
}

function nginxConfig(dir: string, port: number): string {
  return `daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
user root;
events { worker_connections 4096; }
rtmp {
  server {
    listen 127.0.0.1:${port};
    chunk_size 65536;
    application live { live on; }
  }
}
`;
}

function nginxVersion(): string {
  try {
    const format = '-f=${Version}';
    return execFileSync('dpkg-query', ['-W', format, 'libnginx-mod-rtmp'], { encoding: 'utf8' });
  } catch {
    return 'unknown';
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
