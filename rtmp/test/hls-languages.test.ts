// Further languages of a stream: offered beside its own sound, on the same clock, over pauses and
// reconnects; judged by hls-parser, ffprobe and hls.js in a real Chromium.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import HLS from 'hls-parser';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { fetchPlaylist, makeTags, type Packager, playlistWith, probe } from './hls-fixture.js';
import { publishAdmission } from '../publish-admission.js';
import { publish, startPackager } from './hls-fixture.js';
import { acceptAll, refuseAll, startIngest } from './ingest-fixture.js';
import { openPlayer } from './player-fixture.js';

const run = promisify(execFile);
const LIVE = { speed: 1, isEndless: true } as const;
const BUSY = { deadlineMs: 60_000, everyMs: 50 } as const;

/** Its tone is three times as high as that of the pictures' own sound. */
const german = () => makeTags({ hasVideo: false, toneHz: 1_320 });

const masterOf = async (packager: Packager): Promise<string> =>
  (await fetch(packager.url('stream-a', 'master.m3u8'))).text();

/** Time of the first frame on the transport stream's clock, s. */
function timeTagOf(segment: Buffer): number {
  return Number(segment.readBigUInt64BE(10 + 10 + 45)) / 90_000;
}

/** Main frequency of what is heard, Hz. */
async function toneOf(dir: string, segment: Buffer): Promise<number> {
  const file = join(dir, 'heard.aac');
  await writeFile(file, segment);
  const args = ['-hide_banner', '-i', file, '-af', 'astats', '-f', 'null', '-'];
  const { stderr } = await run('ffmpeg', args);
  const rate = /Zero crossings rate: ([\d.]+)/.exec(stderr)?.[1];
  return (Number(rate) * 48_000) / 2;
}

/** What ffprobe finds in a master playlist. */
async function tracksOf(url: string): Promise<readonly string[]> {
  const shown = ['-v', 'error', '-show_entries', 'stream=codec_type', '-of', 'json'];
  const { stdout } = await run('ffprobe', [...shown, url]);
  const { streams } = JSON.parse(stdout) as { streams: { codec_type: string }[] };
  return streams.map((one) => one.codec_type).sort();
}

const bytesOf = async (url: string): Promise<Buffer> =>
  Buffer.from(await (await fetch(url)).arrayBuffer());

t.test('a language is offered while it is published, on the clock of the pictures', async (t) => {
  const packager = await startPackager(t, { graceMs: 2_000 });
  const pictures = await makeTags();
  const first = publish(t, packager.manager, pictures, LIVE);
  const speaker = publish(t, packager.manager, await german(), {
    ...{ ...LIVE, streamId: 'stream-a~de', offsetMs: 77_000 },
  });
  await until(async () => (await masterOf(packager)).includes('LANGUAGE="de"'), {
    ...{ what: 'German in the master playlist', ...BUSY },
  });
  const text = await masterOf(packager);
  HLS.setOptions({ strictMode: true });
  const master = HLS.parse(text);
  const variants = 'variants' in master ? master.variants : [];
  t.equal(variants[0]?.codecs, 'avc1.42c00c,mp4a.40.2');
  t.match(variants[0]?.audio, [
    { name: 'Original', isDefault: true, autoselect: true },
    { name: 'Deutsch', language: 'de', isDefault: false, autoselect: true, uri: 'sound-de.m3u8' },
  ]);
  t.equal(variants[0]?.audio[0]?.uri, undefined, 'it is in the segments of the pictures');

  const url = packager.url('stream-a', 'sound-de.m3u8');
  const sound = await playlistWith(url, 'four segments', (one) => one.segments.length >= 4);
  const seen = await fetchPlaylist(packager.url('stream-a', 'v0.m3u8'));
  t.equal(sound.targetDuration, seen.targetDuration);
  t.ok(sound.segments.every((one) => Math.round(one.durationSec) <= sound.targetDuration));
  t.equal(sound.segments.at(-1)?.discontinuity, seen.segments.at(-1)?.discontinuity);
  const [heard, picture] = [sound.segments.at(-1), seen.segments.at(-1)];
  const bytes = await bytesOf(heard?.uri ?? '');
  const { packets } = await probe(picture?.uri ?? '');
  const start = Number(packets.find((one) => one.codec_type === 'audio')?.pts_time);
  const zero = timeTagOf(bytes) - (heard?.atMs ?? 0) / 1_000;
  t.ok(Math.abs(zero - (start - (picture?.atMs ?? 0) / 1_000)) < 0.1, 'the same clock');
  const tone = await toneOf(packager.mediaDir, bytes);
  t.ok(Math.abs(tone - 1_320) < 60, `${tone} Hz`);
  t.same(await tracksOf(packager.url('stream-a', 'master.m3u8')), ['audio', 'audio', 'video']);

  first.end();
  publish(t, packager.manager, pictures, { ...LIVE, offsetMs: 5_000_000 });
  const before = seen.segments.at(-1)?.discontinuity ?? 0;
  const isNew = (one: { discontinuity: number }): boolean => one.discontinuity > before;
  const later = await playlistWith(url, 'the next run', (one) => one.segments.some(isNew));
  const also = await playlistWith(packager.url('stream-a', 'v0.m3u8'), 'its pictures', (one) =>
    one.segments.some(isNew),
  );
  t.equal(later.segments.at(-1)?.discontinuity, also.segments.at(-1)?.discontinuity);
  t.ok(later.mediaSequence >= sound.mediaSequence);

  speaker.end();
  await until(async () => !(await masterOf(packager)).includes('LANGUAGE'), {
    ...{ what: 'German to be gone from the master playlist', ...BUSY },
  });
  // Whoever listens to it is not left without sound: the stream's own goes on in its place.
  await until(
    async () => {
      const last = (await fetchPlaylist(url)).segments.at(-1)?.uri ?? '';
      return Math.abs((await toneOf(packager.mediaDir, await bytesOf(last))) - 440) < 30;
    },
    { what: 'the own sound of the stream', ...BUSY, everyMs: 300 },
  );
});

