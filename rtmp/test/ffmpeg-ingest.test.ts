// Ingest with real ffmpeg as publisher and as player.
import { once } from 'node:events';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import type { FlvTag } from '../protocol/flv.js';
import { ffmpegPublisher, refuseAll, runFfmpeg, startIngest } from './ingest-fixture.js';

t.test('ffmpeg publishes, is measured, and plays what another ffmpeg publishes', async (t) => {
  const ingest = await startIngest(t, { updateIntervalMs: 300 });
  const publisher = ffmpegPublisher(t, ingest.publishUrl('sk_good'));
  const stream = await until(() => ingest.started[0], {
    what: 'a started stream',
  });
  t.equal(stream.streamId, 'pub-sk_good');
  const video = await until(
    () => (stream.info.video?.keyFrameIntervalMs ? stream.info.video : undefined),
    { what: 'two key frames' },
  );
  t.match(video, { codec: 'h264', width: 320, height: 180, keyFrameIntervalMs: 1000, bitDepth: 8 });
  t.ok(Math.abs(video.fps - 25) < 1, `fps ${video.fps}`);
  t.match(stream.info.audio, { codec: 'aac', sampleRateHz: 48000, channels: 2 });
  t.match(stream.info.encoder, /^Lavf/);
  t.equal(stream.info.timestampJumps, 0);

  const player = runFfmpeg(t, [
    ...['-i', ingest.playUrl('pub-sk_good?token=abc'), '-frames:v', '40', '-f', 'null', '-'],
  ]);
  t.equal(await player.exited, 0, player.said());
  t.match(player.said(), /Video: h264/);
  t.notMatch(player.said(), /error|missing/i);

  publisher.child.kill('SIGTERM');
  await publisher.exited;
  await until(() => ingest.ended[0], { what: 'the end of the stream' });
  t.match(ingest.ended[0]?.reason, /unpublished|peer-closed/);
  await until(() => ingest.hooks.of('done').length === 2, { what: 'both done events' });
  const calls = ingest.hooks.calls.map((one) => one.call);
  for (const call of ['publish', 'play', 'publish_done', 'play_done']) {
    t.equal(calls.filter((one) => one === call).length, 1, call);
  }
  t.ok(calls.includes('update_publish'));
  t.equal(ingest.hooks.of('play')[0]?.form.get('token'), 'abc');
  t.notMatch(JSON.stringify(ingest.log.lines), /(?<!pub-)sk_good/, 'the key is in no log line');
});

t.test('a refused key gets the reason before any media', async (t) => {
  const ingest = await startIngest(t);
  ingest.hooks.answer(refuseAll);
  const publisher = ffmpegPublisher(t, ingest.publishUrl('sk_wrong'));
  t.not(await publisher.exited, 0);
  t.match(publisher.said(), /unknown stream key/);
  t.equal(ingest.started.length, 0);
  t.same(
    ingest.hooks.calls.map((one) => one.call),
    ['publish'],
    'a refused session gets no done',
  );
  const closed = await until(
    () => ingest.log.lines.find((line) => line['event'] === 'rtmp.session.closed'),
    { what: 'the access log line' },
  );
  t.ok(Number(closed['bytesIn']) < 8_000, `${String(closed['bytesIn'])} bytes were received`);
});

t.test('kick ends ffmpeg with the reason, at once and for good', async (t) => {
  const ingest = await startIngest(t);
  const publisher = ffmpegPublisher(t, ingest.publishUrl('sk_kick'));
  const stream = await until(() => ingest.started[0], {
    what: 'a started stream',
  });
  const tags: FlvTag[] = [];
  let endReason = '';
  stream.subscribe({
    header: () => undefined,
    tag: (tag) => tags.push(tag) > 0,
    end: (reason) => (endReason = reason),
  });
  await until(() => tags.length > 20, { what: 'some tags' });
  stream.kick('breach of rules');
  t.equal(endReason, 'kicked');
  t.equal(ingest.server.find('pub-sk_kick'), undefined);
  const seen = tags.length;
  if (publisher.child.exitCode === null) await once(publisher.child, 'exit');
  t.match(publisher.said(), /breach of rules/);
  t.equal(tags.length, seen, 'nothing came after the kick');
  await until(() => ingest.server.sessions.size === 0, { what: 'the connection to be gone' });
});

t.test('policy replace: the same key takes over within a second, a player stays', async (t) => {
  const ingest = await startIngest(t, { publishPolicy: 'replace' });
  const first = ffmpegPublisher(t, ingest.publishUrl('sk_twice'));
  await until(() => ingest.started[0], { what: 'the first stream' });
  const player = await ingest.client('play');
  const timestamps: number[] = [];
  player.onTag = (tag) => {
    if (tag.isVideo) timestamps.push(tag.timestampMs);
  };
  await player.play('pub-sk_twice');
  await until(() => timestamps.length > 10, { what: 'pictures of the first' });
  ffmpegPublisher(t, ingest.publishUrl('sk_twice'));
  await until(() => ingest.started[1], { what: 'the second stream' });
  t.match(ingest.ended, [{ reason: 'replaced' }]);
  t.equal(ingest.hooks.of('publish')[1]?.form.get('replaces'), ingest.started[0]?.sessionId);
  await first.exited;
  t.match(first.said(), /took over/);
  const seen = timestamps.length;
  await until(() => timestamps.length > seen + 20, {
    what: 'pictures of the second',
  });
  const backward = timestamps.filter((at, i) => i > 0 && at < (timestamps[i - 1] ?? 0));
  t.same(backward, [], 'time goes on for the player');
  player.socket.destroy();
});

t.test('policy refuse: the second publisher is told, its hook is not called', async (t) => {
  const ingest = await startIngest(t, { publishPolicy: 'refuse' });
  ffmpegPublisher(t, ingest.publishUrl('sk_one'));
  await until(() => ingest.started[0], { what: 'the first stream' });
  const second = ffmpegPublisher(t, ingest.publishUrl('sk_one'));
  t.not(await second.exited, 0);
  t.match(second.said(), /published already/);
  t.equal(ingest.hooks.of('publish').length, 1);
  t.equal(ingest.hooks.of('publish_done', 'done').length, 0);
  t.ok(ingest.server.find('pub-sk_one'), 'the first goes on');
});
