// The DVR window: longer playlists beside the live ones, whose segments stay as long as listed.
import t from 'tap';
import { startRedis, until } from '../../cluster/testing/index.js';
import { Timeline } from '../hls/timeline.js';
import { StreamOptions } from '../stream-options.js';
import { fetchPlaylist, makeTags, playlistWith, publish, startPackager } from './hls-fixture.js';

t.test('nothing within the window is given for removal, all behind it is in the end', (t) => {
  const timeline = new Timeline({
    ...{ windowSegments: 3, lateSegments: 2, firstSequence: 0, dvrMs: 20_000 },
  });
  const removed: number[] = [];
  for (let n = 0; n < 50; n++) {
    const where = { run: 'r', folder: 'v0', file: `${n}.ts`, nodeId: 'n', base: '' };
    const segment = { ...where, epoch: 0, durationSec: 2, startMs: n * 2_000, bytes: 1 };
    removed.push(...timeline.append(segment).map((one) => one.sequence));
    const shown = timeline.dvr.map((one) => one.sequence);
    t.same(
      shown,
      [...Array(Math.min(n + 1, 10)).keys()].map((i) => Math.max(0, n - 9) + i),
    );
    t.notOk(shown.some((sequence) => removed.includes(sequence)));
    t.equal(timeline.listed.length, Math.min(n + 1, 3));
  }
  t.same(removed, [...Array(38).keys()], 'ten of the window and two late ones stay');
  t.equal(timeline.has('r', 'v0', '37.ts'), false);
  t.equal(timeline.has('r', 'v0', '38.ts'), true);
  t.end();
});

t.test(
  'viewers go back within the window, over a reconnect, and the live list stays short',
  async (t) => {
    const packager = await startPackager(t, {
      ...{ windowSegments: 3, graceMs: 60_000 },
      shapeOf: () => Promise.resolve({ dvrMs: 600_000, partMs: 0 }),
    });
    const tags = await makeTags();
    const url = packager.url('stream-a', 'dvr-v0.m3u8');
    // A busy machine loses the beginning of each: so they go on until there is enough.
    const first = publish(t, packager.manager, tags, { speed: 8, isEndless: true });
    await playlistWith(url, '8 segments', (one) => one.segments.length >= 8);
    first.end();
    const second = publish(t, packager.manager, tags, { speed: 8, isEndless: true });
    await playlistWith(url, 'a window over the seam', (one) => {
      return one.segments.filter(({ discontinuity }) => discontinuity === 1).length >= 4;
    });
    second.end();
    await until(() => packager.manager.find('stream-a')?.pid === undefined, { what: 'a pause' });
    const dvr = await fetchPlaylist(url);
    const live = await fetchPlaylist(packager.url('stream-a', 'v0.m3u8'));
    t.equal(live.segments.length, 3);
    t.equal(dvr.segments[0]?.discontinuity, 0);
    t.ok((dvr.segments[0]?.sequence ?? 0) <= live.mediaSequence - 9);
    for (const segment of dvr.segments) {
      t.equal((await fetch(segment.uri)).status, 200, segment.uri);
    }
    const master = await (await fetch(packager.url('stream-a', 'dvr.m3u8'))).text();
    t.match(master, /\ndvr-v0\.m3u8\n/);
    t.match((await packager.directory.find('stream-a'))?.dvrMs, 600_000);
  },
);

t.test('a stream may have a window of its own', async (t) => {
  const options = new StreamOptions((await startRedis(t)).client());
  t.same(await options.get('a'), {});
  await options.set('a', { dvrMs: 3_600_000 });
  t.same(await options.get('a'), { dvrMs: 3_600_000 });
  t.same(await options.get('b'), {});
  await options.set('a', { partMs: 500 });
  t.same(await options.get('a'), { partMs: 500 });
  await options.set('a', {});
  t.same(await options.get('a'), {});
});
