// Processes: how they end in every state, that none is left over many cycles, and the sweep of
// orphans.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { silentLog, type TestScope, until } from '../../cluster/testing/index.js';
import { fuzzRounds } from '../../cluster/config.js';
import { ffmpegArguments } from '../ffmpeg/command.js';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.js';
import { sweepOrphans } from '../ffmpeg/orphans.js';
import { planRun } from '../ffmpeg/plan.js';
import { MediaFiles } from '../hls/media-files.js';
import { flvFileHeader } from '../protocol/flv.js';
import { ffmpegsBelow, makeTags, playlistWith, publish, startPackager } from './hls-fixture.js';

async function tempDir(t: TestScope): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'showbill-media-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A copying ffmpeg that waits for input. */
async function startCopy(t: TestScope): Promise<{ child: FfmpegProcess; dir: string }> {
  const dir = await tempDir(t);
  await mkdir(join(dir, 'v0'));
  const source = { video: undefined, keyFrameIntervalMs: 0, timestampJumps: 0 };
  const audio = { codec: 'aac', codecString: 'mp4a.40.2', sampleRateHz: 48_000, channels: 2 };
  const plan = planRun(
    { ...source, audio },
    {
      segmentSec: 1,
      targetSec: 1,
      budgetPercent: 100,
      renditionsMax: 1,
      heightMax: 0,
      hasAudioOnly: false,
    },
  );
  if (plan === undefined) throw new Error('no plan');
  const child = new FfmpegProcess({
    args: ffmpegArguments(plan, [join(dir, 'v0')]),
    outputs: 1,
    onSegment: () => undefined,
    onProgress: () => undefined,
  });
  t.teardown(() => child.kill());
  await until(() => ffmpegsBelow(dir).then((pids) => pids.length === 1), { what: 'a child' });
  return { child, dir };
}

t.test('a child without input ends when its input ends', async (t) => {
  const { child } = await startCopy(t);
  const exit = await child.stop();
  t.match(exit, { wasStopped: true });
  t.equal(child.isGone, true);
});

t.test('a frozen child is killed', async (t) => {
  const { child, dir } = await startCopy(t);
  child.stdin.write(flvFileHeader({ audio: true, video: false }));
  process.kill(child.pid ?? 0, 'SIGSTOP');
  const exit = await child.stop();
  t.match(exit, { signal: 'SIGKILL', wasStopped: true });
  t.same(await ffmpegsBelow(dir), []);
});

t.test('a child that cannot start is an exit, not an exception', async (t) => {
  const child = new FfmpegProcess({
    args: ['-no_such_option'],
    outputs: 0,
    onSegment: () => undefined,
    onProgress: () => undefined,
  });
  const exit = await child.exited;
  t.not(exit.code, 0);
  t.equal(exit.wasStopped, false);
  t.match(child.log.tail(5).join('\n'), /no_such_option/);
});

t.test('orphans of an earlier life are ended, other ffmpegs are not', async (t) => {
  const [dir, elsewhere] = [await tempDir(t), await tempDir(t)];
  const start = (folder: string) => {
    const args = ['-hide_banner', '-loglevel', 'error', '-f', 'flv', '-i', 'pipe:0'];
    const child = spawn('ffmpeg', [...args, '-c', 'copy', `${folder}/out.ts`], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  };
  const [orphan, stranger] = [start(dir), start(elsewhere)];
  await until(
    async () =>
      (await ffmpegsBelow(dir)).length === 1 && (await ffmpegsBelow(elsewhere)).length === 1,
    { what: 'both children' },
  );
  t.same(await sweepOrphans({ mediaDir: dir, isOurs: (pid) => pid === orphan.pid }), []);
  t.same(await sweepOrphans({ mediaDir: dir }), [orphan.pid]);
  await until(() => ffmpegsBelow(dir).then((pids) => pids.length === 0), { what: 'no orphan' });
  t.same(await ffmpegsBelow(elsewhere), [stranger.pid]);
});

t.test('a media directory belongs to one process', async (t) => {
  const dir = await tempDir(t);
  const other = spawn('sleep', ['60']);
  t.teardown(() => other.kill('SIGKILL'));
  const files = new MediaFiles(dir, silentLog);
  await files.lock();
  const own = await readFile(join(dir, '.owner'), 'utf8');
  t.match(own, new RegExp(`^${process.pid} \\d+`));
  await files.lock();
  const stat = await readFile(`/proc/${other.pid ?? 0}/stat`, 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  await writeFile(join(dir, '.owner'), `${other.pid ?? 0} ${startTime}\n`);
  await t.rejects(files.lock(), /MEDIA_DIR=.*in use by process/);
  await writeFile(join(dir, '.owner'), `${other.pid ?? 0} 1\n`);
  await files.lock();
  await files.unlock();
  t.same(await readdir(dir), []);
  t.throws(() => files.path('..', 'x'), /not a file name/);
});

/** Sockets of fetch come and go; a child that was left open would be five of these each. */
const OPEN_SLACK = 4;
const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

/** Ten, or a hundred where tests may take their time (SHOWBILL_FUZZ_ROUNDS). */
const CYCLES = Math.min(100, fuzzRounds(10));

t.test(
  'many publishes leave no process, and no file after their show is disposed of',
  async (t) => {
    const packager = await startPackager(t, { graceMs: 0, disposeMs: 0 });
    const tags = await makeTags();
    let openBefore = 0;
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const streamId = `stream-${cycle % 2}`;
      const publisher = publish(t, packager.manager, tags, { streamId, speed: 6 + (cycle % 10) });
      const url = packager.url(streamId, 'v0.m3u8');
      if (cycle % 3 === 0) {
        await playlistWith(url, 'a segment', (one) => one.segments.length >= 1);
      } else {
        await until(() => publisher.stream.cachedBytes > 0, { what: 'some media' });
      }
      publisher.end();
      await until(() => packager.manager.find(streamId) === undefined, {
        what: 'the show is gone',
      });
      // The first ones open what is kept: connections of fetch and Redis.
      if (cycle === 5) openBefore = await openFiles();
    }
    await until(async () => (await openFiles()) <= openBefore + OPEN_SLACK, {
      ...{ what: 'the pipes of all children to be closed' },
    });
    t.same(await ffmpegsBelow(packager.mediaDir), []);
    t.same(await packager.files.streams(), []);
    t.match(await packager.metricText(), /showbill_hls_ffmpeg_processes\{[^}]*\} 0/);
  },
);

t.test('stopping the node ends its processes and keeps its shows for the next life', async (t) => {
  const packager = await startPackager(t);
  const publisher = publish(t, packager.manager, await makeTags());
  const url = packager.url('stream-a', 'v0.m3u8');
  const before = await playlistWith(url, 'two segments', (one) => one.segments.length >= 2);
  publisher.end();
  await packager.manager.stop();
  t.same(await ffmpegsBelow(packager.mediaDir), []);
  t.equal(packager.announced.length, 1, 'nothing was said to have ended');

  const next = await startPackager(t, {
    redisServer: packager.redis,
    mediaDir: packager.mediaDir,
  });
  publish(t, next.manager, await makeTags());
  const after = await playlistWith(next.url('stream-a', 'v0.m3u8'), 'a second run', (one) =>
    one.segments.some((segment) => segment.discontinuity === 1),
  );
  t.ok(after.mediaSequence >= before.mediaSequence);
  const old = after.segments.find((segment) => segment.discontinuity === 0);
  if (old !== undefined)
    t.equal((await fetch(old.uri)).status, 200, 'old segments are still there');
});
