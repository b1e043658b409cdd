// Who gets playlists and segments: signatures, expiry, cut-off, the gate, hostile paths, CORS,
// viewers.
import { createDecipheriv } from 'node:crypto';
import { connect } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ManualClock, type TestScope, until } from '../../cluster/testing/index.js';
import { ViewerCounter } from '../hls/viewer-counter.js';
import { WatchGuard } from '../hls/watch-guard.js';
import type { WatchVerdict } from '../ports.js';
import {
  fetchPlaylist,
  makeTags,
  type Packager,
  playlistWith,
  probe,
  publish,
  startPackager,
} from './hls-fixture.js';

const nowSec = (): number => Math.floor(Date.now() / 1_000);

async function liveShow(t: TestScope): Promise<Packager> {
  const packager = await startPackager(t);
  publish(t, packager.manager, await makeTags());
  const url = packager.url('stream-a', 'v0.m3u8');
  await playlistWith(url, 'three segments', (one) => one.segments.length >= 3);
  return packager;
}

async function status(url: string): Promise<{ status: number; code: string; body: string }> {
  const response = await fetch(url);
  const body = await response.text();
  const code = (/"code":"([A-Z_]+)"/.exec(body) ?? [])[1] ?? '';
  return { status: response.status, code, body };
}

t.test('a path opens what it was signed for, as long as it lives', async (t) => {
  const packager = await liveShow(t);
  const good = packager.url('stream-a', 'v0.m3u8', 'SESSION1');
  const segment = (await fetchPlaylist(good)).segments[0]?.uri ?? '';
  t.match(segment, /\/stream-a\/[a-z0-9-]+\/v0\/\d+\.ts\?p=\d+\.SESSION1\.[\w-]{22}$/);
  t.equal((await status(segment)).status, 200);

  const expired = packager.url('stream-a', 'v0.m3u8', 'SESSION1', nowSec() - 5);
  const renewed = (await fetchPlaylist(expired)).segments[0]?.uri ?? '';
  const [, exp = '0'] = /\?p=(\d+)\./.exec(renewed) ?? [];
  const life = Number(exp) - nowSec();
  t.ok(life >= 59 && life <= 91, `a fresh prefix for ${life} s`);
  t.equal((await status(renewed)).status, 200, 'whatever the path was signed for');
  const [stale = '', fresh = ''] = renewed.split('?p=');
  t.match(await status(stale), { status: 403, code: 'HLS_PATH_EXPIRED' });
  const [, own = ''] = /\/h\/([^/]+)\//.exec(expired) ?? [];
  t.match(await status(`${stale}?p=${own}`), { status: 403, code: 'HLS_PATH_EXPIRED' });
  t.equal((await status(stale.replace(own, fresh))).status, 200, 'in the path it counts, too');
  t.match(await status(`${expired}?p=${fresh}`), { status: 200 }, 'a playlist has no use for it');
  t.match(await status(`${good.replace(/SESSION1/, 'SESSION2')}?p=${fresh}`), { status: 403 });
  const ancient = packager.url('stream-a', 'v0.m3u8', 'SESSION1', nowSec() - 13 * 3_600);
  t.match(await status(ancient), { status: 403, code: 'HLS_PATH_EXPIRED' });

  for (const forged of [
    good.replace('SESSION1', 'SESSION2'),
    good.replace('stream-a', 'stream-b'),
    good.replace(/\/h\/(\d+)/, (_, exp: string) => `/h/${Number(exp) + 600}`),
    segment.replace(/\.[\w-]{22}$/, '.AAAAAAAAAAAAAAAAAAAAAA'),
    segment.replace(/p=.*/, 'p=x'),
    good.replace(/\/h\/[^/]+/, '/h/x'),
  ]) {
    t.match(await status(forged), { status: 403, code: 'HLS_PATH_FORGED' }, forged);
  }
  t.match(await status(packager.url('stream-b', 'v0.m3u8')), { status: 404, code: 'HLS_NOT_LIVE' });
  t.match(await status(packager.url('stream-a', 'v7.m3u8')), {
    status: 404,
    code: 'HLS_NOT_FOUND',
  });
});

t.test('a session that is cut off gets nothing more, at once', async (t) => {
  const packager = await liveShow(t);
  const url = packager.url('stream-a', 'v0.m3u8', 'SESSION1');
  const segment = (await fetchPlaylist(url)).segments[0]?.uri ?? '';
  packager.guard.cut('SESSION1', 'insufficient_credit');
  const refused = await status(url);
  t.match(refused, { status: 403, code: 'HLS_NOT_ALLOWED', body: /insufficient_credit/ });
  t.match(await status(segment), { status: 403, code: 'HLS_NOT_ALLOWED' });
  t.equal((await status(packager.url('stream-a', 'v0.m3u8', 'SESSION2'))).status, 200);
});

