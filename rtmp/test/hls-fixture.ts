// A packager on real Redis and real ffmpeg for tests, fed by prepared FLV through the ingest's own
// PublishedStream, so that sources can be odd and faster than real time.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import HLS from 'hls-parser';
import {
  type Clock,
  closeRedis,
  connectRedis,
  createMetrics,
  signHlsPath,
  systemClock,
} from '../../cluster/index.js';
import {
  captureLog,
  freePort,
  startRedis,
  TEST_SECRETS,
  type TestRedis,
  type TestScope,
  until,
} from '../../cluster/testing/index.js';
import { LiveLeases, StreamDirectory } from '../directory.js';
import { CpuBudget } from '../ffmpeg/cpu-budget.js';
import { Turns } from '../ffmpeg/thumbnailer.js';
import { HlsAccess } from '../hls/access.js';
import { FreeEpochs } from '../hls/free-epochs.js';
import { startHlsServer } from '../hls/http.js';
import type { LiveShowDeps } from '../hls/live-show.js';
import { MediaFiles } from '../hls/media-files.js';
import { ReloadWaits } from '../hls/reload-waits.js';
import { RemoteShows } from '../hls/remote-shows.js';
import { SegmentCipher } from '../hls/segment-cipher.js';
import { ShowManager } from '../hls/show-manager.js';
import { ShowStore } from '../hls/show-store.js';
import { ViewerCounter } from '../hls/viewer-counter.js';
import { WatchGuard } from '../hls/watch-guard.js';
import { INGEST_DEFAULTS } from '../ingest-options.js';
import type { LiveStreamListener } from '../live-stream.js';
import { createHlsMetrics } from '../metrics.js';
import type { WatchVerdict } from '../ports.js';
import { FLV_SCRIPT, FlvTag, type FlvTagType } from '../protocol/flv.js';
import { PublishedStream } from '../published-stream.js';
import type { RecordingFiles } from '../recording/playback.js';

const run = promisify(execFile);

export interface SourceOptions {
  readonly size?: string;
  readonly fps?: number;
  readonly gopSec?: number;
  readonly seconds?: number;
  readonly hasAudio?: boolean;
  readonly hasVideo?: boolean;
  readonly pixelFormat?: string;
  readonly toneHz?: number;
}

