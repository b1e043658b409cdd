// A disk that fills up while a stream is recorded: the recording ends with its reason, what was
// written plays, and the show goes on. Needs to mount a small tmpfs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { makeTags, playlistWith, publish, startPackager } from './hls-fixture.js';
import { factsOf, startRecordings } from './recording-fixture.js';
import { mountSmallDisk } from './small-disk.js';

t.test('a full disk ends the recording with its reason, and the show goes on', async (t) => {
  const disk = await mkdtemp(join(tmpdir(), 'showbill-small-'));
  t.teardown(() => rm(disk, { recursive: true, force: true }));
  if (!mountSmallDisk(t, disk)) {
    t.plan(0, 'only root may mount');
    return;
  }
  const packager = await startPackager(t);
  // Below the mount, which only umount takes away.
  const dir = join(disk, 'recordings');
  const node = await startRecordings(t, packager.redis, { dir });
  const tags = await makeTags({ seconds: 60, size: '640x360' });
  const publisher = publish(
    t,
    {
      streamStarted(stream) {
        packager.manager.streamStarted(stream);
        node.recordings.streamStarted(stream);
      },
      streamEnded(stream, reason) {
        packager.manager.streamEnded(stream, reason);
        node.recordings.streamEnded(stream);
      },
    },
    tags,
    { speed: 2, isEndless: true },
  );
  const [recorded] = await node.closed(1);
  t.match(recorded?.entry, { end: 'disk-full', streamId: 'stream-a' });
  const failed = node.log.lines.filter((line) => line['event'] === 'recording.failed');
  t.match(failed, [{ reason: 'disk-full', err: { code: 'ENOSPC' } }], 'what the kernel says');
  const facts = await factsOf(recorded?.file ?? '');
  t.match(facts, { codecs: ['aac', 'h264'], complaints: '' }, 'what was written plays');
  t.ok(facts.keys > 0);
  t.ok(Math.abs(facts.duration * 1_000 - (recorded?.entry.durationMs ?? 0)) < 100);
  const [row] = await node.directory.list('stream-a');
  t.match(row, { end: 'disk-full', state: 'flv' }, 'so it is told to the fleet');

  const url = packager.url('stream-a', 'v0.m3u8');
  const before = await playlistWith(url, 'a segment', ({ segments }) => segments.length > 0);
  const last = before.segments.at(-1)?.sequence ?? Infinity;
  const after = await playlistWith(url, 'another segment', ({ segments }) =>
    segments.some(({ sequence }) => sequence > last),
  );
  t.notOk(after.isEnded);
  t.equal((await fetch(after.segments.at(-1)?.uri ?? '')).status, 200);
  t.same(publisher.kicks, []);

  // A disk with room again: the next order is carried out.
  t.equal(await node.directory.remove('stream-a', recorded?.entry.id ?? ''), true);
  t.not(node.recordings.begin({ streamId: 'stream-a', recorder: 'again' }), undefined);
  await until(async () => (await node.directory.list('stream-a')).length === 1, {
    ...{ what: 'the next recording' },
  });
});
