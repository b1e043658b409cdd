// GOP cache, measuring, sinks and the publisher slot, without sockets.
import t from 'tap';
import { ManualClock } from '../../cluster/testing/index.js';
import { GopCache } from '../gop-cache.js';
import type { FlvSink } from '../live-stream.js';
import { encodeAmf0, EcmaArray } from '../protocol/amf0.js';
import { FLV_SCRIPT, FLV_VIDEO, FlvTag } from '../protocol/flv.js';
import { PublishedStream, type TagBatch } from '../published-stream.js';
import { StreamMeter } from '../stream-info.js';
import { StreamTable, type StreamPlayer, type PublishPolicy } from '../streams.js';
import { audioTag, headerTags, videoTag } from './ingest-fixture.js';

const GOP_LIMITS = { bytesMax: 100_000, framesMax: 100, spanMsMax: 10_000 };

function times(tags: readonly FlvTag[]): number[] {
  return tags
    .filter((tag) => !tag.isSequenceHeader && tag.type !== FLV_SCRIPT)
    .map((one) => one.timestampMs);
}

function cacheWith(tags: readonly FlvTag[]): GopCache {
  const cache = new GopCache(GOP_LIMITS);
  for (const tag of tags) cache.push(tag);
  return cache;
}

const [METADATA, AVC_HEADER, AAC_HEADER] = headerTags() as [FlvTag, FlvTag, FlvTag];

t.test('the cache gives configuration first, then everything since the last key frame', (t) => {
  const cache = cacheWith([
    videoTag(0),
    METADATA,
    AAC_HEADER,
    AVC_HEADER,
    videoTag(40, { isKey: true }),
    videoTag(80),
    videoTag(120, { isKey: true }),
    audioTag(130),
    videoTag(160),
  ]);
  const snapshot = cache.snapshot();
  t.same(snapshot.slice(0, 3), [METADATA, AVC_HEADER, AAC_HEADER]);
  t.same(times(snapshot), [120, 130, 160]);
  t.equal(cache.keyFrame?.timestampMs, 120);
  t.end();
});

t.test(
  'the cache is bounded by bytes, frames and seconds, and starts again at a key frame',
  (t) => {
    const large = cacheWith([
      videoTag(0, { isKey: true, bytes: 60_000 }),
      videoTag(40, { bytes: 60_000 }),
      videoTag(80),
    ]);
    t.same(times(large.snapshot()), []);
    t.equal(large.bytes, 0);
    large.push(videoTag(120, { isKey: true }));
    t.same(times(large.snapshot()), [120]);
    const many = cacheWith([
      videoTag(0, { isKey: true }),
      ...Array.from({ length: 300 }, () => audioTag(1)),
    ]);
    t.same(times(many.snapshot()), []);
    const long = cacheWith([
      videoTag(0xfffffff0, { isKey: true }),
      videoTag(9_000),
      videoTag(11_000),
    ]);
    t.same(times(long.snapshot()), [], 'also over the wrap of the timestamp');
    t.end();
  },
);

t.test('another video configuration empties the cache, the same one does not', (t) => {
  const cache = cacheWith([AVC_HEADER, videoTag(0, { isKey: true }), AVC_HEADER]);
  t.same(times(cache.snapshot()), [0]);
  const other = Buffer.from(AVC_HEADER.payload);
  other[other.length - 1] = 0x21;
  cache.push(new FlvTag(FLV_VIDEO, 40, other));
  t.same(times(cache.snapshot()), []);
  t.end();
});

t.test('frame rate, key-frame distance, jumps and bit rate are measured', (t) => {
  const clock = new ManualClock();
  const meter = new StreamMeter(() => clock.monotonicMs(), 5_000);
  meter.describe({ framerate: 12, encoder: 'obs' });
  meter.observe(AVC_HEADER);
  t.equal(meter.video?.fps, 12, 'declared until measured');
  for (let i = 0; i < 200; i++) {
    meter.observe(videoTag(i * 20, { isKey: i % 100 === 0, bytes: 2_500 }));
    clock.advance(20);
  }
  for (let i = 0; i < 60; i++) clock.advance(20);
  meter.observe(videoTag(4_000, { isKey: true, bytes: 2_500 }));
  t.match(meter.video, { fps: 50, keyFrameIntervalMs: 2_000, width: 640 });
  t.ok(Math.abs(meter.bitrateBps - 770_000) < 50_000, `${meter.bitrateBps} bit/s`);
  t.equal(meter.timestampJumps, 0);
  meter.observe(videoTag(1_000));
  meter.observe(videoTag(1_040));
  meter.observe(videoTag(9_000));
  t.equal(meter.timestampJumps, 2);
  t.end();
});

