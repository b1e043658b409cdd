// Recordings of prepared streams, judged by ffprobe: kinds, limits, names, MP4, faults of the disk.
import { readFile, stat } from 'node:fs/promises';
import t from 'tap';
import { startRedis, until } from '../../cluster/testing/index.js';
import { decodeAmf0, membersOf } from '../protocol/amf0.js';
import { FLV_HEAD_BYTES } from '../recording/flv-summary.js';
import { repairFlv } from '../recording/flv-scan.js';
import { PathTemplate } from '../recording/path-template.js';
import type { RecordingEntry } from '../recording/recording.js';
import { surplus } from '../recording/retention.js';
import { Take } from '../recording/take.js';
import { makeTags, publish } from './hls-fixture.js';
import { factsOf, startRecordings } from './recording-fixture.js';

const redis = await startRedis(t);
const tags = await makeTags({ seconds: 6 });

t.test('a stream becomes an FLV file with duration and index, then an MP4', async (t) => {
  const node = await startRecordings(t, redis, { hasMp4: true });
  const publisher = publish(t, node.recordings, tags, { streamId: 'rec-all', speed: 8 });
  await until(async () => (await node.directory.list('rec-all'))[0]?.state === 'recording', {
    what: 'the row of an open recording',
  });
  await publisher.sent;
  publisher.end();
  const [one] = await node.closed(1);
  t.match(one?.entry, { end: 'stream-ended', recorder: 'main', kind: 'all' });
  const facts = await factsOf(one?.file ?? '');
  t.match(facts, { codecs: ['aac', 'h264'], pictures: 150, keys: 6, complaints: '' });
  t.ok(Math.abs(facts.duration - 6) < 0.1, `${facts.duration} s`);
  t.ok(Math.abs((one?.entry.durationMs ?? 0) - 6_000) < 100);
  t.equal((await stat(one?.file ?? '')).size, one?.entry.bytes);

  const bytes = await readFile(one?.file ?? '');
  const [, metadata] = decodeAmf0(bytes.subarray(24, FLV_HEAD_BYTES - 4));
  const index = membersOf(membersOf(metadata)?.['keyframes']);
  t.same(index?.['times'], [0, 1, 2, 3, 4, 5]);
  for (const position of index?.['filepositions'] as number[]) {
    t.equal(bytes.readUIntBE(position, 1), 9, 'the index points at video tags');
    t.equal(bytes[position + 11], 0x17, 'that are key frames');
  }
  const row = await until(
    async () => (await node.directory.list('rec-all')).find((each) => each.state === 'ready'),
    { what: 'the MP4' },
  );
  const path = node.recordings.playable('rec-all', row.id) ?? '';
  t.equal(row.bytes, (await stat(path)).size);
  const mp4 = await readFile(path);
  t.ok(mp4.indexOf('moov') < mp4.indexOf('mdat'), 'it can be played while it is loaded');
  t.match(await factsOf(path), { codecs: ['aac', 'h264'], pictures: 150, complaints: '' });

  t.equal(await node.directory.remove('rec-all', 'nobody'), false);
  t.equal(await node.directory.remove('other', row.id), false, 'an id of another stream');
  t.equal(await node.directory.remove('rec-all', row.id), true);
  t.same(await node.directory.list('rec-all'), []);
  await t.rejects(stat(path));
  await t.rejects(stat(one?.file ?? ''));
});

t.test('each kind has its own tracks, with the same clock', async (t) => {
  const record = ['sound:audio', 'picture:video', 'keys:keyframes'];
  const node = await startRecordings(t, redis, { record });
  const publisher = publish(t, node.recordings, tags, { streamId: 'rec-kinds', speed: 8 });
  await publisher.sent;
  publisher.end();
  const files = await node.closed(3);
  const facts = new Map<string, Awaited<ReturnType<typeof factsOf>>>();
  for (const { entry, file } of files) facts.set(entry.recorder, await factsOf(file));
  t.match(facts.get('sound'), { codecs: ['aac'], pictures: 0, complaints: '' });
  t.match(facts.get('picture'), { codecs: ['h264'], pictures: 150, complaints: '' });
  t.match(facts.get('keys'), { codecs: ['h264'], pictures: 6, keys: 6 });
  t.ok(Math.abs((facts.get('sound')?.duration ?? 0) - 6) < 0.1);
  const keys = files.find((one) => one.entry.recorder === 'keys');
  t.ok(Math.abs((keys?.entry.durationMs ?? 0) - 5_000) < 100, 'time runs between key frames');
});

