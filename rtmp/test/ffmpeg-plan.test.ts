// Plans, arguments and the small parts around ffmpeg, without ffmpeg.
import t from 'tap';
import type { VideoInfo } from '../live-stream.js';
import { ffmpegArguments } from '../ffmpeg/command.js';
import { CpuBudget } from '../ffmpeg/cpu-budget.js';
import { FlvRetimer } from '../ffmpeg/flv-retimer.js';
import { HealthWatch } from '../ffmpeg/health-watch.js';
import { LogRing } from '../ffmpeg/log-ring.js';
import { planRun, type PlanLimits, type Source } from '../ffmpeg/plan.js';
import { type Progress, ProgressReader } from '../ffmpeg/progress.js';
import { RESTART_RULES, RestartPolicy } from '../ffmpeg/restart-policy.js';
import { LineReader, parseSegmentLine } from '../ffmpeg/segment-list.js';
import { FLV_AUDIO, FLV_VIDEO, FlvTag } from '../protocol/flv.js';

const VIDEO: VideoInfo = {
  codec: 'h264',
  codecString: 'avc1.64001f',
  profileIdc: 100,
  levelIdc: 31,
  bitDepth: 8,
  chroma: '4:2:0',
  width: 1280,
  height: 720,
  fps: 30,
  keyFrameIntervalMs: 2_000,
};
const AUDIO = { codec: 'aac', codecString: 'mp4a.40.2', sampleRateHz: 48_000, channels: 2 };
const SOURCE: Source = {
  video: VIDEO,
  audio: AUDIO,
  keyFrameIntervalMs: 2_000,
  timestampJumps: 0,
};
const LIMITS: PlanLimits = {
  segmentSec: 2,
  targetSec: undefined,
  budgetPercent: 150,
  renditionsMax: 1,
  heightMax: Infinity,
  hasAudioOnly: false,
};

t.test('a source that fits is copied', (t) => {
  const plan = planRun(SOURCE, LIMITS);
  t.match(plan, { targetSec: 2, reasons: [], keyFrameGapMaxMs: 2_400 });
  t.match(plan?.renditions, [
    { name: 'v0', video: 'copy', audio: 'copy', codecs: 'avc1.64001f,mp4a.40.2' },
  ]);
  t.ok((plan?.costPercent ?? 100) < 10);
  t.equal(planRun(SOURCE, { ...LIMITS, budgetPercent: 0 })?.renditions.length, 1, 'also when full');
  t.end();
});

t.test('a source that does not fit is encoded, with the reason', (t) => {
  const wrong: readonly (readonly [Partial<Source>, Partial<VideoInfo>, RegExp])[] = [
    [{}, { profileIdc: 110, bitDepth: 10 }, /profile is 110/],
    [{}, { levelIdc: 51 }, /level is 5.1/],
    [{}, { chroma: '4:2:2' }, /8 bit 4:2:2/],
    [{ keyFrameIntervalMs: 10_000 }, {}, /more than 4 s apart/],
    [{ keyFrameIntervalMs: Infinity }, {}, /more than 4 s apart/],
    [{ timestampJumps: 9 }, {}, /timestamps jump/],
  ];
  for (const [source, video, reason] of wrong) {
    const plan = planRun({ ...SOURCE, ...source, video: { ...VIDEO, ...video } }, LIMITS);
    t.match(plan?.reasons, [reason]);
    t.match(plan?.renditions, [
      { video: { height: 720, profile: 'high', level: '3.1', codecString: 'avc1.64001f' } },
    ]);
    t.equal(plan?.targetSec, 2);
    t.equal(plan?.keyFrameGapMaxMs, Infinity);
  }
  t.end();
});

t.test('the target duration follows the key frames, and a later run must keep to it', (t) => {
  const at = (keyFrameIntervalMs: number) => planRun({ ...SOURCE, keyFrameIntervalMs }, LIMITS);
  t.equal(at(1_000)?.targetSec, 2);
  t.equal(at(1_500)?.targetSec, 3);
  t.equal(at(4_000)?.targetSec, 4);
  t.equal(at(250)?.targetSec, 2);
  const later = planRun({ ...SOURCE, keyFrameIntervalMs: 4_000 }, { ...LIMITS, targetSec: 2 });
  t.match(later?.reasons, [/further than when the show began/]);
  t.equal(later?.targetSec, 2);
  t.equal(planRun(SOURCE, { ...LIMITS, targetSec: 4 })?.targetSec, 4);
  t.end();
});

