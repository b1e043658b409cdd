// RTMP players on real sockets: late joiners, the end of a stream, and players that do not read.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import type { FlvTag } from '../protocol/flv.js';
import { parseControl } from '../protocol/control.js';
import { startIngest, videoTag, refuseAll } from './ingest-fixture.js';

t.test('a late joiner starts with metadata, configuration and the last key frame', async (t) => {
  const ingest = await startIngest(t);
  const publisher = await ingest.publisher('sk_join');
  for (let i = 0; i < 60; i++) publisher.sendTag(videoTag(i * 40, { isKey: i % 25 === 0 }));
  await until(() => ingest.server.find('pub-sk_join')?.lastTimestampMs === 59 * 40, {
    what: 'media',
  });
  const player = await ingest.client('play');
  const tags: FlvTag[] = [];
  player.onTag = (tag) => void tags.push(tag);
  await player.play('pub-sk_join');
  await until(() => tags.length >= 14, { what: 'the burst' });
  publisher.sendTag(videoTag(60 * 40));
  await until(() => tags.at(-1)?.timestampMs === 60 * 40, { what: 'the live tag' });
  t.match(tags[0]?.payload.toString('latin1'), /RtmpSampleAccess/);
  t.match(tags[1]?.payload.toString('latin1'), /^..*onMetaData/s);
  t.notMatch(tags[1]?.payload.toString('latin1'), /@setDataFrame/);
  t.ok(tags[2]?.isSequenceHeader && tags[3]?.isSequenceHeader);
  const pictures = tags.filter((tag) => tag.isVideo && !tag.isSequenceHeader);
  t.ok(pictures[0]?.isKeyFrame);
  t.same(
    pictures.map((tag) => tag.timestampMs),
    Array.from({ length: 11 }, (_, i) => (50 + i) * 40),
  );
  for (const one of [player, publisher]) one.socket.destroy();
});

t.test(
  'when the publisher leaves for good, players get StreamEOF, a status, and the end',
  async (t) => {
    const ingest = await startIngest(t, { playerGraceMs: 100 });
    const publisher = await ingest.publisher('sk_end');
    const player = await ingest.client('play');
    const seen: string[] = [];
    player.onMessage = (message) => {
      if (message.type === 4) seen.push(parseControl(message).kind);
    };
    player.onStatus = (code) => void seen.push(code);
    await player.play('pub-sk_end');
    publisher.unpublish('sk_end');
    await player.closed;
    t.same(seen, [
      'streamBegin',
      'NetStream.Play.Start',
      'streamEof',
      'NetStream.Play.UnpublishNotify',
    ]);
    await until(() => ingest.hooks.of('play_done').length === 1, { what: 'play_done' });
  },
);

t.test('a refused player gets the reason and no media; a cut-off one too', async (t) => {
  const ingest = await startIngest(t, { updateIntervalMs: 200 });
  const publisher = await ingest.publisher('sk_deny');
  ingest.hooks.answer((record, response) => {
    if (record.call === 'play' && record.form.get('token') !== 'good') refuseAll(record, response);
    else if (record.call === 'update_play') refuseAll(record, response);
    else response.writeHead(200).end();
  });
  const refused = await ingest.client('play');
  let tags = 0;
  refused.onTag = () => tags++;
  await t.rejects(refused.play('pub-sk_deny'), /unknown stream key/);
  t.equal(tags, 0);
  const cut = await ingest.client('play');
  let last = '';
  cut.onStatus = (_, description) => (last = description);
  await cut.play('pub-sk_deny?token=good');
  await cut.closed;
  t.match(last, /unknown stream key/);
  t.ok(ingest.server.find('pub-sk_deny'), 'the publisher goes on');
  publisher.socket.destroy();
});

t.test(
  'a stalled player is skipped and then closed; memory is flat, the others lose nothing',
  async (t) => {
    const queueBytesMax = 256 << 10;
    const ingest = await startIngest(t, {
      playerQueueBytesMax: queueBytesMax,
      playerStallMs: 1_000,
    });
    const publisher = await ingest.publisher('sk_stall');
    const good = await ingest.client('play');
    const times: number[] = [];
    good.onTag = (tag) => {
      if (tag.isVideo && !tag.isSequenceHeader) times.push(tag.timestampMs);
    };
    await good.play('pub-sk_stall');
    const stalled = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const one = await ingest.client('play');
        await one.play('pub-sk_stall');
        one.socket.pause();
        return one;
      }),
    );
    let queuedMax = 0;
    let sent = 0;
    const stalledLines = () => ingest.log.lines.filter((one) => one['end'] === 'stalled').length;
    // About 60 MB in all: far more than four sockets and their queues can hold.
    await until(
      () => {
        for (let i = 0; i < 4 && sent - times.length < 40; i++, sent++) {
          publisher.sendTag(videoTag(sent * 40, { isKey: sent % 10 === 0, bytes: 50_000 }));
        }
        for (const { connection } of ingest.server.sessions) {
          queuedMax = Math.max(queuedMax, connection.queuedBytes);
        }
        return sent >= 1_200 && stalledLines() === 4;
      },
      { what: 'the end of the stalled players', everyMs: 1 },
    );
    await until(() => times.length === sent, { what: 'all pictures at the good player' });
    t.same(
      times,
      Array.from({ length: sent }, (_, i) => i * 40),
    );
    t.ok(queuedMax < 2 * queueBytesMax, `at most ${queuedMax} bytes were queued for one player`);
    const line = ingest.log.lines.find((one) => one['end'] === 'stalled');
    t.ok(Number(line?.['droppedTags']) > 10, 'tags were dropped');
    t.match(await ingest.metricText(), /showbill_rtmp_dropped_tags_total\{role="rtmp"\} [1-9]/);
    for (const one of [...stalled, good, publisher]) one.socket.destroy();
  },
);

t.test('a player that was slow for a moment goes on at a key frame', async (t) => {
  const ingest = await startIngest(t, { playerQueueBytesMax: 128 << 10, playerStallMs: 60_000 });
  const publisher = await ingest.publisher('sk_moment');
  const player = await ingest.client('play');
  const tags: FlvTag[] = [];
  player.onTag = (tag) => {
    if (tag.isVideo && !tag.isSequenceHeader) tags.push(tag);
  };
  await player.play('pub-sk_moment');
  player.socket.pause();
  let sent = 0;
  const send = () => {
    publisher.sendTag(videoTag(sent * 40, { isKey: sent % 10 === 0, bytes: 50_000 }));
    sent++;
  };
  const dropped = () =>
    [...ingest.server.sessions].some((one) => (one.role?.figures['droppedTags'] ?? 0) > 20);
  await until(
    () => {
      send();
      return dropped();
    },
    { what: 'dropped tags', everyMs: 1 },
  );
  player.socket.resume();
  const resumedAtMs = sent * 40;
  await until(
    () => {
      send();
      return (tags.at(-1)?.timestampMs ?? 0) > resumedAtMs;
    },
    { what: 'the player to catch up', everyMs: 20 },
  );
  const gaps = tags.filter(
    (tag, i) => i > 0 && tag.timestampMs - (tags[i - 1]?.timestampMs ?? 0) > 40,
  );
  t.ok(gaps.length > 0, 'there was a gap');
  t.ok(
    gaps.every((tag) => tag.isKeyFrame),
    'each gap ends at a key frame',
  );
  for (const one of [player, publisher]) one.socket.destroy();
});
