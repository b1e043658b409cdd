// Recordings on a directory and a Redis of their own, fed by prepared FLV.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createMetrics, systemClock } from '../../cluster/index.js';
import { captureLog, type TestRedis, type TestScope, until } from '../../cluster/testing/index.js';
import { CpuBudget } from '../ffmpeg/cpu-budget.js';
import { createRecordingMetrics } from '../metrics.js';
import { Catalog } from '../recording/catalog.js';
import { Mp4Maker } from '../recording/mp4-maker.js';
import { PathTemplate } from '../recording/path-template.js';
import { RecordingDirectory, RecordingRows } from '../recording/recording-directory.js';
import { parseRecorder, type RecordingEntry } from '../recording/recording.js';
import { Recordings, type RecordingsOptions } from '../recording/recordings.js';
import type { TakeLimits } from '../recording/take.js';

const run = promisify(execFile);

export interface RecordingNode {
  readonly recordings: Recordings;
  readonly catalog: Catalog;
  readonly directory: RecordingDirectory;
  readonly dir: string;
  readonly done: { entry: RecordingEntry; file: string }[];
  readonly log: ReturnType<typeof captureLog>;
  /** Waits for so many closed files and returns them, oldest first. */
  closed(count: number): Promise<readonly { entry: RecordingEntry; file: string }[]>;
}

export interface RecordingNodeOptions extends Partial<Omit<RecordingsOptions, 'limits'>> {
  readonly dir?: string;
  readonly path?: string;
  /** As RECORDERS lists them. */
  readonly record?: readonly string[];
  readonly limits?: Partial<TakeLimits>;
}

export async function startRecordings(
  t: TestScope,
  redis: TestRedis,
  options: RecordingNodeOptions = {},
): Promise<RecordingNode> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'showbill-recordings-')));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const log = captureLog();
  const client = redis.client();
  const catalog = new Catalog({
    ...{ dir, nodeId: 'rtmp-test', urlBase: 'http://:8082', log: log.log },
    rows: new RecordingRows(client),
  });
  const done: { entry: RecordingEntry; file: string }[] = [];
  const { record = ['main:all'], path = '{stream}/{recorder}-{unique}', limits } = options;
  const recordings: Recordings = new Recordings({
    ...{ nodeId: 'rtmp-test', recorders: record.map(parseRecorder), catalog },
    ...{ freeMinBytes: 0, isAppending: false, hasMp4: false, isFlvKept: true },
    ...{ keepMs: 0, totalMaxBytes: 0, clock: systemClock, log: log.log },
    ...{ maker: new Mp4Maker({ budget: new CpuBudget(100), log: log.log }) },
    metrics: createRecordingMetrics(createMetrics('rtmp', { process: false })),
    onDone: (entry, file) => void done.push({ entry, file }),
    ...options,
    template: new PathTemplate(path),
    limits: { sizeMaxBytes: 0, framesMax: 0, durationMaxMs: 0, intervalMs: 0, ...limits },
  });
  await recordings.start();
  t.teardown(() => recordings.stop());
  const control = {
    removeRecording: async (streamId: string, id: string) =>
      (await recordings.remove(streamId, id)) ? 1 : 0,
  };
  return {
    ...{ recordings, catalog, dir, done, log },
    directory: new RecordingDirectory(client, control),
    closed: (count) =>
      until(() => (done.length >= count ? done : undefined), { what: `${count} closed files` }),
  };
}

export interface MediaFacts {
  /** Seconds. */
  readonly duration: number;
  readonly codecs: readonly string[];
  /** Video packets, and those of them that are key frames. */
  readonly pictures: number;
  readonly keys: number;
  /** Of the first packet, seconds. */
  readonly start: number;
  /** Everything that ffmpeg has to complain about when it decodes the file. */
  readonly complaints: string;
}

/** What ffprobe and a decoding ffmpeg say of a file. */
export async function factsOf(file: string): Promise<MediaFacts> {
  const entries = 'format=duration,start_time:stream=codec_name:packet=codec_type,flags';
  const { stdout } = await run(
    'ffprobe',
    ['-v', 'error', '-show_entries', entries, '-of', 'json', file],
    { maxBuffer: 32 << 20 },
  );
  const found = JSON.parse(stdout) as {
    format: { duration?: string; start_time?: string };
    streams: { codec_name: string }[];
    packets: { codec_type: string; flags: string }[];
  };
  const decode = ['-v', 'warning', '-nostdin', '-i', file, '-f', 'null', '-'];
  const { stderr } = await run('ffmpeg', decode);
  const pictures = found.packets.filter((one) => one.codec_type === 'video');
  return {
    duration: Number(found.format.duration),
    start: Number(found.format.start_time),
    codecs: found.streams.map((one) => one.codec_name).sort(),
    pictures: pictures.length,
    keys: pictures.filter((one) => one.flags.startsWith('K')).length,
    complaints: stderr,
  };
}

/** Key frames that can be read in a file, also while it is written; 0 when there is none yet. */
export async function keyFramesIn(file: string): Promise<number> {
  const shown = ['-select_streams', 'v', '-show_entries', 'packet=flags', '-of', 'csv=p=0'];
  const found = await run('ffprobe', ['-v', 'quiet', ...shown, file]).catch(() => undefined);
  return found?.stdout.split('\n').filter((flags) => flags.startsWith('K')).length ?? 0;
}