t.test('nothing is enlarged, and the budget decides how much is encoded', (t) => {
  const encode = { ...SOURCE, timestampJumps: 9 };
  const small = { ...encode, video: { ...VIDEO, width: 426, height: 240 } };
  t.match(planRun(small, LIMITS)?.renditions, [{ size: { width: 426, height: 240 } }]);
  const tall = { ...encode, video: { ...VIDEO, width: 720, height: 1280 } };
  t.match(planRun(tall, { ...LIMITS, budgetPercent: 500 })?.renditions, [
    { size: { width: 608, height: 1080 } },
  ]);
  t.match(planRun(encode, { ...LIMITS, budgetPercent: 35 })?.renditions, [
    { size: { width: 854, height: 480 } },
  ]);
  t.equal(planRun(encode, { ...LIMITS, budgetPercent: 5 }), undefined);
  const ladder = planRun(SOURCE, { ...LIMITS, renditionsMax: 4 });
  t.same(
    ladder?.renditions.map(({ name, size }) => `${name} ${size?.height ?? 0}`),
    ['v0 720', 'v1 480', 'v2 360', 'v3 240'],
  );
  t.ok((ladder?.costPercent ?? 0) > 30);
  const fast = planRun(
    { ...SOURCE, video: { ...VIDEO, fps: 60 } },
    { ...LIMITS, renditionsMax: 2 },
  );
  t.match(fast?.renditions[1], { size: { height: 480, fps: 60 }, video: { keyFrames: 'source' } });
  const dark = planRun(SOURCE, { ...LIMITS, renditionsMax: 2, hasAudioOnly: true });
  t.same(
    dark?.renditions.map(({ name, codecs }) => `${name} ${codecs}`),
    ['v0 avc1.64001f,mp4a.40.2', 'v1 avc1.4d401f,mp4a.40.2', 'a0 mp4a.40.2'],
  );
  t.end();
});

t.test('sound is copied when every player can decode it, and encoded otherwise', (t) => {
  for (const audio of [
    { ...AUDIO, channels: 6 },
    { ...AUDIO, codecString: 'mp4a.40.5' },
    { ...AUDIO, codec: 'mp3', codecString: 'mp4a.40.34' },
  ]) {
    const plan = planRun({ ...SOURCE, audio }, LIMITS);
    t.match(plan?.renditions, [{ video: 'copy', audio: { bitrateBps: 128_000 } }]);
    t.equal(plan?.renditions[0]?.codecs, 'avc1.64001f,mp4a.40.2');
  }
  const silent = planRun({ ...SOURCE, audio: undefined }, LIMITS);
  t.match(silent?.renditions, [{ audio: undefined, codecs: 'avc1.64001f' }]);
  t.match(planRun({ ...SOURCE, video: undefined }, LIMITS)?.renditions, [
    { video: undefined, audio: 'copy', codecs: 'mp4a.40.2' },
  ]);
  t.end();
});

t.test('arguments are a list that no shell sees, folders with blanks included', (t) => {
  const plan = planRun(SOURCE, { ...LIMITS, renditionsMax: 2 });
  if (plan === undefined) throw new Error('no plan');
  const args = ffmpegArguments(plan, ['/media dir/s/r/v0', '/media dir/s/r/v1']);
  t.ok(args.includes('/media dir/s/r/v0/%d.ts'));
  const inputAt = args.indexOf('-i');
  t.equal(args[inputAt + 1], 'pipe:0');
  t.ok(args.indexOf('-progress') < inputAt);
  t.equal(args.filter((one) => one === '-segment_list').length, 2);
  t.ok(args.includes('pipe:4') && args.includes('pipe:5'));
  t.ok(args.includes('libx264') && args.includes('copy'));
  t.end();
});

t.test('lines of a pipe are read whole, whatever the pieces', (t) => {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (const piece of ['0.ts,0.0', '00,2.0\n1.ts,', '2.0,4.021\n2.t'])
    reader.push(Buffer.from(piece));
  t.same(lines.map(parseSegmentLine), [
    { file: '0.ts', startSec: 0, endSec: 2 },
    { file: '1.ts', startSec: 2, endSec: 4.021 },
  ]);
  t.equal(parseSegmentLine('../../x.ts,0,1'), undefined);
  t.equal(parseSegmentLine('nonsense'), undefined);
  t.end();
});