/** Tags of a test picture with a tone, encoded once per machine and shape. */
export async function makeTags(options: SourceOptions = {}): Promise<readonly FlvTag[]> {
  const { size = '320x180', fps = 25, gopSec = 1, seconds = 12 } = options;
  const { hasAudio = true, hasVideo = true, pixelFormat = 'yuv420p', toneHz = 440 } = options;
  const tone = toneHz === 440 ? [] : [toneHz];
  const shape = JSON.stringify([
    ...[size, fps, gopSec, seconds, hasAudio, hasVideo, pixelFormat],
    ...tone,
  ]);
  const name = createHash('sha1').update(shape).digest('hex').slice(0, 12);
  const file = join(tmpdir(), `showbill-source-${name}.flv`);
  if (!existsSync(file)) {
    const picture = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}`];
    const sound = ['-f', 'lavfi', '-i', `sine=frequency=${toneHz}:sample_rate=48000`];
    const gop = String(Math.round(gopSec * fps));
    const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', pixelFormat, '-g', gop];
    const audio = ['-c:a', 'aac', '-ac', '2', '-b:a', '64k'];
    const part = `${file}.${process.pid}.part`;
    await run('ffmpeg', [
      ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'],
      ...(hasVideo ? picture : []),
      ...(hasAudio ? sound : []),
      ...['-t', String(seconds)],
      ...(hasVideo ? [...video, '-sc_threshold', '0', '-keyint_min', gop] : []),
      ...(hasAudio ? audio : []),
      ...['-f', 'flv', part],
    ]);
    await rename(part, file);
  }
  return parseFlv(await readFile(file));
}

function parseFlv(bytes: Buffer): FlvTag[] {
  const tags: FlvTag[] = [];
  for (let at = 13; at + 11 <= bytes.length;) {
    const length = bytes.readUIntBE(at + 1, 3);
    const timestampMs = bytes.readUIntBE(at + 4, 3) + (bytes[at + 7] ?? 0) * 2 ** 24;
    const payload = bytes.subarray(at + 11, at + 11 + length);
    tags.push(new FlvTag((bytes[at] ?? 0) as FlvTagType, timestampMs, payload));
    at += 15 + length;
  }
  return tags;
}

export interface Publisher {
  readonly stream: PublishedStream;
  readonly kicks: readonly string[];
  /** Resolves when all tags were sent. */
  readonly sent: Promise<void>;
  /** Ends the publish as a lost connection would. */
  end(reason?: string): void;
}

let sessions = 0;

/**
 * Publishes prepared tags to a listener at `speed` times real time, or `perTick` tags each 10 ms
 * whatever their timestamps say. An endless one begins again where it ends, with times that go on.
 */
export function publish(
  t: TestScope,
  listener: LiveStreamListener,
  tags: readonly FlvTag[],
  options: {
    readonly streamId?: string;
    readonly speed?: number;
    readonly offsetMs?: number;
    readonly perTick?: number;
    readonly isEndless?: boolean;
    readonly isSameClock?: boolean;
  } = {},
): Publisher {
  const { streamId = 'stream-a', speed = 4, perTick = Infinity, isEndless = false } = options;
  let { offsetMs = 0 } = options;
  const kicks: string[] = [];
  sessions += 1;
  let isOver = false;
  const stream: PublishedStream = new PublishedStream({
    streamId,
    sessionId: `session-${sessions}`,
    startedAtMs: Date.now(),
    nowMs: () => performance.now(),
    gopLimits: INGEST_DEFAULTS.gopLimits,
    rateWindowMs: INGEST_DEFAULTS.rateWindowMs,
    isSameClock: options.isSameClock === true,
    onKick: (reason) => {
      kicks.push(reason);
      end(reason);
    },
  });
  listener.streamStarted(stream);
  let startedAt = performance.now();
  let next = 0;
  const lapMs = 40 + Math.max(...tags.map((one) => one.timestampMs));
  let done: () => void = () => undefined;
  const sent = new Promise<void>((resolve) => (done = resolve));
  const pump = setInterval(() => {
    const dueMs = (performance.now() - startedAt) * speed;
    const stopAt = Math.min(tags.length, next + perTick);
    for (; next < stopAt; next += 1) {
      const tag = tags[next];
      if (tag === undefined || (perTick === Infinity && tag.timestampMs > dueMs)) break;
      if (tag.type === FLV_SCRIPT) continue;
      stream.pushMedia(new FlvTag(tag.type, tag.timestampMs + offsetMs, tag.payload));
    }
    stream.flush();
    if (next >= tags.length && isEndless) {
      next = 0;
      offsetMs += lapMs;
      startedAt += lapMs / speed;
    } else if (next >= tags.length) {
      clearInterval(pump);
      done();
    }
  }, 10);
  function end(reason = 'peer-closed'): void {
    if (isOver) return;
    isOver = true;
    clearInterval(pump);
    done();
    stream.end(reason);
    listener.streamEnded(stream, reason);
  }
  t.teardown(() => end());
  return { stream, kicks, sent, end };
}

export interface Packager {
  readonly manager: ShowManager;
  readonly redis: TestRedis;
  readonly directory: StreamDirectory;
  readonly guard: WatchGuard;
  readonly freeEpochs: FreeEpochs;
  readonly files: MediaFiles;
  readonly log: ReturnType<typeof captureLog>;
  readonly announced: { streamId: string; state: string; node: string }[];
  readonly base: string;
  readonly url: (streamId: string, name: string, sid?: string, exp?: number) => string;
  /** Sessions that the gate refuses, with the reason; or 'away' when it answers nothing. */
  readonly gate: { refused: Map<string, string>; isAway: boolean; calls: number };
  readonly metricText: () => Promise<string>;
  readonly mediaDir: string;
}

export interface PackagerOptions extends Partial<LiveShowDeps> {
  readonly recordings?: RecordingFiles;
  readonly waits?: ReloadWaits;
  readonly redisServer?: TestRedis;
  readonly budgetPercent?: number;
  readonly mediaDir?: string;
  /** By which signatures begin and end. */
  readonly accessClock?: Clock;
}

/** One node's packager with its HLS server. */
export async function startPackager(
  t: TestScope,
  options: PackagerOptions = {},
): Promise<Packager> {
  const redis = options.redisServer ?? (await startRedis(t));
  const mediaDir = options.mediaDir ?? (await mkdtemp(join(tmpdir(), 'showbill-media-')));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  const log = captureLog();
  const metrics = createMetrics('rtmp', { process: false });
  const hlsMetrics = createHlsMetrics(metrics);
  const role = { role: 'command', name: 'test', log: log.log } as const;
  const client = await connectRedis(redis.url, role);
  t.teardown(() => closeRedis(client));
  const files = new MediaFiles(mediaDir, log.log);
  const viewers = new ViewerCounter();
  const announced: { streamId: string; state: string; node: string }[] = [];
  const nodeId = options.nodeId ?? 'rtmp-test';
  const port = await freePort();
  const store = new ShowStore(client);
  const manager = new ShowManager({
    ...{
      nodeId,
      hlsUrlBase: `http://:${port}`,
      isNodeAlive: () => true,
      segmentSec: 1,
      windowSegments: 6,
      renditionsMax: 1,
      hasAudioOnly: false,
      ...{ isEncrypted: false, pictureEveryMs: 0, turns: new Turns() },
    },
    shapeOf: () => Promise.resolve({ dvrMs: 0, partMs: 0 }),
    ...{ gracePolicy: 'lost', graceMs: 3_000, disposeMs: 60_000, leaseTtlMs: 3_000 },
    ...{ store, leases: new LiveLeases(client), files, viewers },
    budget: new CpuBudget(options.budgetPercent ?? 150),
    ...{ clock: systemClock, log: log.log, metrics: hlsMetrics },
    announce: (streamId, state) => {
      announced.push({ streamId, state, node: nodeId });
      return Promise.resolve();
    },
    kickElsewhere: () => Promise.resolve(),
    ...options,
  });
  await manager.start();
  t.teardown(() => manager.stop());
  const gate = { refused: new Map<string, string>(), isAway: false, calls: 0 };
  const mayWatch = (sid: string): Promise<WatchVerdict> => {
    gate.calls += 1;
    if (gate.isAway) return Promise.reject(new Error('the gate is away'));
    const reason = gate.refused.get(sid);
    return Promise.resolve(reason === undefined ? { ok: true } : { ok: false, reason });
  };
  const guard = new WatchGuard({ gate: { mayWatch }, clock: systemClock, failOpenMs: 60_000 });
  const freeEpochs = new FreeEpochs({ redis: client, clock: systemClock });
  const server = await startHlsServer({
    ...{ port, host: '127.0.0.1', origins: ['*'], shows: manager, files, viewers, nodeId },
    remote: new RemoteShows({
      ...{ nodeId, windowSegments: 6, store, clock: systemClock, log: log.log },
    }),
    waits: options.waits ?? new ReloadWaits(),
    cipher: new SegmentCipher(TEST_SECRETS.token),
    access: new HlsAccess({
      ...{ secret: TEST_SECRETS.token, guard, clock: options.accessClock ?? systemClock },
      freeEpochs,
    }),
    ...{ clock: systemClock, metrics: hlsMetrics, log: log.log },
    ...(options.recordings === undefined ? {} : { recordings: options.recordings }),
  });
  t.teardown(() => server.close());
  const base = `http://127.0.0.1:${server.port}`;
  return {
    ...{ manager, redis, guard, freeEpochs, files, log, announced, base, gate, mediaDir },
    directory: new StreamDirectory(client),
    url: (streamId, name, sid = 'free-v1', exp = Math.floor(Date.now() / 1_000) + 90) =>
      `${base}${signHlsPath({ streamId, sid, exp }, TEST_SECRETS.token)}/${name}`,
    metricText: () => metrics.registry.metrics(),
  };
}

