// The playlists as text, without ffmpeg: sequence numbers, discontinuities, windows, masters;
// random histories.
import HLS from 'hls-parser';
import t from 'tap';
import { seededRandom } from '../../cluster/testing/index.js';
import type { RunPlan } from '../ffmpeg/plan.js';
import { Show, type ShowRun, type ShowState } from '../hls/show.js';
import { Timeline } from '../hls/timeline.js';

const OPTIONS = {
  showId: 'show-1',
  nodeId: 'node-1',
  base: 'http://:1',
  startedAtMs: 1_000_000,
  windowSegments: 4,
  lateSegments: 3,
  dvrMs: 0,
  firstSequence: 100,
};

function planOf(renditions: number, targetSec = 2): RunPlan {
  return {
    renditions: Array.from({ length: renditions }, (_, index) => ({
      name: `v${index}`,
      video: 'copy' as const,
      audio: 'copy' as const,
      codecs: 'avc1.4d401e,mp4a.40.2',
      size: { width: 640 >> index, height: 360 >> index, fps: 25 },
      declaredBps: undefined,
    })),
    segmentSec: 2,
    targetSec,
    reasons: [],
    costPercent: 3,
    keyFrameGapMaxMs: 2_400,
  };
}

/** Adds segment `n` of a run to each of its renditions. */
function addTo(show: Show, run: ShowRun, n: number, durationSec = 2) {
  return run.plan.renditions.flatMap((_, output) =>
    show.append(run, output, {
      file: `${n}.ts`,
      startSec: n * 2,
      endSec: n * 2 + durationSec,
      bytes: 100_000,
    }),
  );
}

const addresses = {
  fileUri: ({ run, folder }: { run: string; folder: string }, file: string): string =>
    `${run}/${folder}/${file}`,
};

t.test('a window slides, and files are given for removal late and never while listed', (t) => {
  const timeline = new Timeline({ windowSegments: 3, lateSegments: 2, dvrMs: 0, firstSequence: 7 });
  const removed: string[] = [];
  for (let n = 0; n < 12; n += 1) {
    const segment = { epoch: 0, run: 'r', folder: 'v0', file: `${n}.ts` };
    const gone = timeline.append({
      ...segment,
      ...{ durationSec: 2, startMs: n * 2_000, bytes: 1, nodeId: 'node-1', base: '' },
    });
    for (const one of gone) {
      removed.push(one.file);
      t.notOk(timeline.has('r', 'v0', one.file));
    }
    t.ok(timeline.has('r', 'v0', `${n}.ts`));
  }
  t.same(
    timeline.listed.map((one) => one.sequence),
    [16, 17, 18],
  );
  t.same(removed, ['0.ts', '1.ts', '2.ts', '3.ts', '4.ts', '5.ts', '6.ts']);
  t.end();
});