t.test('hls.js shows two languages and changes between them', async (t) => {
  const packager = await startPackager(t);
  publish(t, packager.manager, await makeTags(), LIVE);
  publish(t, packager.manager, await german(), { ...LIVE, streamId: 'stream-a~de' });
  await until(async () => (await masterOf(packager)).includes('LANGUAGE="de"'), {
    ...{ what: 'German in the master playlist', ...BUSY },
  });
  const seen = await openPlayer(t, packager.url('stream-a', 'master.m3u8'), {});
  const playsOn = async (what: string): Promise<void> => {
    const from = (await seen()).time;
    await until(async () => (await seen()).time > from + 1.5, { what, ...BUSY });
  };
  await playsOn('a moving picture');
  t.match(await seen(), { languages: ['Original', 'Deutsch'], language: 0, sounds: 0 });
  await seen.listenTo(1);
  await until(async () => (await seen()).sounds >= 2, { what: 'German segments', ...BUSY });
  await playsOn('the picture with German sound');
  t.equal((await seen()).language, 1);
  await seen.listenTo(0);
  await playsOn('the picture with its own sound');
  t.equal((await seen()).language, 0);
  t.same(
    (await seen()).faults.filter((one) => one.fatal),
    [],
  );
});

t.test('sound that cannot be packed ends its publisher with the reason', async (t) => {
  const packager = await startPackager(t);
  publish(t, packager.manager, await makeTags(), LIVE);
  const tags = await german();
  // The configuration says AAC-LC with six channels.
  const surround = tags.map((tag) => {
    if (!tag.isSequenceHeader) return tag;
    const payload = Buffer.from(tag.payload);
    payload[3] = ((payload[3] ?? 0) & 0x87) | (6 << 3);
    return Object.assign(Object.create(tag) as typeof tag, { payload });
  });
  const speaker = publish(t, packager.manager, surround, { ...LIVE, streamId: 'stream-a~fr' });
  await until(() => speaker.kicks.length > 0, { what: 'the speaker to be dropped', ...BUSY });
  t.match(speaker.kicks[0], /AAC-LC sound with one or two channels/);
  t.notMatch(await masterOf(packager), 'LANGUAGE');
});