/** A media playlist, judged by hls-parser in strict mode. */
export interface Playlist {
  readonly text: string;
  readonly targetDuration: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly isEnded: boolean;
  readonly segments: readonly {
    readonly uri: string;
    readonly sequence: number;
    readonly discontinuity: number;
    readonly durationSec: number;
    readonly atMs: number;
  }[];
}

export async function fetchPlaylist(url: string): Promise<Playlist> {
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  HLS.setOptions({ strictMode: true });
  const parsed = HLS.parse(text);
  if (!('segments' in parsed)) throw new Error('not a media playlist');
  return {
    text,
    targetDuration: parsed.targetDuration,
    mediaSequence: parsed.mediaSequenceBase ?? 0,
    discontinuitySequence: parsed.discontinuitySequenceBase ?? 0,
    isEnded: parsed.endlist,
    // One without an address is being written: it has parts only.
    segments: parsed.segments
      .filter((one) => one.uri !== '')
      .map((one) => ({
        uri: new URL(one.uri, url).href,
        sequence: one.mediaSequenceNumber,
        discontinuity: one.discontinuitySequence,
        durationSec: one.duration,
        atMs: one.programDateTime?.getTime() ?? 0,
      })),
  };
}

/** Waits for a playlist that satisfies a condition. */
export function playlistWith(
  url: string,
  what: string,
  isIt: (playlist: Playlist) => boolean,
): Promise<Playlist> {
  const ask = async (): Promise<Playlist | undefined> => {
    const playlist = await fetchPlaylist(url);
    return isIt(playlist) ? playlist : undefined;
  };
  return until(ask, { what, everyMs: 50 });
}

/** What ffprobe says about media. */
export async function probe(input: string): Promise<{
  streams: {
    codec_type: string;
    codec_name: string;
    profile?: string;
    level?: number;
    width?: number;
    height?: number;
  }[];
  packets: { codec_type: string; pts_time: string; flags: string }[];
}> {
  const shown =
    'stream=codec_type,codec_name,profile,level,width,height:packet=codec_type,pts_time,flags';
  const { stdout } = await run(
    'ffprobe',
    ['-v', 'error', '-show_entries', shown, '-of', 'json', input],
    { maxBuffer: 32 << 20 },
  );
  return JSON.parse(stdout) as Awaited<ReturnType<typeof probe>>;
}

/** Pids of living ffmpeg processes that work below a media directory. */
export async function ffmpegsBelow(mediaDir: string): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-eo', 'pid=,stat=,args=']);
  return stdout
    .split('\n')
    .filter((line) => /^\s*\d+\s+[^Z]\S*\s+ffmpeg\b/.test(line) && line.includes(`${mediaDir}/`))
    .map((line) => Number.parseInt(line, 10));
}
