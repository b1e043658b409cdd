// A running ingest node with a hook server that tests can script, real ffmpeg processes, and
// synthetic media.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMetrics } from '../../cluster/index.js';
import { captureLog, type TestScope } from '../../cluster/testing/index.js';
import { RtmpClient } from '../client.js';
import { type DoneLedger, NO_LEDGER } from '../done-ledger.js';
import { INGEST_DEFAULTS, type IngestOptions } from '../ingest-options.js';
import type { LiveStream, LiveStreamListener } from '../live-stream.js';
import { createIngestMetrics } from '../metrics.js';
import { EcmaArray, encodeAmf0 } from '../protocol/amf0.js';
import { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO, FlvTag } from '../protocol/flv.js';
import { RtmpServer, type RtmpServerOptions } from '../server.js';

/** One hook call as it arrived. */
export interface HookRecord {
  readonly path: string;
  readonly call: string;
  readonly form: URLSearchParams;
  readonly atMs: number;
}

export type HookAnswer = (record: HookRecord, response: ServerResponse) => void | Promise<void>;

export interface HookServer {
  readonly url: string;
  readonly calls: HookRecord[];
  /** Calls of these kinds, in order. */
  of(...calls: string[]): HookRecord[];
  /** Replaces the answer; the default accepts, and names the stream `pub-<key>` on publish. */
  answer(how: HookAnswer): void;
}

export async function startHookServer(t: TestScope): Promise<HookServer> {
  const calls: HookRecord[] = [];
  let how: HookAnswer = acceptAll;
  const server = createServer((request, response) => {
    void readBody(request).then(async (body) => {
      const form = new URLSearchParams(body);
      const record = {
        path: request.url ?? '',
        call: form.get('call') ?? '',
        form,
        atMs: performance.now(),
      };
      calls.push(record);
      await how(record, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/nginx-rtmp`,
    calls,
    of: (...kinds) => calls.filter((one) => kinds.includes(one.call)),
    answer: (next) => (how = next),
  };
}

export function acceptAll(record: HookRecord, response: ServerResponse): void {
  if (record.call === 'publish') {
    response.writeHead(302, { location: `pub-${record.form.get('name') ?? ''}` }).end();
  } else {
    response.writeHead(200).end();
  }
}

export function refuseAll(_record: HookRecord, response: ServerResponse): void {
  response.writeHead(403, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { code: 'X', message: 'unknown stream key' } }));
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const part of request) body += String(part);
  return body;
}

export interface Ingest {
  readonly server: RtmpServer;
  readonly hooks: HookServer;
  readonly port: number;
  readonly log: ReturnType<typeof captureLog>;
  readonly metricText: () => Promise<string>;
  readonly started: LiveStream[];
  readonly ended: { stream: LiveStream; reason: string }[];
  publishUrl(key: string): string;
  playUrl(streamId: string): string;
  /** A client that is connected to the publish or play app. */
  client(app?: string): Promise<RtmpClient>;
  /** A client that publishes, with sequence headers sent. */
  publisher(key: string): Promise<RtmpClient>;
}

/** A busy machine is slow itself; who tests a deadline sets it. */
const PATIENT = {
  ...{ handshakeTimeoutMs: 60_000, commandTimeoutMs: 60_000, idleTimeoutMs: 120_000 },
  ...{ pingTimeoutMs: 120_000, hookTimeoutMs: 30_000 },
} as const;

export async function startIngest(
  t: TestScope,
  { mayBegin, ...overrides }: Partial<IngestOptions> & Pick<RtmpServerOptions, 'mayBegin'> = {},
  hookUrl?: () => string | undefined,
  ledger: DoneLedger = NO_LEDGER,
): Promise<Ingest> {
  const hooks = await startHookServer(t);
  const log = captureLog();
  const metrics = createMetrics('rtmp', { process: false });
  const started: LiveStream[] = [];
  const ended: { stream: LiveStream; reason: string }[] = [];
  const listener: LiveStreamListener = {
    streamStarted: (stream) => void started.push(stream),
    streamEnded: (stream, reason) => void ended.push({ stream, reason }),
  };
  const server = new RtmpServer({
    options: {
      ...INGEST_DEFAULTS,
      ...PATIENT,
      host: '127.0.0.1',
      port: 0,
      nodeId: 'rtmp-test',
      ...overrides,
    },
    hookTarget: { url: hookUrl ?? (() => hooks.url) },
    listener,
    metrics: createIngestMetrics(metrics),
    log: log.log,
    ledger,
    ...(mayBegin === undefined ? {} : { mayBegin }),
  });
  await server.start();
  t.teardown(() => server.stop());
  const { port } = server;
  const client = (app = 'publish') => RtmpClient.open({ host: '127.0.0.1', port, app });
  return {
    server,
    hooks,
    port,
    log,
    metricText: () => metrics.registry.metrics(),
    started,
    ended,
    publishUrl: (key) => `rtmp://127.0.0.1:${port}/publish/${key}`,
    playUrl: (streamId) => `rtmp://127.0.0.1:${port}/play/${streamId}`,
    client,
    publisher: async (key) => {
      const one = await client();
      await one.publish(key);
      for (const tag of headerTags()) one.sendTag(tag);
      return one;
    },
  };
}

export interface FfmpegRun {
  readonly child: ChildProcess;
  /** Everything ffmpeg said so far. */
  readonly said: () => string;
  /** Resolves to the exit code. */
  readonly exited: Promise<number | null>;
}

/** ffmpeg with a test's life: killed in teardown. */
export function runFfmpeg(t: TestScope, args: readonly string[]): FfmpegRun {
  const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'info', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  return { child, said: () => text, exited };
}

/** Publishes a test picture with sound, key frames each second, in real time. */
export function ffmpegPublisher(t: TestScope, url: string, seconds = 60): FfmpegRun {
  const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p'];
  const audio = ['-c:a', 'aac', '-ac', '2', '-b:a', '64k'];
  return runFfmpeg(t, [
    ...[...picture, ...sound, '-t', String(seconds)],
    ...[...video, ...audio, '-f', 'flv', url],
  ]);
}

const AVC_HEADER = Buffer.from(
  '17000000000142c016ffe100196742c016d900a02ff970110000030001000003001e0f162e4801000568cb83cb20',
  'hex',
);
const AAC_HEADER = Buffer.from('af00119056e500', 'hex');

/** Metadata and both sequence headers. */
export function headerTags(): FlvTag[] {
  const metadata = new EcmaArray({ width: 640, height: 360, framerate: 25, encoder: 'fixture' });
  return [
    new FlvTag(FLV_SCRIPT, 0, encodeAmf0('@setDataFrame', 'onMetaData', metadata)),
    new FlvTag(FLV_VIDEO, 0, AVC_HEADER),
    new FlvTag(FLV_AUDIO, 0, AAC_HEADER),
  ];
}

/** A picture of `bytes` bytes whose content tells its timestamp. */
export function videoTag(timestampMs: number, options: { isKey?: boolean; bytes?: number } = {}) {
  const { isKey = false, bytes = 200 } = options;
  const payload = Buffer.alloc(Math.max(9, bytes), 0xab);
  payload.set([isKey ? 0x17 : 0x27, 1, 0, 0, 0]);
  payload.writeUInt32BE(timestampMs >>> 0, 5);
  return new FlvTag(FLV_VIDEO, timestampMs, payload);
}

export function audioTag(timestampMs: number): FlvTag {
  return new FlvTag(FLV_AUDIO, timestampMs, Buffer.from('af01deadbeef', 'hex'));
}
