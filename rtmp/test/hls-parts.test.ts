// Low-latency HLS: parts, blocking reloads, hints; over reconnects and a killed ffmpeg; who may
// wait, and how many.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { seededRandom, until } from '../../cluster/testing/index.js';
import { type Fragment, FragmentReader } from '../ffmpeg/fragment-reader.js';
import { PartTrack } from '../hls/part-track.js';
import { ReloadWaits } from '../hls/reload-waits.js';
import {
  fetchPlaylist,
  makeTags,
  type Packager,
  type PackagerOptions,
  type Playlist,
  playlistWith,
  probe,
  publish,
  startPackager,
} from './hls-fixture.js';

const startLowLatency = (t: Parameters<typeof startPackager>[0], options: PackagerOptions = {}) =>
  startPackager(t, { shapeOf: () => Promise.resolve({ dvrMs: 0, partMs: 500 }), ...options });

const uris = (playlist: Playlist, base: string, tag: RegExp): string[] =>
  [...playlist.text.matchAll(tag)].map(([, uri = '']) => new URL(uri, base).href);
const partUris = (playlist: Playlist, base: string): string[] =>
  uris(playlist, base, /#EXT-X-PART:[^\n]*URI="([^"]+)"/g);
const mapUris = (playlist: Playlist, base: string): string[] =>
  uris(playlist, base, /#EXT-X-MAP:URI="([^"]+)"/g);

async function bytesOf(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${response.status} ${url}`);
  return Buffer.from(await response.arrayBuffer());
}

/** Sequence of the segment that is being written. */
function nextOf({ mediaSequence, segments }: Playlist): number {
  return mediaSequence + segments.length;
}

function newest(packager: Packager): Promise<Playlist> {
  return fetchPlaylist(packager.url('stream-a', 'v0.m3u8'));
}

t.test('parts are what their segment is made of, and ffprobe can play them', async (t) => {
  const packager = await startLowLatency(t, { hasAudioOnly: true });
  publish(t, packager.manager, await makeTags({ seconds: 60 }), { speed: 2 });
  const url = packager.url('stream-a', 'v0.m3u8');
  const playlist = await playlistWith(url, 'segments in parts', (one) => {
    return one.segments.length >= 4 && partUris(one, url).length >= 4;
  });
  t.match(playlist.text, /#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1\.\d+\n/);
  t.match(playlist.text, /#EXT-X-PART-INF:PART-TARGET=0\.5\d+\n/);
  t.match(playlist.text, /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="[^"]+\/p\d+\.m4s\?p=[^"]+"\n/);
  t.match(playlist.text, /#EXT-X-PART:[^\n]+INDEPENDENT=YES\n/);
  t.match(playlist.text, /#EXT-X-RENDITION-REPORT:URI="a0\.m3u8",LAST-MSN=\d+,LAST-PART=\d+\n/);
  const sound = packager.url('stream-a', 'a0.m3u8');
  t.ok(partUris(await fetchPlaylist(sound), sound).length > 0, 'the sound alone has parts, too');

  const init = await bytesOf(mapUris(playlist, url)[0] ?? '');
  const [segment] = playlist.segments;
  const dir = await mkdtemp(join(tmpdir(), 'showbill-parts-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'segment.mp4');
  await writeFile(file, Buffer.concat([init, await bytesOf(segment?.uri ?? '')]));
  const probed = await probe(file);
  t.match(probed.streams, [{ codec_name: 'h264', width: 320 }, { codec_name: 'aac' }]);
  const [first] = probed.packets.filter((one) => one.codec_type === 'video');
  t.match(first?.flags, /K/, 'begins with a key frame');
  for (const { durationSec } of playlist.segments) t.ok(durationSec > 0 && durationSec < 1.1);

  const parts = await Promise.all(partUris(playlist, url).map(bytesOf));
  for (const part of parts) t.equal(part.toString('latin1', 4, 8), 'moof');
  const joined = Buffer.concat(parts);
  const last = await bytesOf(playlist.segments.at(-1)?.uri ?? '');
  t.ok(joined.includes(last), 'the parts of a segment joined are its file');
});

t.test('a reload waits for the part that it asks for', async (t) => {
  const packager = await startLowLatency(t, { graceMs: 60_000 });
  const publisher = publish(t, packager.manager, await makeTags({ seconds: 60 }), { speed: 1 });
  await playlistWith(packager.url('stream-a', 'v0.m3u8'), 'a part', (one) =>
    one.text.includes('#EXT-X-PART:'),
  );
  const next = nextOf(await newest(packager)) + 1;
  const url = `${packager.url('stream-a', 'v0.m3u8')}?_HLS_msn=${next}&_HLS_part=0`;
  const waited = await fetchPlaylist(url);
  t.ok(nextOf(waited) >= next, 'the segment before is whole');
  const parts = waited.text.slice(waited.text.lastIndexOf('#EXTINF'));
  t.ok(nextOf(waited) > next || parts.includes('#EXT-X-PART:'), 'the part is listed');

  const hint = /PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/.exec((await newest(packager)).text)?.[1];
  const hinted = await bytesOf(new URL(hint ?? '', url).href);
  t.equal(hinted.toString('latin1', 4, 8), 'moof', 'a hinted part is waited for');

  const ask = async (query: string, sid = 'free-v1') => {
    const response = await fetch(`${packager.url('stream-a', 'v0.m3u8', sid)}?${query}`);
    return { status: response.status, body: await response.text() };
  };
  t.match(await ask(`_HLS_msn=${next + 1_000}`), { status: 400, body: /HLS_QUERY/ });
  t.match(await ask('_HLS_msn=x'), { status: 400 });
  t.match(await ask('_HLS_part=1'), { status: 400 });
  t.match(await ask('_HLS_msn=1&_HLS_part=2'), { status: 200 });

  publisher.end();
  await until(() => packager.manager.find('stream-a')?.pid === undefined, { what: 'the pause' });
  const end = nextOf(await newest(packager));
  const cut = ask(`_HLS_msn=${end}&_HLS_part=0`, 'SESSION1');
  const idle = ask(`_HLS_msn=${end}&_HLS_part=0`);
  await until(async () => /waiting_requests\S* 2/.test(await packager.metricText()), {
    what: 'two requests that wait',
  });
  packager.guard.cut('SESSION1', 'insufficient_credit');
  t.match(await cut, { status: 403, body: /insufficient_credit/ });
  t.match(await idle, { status: 200 }, 'a player hears of a pause without an error');
});

t.test('what waits is bounded and ends with its connection', async (t) => {
  const waits = new ReloadWaits({ waitingMax: 3, perSessionMax: 2 });
  const packager = await startLowLatency(t, { graceMs: 60_000, waits });
  const publisher = publish(t, packager.manager, await makeTags({ seconds: 4 }), { speed: 4 });
  await publisher.sent;
  publisher.end();
  const url = packager.url('stream-a', 'v0.m3u8');
  await playlistWith(url, 'segments', (one) => one.segments.length >= 3);
  await until(() => packager.manager.find('stream-a')?.pid === undefined, { what: 'the pause' });
  const sequence = nextOf(await newest(packager));
  const gone = new AbortController();
  const ask = (sid: string): Promise<number> =>
    fetch(`${packager.url('stream-a', 'v0.m3u8', sid)}?_HLS_msn=${sequence}`, {
      signal: gone.signal,
    }).then(
      ({ status }) => status,
      () => 0,
    );
  const first = [ask('free-1'), ask('free-1')];
  await until(() => waits.waiting === 2, { what: 'two that wait' });
  t.equal(await ask('free-1'), 503, 'a session has its share');
  const third = ask('free-2');
  await until(() => waits.waiting === 3, { what: 'three that wait' });
  t.equal(await ask('free-3'), 503, 'the node has its limit');
  gone.abort();
  t.same(await Promise.all([...first, third]), [0, 0, 0]);
  await until(() => waits.waiting === 0, { what: 'nobody to wait' });
});

t.test(
  'a reconnect and a killed ffmpeg are discontinuities with a head of their own',
  async (t) => {
    const packager = await startLowLatency(t, { graceMs: 30_000, windowSegments: 40 });
    const tags = await makeTags({ seconds: 60 });
    const url = packager.url('stream-a', 'v0.m3u8');
    const first = publish(t, packager.manager, tags, { speed: 2 });
    await playlistWith(url, 'two segments', (one) => one.segments.length >= 2);
    process.kill(packager.manager.find('stream-a')?.pid ?? 0, 'SIGKILL');
    await playlistWith(url, 'a second run', (one) =>
      one.segments.some(({ discontinuity }) => discontinuity === 1),
    );
    first.end();
    publish(t, packager.manager, tags, { speed: 2, offsetMs: 9_000_000 });
    const playlist = await playlistWith(url, 'a third run', (one) => {
      return one.segments.filter(({ discontinuity }) => discontinuity === 2).length >= 3;
    });
    const maps = mapUris(playlist, url);
    t.equal(maps.length, 3, 'one head per run');
    for (const map of maps) t.equal((await bytesOf(map)).toString('latin1', 4, 8), 'ftyp');
    const sequences = playlist.segments.map((one) => one.sequence);
    t.same(
      sequences,
      sequences.map((_, index) => playlist.mediaSequence + index),
    );
    for (const { uri } of playlist.segments) await bytesOf(uri);
  },
);

t.test('broken MP4 is refused, and any split of the bytes gives the same fragments', (t) => {
  const box = (type: string, ...bodies: Buffer[]): Buffer => {
    const body = Buffer.concat(bodies);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length + 8);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, body]);
  };
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
    return bytes;
  };
  const mdia = box(
    'mdia',
    box('mdhd', words(0, 0, 0, 1_000)),
    box('hdlr', words(0, 0), Buffer.from('vide')),
  );
  const moov = box(
    'moov',
    box('trak', box('tkhd', words(0, 0, 0, 1)), mdia),
    box('mvex', box('trex', words(0, 1, 1, 40, 0, 0x10000))),
  );
  const moof = (at: number, flags: number): Buffer => {
    const run = box('trun', words(0x4, 10, flags));
    return box('moof', box('traf', box('tfhd', words(0, 1)), box('tfdt', words(0, at)), run));
  };
  const file = Buffer.concat([
    ...[box('ftyp', words(1)), moov],
    ...[moof(0, 0), box('mdat', words(7)), moof(400, 0x10000), box('mdat', words(8))],
  ]);
  const random = seededRandom(t);
  for (let round = 0; round < 50; round += 1) {
    const found: Fragment[] = [];
    const reader = new FragmentReader({
      init: () => undefined,
      fragment: (one) => found.push(one),
    });
    for (let at = 0; at < file.length;) {
      const next = at + random.int(1, 40);
      reader.push(file.subarray(at, next));
      at = next;
    }
    t.match(found, [
      { startSec: 0, durationSec: 0.4, isIndependent: true },
      { startSec: 0.4, durationSec: 0.4, isIndependent: false },
    ]);
  }
  const reader = new FragmentReader({ init: () => undefined, fragment: () => undefined });
  t.throws(() => reader.push(words(3, 0)), RangeError);
  const huge = new FragmentReader({ init: () => undefined, fragment: () => undefined });
  t.throws(() => huge.push(words(0xffffffff, 0)), RangeError);
  t.end();
});

t.test('a part that cannot be written ends its run, and the show goes on', async (t) => {
  const packager = await startLowLatency(t);
  publish(t, packager.manager, await makeTags({ seconds: 60 }), { speed: 2 });
  const url = packager.url('stream-a', 'v0.m3u8');
  const before = await playlistWith(url, 'a segment', (one) => one.segments.length >= 1);
  const run = new URL(before.segments[0]?.uri ?? '').pathname.split('/').at(-3) ?? '';
  await rm(join(packager.mediaDir, 'stream-a', run), { recursive: true });
  await playlistWith(url, 'a second run', (one) =>
    one.segments.some(({ discontinuity }) => discontinuity >= 1),
  );
  const failed = packager.log.lines.filter((line) => line['event'] === 'hls.write_failed');
  t.equal(failed.length, 1);
});

t.test('an encrypted show has no parts', async (t) => {
  const packager = await startLowLatency(t, { isEncrypted: true });
  publish(t, packager.manager, await makeTags({ seconds: 8 }), { speed: 4 });
  const url = packager.url('stream-a', 'v0.m3u8');
  const { text } = await playlistWith(url, 'a segment', (one) => one.segments.length >= 1);
  t.match(text, /#EXT-X-KEY:METHOD=AES-128/);
  t.notMatch(text, /PART/);
});

t.test('a part that is longer than promised hides the parts of its segment', (t) => {
  const track = new PartTrack();
  const part = (index: number, durationSec: number) =>
    track.add(
      {
        ...{ run: 'r', folder: 'v0', file: '0.m4s', offset: index, bytes: 1 },
        ...{ index, epoch: 0, startMs: 0, durationSec, isIndependent: index === 0 },
      },
      0.5,
    );
  part(0, 0.5);
  part(1, 0.9);
  part(2, 0.5);
  t.equal(track.open.length, 1, 'those before it stay');
  track.finish(7);
  t.same(track.of(7), []);
  part(3, 0.5);
  track.finish(8);
  t.equal(track.of(8).length, 1);
  t.equal(track.find('r', 'v0', 3)?.index, 3);
  t.equal(track.find('r', 'v0', 2), undefined);
  t.end();
});