t.test('progress is read block by block', (t) => {
  const seen: Progress[] = [];
  const reader = new ProgressReader((progress) => seen.push(progress));
  const text = 'frame=50\nfps=25.0\nout_time_us=N/A\nspeed=N/A\nprogress=continue\n';
  for (const line of `${text}fps=24\nout_time_us=1500000\nspeed=1.01x\nprogress=end`.split('\n')) {
    reader.line(line);
  }
  t.match(seen, [
    { outTimeMs: 0, fps: 25, isLast: false },
    { outTimeMs: 1_500, speed: 1.01, isLast: true },
  ]);
  t.end();
});

t.test('timestamps of a run begin at zero and grow, over jumps and the wrap', (t) => {
  const retimer = new FlvRetimer();
  const video = (at: number) =>
    retimer.retime(new FlvTag(FLV_VIDEO, at, Buffer.from('270100000000', 'hex')));
  const audio = (at: number) =>
    retimer.retime(new FlvTag(FLV_AUDIO, at, Buffer.from('af0100', 'hex')));
  const start = 2 ** 32 - 60;
  t.equal(video(start), 0);
  t.equal(audio(start - 10), 0, 'sound from just before the picture');
  t.equal(video(start + 40), 40);
  t.equal(video(start + 80), 80, 'over the wrap');
  t.equal(video(5_000_000), 120, 'a jump forward');
  t.equal(audio(5_000_010), 130, 'the other track follows');
  t.equal(video(100), 170, 'a jump back');
  t.equal(video(90), 170, 'a small step back stands still');
  t.equal(retimer.jumps, 2);
  t.end();
});

t.test('restarts wait longer and longer, until the circuit opens', (t) => {
  const policy = new RestartPolicy(RESTART_RULES, () => 0.5);
  const delays = [0, 1, 2, 3, 4].map((n) => policy.failed(n * 1_000, 500));
  t.same(delays, [100, 1_000, 2_000, 4_000, undefined]);
  const calm = new RestartPolicy(RESTART_RULES, () => 0.5);
  t.equal(calm.failed(0, 500), 100);
  t.equal(calm.failed(1_000, 500), 1_000);
  t.equal(calm.failed(200_000, 90_000), 100, 'a healthy run clears the score');
  t.end();
});

t.test('a frozen ffmpeg is stale, a slow one overloaded, a paused publisher neither', (t) => {
  const beat = (outTimeMs: number): Progress => ({
    ...{ outTimeMs, fps: 25, speed: 1, droppedFrames: 0, isLast: false },
  });
  const feed = (fedMs: number, backlogBytes = 0) => ({ fedMs, backlogBytes, isDropping: false });
  const frozen = new HealthWatch(0);
  frozen.progressed(beat(1_000), 1_000);
  t.equal(frozen.check(feed(1_500), 2_000), undefined);
  t.equal(frozen.check(feed(9_000), 10_000), undefined);
  t.equal(frozen.check(feed(11_000), 11_500), 'stale');
  t.equal(frozen.check(feed(12_000), 12_500), undefined, 'said once');
  t.equal(frozen.verdict, 'stale');

  const paused = new HealthWatch(0);
  paused.progressed(beat(1_000), 1_000);
  for (let s = 1; s < 60; s += 1) t.equal(paused.check(feed(1_200), s * 1_000), undefined);

  const slow = new HealthWatch(0);
  let verdict: string | undefined;
  for (let s = 1; s < 20 && verdict === undefined; s += 1) {
    slow.progressed(beat(s * 500), s * 1_000);
    verdict = slow.check(feed(s * 1_000, 5_000_000), s * 1_000);
  }
  t.equal(verdict, 'overloaded');
  t.end();
});

t.test('secrets do not stay in the log of a child', (t) => {
  const ring = new LogRing(3);
  for (const line of ['a', 'b', 'rtmp://h/publish/sk_abc?token=xyz failed', 'http://u:p@h/x']) {
    ring.add(line);
  }
  t.same(ring.tail(9), ['b', 'rtmp://h/publish/***?token=*** failed', 'http://***@h/x']);
  t.end();
});

t.test('a budget gives back what was released, once', (t) => {
  const budget = new CpuBudget(100);
  const one = budget.reserve(70);
  t.equal(budget.freePercent, 30);
  one.release();
  one.release();
  t.equal(budget.freePercent, 100);
  t.end();
});