t.test('a language is published with the key of its stream, beside its publisher', async (t) => {
  const ingest = await startIngest(t);
  const own = await ingest.publisher('sk_a');
  const german = await ingest.publisher('sk_a?lang=de&clock=stream');
  t.same(
    ingest.started.map(({ streamId, isSameClock }) => ({ streamId, isSameClock })),
    [
      { streamId: 'pub-sk_a', isSameClock: false },
      { streamId: 'pub-sk_a~de', isSameClock: true },
    ],
  );
  t.match(Object.fromEntries(ingest.hooks.of('publish')[1]?.form ?? []), {
    ...{ name: 'sk_a', lang: 'de', clock: 'stream' },
  });
  t.equal(ingest.hooks.of('publish')[1]?.form.get('replaces'), null, 'it replaces nobody');
  await t.rejects(ingest.publisher('sk_a?lang=d%0Ae'), {
    code: 'NetStream.Publish.Denied',
    message: /language tag such as de/,
  });
  t.equal(ingest.hooks.of('publish').length, 2, 'nobody was asked about nonsense');
  ingest.hooks.answer(refuseAll);
  await t.rejects(ingest.publisher('sk_b?lang=de'), { code: 'NetStream.Publish.Denied' });
  ingest.hooks.answer(acceptAll);

  await ingest.publisher('sk_a?lang=de');
  await until(() => ingest.ended.length === 1, { what: 'the speaker before to be replaced' });
  t.match(ingest.ended, [{ stream: { streamId: 'pub-sk_a~de' }, reason: 'replaced' }]);
  german.socket.destroy();
  t.equal(ingest.server.kickStream('pub-sk_a', 'the key was replaced'), true);
  await until(() => ingest.hooks.of('publish_done').length === 3, { what: 'three dones' });
  t.same(ingest.server.streams(), [], 'nobody speaks for a stream that was dropped');
  own.socket.destroy();
});

t.test(
  'a language that cannot be offered where it arrives is refused with the reason',
  async (t) => {
    const one = await startPackager(t, { nodeId: 'rtmp-1' });
    const shapeOf = (id: string) =>
      Promise.resolve({ dvrMs: 0, partMs: id === 'pub-sk_p' ? 500 : 0 });
    const two = await startPackager(t, { nodeId: 'rtmp-2', redisServer: one.redis, shapeOf });
    const shows = two.manager;
    const mayBegin = publishAdmission({ overload: { level: 0 }, shows });
    const ingest = await startIngest(t, { mayBegin });
    // Its own publisher may still come: here, or on another node.
    const early = await ingest.publisher('sk_a?lang=de');
    t.equal(await shows.obstacleTo('pub-sk_a~de'), undefined);
    const voice = publish(t, shows, await german(), { ...LIVE, streamId: 'pub-sk_a~de' });

    publish(t, one.manager, await makeTags(), { ...LIVE, streamId: 'pub-sk_a' });
    await until(() => voice.kicks.length > 0, {
      what: 'the one that came first to be told',
      ...BUSY,
    });
    t.match(voice.kicks[0], /live on another server \(rtmp-1\): send its languages there/);
    const where = 'live on another server (rtmp-1): send its languages there';
    await t.rejects(ingest.publisher('sk_a?lang=fr'), {
      code: 'NetStream.Publish.Rejected',
      message: `This language cannot be offered: the stream is ${where}`,
    });
    t.equal(await one.manager.obstacleTo('pub-sk_a~fr'), undefined, 'there it is taken');
    await until(() => ingest.hooks.of('publish_done').length === 1, { what: 'its done' });

    const low = publish(t, shows, await makeTags(), { ...LIVE, streamId: 'pub-sk_p' });
    for (const state of ['begun', 'ended']) {
      await t.rejects(ingest.publisher('sk_p?lang=de'), {
        code: 'NetStream.Publish.Rejected',
        message: /cannot be offered: the stream is sent with low latency \(parts\)/,
      });
      if (state === 'begun') low.end('unpublished');
    }
    t.equal(ingest.server.streams().length, 1, 'who was accepted early is not asked again here');
    early.socket.destroy();
  },
);

t.test('a ninth language is refused', async (t) => {
  const { manager } = await startPackager(t);
  for (const tag of ['de', 'fr', 'it', 'es', 'pt', 'nl', 'pl', 'cs']) {
    t.equal(await manager.obstacleTo(`stream-a~${tag}`), undefined);
    publish(t, manager, [], { streamId: `stream-a~${tag}` });
  }
  t.match(await manager.obstacleTo('stream-a~da'), /8 further languages at most/);
  t.equal(await manager.obstacleTo('stream-a~de'), undefined, 'a newer publisher of one of them');
  t.equal(await manager.obstacleTo('stream-a'), undefined);
});