t.test('the gate decides for paid sessions, and is not asked for free ones', async (t) => {
  const packager = await liveShow(t);
  const before = packager.gate.calls;
  t.equal((await status(packager.url('stream-a', 'master.m3u8', 'free-v7'))).status, 200);
  t.equal(packager.gate.calls, before);
  packager.gate.refused.set('SESSION9', 'ended');
  t.match(await status(packager.url('stream-a', 'v0.m3u8', 'SESSION9')), {
    status: 403,
    body: /ended/,
  });
  packager.gate.isAway = true;
  t.match(await status(packager.url('stream-a', 'v0.m3u8', 'SESSION3')), {
    status: 503,
    code: 'HLS_UNDECIDED',
  });
});

t.test('free viewers of an older epoch get nothing once it was raised', async (t) => {
  const packager = await liveShow(t);
  const statusOf = async (sid: string) =>
    (await status(packager.url('stream-a', 'v0.m3u8', sid))).status;
  t.equal(await statusOf('free-v7'), 200);
  await packager.freeEpochs.raise('stream-a', 2);
  await until(async () => (await statusOf('free-v7')) === 403, { what: 'free video closed' });
  t.equal(await statusOf('free-1:v7'), 403);
  t.equal(await statusOf('free-2:v7'), 200, 'those who entered afterwards watch');
  t.equal(await statusOf('SESSION2'), 200, 'and those who pay');
});

t.test('no request leaves the media directory or sees an unfinished segment', async (t) => {
  const packager = await liveShow(t);
  const good = new URL(packager.url('stream-a', 'v0.m3u8'));
  const prefix = good.pathname.split('/').slice(0, 4).join('/');
  await writeFile(join(packager.mediaDir, 'secret.ts'), 'secret');
  const paths = [
    `${prefix}/../../secret.ts`,
    `${prefix}/run/../../secret.ts`,
    `${prefix}/..%2f..%2fsecret.ts`,
    `${prefix}/run/v0/..%2f..%2fsecret.ts`,
    `${prefix}/run/v0/%2e%2e/1.ts`,
    `${prefix}/./v0/0.ts`,
    `${prefix}//v0/0.ts`,
    `${prefix}/run/v0/0.ts%00.m3u8`,
    '/.owner',
    '/',
    `/h/${'x'.repeat(5_000)}/stream-a/v0.m3u8`,
  ];
  for (const path of paths) {
    const answer = await rawGet(Number(good.port), path);
    t.match(answer, /^HTTP\/1\.1 (403|404|400)/, path);
    t.notMatch(answer, /secret$/);
  }
  const playlist = await fetchPlaylist(good.href);
  const newest = playlist.segments.at(-1)?.uri ?? '';
  const next = newest.replace(/(\d+)\.ts(?=\?)/, (_, n: string) => `${Number(n) + 3}.ts`);
  t.equal((await status(next)).status, 404);
  t.equal((await fetch(good, { method: 'POST' })).status, 405);
});

t.test('other sites may read, caches may keep segments, playlists are private', async (t) => {
  const packager = await liveShow(t);
  const url = packager.url('stream-a', 'v0.m3u8');
  const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin: 'https://a.test' } });
  t.equal(preflight.status, 204);
  t.equal(preflight.headers.get('access-control-allow-origin'), '*');
  const playlist = await fetch(url);
  t.equal(playlist.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  t.match(playlist.headers.get('cache-control'), /private/);
  const segment = (await fetchPlaylist(url)).segments[0]?.uri ?? '';
  const answer = await fetch(segment, { method: 'HEAD' });
  t.match(answer.headers.get('cache-control'), /public.*immutable/);
  t.equal(answer.headers.get('content-type'), 'video/mp2t');
  t.ok(Number(answer.headers.get('content-length')) > 1_000);
});

t.test('encrypted segments open with the key that only viewers get', async (t) => {
  const packager = await startPackager(t, { isEncrypted: true, graceMs: 0 });
  const publisher = publish(t, packager.manager, await makeTags());
  const url = packager.url('stream-a', 'v0.m3u8', 'SESSION1');
  const { text, segments } = await playlistWith(
    url,
    'two segments',
    (one) => one.segments.length >= 2,
  );
  const [, keyUri = '', iv = ''] =
    /METHOD=AES-128,URI="([^"]+)",IV=0x([0-9a-f]{32})/.exec(text) ?? [];
  const keyUrl = new URL(keyUri, url).href;
  const key = Buffer.from(await (await fetch(keyUrl)).arrayBuffer());
  t.equal(key.length, 16);
  const answer = await fetch(segments[0]?.uri ?? '');
  const sealed = Buffer.from(await answer.arrayBuffer());
  t.equal(sealed.length, Number(answer.headers.get('content-length')));
  const decipher = createDecipheriv('aes-128-cbc', key, Buffer.from(iv, 'hex'));
  const plain = Buffer.concat([decipher.update(sealed), decipher.final()]);
  t.equal(plain[0], 0x47, 'a transport stream');
  t.equal(plain.length % 188, 0);
  publisher.end();
  await playlistWith(url, 'the end', (one) => one.isEnded);
  t.match((await probe(url)).streams, [{ codec_name: 'h264' }, { codec_name: 'aac' }]);
  packager.guard.cut('SESSION1', 'kicked');
  t.equal((await fetch(keyUrl)).status, 403);
  t.equal((await fetch(keyUrl.replace('-aes', ''))).status, 403);
  const other = packager.url('stream-a', 'v0.m3u8', 'SESSION2');
  const nextKey = new URL(
    /URI="([^"]+)"/.exec((await fetchPlaylist(other)).text)?.[1] ?? '',
    other,
  );
  t.same(Buffer.from(await (await fetch(nextKey)).arrayBuffer()), key, 'caches may share segments');
});

