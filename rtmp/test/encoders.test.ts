// Hardware encoders: found by encoding with them, given up when they fail.
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { captureLog, type TestScope } from '../../cluster/testing/index.js';
import { ffmpegArguments } from '../ffmpeg/command.js';
import { chooseEncoder, HARDWARE_ENCODERS } from '../ffmpeg/encoders.js';
import { makeTags, playlistWith, probe, publish, startPackager } from './hls-fixture.js';

const hasHardware = ['/dev/dri', '/dev/nvidia0', '/dev/video10', '/dev/video11'].some(existsSync);
const skip = hasHardware ? 'this machine may have an encoder' : false;

/** A program in place of ffmpeg. */
async function programThat(t: TestScope, does: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'showbill-encoder-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const program = join(dir, 'ffmpeg');
  await writeFile(program, `#!/bin/sh\n${does}\n`);
  await chmod(program, 0o755);
  return program;
}

t.test('without hardware libx264 is chosen, and the log says why', { skip }, async (t) => {
  const { log, lines } = captureLog();
  t.equal(await chooseEncoder({ wanted: 'auto', log }), 'libx264');
  const tried = lines.filter((line) => line['event'] === 'encoder.unusable');
  t.same(
    tried.map((line) => line['encoder']),
    HARDWARE_ENCODERS,
  );
  for (const { problem } of tried) t.match(problem, /\w+/);
  t.match(lines.at(-1), { event: 'encoder.software', wanted: 'auto' });
});

t.test('the first encoder that encodes is chosen; off asks nobody', async (t) => {
  const { log, lines } = captureLog();
  const program = await programThat(t, 'case "$*" in *h264_qsv*) exit 0;; esac; exit 1');
  t.equal(await chooseEncoder({ wanted: 'auto', log, program }), 'h264_qsv');
  t.match(lines, [
    { event: 'encoder.unusable', encoder: 'h264_nvenc', problem: 'exit 1' },
    { event: 'encoder.unusable', encoder: 'h264_vaapi' },
    { event: 'encoder.hardware', encoder: 'h264_qsv' },
  ]);
  t.equal(await chooseEncoder({ wanted: 'h264_nvenc', log, program }), 'libx264');
  t.equal(await chooseEncoder({ wanted: 'off', log, program: '/nowhere/ffmpeg' }), 'libx264');
});

t.test('a driver that hangs and an ffmpeg that is not there are no encoders', async (t) => {
  const { log, lines } = captureLog();
  const program = await programThat(t, 'exec sleep 60');
  const wanted = 'h264_vaapi';
  t.equal(await chooseEncoder({ wanted, log, program, timeoutMs: 100 }), 'libx264');
  t.match(lines[0], { problem: 'no picture within 100 ms' });
  t.equal(await chooseEncoder({ wanted, log, program: '/nowhere/ffmpeg' }), 'libx264');
});

t.test('each encoder is told what it knows, and a copy opens no device', (t) => {
  const size = { width: 640, height: 360, fps: 30 };
  const video = {
    ...{ ...size, bitrateBps: 800_000, profile: 'main' as const, level: '3.0' },
    ...{ codecString: 'avc1.4d401e', keyFrames: 'clock' as const },
  };
  const rendition = { name: 'v0', audio: undefined, codecs: '', size, declaredBps: 1 };
  const rest = { segmentSec: 2, targetSec: 2, reasons: [], costPercent: 1, keyFrameGapMaxMs: 1 };
  for (const encoder of HARDWARE_ENCODERS) {
    const plan = { ...rest, encoder, renditions: [{ ...rendition, video }] };
    const args = ffmpegArguments(plan, ['/media/v0']);
    t.ok(args.includes(encoder) && !args.includes('libx264'));
    t.equal(args.includes('-vaapi_device'), encoder === 'h264_vaapi');
    const copy = { ...plan, renditions: [{ ...rendition, video: 'copy' as const }] };
    t.notOk(ffmpegArguments(copy, ['/media/v0']).includes('-vaapi_device'));
  }
  t.end();
});

t.test('a run that fails on hardware goes on with libx264', { skip }, async (t) => {
  const packager = await startPackager(t, { encoder: 'h264_nvenc' });
  publish(t, packager.manager, await makeTags({ gopSec: 10, seconds: 20 }), { speed: 4 });
  const url = packager.url('stream-a', 'v0.m3u8');
  const { segments } = await playlistWith(url, 'a segment', (one) => one.segments.length >= 1);
  t.match((await probe(segments[0]?.uri ?? '')).streams, [{ codec_name: 'h264' }, {}]);
  const left = packager.log.lines.filter((line) => line['event'] === 'encoder.left');
  t.match(left, [{ encoder: 'h264_nvenc' }]);
});
