// Rules for publishers beyond one connection: too many starts, goodbye or lost link, another name,
// and what their dashboard is told.
import t from 'tap';
import { ManualClock, until } from '../../cluster/testing/index.js';
import { FlapLimit } from '../flap-limit.js';
import { healthOf } from '../stream-health.js';
import { StreamMeter } from '../stream-info.js';
import { fetchPlaylist, makeTags, playlistWith, publish, startPackager } from './hls-fixture.js';
import { acceptAll, headerTags, startIngest, videoTag } from './ingest-fixture.js';

t.test('starts count within the window and for their own key only', (t) => {
  const clock = new ManualClock();
  const flaps = new FlapLimit({ max: 2, windowMs: 60_000 }, clock);
  for (const _ of [1, 2]) {
    t.equal(flaps.isOver('a'), false);
    flaps.note('a');
    clock.advance(20_000);
  }
  t.equal(flaps.isOver('a'), true);
  t.equal(flaps.isOver('b'), false);
  clock.advance(20_001);
  t.equal(flaps.isOver('a'), false, 'the first start is out of the window');
  const unlimited = new FlapLimit({ max: 0, windowMs: 60_000 }, clock);
  for (let i = 0; i < 5_000; i++) unlimited.note('a');
  t.equal(unlimited.isOver('a'), false);
  t.end();
});

t.test('an encoder that comes and goes is refused with the reason, before its hook', async (t) => {
  const ingest = await startIngest(t, { flapsMax: 2 });
  for (const _ of [1, 2]) {
    const client = await ingest.publisher('sk_flap');
    client.socket.destroy();
    await until(() => ingest.server.streams().length === 0, { what: 'the end of the publish' });
  }
  await t.rejects(ingest.publisher('sk_flap'), {
    code: 'NetStream.Publish.Rejected',
    message: /connected 2 times within a minute/,
  });
  t.equal(ingest.hooks.of('publish').length, 2);
  const other = await ingest.publisher('sk_other');
  other.socket.destroy();
});

t.test(
  'keys that are used once count for their stream, and the accept gets its done',
  async (t) => {
    const ingest = await startIngest(t, { flapsMax: 2 });
    ingest.hooks.answer((record, response) => {
      if (record.call === 'publish') response.writeHead(302, { location: 'same' }).end();
      else acceptAll(record, response);
    });
    for (const key of ['tk_one', 'tk_two']) {
      const client = await ingest.publisher(key);
      client.socket.destroy();
      await until(() => ingest.server.streams().length === 0, { what: 'the end of the publish' });
    }
    await t.rejects(ingest.publisher('tk_three'), /within a minute/);
    await until(() => ingest.hooks.of('publish_done').length === 3, { what: 'a done for each' });
  },
);

t.test('a publisher is moved to another id and stays the same session', async (t) => {
  const ingest = await startIngest(t);
  const publisher = await ingest.publisher('sk_move');
  publisher.sendTag(videoTag(40, { isKey: true }));
  await until(() => ingest.server.find('pub-sk_move')?.lastTimestampMs === 40, { what: 'media' });
  const taken = await ingest.publisher('sk_taken');
  const [session] = ingest.server.select({ section: 'publisher', name: 'pub-sk_move' });
  t.equal(session?.redirect('pub-sk_taken'), false, 'nobody is thrown out');
  t.equal(session?.redirect('../x'), false);
  t.equal(session?.redirect('studio-2'), true);
  t.match(ingest.ended, [{ stream: { streamId: 'pub-sk_move' }, reason: 'redirected' }]);
  const moved = ingest.server.find('studio-2');
  t.equal(moved?.sessionId, session?.id);
  t.equal(moved?.info.video?.width, 640, 'what was known of the media stays known');
  const player = await ingest.client('play');
  const times: number[] = [];
  player.onTag = (tag) => {
    if (tag.isVideo && !tag.isSequenceHeader) times.push(tag.timestampMs);
  };
  await player.play('studio-2');
  publisher.sendTag(videoTag(80));
  await until(() => times.length === 2, { what: 'the old key frame and the new picture' });
  t.same(times, [40, 80]);
  publisher.unpublish('sk_move');
  await until(() => ingest.hooks.of('publish_done').length === 1, { what: 'its one done' });
  t.equal(ingest.hooks.of('publish').length, 2, 'no hook for the new id');
  for (const client of [taken, player]) client.socket.destroy();
});

t.test('a goodbye ends the show at once, a lost link is waited for', async (t) => {
  const packager = await startPackager(t, { graceMs: 60_000 });
  const tags = await makeTags();
  const url = packager.url('stream-a', 'v0.m3u8');
  const lost = publish(t, packager.manager, tags);
  await playlistWith(url, 'a segment', (one) => one.segments.length > 0);
  lost.end('peer-closed');
  await until(() => packager.log.lines.some((one) => one['event'] === 'show.paused'), {
    what: 'the pause',
  });
  t.equal((await fetchPlaylist(url)).isEnded, false);
  const back = publish(t, packager.manager, tags);
  await playlistWith(url, 'the next run', (one) => one.segments.at(-1)?.discontinuity === 1);
  back.end('unpublished');
  await playlistWith(url, 'the end', (one) => one.isEnded);
  await until(() => packager.announced.length === 2, { what: 'the announcement' });
  t.match(packager.announced, [{ state: 'live' }, { state: 'ended' }]);
});

t.test('with the policy `always` a goodbye is waited for, too', async (t) => {
  const packager = await startPackager(t, { graceMs: 60_000, gracePolicy: 'always' });
  const one = publish(t, packager.manager, await makeTags());
  const url = packager.url('stream-a', 'v0.m3u8');
  await playlistWith(url, 'a segment', (playlist) => playlist.segments.length > 0);
  one.end('unpublished');
  const paused = await until(
    () => packager.log.lines.find((line) => line['event'] === 'show.paused'),
    { what: 'the pause' },
  );
  t.equal(paused['graceMs'], 60_000);
});

t.test('the directory tells how well the publisher sends', async (t) => {
  const packager = await startPackager(t, { leaseTtlMs: 600 });
  const one = publish(t, packager.manager, await makeTags({ gopSec: 2 }), { speed: 2 });
  const health = await until(
    async () => {
      const row = await packager.directory.find('stream-a');
      return (row?.health?.bitrateKbps ?? 0) > 0 ? row?.health : undefined;
    },
    { what: 'a measured bit rate' },
  );
  t.match(health, { fps: 25, keyFrameSec: 2, droppedFrames: 0 });
  one.end();
  await until(async () => (await packager.directory.find('stream-a'))?.health === undefined, {
    what: 'no health without a publisher',
  });
});

t.test('pictures that the encoder left out are counted', (t) => {
  const clock = new ManualClock();
  const meter = new StreamMeter(() => clock.monotonicMs(), 5_000);
  const [, avc] = headerTags();
  if (avc !== undefined) meter.observe(avc);
  const frames = [...Array(100).keys()].filter((n) => n !== 50 && n !== 70 && n !== 71);
  for (const n of frames) meter.observe(videoTag(Math.round(n * 33.3), { isKey: n === 0 }));
  t.match(healthOf(meter), { droppedFrames: 3, keyFrameSec: 0 });
  t.end();
});