t.test('limits of frames, size and time stop a recording, an interval splits it', async (t) => {
  const limited = async (streamId: string, limits: object, count: number) => {
    const node = await startRecordings(t, redis, { limits });
    const publisher = publish(t, node.recordings, tags, { streamId, speed: 8 });
    await publisher.sent;
    publisher.end();
    const files = await node.closed(count);
    await node.recordings.stop();
    t.equal(node.done.length, count, 'nothing is recorded after the limit');
    return files;
  };
  const [frames] = await limited('rec-frames', { framesMax: 30 }, 1);
  t.equal(frames?.entry.end, 'frame-limit');
  t.match(await factsOf(frames?.file ?? ''), { pictures: 30, complaints: '' });
  const [size] = await limited('rec-size', { sizeMaxBytes: 200_000 }, 1);
  t.equal(size?.entry.end, 'size-limit');
  t.ok((size?.entry.bytes ?? 0) >= 200_000 && (size?.entry.bytes ?? 0) < 300_000);
  const [time] = await limited('rec-time', { durationMaxMs: 2_000 }, 1);
  t.match(time?.entry, { end: 'time-limit', durationMs: 2_000 });
  const parts = await limited('rec-parts', { intervalMs: 1_500 }, 3);
  t.same(
    parts.map(({ entry }) => entry.end),
    ['interval', 'interval', 'stream-ended'],
  );
  const facts = [];
  for (const { file } of parts) facts.push(await factsOf(file));
  t.same(
    facts.map(({ pictures, keys, complaints }) => [pictures, keys, complaints]),
    [
      [50, 2, ''],
      [50, 2, ''],
      [50, 2, ''],
    ],
    'every file begins with a key frame and nothing is lost between them',
  );
  t.ok(facts.every((one) => one.start < 0.1));
});

t.test('a manual recorder begins and ends by order', async (t) => {
  const node = await startRecordings(t, redis, { record: ['main:all:manual'] });
  const { recordings } = node;
  t.equal(recordings.begin({ streamId: 'rec-man' }), undefined, 'not live');
  const publisher = publish(t, recordings, tags, { streamId: 'rec-man', speed: 4 });
  await until(() => publisher.stream.lastTimestampMs > 1_000, { what: 'media' });
  t.match(recordings.begin({ streamId: 'rec-man' }), /main-.*\.flv$/, 'at once, from the cache');
  t.equal(recordings.begin({ streamId: 'rec-man' }), undefined, 'it is running');
  t.match(recordings.begin({ streamId: 'rec-man', recorder: 'clip', kind: 'audio' }), /clip-/);
  t.equal(recordings.begin({ streamId: 'rec-man', recorder: '../x' }), undefined);
  const from = publisher.stream.lastTimestampMs;
  await until(() => publisher.stream.lastTimestampMs > from + 1_000, { what: 'more media' });
  t.match(recordings.finish({ streamId: 'rec-man' }), /main-/);
  t.equal(recordings.finish({ streamId: 'rec-man' }), undefined);
  const [one] = await node.closed(1);
  t.match(one?.entry, { end: 'stopped', recorder: 'main' });
  t.match(await factsOf(one?.file ?? ''), { complaints: '' });
  publisher.end();
  t.match((await node.closed(2))[1]?.entry, { end: 'stream-ended', recorder: 'clip' });
});

t.test('a name that is taken gets a number, or is appended to', async (t) => {
  const twice = async (streamId: string, isAppending: boolean) => {
    const node = await startRecordings(t, redis, { path: '{stream}', isAppending });
    for (const n of [1, 2]) {
      const publisher = publish(t, node.recordings, tags, { streamId, speed: 8 });
      await publisher.sent;
      publisher.end();
      await node.closed(n);
    }
    return node;
  };
  const numbered = await twice('rec-n', false);
  t.same(
    numbered.catalog.list().map((one) => one.path),
    ['rec-n', 'rec-n-2'],
  );
  const appended = await twice('rec-a', true);
  const [entry] = appended.catalog.list();
  t.equal(appended.catalog.list().length, 1);
  const facts = await factsOf(appended.catalog.fileOf({ path: 'rec-a' }, 'flv'));
  t.match(facts, { pictures: 300, keys: 12, complaints: '' });
  t.ok(Math.abs((entry?.durationMs ?? 0) - 12_000) < 200, 'times go on');
  t.ok(Math.abs(facts.duration - 12) < 0.2);
});

