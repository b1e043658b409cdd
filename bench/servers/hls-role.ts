// The rtmp role of the fleet as the server under test, with everything behind it: hooks that accept
// all, a real ffmpeg as publisher, segments on disk, signed paths. One process per contender.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signHlsPath } from '../../cluster/index.js';
import { freePort, until } from '../../cluster/testing/index.js';
import type { Run } from '../lib/run-context.js';
import { serverFlags } from '../lib/run-context.js';

export interface HlsRole {
  readonly name: string;
  readonly pid: number;
  /** Where its segments are. */
  readonly mediaDir: string;
  /** Signed address of a file of the stream for one free viewer; good for a quarter of an hour. */
  readonly url: (file: string, viewer: number) => string;
}

const SECRET = 'a-secret-for-benchmarks-of-32-characters';
const GRANT_SEC = 900;
const SOURCE_SEC = 20;
const READY_MS = 60_000;

/** Accepts every publisher as this stream. @returns base address */
async function startHooks(run: Run, streamId: string): Promise<string> {
  const hooks = createServer((request, response) => {
    request.resume();
    const isPublish = request.url?.includes('on_publish') === true;
    if (isPublish && !request.url?.includes('done')) {
      response.writeHead(302, { location: streamId }).end();
    } else response.writeHead(200).end();
  });
  hooks.listen(0, '127.0.0.1');
  await once(hooks, 'listening');
  run.scope.teardown(() => {
    hooks.closeAllConnections();
    hooks.close();
  });
  return `http://127.0.0.1:${(hooks.address() as AddressInfo).port}`;
}

/** 2.5 Mbit/s of 720p30 with a key frame per second, encoded once per machine. */
function sourceFile(): string {
  const file = join(tmpdir(), 'showbill-bench-720p.flv');
  if (existsSync(file)) return file;
  const part = `${file}.${process.pid}.part`;
  execFileSync('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'],
    ...['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', String(SOURCE_SEC)],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...[
      '-b:v',
      '2500k',
      '-maxrate',
      '2600k',
      '-bufsize',
      '2500k',
      '-g',
      '30',
      '-sc_threshold',
      '0',
    ],
    ...['-c:a', 'aac', '-ac', '2', '-b:a', '96k', '-f', 'flv', part],
  ]);
  renameSync(part, file);
  return file;
}

/** Starts a node with a live show. @param env settings of the role */
export async function startHlsRole(
  run: Run,
  options: {
    readonly name: string;
    readonly redisUrl: string;
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<HlsRole> {
  const { name, redisUrl, env } = options;
  const mediaDir = mkdtempSync(join(tmpdir(), 'showbill-bench-media-'));
  run.scope.teardown(() => rmSync(mediaDir, { recursive: true, force: true }));
  const [rtmpPort, hlsPort, opsPort] = [await freePort(), await freePort(), await freePort()];
  // Contenders share Redis: each has a stream of its own.
  const streamId = name.replace(/\W+/g, '-');
  const flags = serverFlags(run, streamId);
  const role = spawn(process.execPath, [...flags, run.tree.entry('rtmp/main.ts')], {
    env: {
      ...process.env,
      ...{ NODE_ENV: 'production', NODE_ID: streamId, LOG_LEVEL: 'warn' },
      ...{ REALTIME_REDIS_URL: redisUrl, TOKEN_SECRET: SECRET, INTERNAL_SECRET: SECRET },
      ...{ RTMP_PORT: String(rtmpPort), HLS_PORT: String(hlsPort), OPS_PORT: String(opsPort) },
      ...{
        MEDIA_DIR: mediaDir,
        RTMP_HOOK_URL: await startHooks(run, streamId),
        HLS_PICTURE_EVERY_MS: '0',
      },
      // The copy path alone: otherwise an encoder that lacks CPU would be what is measured.
      HLS_RENDITIONS_MAX: '1',
      ...env,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  stopWithRun(run, role);
  const isReady = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${opsPort}/readyz`)).ok;
  await until(isReady, { what: `${name} to be ready`, deadlineMs: READY_MS, everyMs: 50 });

  const target = `rtmp://127.0.0.1:${rtmpPort}/publish/bench`;
  const input = ['-re', '-stream_loop', '-1', '-i', sourceFile()];
  const output = ['-c', 'copy', '-f', 'flv', target];
  const quiet = ['-hide_banner', '-nostdin', '-loglevel', 'fatal'];
  stopWithRun(run, spawn('ffmpeg', [...quiet, ...input, ...output], { stdio: 'ignore' }));
  const exp = Math.floor(Date.now() / 1_000) + GRANT_SEC;
  const url = (file: string, viewer: number): string => {
    const path = signHlsPath({ streamId, sid: `free-${viewer}`, exp }, SECRET);
    return `http://127.0.0.1:${hlsPort}${path}/${file}`;
  };
  const isLive = async (): Promise<boolean> => {
    const text = await (await fetch(url('v0.m3u8', 0))).text();
    return (text.match(/#EXTINF/g) ?? []).length >= 4;
  };
  await until(isLive, { what: `a show of ${name}`, deadlineMs: READY_MS, everyMs: 200 });
  return { name, pid: role.pid ?? 0, mediaDir, url };
}

function stopWithRun(run: Run, child: ReturnType<typeof spawn>): void {
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  run.scope.teardown(async () => {
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(patience);
  });
}
