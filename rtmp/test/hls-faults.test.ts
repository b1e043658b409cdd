// Sources and worlds that misbehave: the show goes on, the playlist stays right, nothing is left
// running.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { FlvTag } from '../protocol/flv.js';
import {
  ffmpegsBelow,
  makeTags,
  playlistWith,
  publish,
  startPackager,
  type Playlist,
} from './hls-fixture.js';

/** `second` after `first`, as one encoder would send them. */
function joined(first: readonly FlvTag[], second: readonly FlvTag[]): FlvTag[] {
  const end = (first.at(-1)?.timestampMs ?? 0) + 40;
  return [...first, ...second.map((tag) => moved(tag, end))];
}

function moved(tag: FlvTag, byMs: number): FlvTag {
  return new FlvTag(tag.type, tag.timestampMs + byMs, tag.payload);
}

const hasSeam = ({ segments }: Playlist): boolean =>
  segments.some((segment) => segment.discontinuity === 1);

t.test('a frozen ffmpeg is replaced', async (t) => {
  const health = { staleMs: 1_500, overloadMs: 60_000 };
  const packager = await startPackager(t, { health });
  publish(t, packager.manager, await makeTags({ seconds: 60 }), { speed: 4 });
  const url = packager.url('stream-a', 'v0.m3u8');
  await playlistWith(url, 'a segment', (one) => one.segments.length >= 1);
  process.kill(packager.manager.find('stream-a')?.pid ?? 0, 'SIGSTOP');
  await playlistWith(url, 'segments of the next run', hasSeam);
  t.match(
    packager.log.lines.filter((line) => String(line['event']).startsWith('ffmpeg.')),
    [{ event: 'ffmpeg.stale' }, { event: 'ffmpeg.failed', signal: 'SIGKILL' }],
  );
  t.equal((await ffmpegsBelow(packager.mediaDir)).length, 1);
});

t.test(
  'key frames that come too far apart in mid-show turn the copy into an encoding',
  async (t) => {
    const packager = await startPackager(t);
    const tags = joined(
      await makeTags({ seconds: 4 }),
      await makeTags({ gopSec: 10, seconds: 30 }),
    );
    publish(t, packager.manager, tags, { speed: 3 });
    const url = packager.url('stream-a', 'v0.m3u8');
    const playlist = await playlistWith(
      url,
      'encoded segments',
      ({ segments }) => segments.filter((one) => one.discontinuity === 1).length >= 3,
    );
    for (const { durationSec } of playlist.segments) t.ok(Math.round(durationSec) <= 1);
    t.match(packager.manager.find('stream-a')?.row().notes, [/more than 4 s apart/]);
  },
);

t.test('another picture size or a track that appears begins a new run', async (t) => {
  const packager = await startPackager(t);
  const silent = await makeTags({ seconds: 4, hasAudio: false });
  const loud = await makeTags({ seconds: 4 });
  const large = await makeTags({ seconds: 20, size: '640x360' });
  publish(t, packager.manager, joined(joined(silent, loud), large), { speed: 3 });
  const url = packager.url('stream-a', 'v0.m3u8');
  await playlistWith(url, 'two seams', ({ segments }) =>
    segments.some((segment) => segment.discontinuity === 2),
  );
  const changes = packager.log.lines.filter((line) => line['event'] === 'hls.source_changed');
  t.match(changes, [{ change: 'tracks' }, { change: 'configuration' }]);
  const master = await (await fetch(packager.url('stream-a', 'master.m3u8'))).text();
  t.match(master, /640x360/);
});

t.test('timestamps that jump back or forward make no seam', async (t) => {
  const packager = await startPackager(t);
  const tags = await makeTags({ seconds: 4 });
  const back = tags.map((tag) => moved(tag, 0));
  publish(t, packager.manager, [...tags, ...back, ...tags.map((tag) => moved(tag, 7_000_000))], {
    perTick: 8,
  });
  const url = packager.url('stream-a', 'v0.m3u8');
  const start = await playlistWith(url, 'a segment', (one) => one.segments.length >= 1);
  const playlist = await playlistWith(url, 'segments of all parts', ({ segments }) => {
    return (segments.at(-1)?.sequence ?? 0) >= start.mediaSequence + 9;
  });
  t.notOk(playlist.text.includes('#EXT-X-DISCONTINUITY\n'));
  for (const { durationSec } of playlist.segments) t.ok(durationSec > 0.5 && durationSec < 1.5);
});

t.test('the show goes on while Redis is away, and is saved when it is back', async (t) => {
  const packager = await startPackager(t);
  const tags = await makeTags({ seconds: 60 });
  const first = publish(t, packager.manager, tags, { speed: 2 });
  const url = packager.url('stream-a', 'v0.m3u8');
  const before = await playlistWith(url, 'two segments', (one) => one.segments.length >= 2);
  await packager.redis.kill();
  first.end();
  publish(t, packager.manager, tags, { speed: 2 });
  const after = await playlistWith(url, 'the second run', hasSeam);
  t.ok(after.mediaSequence >= before.mediaSequence);
  await packager.redis.start();
  await until(async () => (await packager.directory.find('stream-a')) !== undefined, {
    what: 'the row in the directory of the new server',
  });
  t.equal(packager.announced.length, 1, 'the fleet saw one show');
});

t.test('a disk that takes nothing opens the circuit, and the publisher is told', async (t) => {
  const packager = await startPackager(t);
  // A file where the folder of the stream should be: not even root can make folders below it.
  await writeFile(join(packager.mediaDir, 'stream-a'), '');
  const publisher = publish(t, packager.manager, await makeTags({ seconds: 60 }), { speed: 2 });
  await until(() => publisher.kicks.length > 0, { what: 'the kick' });
  t.match(publisher.kicks, [/cannot be processed/]);
  t.same(await ffmpegsBelow(packager.mediaDir), []);
});

t.test('a publisher who needs more CPU than there is gets the reason', async (t) => {
  const packager = await startPackager(t, { budgetPercent: 4 });
  const publisher = publish(t, packager.manager, await makeTags({ gopSec: 10, seconds: 20 }));
  await until(() => publisher.kicks.length > 0, { what: 'the kick' });
  t.match(publisher.kicks, [/no capacity to transcode/]);
  t.same(await ffmpegsBelow(packager.mediaDir), []);
  t.same(packager.announced, [], 'there was no show');
});