t.test('a full disk ends the recording with its reason, never the stream', async (t) => {
  const reasons: string[] = [];
  const publisher = publish(
    t,
    { streamStarted: () => undefined, streamEnded: () => undefined },
    [],
  );
  const take = new Take({
    ...{ stream: publisher.stream, kind: 'all', path: '/dev/full' },
    limits: { sizeMaxBytes: 0, framesMax: 0, durationMaxMs: 0, intervalMs: 0 },
    after: { bytes: 1, durationMs: 0 },
    onFailure: (end) => void reasons.push(end),
  });
  for (const tag of tags.slice(0, 50)) take.write(tag);
  t.equal(await take.close(), false);
  t.same(reasons, ['disk-full'], 'what the kernel says');

  const node = await startRecordings(t, redis);
  const live = publish(t, node.recordings, tags, { streamId: 'rec-full' });
  await until(() => live.stream.lastTimestampMs > 500, { what: 'media' });
  const small = await startRecordings(t, redis, { freeMinBytes: 2 ** 50 });
  small.recordings.streamStarted(live.stream);
  t.equal(small.recordings.begin({ streamId: 'rec-full', recorder: 'x' }), undefined);
  t.same(live.kicks, []);
  const broken = await startRecordings(t, redis, { path: 'file/x' });
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${broken.dir}/file`, 'in the way');
  broken.recordings.streamStarted(live.stream);
  await until(() => broken.log.lines.some((line) => line['reason'] === 'write-failed'), {
    what: 'the failure',
  });
  t.same(live.kicks, []);
});

t.test('a torn file is mended: whole tags stay, duration and index are written', async (t) => {
  const node = await startRecordings(t, redis);
  const publisher = publish(t, node.recordings, tags, { streamId: 'rec-torn', speed: 8 });
  await publisher.sent;
  publisher.end();
  const [one] = await node.closed(1);
  const { truncate } = await import('node:fs/promises');
  await truncate(one?.file ?? '', (one?.entry.bytes ?? 0) - 10);
  const mended = await repairFlv(one?.file ?? '');
  t.ok(mended !== undefined && mended.bytes < (one?.entry.bytes ?? 0) - 10);
  const { size } = await stat(one?.file ?? '');
  t.equal(size, mended?.bytes);
  t.match(await factsOf(one?.file ?? ''), { keys: 6, complaints: '' });
  await truncate(one?.file ?? '', FLV_HEAD_BYTES + 5);
  t.equal(await repairFlv(one?.file ?? ''), undefined, 'nothing whole is left');
});

t.test('templates give safe paths and say what is wrong with them', (t) => {
  const values = { stream: 'show', recorder: 'main', atMs: Date.UTC(2026, 0, 2, 3, 4, 5) };
  const render = (text: string) => new PathTemplate(text).render({ ...values, unique: 'u1' });
  t.equal(render('{stream}/%Y-%m-%d/%H%M%S-{recorder}'), 'show/2026-01-02/030405-main');
  t.equal(render('{unix}_{unique}'), '1767323045_u1');
  for (const bad of [
    '../{stream}',
    '/abs',
    'a//b',
    '.hidden/x',
    '{key}',
    '%F',
    'a b',
    '',
    'a/..',
  ]) {
    t.throws(() => new PathTemplate(bad), /RECORD_PATH/, bad);
  }
  const hostile = { ...values, stream: '../../etc', unique: 'u' };
  t.throws(() => new PathTemplate('{stream}').render(hostile), /not a recording path/);
  t.end();
});

t.test('the oldest recordings go first, open ones never', (t) => {
  const entry = (id: string, startedAtMs: number, state: RecordingEntry['state'] = 'ready') => ({
    ...{ id, startedAtMs, state, streamId: 's', sessionId: 'x', recorder: 'r', path: id },
    ...{ kind: 'all' as const, durationMs: 10, bytes: 60, mp4Bytes: 40 },
  });
  const all = [
    entry('a', 0),
    entry('b', 100, 'recording'),
    entry('c', 200),
    entry('d', 300, 'flv'),
  ];
  const ids = (keepMs: number, totalMaxBytes: number) =>
    surplus(all, { keepMs, totalMaxBytes }, 400).map((one) => one.id);
  t.same(ids(0, 0), []);
  t.same(ids(195, 0), ['a']);
  t.same(ids(0, 250), ['a']);
  t.same(ids(0, 150), ['a', 'c']);
  t.same(ids(1, 0), ['a', 'c', 'd']);
  t.end();
});
