// From a publish to HLS, with real ffmpeg and real Redis: first playlist, reconnect, killed ffmpeg,
// end.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import {
  fetchPlaylist,
  ffmpegsBelow,
  makeTags,
  playlistWith,
  probe,
  publish,
  startPackager,
} from './hls-fixture.js';

/** Longer than every source: no segment is removed before it is probed, however late that is. */
const WHOLE_SHOW = { windowSegments: 40 } as const;

t.test('a publish that fits is copied into a playlist that players accept', async (t) => {
  const packager = await startPackager(t);
  const publisher = publish(t, packager.manager, await makeTags());
  const url = packager.url('stream-a', 'v0.m3u8');
  const playlist = await playlistWith(url, 'three segments', (one) => one.segments.length >= 3);
  t.equal(playlist.targetDuration, 1);
  t.equal(playlist.discontinuitySequence, 0);
  t.notOk(playlist.isEnded);
  for (const segment of playlist.segments) {
    t.ok(Math.abs(segment.durationSec - 1) < 0.05, `duration ${segment.durationSec}`);
  }
  const [first, second] = playlist.segments;
  t.equal(
    Math.round((second?.atMs ?? 0) - (first?.atMs ?? 0)),
    Math.round((first?.durationSec ?? 0) * 1000),
  );
  const media = await probe(second?.uri ?? '');
  t.match(media.streams, [
    { codec_type: 'video', codec_name: 'h264', width: 320, height: 180 },
    { codec_type: 'audio', codec_name: 'aac' },
  ]);
  const video = media.packets.filter((one) => one.codec_type === 'video');
  t.match(video[0]?.flags, /^K/, 'a segment starts with a key frame');

  const master = await (await fetch(packager.url('stream-a', 'master.m3u8'))).text();
  t.match(master, /BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2"/);
  t.match(master, /RESOLUTION=320x180,FRAME-RATE=25\.000\nv0\.m3u8\n/);

  const listed = await until(
    async () => {
      const row = await packager.directory.find('stream-a');
      return row?.viewers === 1 ? row : undefined;
    },
    { what: 'the one who asked for playlists is counted' },
  );
  t.match(listed, {
    nodeId: 'rtmp-test',
    hlsUrlBase: /^http:\/\/:\d+$/,
    video: { width: 320, height: 180, fps: 25 },
    audio: { codec: 'aac', channels: 2 },
    notes: [],
  });
  t.same(packager.announced, [{ streamId: 'stream-a', state: 'live', node: 'rtmp-test' }]);

  await publisher.sent;
  publisher.end();
  const ended = await playlistWith(url, 'the end of the show', (one) => one.isEnded);
  t.ok((ended.segments.at(-1)?.sequence ?? 0) >= playlist.mediaSequence + 10);
  await until(() => packager.announced.length === 2, { what: 'the announcement of the end' });
  t.equal(packager.announced[1]?.state, 'ended');
  t.equal(await packager.directory.find('stream-a'), undefined);
  t.same(await ffmpegsBelow(packager.mediaDir), []);
});

t.test('a publisher that comes back goes on in the same timeline', async (t) => {
  const packager = await startPackager(t);
  const tags = await makeTags();
  const url = packager.url('stream-a', 'v0.m3u8');
  const first = publish(t, packager.manager, tags);
  const before = await playlistWith(url, 'two segments', (one) => one.segments.length >= 2);
  first.end();
  const again = publish(t, packager.manager, tags, { offsetMs: 77_000 });
  const after = await playlistWith(url, 'a discontinuity', (one) =>
    one.segments.some((segment) => segment.discontinuity === 1),
  );
  // On a busy machine the first segments, and the seam with them, may have left the window.
  const known = after.segments.filter((one) => one.sequence === before.mediaSequence);
  t.ok(known.every((one) => one.discontinuity === 0));
  const seams = after.text.match(/#EXT-X-DISCONTINUITY\n/g) ?? [];
  t.equal(seams.length, after.discontinuitySequence === 0 ? 1 : 0);
  t.ok(after.mediaSequence >= before.mediaSequence);
  const times = after.segments.map((one) => one.atMs);
  t.same(
    times,
    [...times].sort((a, b) => a - b),
    'time of day never goes back',
  );

  const slid = await playlistWith(url, 'the discontinuity to leave the window', (one) =>
    one.segments.every((segment) => segment.discontinuity === 1),
  );
  t.equal(slid.discontinuitySequence, 1);
  t.notMatch(slid.text, /#EXT-X-DISCONTINUITY\n/);
  t.equal(packager.announced.length, 1, 'the fleet saw one show');
  again.end();
  await playlistWith(url, 'the end', (one) => one.isEnded);
});

t.test('a killed ffmpeg is started again and the timeline goes on', async (t) => {
  const packager = await startPackager(t);
  const url = packager.url('stream-a', 'v0.m3u8');
  const publisher = publish(t, packager.manager, await makeTags({ seconds: 30 }), { speed: 3 });
  const before = await playlistWith(url, 'two segments', (one) => one.segments.length >= 2);
  const pid = packager.manager.find('stream-a')?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  const after = await playlistWith(url, 'segments of the second run', (one) =>
    one.segments.some((segment) => segment.discontinuity === 1),
  );
  t.ok(after.mediaSequence >= before.mediaSequence);
  t.not(packager.manager.find('stream-a')?.pid, pid);
  const failed = packager.log.lines.find((line) => line['event'] === 'ffmpeg.failed');
  t.match(failed, { signal: 'SIGKILL', streamId: 'stream-a' });
  t.match(
    await packager.metricText(),
    /showbill_hls_ffmpeg_failures_total\{reason="signal"[^}]*\} 1/,
  );
  publisher.end();
});

t.test(
  'a source whose key frames are too far apart is encoded, and the publisher is told',
  async (t) => {
    const packager = await startPackager(t, WHOLE_SHOW);
    const tags = await makeTags({ gopSec: 10, seconds: 20 });
    const publisher = publish(t, packager.manager, tags, { speed: 4 });
    const url = packager.url('stream-a', 'v0.m3u8');
    const playlist = await playlistWith(url, 'three segments', (one) => one.segments.length >= 3);
    for (const segment of playlist.segments) t.ok(Math.abs(segment.durationSec - 1) < 0.1);
    t.match(packager.manager.find('stream-a')?.row().notes, [/key frames are more than 4 s apart/]);
    const master = await (await fetch(packager.url('stream-a', 'master.m3u8'))).text();
    const [, profile = '', level = ''] = /avc1\.(..)..(..)/.exec(master) ?? [];
    const media = await probe(playlist.segments[1]?.uri ?? '');
    t.equal(media.streams[0]?.level, Number.parseInt(level, 16), 'CODECS tells the true level');
    t.equal(media.streams[0]?.profile, profile === '4d' ? 'Main' : 'High');
    publisher.end();
  },
);

t.test('sound alone becomes a show', async (t) => {
  const packager = await startPackager(t);
  const publisher = publish(t, packager.manager, await makeTags({ hasVideo: false }));
  const url = packager.url('stream-a', 'v0.m3u8');
  const playlist = await playlistWith(url, 'two segments', (one) => one.segments.length >= 2);
  const media = await probe(playlist.segments[0]?.uri ?? '');
  t.match(media.streams, [{ codec_type: 'audio', codec_name: 'aac' }]);
  t.equal(media.streams.length, 1);
  publisher.end();
});

t.test('a new show after the end has higher sequence numbers', async (t) => {
  const packager = await startPackager(t, { graceMs: 0 });
  const url = packager.url('stream-a', 'v0.m3u8');
  const tags = await makeTags();
  const first = publish(t, packager.manager, tags);
  await playlistWith(url, 'a segment', (one) => one.segments.length >= 1);
  first.end();
  const ended = await playlistWith(url, 'the end', (one) => one.isEnded);
  publish(t, packager.manager, tags);
  const next = await playlistWith(url, 'a new show', (one) => !one.isEnded);
  t.ok(next.mediaSequence > (ended.segments.at(-1)?.sequence ?? Infinity));
  t.equal(next.discontinuitySequence, 0);
  await fetchPlaylist(url);
});

t.test('a ladder is cut alike in all renditions, sound alone included', async (t) => {
  const packager = await startPackager(t, { ...WHOLE_SHOW, renditionsMax: 2, hasAudioOnly: true });
  const tags = await makeTags({ size: '640x360', seconds: 20 });
  const publisher = publish(t, packager.manager, tags, { speed: 2 });
  const own = packager.url('stream-a', 'v0.m3u8');
  await playlistWith(own, 'four segments', (one) => one.segments.length >= 4);
  const lower = await playlistWith(
    packager.url('stream-a', 'v1.m3u8'),
    'its like',
    (one) => one.segments.length >= 4,
  );
  const upper = await fetchPlaylist(own);
  for (const segment of lower.segments.slice(0, 4)) {
    const twin = upper.segments.find((one) => one.sequence === segment.sequence);
    if (twin === undefined) continue;
    t.ok(Math.abs(twin.atMs - segment.atMs) < 60, `${twin.atMs - segment.atMs} ms apart`);
  }
  const media = await probe(lower.segments[1]?.uri ?? '');
  t.match(media.streams[0], { width: 426, height: 240, profile: 'Main' });
  t.match(media.packets.find((one) => one.codec_type === 'video')?.flags, /^K/);
  const sound = await playlistWith(
    packager.url('stream-a', 'a0.m3u8'),
    'sound',
    (one) => one.segments.length >= 2,
  );
  t.equal((await probe(sound.segments[0]?.uri ?? '')).streams.length, 1);
  const master = await (await fetch(packager.url('stream-a', 'master.m3u8'))).text();
  t.match(master, /CODECS="avc1[^"]+"[^\n]+640x360[^\n]+\nv0\.m3u8\n[^\n]+426x240[^\n]+\nv1\.m3u8/);
  t.match(master, /CODECS="mp4a\.40\.2"\na0\.m3u8/);
  const rates = [...master.matchAll(/:BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)/g)].map((one) =>
    one.slice(1).map(Number),
  );
  for (const [peak = 0, average = 0] of rates) t.ok(peak >= average && average > 10_000);
  publisher.end();
});