t.test('a playlist says what RFC 8216 wants, and no more', (t) => {
  const show = new Show(OPTIONS);
  const run = show.openRun('run-a', planOf(1), Date.UTC(2026, 0, 1));
  addTo(show, run, 0);
  addTo(show, run, 1, 1.96);
  t.equal(
    show.renderMedia('v0', addresses),
    `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.000,
run-a/v0/0.ts
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXTINF:1.960,
run-a/v0/1.ts
`,
  );
  t.equal(show.renderMedia('v9', addresses), undefined);
  show.end();
  t.match(show.renderMedia('v0', addresses), /1\.ts\n#EXT-X-ENDLIST\n$/);
  t.end();
});

t.test('a segment that would break the playlist is left out and leaves a discontinuity', (t) => {
  const show = new Show(OPTIONS);
  const run = show.openRun('run-a', planOf(1), 0);
  addTo(show, run, 0);
  addTo(show, run, 1, 2.6);
  addTo(show, run, 2);
  addTo(show, run, 3, 0.01);
  t.equal(show.refusedSegments, 2);
  const text = show.renderMedia('v0', addresses) ?? '';
  t.match(text, /0\.ts\n#EXT-X-DISCONTINUITY\n[^\n]+\n[^\n]+\nrun-a\/v0\/2\.ts\n$/);
  t.end();
});

t.test('a later run with fewer renditions feeds all playlists, one with more adds one', (t) => {
  const show = new Show(OPTIONS);
  addTo(show, show.openRun('run-a', planOf(2), 0), 0);
  addTo(show, show.openRun('run-b', planOf(1), 10_000), 0);
  t.match(
    show.renderMedia('v1', addresses),
    /run-a\/v1\/0\.ts\n#EXT-X-DISC[^]+run-b\/v0\/0\.ts\n$/,
  );
  addTo(show, show.openRun('run-c', planOf(3), 20_000), 0);
  t.same(show.renditionNames, ['v0', 'v1', 'v2']);
  const third = show.renderMedia('v2', addresses) ?? '';
  t.match(
    third,
    /MEDIA-SEQUENCE:102\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n/,
    'numbered like the others',
  );
  t.equal(show.renderMaster().match(/#EXT-X-STREAM-INF/g)?.length, 3);
  t.end();
});

t.test('a file that two playlists share is kept until both have let it go', (t) => {
  const show = new Show({ ...OPTIONS, windowSegments: 2, lateSegments: 0, dvrMs: 0 });
  addTo(show, show.openRun('run-a', planOf(2), 0), 0);
  const run = show.openRun('run-b', planOf(1), 10_000);
  const removed = [0, 1, 2, 3].flatMap((n) =>
    addTo(show, run, n).map((one) => `${one.run}/${one.folder}/${one.file}`),
  );
  t.ok(removed.includes('run-b/v0/0.ts'));
  t.notOk(removed.includes('run-b/v0/2.ts'));
  t.ok(show.has('run-b', 'v0', '3.ts'));
  t.end();
});

t.test('another node goes on with the saved state', (t) => {
  const show = new Show(OPTIONS);
  const run = show.openRun('run-a', planOf(1), 0);
  for (let n = 0; n < 6; n += 1) addTo(show, run, n);
  const state = JSON.parse(JSON.stringify(show.state(5))) as ShowState;
  const next = new Show({ ...OPTIONS, nodeId: 'node-2' }, state);
  t.equal(next.renderMedia('v0', addresses), show.renderMedia('v0', addresses));
  const later = next.openRun('run-b', planOf(1, 4), 1_000);
  t.equal(later.startMs, 12_000, 'time of day goes on after what is listed');
  addTo(next, later, 0);
  const text = next.renderMedia('v0', addresses) ?? '';
  t.match(text, /TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:103\n/);
  t.match(text, /run-a\/v0\/5\.ts\n#EXT-X-DISCONTINUITY\n[^]+run-b\/v0\/0\.ts\n$/);
  t.end();
});

t.test('in random histories numbers never go back and a segment keeps its numbers', (t) => {
  const random = seededRandom(t);
  let looked = 0;
  for (let history = 0; history < 40; history += 1) {
    let show = new Show({ ...OPTIONS, windowSegments: random.int(3, 8) });
    const seen = new Map<string, string>();
    const last = new Map<string, { media: number; discontinuity: number }>();
    for (let runs = 0; runs < 6; runs += 1) {
      if (random.chance(0.3)) {
        show = new Show(OPTIONS, JSON.parse(JSON.stringify(show.state(1))) as ShowState);
      }
      const run = show.openRun(`run-${runs}`, planOf(random.int(1, 3)), runs * 60_000);
      for (let n = 0; n < random.int(0, 6); n += 1) {
        addTo(show, run, n, random.pick([2, 1.9, 2.49, 2.6, 0.5]));
        for (const name of show.renditionNames) {
          check(t, show, name, seen, last);
          looked += 1;
        }
      }
    }
  }
  t.ok(looked > 500, `${looked} playlists were looked at`);
  t.end();
});

/** Compares a playlist with what was seen of it before. */
function check(
  t: { ok(value: unknown, message: string): unknown },
  show: Show,
  name: string,
  seen: Map<string, string>,
  last: Map<string, { media: number; discontinuity: number }>,
): void {
  const text = show.renderMedia(name, addresses) ?? '';
  if (!text.includes('#EXTINF')) return;
  HLS.setOptions({ strictMode: true });
  const playlist = HLS.parse(text);
  if (!('segments' in playlist)) throw new Error('not a media playlist');
  const now = {
    media: playlist.mediaSequenceBase ?? 0,
    discontinuity: playlist.discontinuitySequenceBase ?? 0,
  };
  const before = last.get(name) ?? now;
  last.set(name, now);
  if (now.media < before.media || now.discontinuity < before.discontinuity) {
    t.ok(false, `${name} went back: ${JSON.stringify([before, now])}`);
  }
  for (const segment of playlist.segments) {
    if (Math.round(segment.duration) > playlist.targetDuration) t.ok(false, 'too long');
    const numbers = `${segment.mediaSequenceNumber} ${segment.discontinuitySequence}`;
    const known = seen.get(`${name} ${segment.uri}`) ?? numbers;
    seen.set(`${name} ${segment.uri}`, numbers);
    if (known !== numbers) t.ok(false, `${name} ${segment.uri} was ${known}, is ${numbers}`);
  }
}