function stream(): PublishedStream {
  return new PublishedStream({
    streamId: 's',
    sessionId: 'x',
    startedAtMs: 0,
    nowMs: () => 0,
    gopLimits: GOP_LIMITS,
    rateWindowMs: 5_000,
    onKick: () => undefined,
  });
}

function recorder(
  accept: () => boolean = () => true,
): FlvSink & { readonly events: (string | FlvTag)[] } {
  const events: (string | FlvTag)[] = [];
  return {
    events,
    header: () => void events.push('header'),
    tag: (tag) => events.push(tag) > 0 && accept(),
    end: (reason) => void events.push(`end ${reason}`),
  };
}

const tagsOf = (sink: { events: (string | FlvTag)[] }) =>
  sink.events.filter((one): one is FlvTag => one instanceof FlvTag);

t.test('a sink gets header, burst, live tags and one end; then nothing', (t) => {
  const live = stream();
  const metadata = encodeAmf0('@setDataFrame', 'onMetaData', new EcmaArray({ width: 1 }));
  live.pushData({ type: 18, timestampMs: 0, streamId: 1, payload: metadata });
  live.pushMedia(AVC_HEADER);
  live.pushMedia(videoTag(0, { isKey: true }));
  const sink = recorder();
  const early = recorder();
  const leave = live.subscribe(early);
  live.subscribe(sink);
  live.pushMedia(videoTag(40));
  leave();
  leave();
  live.pushMedia(videoTag(80));
  live.end('idle');
  live.end('again');
  live.pushMedia(videoTag(120));
  t.equal(sink.events[0], 'header');
  t.ok(tagsOf(sink)[0]?.payload.equals(encodeAmf0('onMetaData', new EcmaArray({ width: 1 }))));
  t.equal(tagsOf(sink)[1], AVC_HEADER);
  t.same(times(tagsOf(sink)), [0, 40, 80]);
  t.equal(sink.events.at(-1), 'end idle');
  t.same(times(tagsOf(early)), [0, 40]);
  t.notOk(early.events.includes('end idle'));
  const late = recorder();
  live.subscribe(late);
  t.same(late.events, ['end idle']);
  t.end();
});

t.test(
  'a sink that asks for it is dropped to the next key frame; configuration still comes',
  (t) => {
    const live = stream();
    live.pushMedia(AVC_HEADER);
    let isFull = false;
    const sink = recorder(() => !isFull);
    live.subscribe(sink);
    live.pushMedia(videoTag(0, { isKey: true }));
    isFull = true;
    live.pushMedia(videoTag(40));
    isFull = false;
    live.pushMedia(videoTag(80));
    live.pushMedia(audioTag(90));
    live.pushMedia(AAC_HEADER);
    live.pushMedia(videoTag(120, { isKey: true }));
    live.pushMedia(audioTag(130));
    t.same(times(tagsOf(sink)), [0, 40, 120, 130]);
    t.ok(tagsOf(sink).includes(AAC_HEADER));
    t.end();
  },
);

t.test('a stream without video resumes with any sound', (t) => {
  const live = stream();
  let isFull = true;
  const sink = recorder(() => !isFull);
  live.subscribe(sink);
  live.pushMedia(audioTag(0));
  isFull = false;
  live.pushMedia(audioTag(20));
  live.pushMedia(audioTag(40));
  t.same(times(tagsOf(sink)), [0, 20, 40]);
  t.end();
});

