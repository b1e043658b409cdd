// What an HLS request costs a node: playlists (signed anew for each viewer) and segments, by
// autocannon on kept-alive connections, with nginx serving the same bytes as plain files beside it.
// Server CPU per request, because on a small machine the generator sets the rate.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from '../../cluster/testing/index.js';
import type { HttpLoadCalls } from '../generator/http-load.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { childPids, cpuMicros } from '../lib/process-cpu.js';
import { noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import { startRealtimeRedis } from '../servers/gateway-worker.js';
import { startHlsRole, type HlsRole } from '../servers/hls-role.js';

interface Server {
  readonly name: string;
  readonly pid: number;
  readonly url: (kind: Kind) => string;
}

interface Sample {
  readonly microsPerRequest: number;
  readonly perSec: number;
  readonly p99Ms: number;
  readonly mbitPerSec: number;
}

type Kind = 'playlist' | 'segment';
const KINDS: readonly Kind[] = ['playlist', 'segment'];
const CONNECTIONS = 50;

export async function hlsServe(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const redis = await startRealtimeRedis(run);
  const env = { HLS_SEGMENT_MS: '2000', HLS_WINDOW_SEGMENTS: '60' };
  const role = await startHlsRole(run, { name: 'showbill', redisUrl: redis.server.url, env });
  const files = await filesOf(role);
  const servers = [oursOf(role, files), await startNginxFiles(run, files)];
  const entry = run.tree.entry('bench/generator/http-load.ts');
  const load = startNodeChild<HttpLoadCalls>(run.scope, { entry });
  const results: Result[] = [];
  const notes: string[] = [];
  for (const kind of KINDS) {
    const samples = await interleave(servers, { rounds, warmUps: 1 }, (server) => {
      run.say(`${kind}: ${server.name}`);
      return measure(load, server, { kind, seconds: isQuick ? 1 : 5 });
    });
    results.push(resultOf(kind, servers, samples));
    for (const server of servers) notes.push(describe(kind, server, samples.get(server) ?? []));
  }
  return {
    scenario: 'hls-serve',
    limitedBy: 'server',
    results,
    notes: [
      `${CONNECTIONS} connections without pipelining; playlist of ${files.playlist.length} bytes, ` +
        `segment of ${files.segment.length} bytes. nginx checks no signature and signs nothing.`,
      ...notes,
    ],
  };
}

interface Files {
  readonly playlist: Buffer;
  readonly segment: Buffer;
  readonly segmentUrl: string;
}

/** A segment that stays listed for the whole run. */
async function filesOf(role: HlsRole): Promise<Files> {
  const url = role.url('v0.m3u8', 1);
  const playlist = await (await fetch(url)).text();
  const uri = playlist.split('\n').findLast((line) => /\.ts\?/.test(line)) ?? '';
  const file = new URL(uri, url).pathname.split('/').slice(4).join('/');
  const segmentUrl = role.url(file, 1);
  const segment = Buffer.from(await (await fetch(segmentUrl)).arrayBuffer());
  return { playlist: Buffer.from(playlist), segment, segmentUrl };
}

function oursOf(role: HlsRole, { segmentUrl }: Files): Server {
  const playlistUrl = role.url('v0.m3u8', 1);
  const url = (kind: Kind): string => (kind === 'playlist' ? playlistUrl : segmentUrl);
  return { name: 'showbill', pid: role.pid, url };
}

/** The same bytes as files, by one worker. */
async function startNginxFiles(run: Run, { playlist, segment }: Files): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), 'showbill-nginx-hls-'));
  run.scope.teardown(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'files'));
  writeFileSync(join(dir, 'files', 'v0.m3u8'), playlist);
  writeFileSync(join(dir, 'files', '0.ts'), segment);
  const port = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${dir}/${one};`,
  );
  const server = `server { listen 127.0.0.1:${port}; root ${dir}/files; }`;
  const http = `http { access_log off; sendfile on; keepalive_requests 1000000; ${paths.join(' ')} ${server} }`;
  const config = [
    ...['daemon off;', 'worker_processes 1;', `pid ${dir}/nginx.pid;`, 'user root;'],
    ...['events { worker_connections 1024; }', http],
  ];
  writeFileSync(join(dir, 'nginx.conf'), `${config.join('\n')}\n`);
  const child = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'log')], {
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
  const base = `http://127.0.0.1:${port}`;
  const isUp = async (): Promise<boolean> => (await fetch(`${base}/v0.m3u8`)).ok;
  await until(isUp, { what: 'nginx to listen' });
  const [pid = 0] = childPids(child.pid ?? 0);
  const url = (kind: Kind): string => `${base}/${kind === 'playlist' ? 'v0.m3u8' : '0.ts'}`;
  return { name: 'nginx', pid, url };
}

async function measure(
  load: NodeChild<HttpLoadCalls>,
  server: Server,
  { kind, seconds }: { readonly kind: Kind; readonly seconds: number },
): Promise<Sample> {
  const before = cpuMicros(server.pid);
  const url = server.url(kind);
  const done = await load.call('fire', { url, seconds, connections: CONNECTIONS });
  const micros = cpuMicros(server.pid) - before;
  if (done.failures > 0) throw new Error(`${done.failures} requests failed at ${server.name}`);
  const { requests, perSec, p99Ms, bytesPerSec } = done;
  return { microsPerRequest: micros / requests, perSec, p99Ms, mbitPerSec: bytesPerSec / 125_000 };
}

function resultOf(
  kind: Kind,
  servers: readonly Server[],
  samples: ReadonlyMap<Server, readonly Sample[]>,
): Result {
  const costs = servers.map((one) =>
    (samples.get(one) ?? []).map(({ microsPerRequest }) => microsPerRequest),
  );
  const [ours = [], theirs = []] = costs;
  const peer = { name: 'nginx', version: 'static files', value: median(theirs) };
  return {
    ...{ name: kind, value: median(ours), unit: 'µs CPU per request', better: 'less' },
    ...{ spread: pairOf(spreadOf(ours)), ceiling: null, ratio: null, ratioSpread: null },
    peers: [{ ...peer, ratio: pairedRatio(ours, theirs).median, ratioMax: null }],
    ...{ limitedBy: 'server', ...noPromise },
  };
}

function describe(kind: Kind, { name }: Server, samples: readonly Sample[]): string {
  const middle = (pick: (one: Sample) => number): string => shortNumber(median(samples.map(pick)));
  return (
    `${kind}, ${name}: ${middle((one) => one.perSec)} requests/s, ` +
    `p99 ${middle((one) => one.p99Ms)} ms, ${middle((one) => one.mbitPerSec)} Mbit/s`
  );
}
