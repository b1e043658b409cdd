// A disk that fills up while segments are written: what is listed stays whole, the publisher is
// told, and a stream on another disk notices nothing. Needs to mount a small tmpfs.
import { join } from 'node:path';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { DISK_FULL } from '../live-stream.js';
import { fetchPlaylist, ffmpegsBelow, makeTags, publish, startPackager } from './hls-fixture.js';
import { mountSmallDisk } from './small-disk.js';

const PACKET_BYTES = 188;

t.test(
  'a full disk ends its stream with a reason, and no viewer gets a torn segment',
  async (t) => {
    const packager = await startPackager(t, { windowSegments: 20 });
    const folder = join(packager.mediaDir, 'stream-a');
    if (!mountSmallDisk(t, folder)) {
      t.plan(0, 'only root may mount');
      return;
    }
    const tags = await makeTags({ seconds: 60, size: '640x360' });
    const victim = publish(t, packager.manager, tags, { speed: 2, isEndless: true });
    const other = { streamId: 'stream-b', speed: 2, isEndless: true };
    const healthy = publish(t, packager.manager, tags, other);
    const url = packager.url('stream-a', 'v0.m3u8');
    const fetched = new Set<number>();
    const watch = async (): Promise<boolean> => {
      const playlist = await fetchPlaylist(url).catch(() => undefined);
      for (const { uri, sequence } of playlist?.segments ?? []) {
        if (fetched.has(sequence)) continue;
        fetched.add(sequence);
        const response = await fetch(uri);
        const { length } = Buffer.from(await response.arrayBuffer());
        if (response.status !== 200) t.fail(`${response.status} for ${uri}`);
        if (length === 0 || length % PACKET_BYTES > 0) t.fail(`${length} bytes of ${uri}`);
      }
      return victim.kicks.length > 0;
    };
    await until(watch, { what: 'the publisher to be told', deadlineMs: 90_000, everyMs: 50 });
    t.same(victim.kicks, [DISK_FULL]);
    t.ok(fetched.size > 0, 'there was a show before');
    const said = packager.log.lines.filter((line) => line['event'] === 'hls.disk_full');
    t.match(said[0], { code: 'RTMP_DISK_FULL', streamId: 'stream-a' });
    const last = await until(
      async () => {
        const playlist = await fetchPlaylist(url);
        return playlist.isEnded && playlist;
      },
      { what: 'the end of the show' },
    );
    for (const { uri } of last.segments) t.equal((await fetch(uri)).status, 200, uri);

    const otherUrl = packager.url('stream-b', 'v0.m3u8');
    const before = await fetchPlaylist(otherUrl);
    await until(
      async () => {
        const { mediaSequence, segments } = await fetchPlaylist(otherUrl);
        return mediaSequence + segments.length > before.mediaSequence + before.segments.length;
      },
      { what: 'another segment of the other stream' },
    );
    t.same(healthy.kicks, []);
    t.notOk(said.some((line) => line['streamId'] === 'stream-b'));
    await until(async () => (await ffmpegsBelow(folder)).length === 0, { what: 'no process' });
  },
);