/** A table whose publishers end when kicked, as sessions do. */
function table(policy: PublishPolicy, playerGraceMs = 60_000) {
  const events: string[] = [];
  const streams = new StreamTable({
    policy,
    gopLimits: GOP_LIMITS,
    rateWindowMs: 5_000,
    playerGraceMs,
    clock: new ManualClock(),
    listener: {
      streamStarted: (one) => void events.push(`started ${one.sessionId}`),
      streamEnded: (one, reason) => void events.push(`ended ${one.sessionId} ${reason}`),
    },
  });
  function confirm(
    claim: NonNullable<ReturnType<StreamTable['claim']>>,
    sessionId: string,
    streamId = 's',
  ) {
    const live: PublishedStream | undefined = streams.confirm(claim, {
      streamId,
      sessionId,
      onKick: (reason) => live && streams.end(live, reason),
    });
    if (live !== undefined) streams.announce(live);
    return live;
  }
  function claim(keyHash: string) {
    const one = streams.claim(keyHash);
    if (one === undefined) throw new Error('refused');
    return one;
  }
  return { streams, events, confirm, claim };
}

t.test('refuse: a key that is live or being decided refuses the next, then is free again', (t) => {
  const { streams, confirm, claim } = table('refuse');
  const first = claim('k');
  t.equal(streams.claim('k'), undefined, 'while the first is being decided');
  const live = confirm(first, 'a');
  t.equal(streams.claim('k'), undefined, 'while the first is live');
  if (live) streams.end(live, 'idle');
  t.ok(streams.claim('k'));
  const other = claim('k2');
  t.ok(confirm(other, 'b'));
  t.equal(confirm(claim('k3'), 'c'), undefined, 'another key for a live stream');
  t.end();
});

t.test('replace: the last to come wins, also when verdicts overtake each other', (t) => {
  const { streams, events, confirm, claim } = table('replace');
  confirm(claim('k'), 'a');
  const slow = claim('k');
  const fast = claim('k');
  t.equal(streams.liveSessionOf('k'), 'a');
  t.ok(confirm(fast, 'c'));
  t.equal(confirm(slow, 'b'), undefined, 'a late verdict does not push out the newer publisher');
  t.same(events, ['started a', 'ended a replaced', 'started c']);
  t.equal(streams.find('s')?.sessionId, 'c');
  t.equal(streams.list().length, 1);
  t.end();
});

t.test('a released claim leaves no trace', (t) => {
  const { streams, claim } = table('refuse');
  streams.release(claim('k'));
  t.ok(streams.claim('k'));
  t.equal(streams.list().length, 0);
  t.end();
});

function player(): StreamPlayer & { readonly batches: TagBatch[]; readonly ends: string[] } {
  const batches: TagBatch[] = [];
  const ends: string[] = [];
  return {
    batches,
    ends,
    deliver: (batch) => void batches.push(batch),
    streamEnded: (reason) => void ends.push(reason),
  };
}

t.test(
  'players get one shared buffer per batch, and stay over a take-over with running time',
  (t) => {
    const { streams, confirm, claim } = table('replace');
    const first = confirm(claim('k'), 'a');
    const [one, two] = [player(), player()];
    streams.join('s', one);
    streams.join('s', two);
    first?.pushMedia(videoTag(500_000, { isKey: true }));
    first?.pushMedia(videoTag(500_040));
    first?.flush();
    t.equal(one.batches.length, 1);
    t.equal(one.batches[0]?.bytes, two.batches[0]?.bytes);
    const second = confirm(claim('k'), 'b');
    second?.pushMedia(videoTag(7, { isKey: true }));
    second?.flush();
    const last = one.batches.at(-1);
    t.equal(one.batches.length, 2);
    t.equal((last?.offsetMs ?? 0) + (last?.tags[0]?.timestampMs ?? 0), 500_080);
    t.same(one.ends, []);
    t.equal(streams.join('other', one), undefined);
    streams.leave('s', one);
    second?.pushMedia(videoTag(47));
    second?.flush();
    t.equal(one.batches.length, 2);
    t.equal(two.batches.length, 3);
    streams.leave('s', two);
    t.end();
  },
);

t.test('players are told once when no publisher comes back within the grace', async (t) => {
  const { streams, confirm, claim } = table('replace', 30);
  const live = confirm(claim('k'), 'a');
  const one = player();
  streams.join('s', one);
  if (live) streams.end(live, 'peer-closed');
  t.same(one.ends, []);
  await new Promise<void>((resolve) => {
    one.ends.push = (...reasons) => {
      resolve();
      return Array.prototype.push.apply(one.ends, reasons);
    };
  });
  t.same(one.ends, ['peer-closed']);
  t.equal(streams.list().length, 0);
});