t.test('a live stream has a picture, for lists too, which opens nothing else', async (t) => {
  const packager = await startPackager(t, { pictureEveryMs: 1_000, graceMs: 0 });
  const publisher = publish(t, packager.manager, await makeTags());
  const url = packager.url('stream-a', 'picture.jpg', 'preview');
  const answer = await until(
    async () => {
      const tried = await fetch(url);
      return tried.ok ? tried : undefined;
    },
    { what: 'a picture' },
  );
  t.equal(answer.headers.get('content-type'), 'image/jpeg');
  const file = join(packager.mediaDir, 'test.jpg');
  await writeFile(file, Buffer.from(await answer.arrayBuffer()));
  t.match((await probe(file)).streams, [{ codec_name: 'mjpeg', width: 320, height: 180 }]);
  await until(async () => (await packager.directory.find('stream-a'))?.pictureAtMs !== undefined, {
    what: 'the directory to tell of it',
  });
  t.match(await status(packager.url('stream-a', 'v0.m3u8', 'preview')), {
    status: 403,
    code: 'HLS_NOT_ALLOWED',
  });
  const { segments } = await fetchPlaylist(packager.url('stream-a', 'v0.m3u8'));
  const path = new URL(segments[0]?.uri ?? '').pathname.split('/').slice(4).join('/');
  t.equal((await status(packager.url('stream-a', path, 'preview'))).status, 403);
  t.equal((await status(packager.url('stream-a', path, 'SESSION1'))).status, 200);
  publisher.end();
  await until(async () => (await fetch(url)).status === 404, { what: 'the picture to go' });
});

t.test('viewers are counted by session in a sliding window', async (t) => {
  const packager = await liveShow(t);
  for (const sid of ['S1', 'S2', 'S3', 'S1']) {
    await fetchPlaylist(packager.url('stream-a', 'v0.m3u8', sid));
  }
  t.equal(packager.manager.find('stream-a')?.viewers(), 4, 'three and the one that waited');
  const row = await until(
    async () => {
      const found = await packager.directory.find('stream-a');
      return found?.viewers === 4 || found?.viewers === 3 ? found : undefined;
    },
    { what: 'the count in the directory' },
  );
  t.ok(row);
  await until(() => packager.manager.find('stream-a')?.viewers() === 0, { what: 'nobody left' });

  const counter = new ViewerCounter();
  counter.seen('s', 'a', 0);
  counter.seen('s', 'b', 3_000);
  t.equal(counter.count('s', 4_000, 4_000), 2);
  t.equal(counter.count('s', 4_001, 4_000), 1);
  t.equal(counter.count('other', 0, 4_000), 0);
});

t.test(
  'the guard asks once for many, keeps an answer two seconds, and survives an outage',
  async (t) => {
    const clock = new ManualClock();
    let answer: WatchVerdict | undefined = { ok: true };
    let calls = 0;
    const mayWatch = async (): Promise<WatchVerdict> => {
      calls += 1;
      await Promise.resolve();
      if (answer === undefined) throw new Error('away');
      return answer;
    };
    const guard = new WatchGuard({ gate: { mayWatch }, clock, failOpenMs: 60_000 });
    await Promise.all([guard.mayWatch('S'), guard.mayWatch('S'), guard.mayWatch('S')]);
    t.equal(calls, 1);
    clock.advance(1_999);
    t.same(await guard.mayWatch('S'), { ok: true });
    t.equal(calls, 1);
    clock.advance(1);
    answer = undefined;
    t.same(await guard.mayWatch('S'), { ok: true }, 'the last answer holds while the gate is away');
    clock.advance(60_000);
    t.match(await guard.mayWatch('S'), { ok: false, reason: 'gate_unavailable' });
    answer = { ok: true };
    const asked = guard.mayWatch('T');
    guard.cut('T', 'kicked');
    t.match(await asked, { ok: false, reason: 'kicked' }, 'a cut beats an answer on its way');
    guard.prune();
    t.equal(guard.cutReason('T'), 'kicked');
    clock.advance(3_700_000);
    guard.prune();
    t.equal(guard.cutReason('T'), undefined);
  },
);

/** A request whose path no client library has tidied up. */
function rawGet(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}
