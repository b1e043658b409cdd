// Recording by the whole role: orders over HTTP, hooks, playback with ranges, and a node that is
// killed.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createRedisBus, signHlsPath } from '../../cluster/index.js';
import {
  freePort,
  silentLog,
  startRedis,
  TEST_SECRETS,
  until,
} from '../../cluster/testing/index.js';
import { createRtmpControl, RecordingDirectory, recordingSid } from '../index.js';
import { parseRange } from '../recording/playback.js';
import { ffmpegPublisher, startHookServer } from './ingest-fixture.js';
import { factsOf, keyFramesIn } from './recording-fixture.js';
import { startRole } from './role-process.js';

const STREAM = 'pub-sk_rec';
/** Real encoders and two starts of a process: on a busy machine each step takes its time. */
const BUSY = { deadlineMs: 60_000, everyMs: 50 } as const;

function signed(base: string, id: string, options: { sid?: string; ageSec?: number } = {}): string {
  const { sid = recordingSid(id.replace(/\.mp4$/, '')), ageSec = -90 } = options;
  const exp = Math.floor(Date.now() / 1_000) - ageSec;
  return `${base}${signHlsPath({ streamId: STREAM, sid, exp }, TEST_SECRETS.token)}/recordings/${id}`;
}

t.test('a killed node leaves files that play, and mends them at its next start', async (t) => {
  const redis = await startRedis(t);
  const hooks = await startHookServer(t);
  const mediaDir = await mkdtemp(join(tmpdir(), 'showbill-media-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  const controlPort = await freePort();
  const env = {
    ...{ RECORDERS: 'main:all,clip:audio:manual', RTMP_HOOK_URL: hooks.url, NODE_ID: 'rtmp-1' },
    ...{ RTMP_CONTROL_PORT: String(controlPort), RTMP_RECONNECT_GRACE_MS: '1000' },
    RECORD_FREE_MIN_BYTES: '0',
  };
  const role = await startRole(t, { redis, mediaDir, env });
  const bus = await createRedisBus({ url: redis.url, name: 'test', log: silentLog });
  t.teardown(() => bus.close());
  const control = await createRtmpControl({
    ...{ bus, nodeId: 'web-test', nodeIds: () => ['rtmp-1'], timeoutMs: 30_000 },
  });
  const directory = new RecordingDirectory(redis.client(), control);
  const call = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${controlPort}${path}`, { method });
    return { status: answer.status, text: await answer.text() };
  };

  ffmpegPublisher(t, `rtmp://127.0.0.1:${role.rtmpPort}/publish/sk_rec`);
  const rowOf = (recorder: string) => async () =>
    (await directory.list(STREAM)).find((one) => one.recorder === recorder);
  const open = await until(rowOf('main'), { what: 'a recording', ...BUSY });
  t.match(open, { state: 'recording', recorder: 'main', nodeId: 'rtmp-1' });
  t.equal(await directory.remove(STREAM, open.id), false, 'it is being recorded');
  const start = `/control/record/start?app=publish&name=${STREAM}&rec=clip`;
  const clip = await call(start);
  t.equal(clip.status, 200);
  // It has a file, and a path to answer, from its first sound on: that may be a moment later.
  const clipRow = await until(rowOf('clip'), { what: 'the file of the clip', ...BUSY });
  const clipFile = join(mediaDir, '.recordings', `${clipRow.path}.flv`);
  t.match(clipFile, /\.recordings\/pub-sk_rec\/.*-clip\.flv$/);
  t.ok(['', clipFile].includes(clip.text), clip.text);
  t.equal((await call(start)).status, 204, 'it is running');
  const other = `/streams/${STREAM}/record`;
  t.equal((await call(`${other}/start?recorder=web&kind=video`, 'POST')).status, 200);
  t.equal((await call(`${other}/start?recorder=web&kind=smell`, 'POST')).status, 400);
  t.equal((await call('/streams/nobody/record/start', 'POST')).status, 404);
  t.equal((await control.record('stop', { streamId: STREAM, recorder: 'web' })).length, 1);
  const stop = await call(`/control/record/stop?app=publish&name=${STREAM}&rec=clip`);
  t.same(stop, { status: 200, text: clipFile }, 'the path of the file');
  const [told] = await until(
    () => {
      const calls = hooks.of('record_done').filter((one) => one.form.get('recorder') === 'clip');
      return calls.length > 0 ? calls : undefined;
    },
    { what: 'the done hook', ...BUSY },
  );
  t.equal(told?.path, '/hooks/nginx-rtmp/on_record_done');
  const { form } = told ?? { form: new URLSearchParams() };
  t.match(Object.fromEntries(form), {
    ...{ app: 'publish', name: STREAM, path: clipFile, reason: 'stopped', node: 'rtmp-1' },
    ...{ duration: /^\d+\.\d{3}$/, size: /^\d+$/, addr: '127.0.0.1' },
  });
  t.ok(Number(form.get('size')) > 32_000);

  const main = join(mediaDir, '.recordings', `${open.path}.flv`);
  // Asked seldom: the reading takes from what the publisher needs.
  await until(async () => (await keyFramesIn(main)) >= 4, {
    ...{ what: 'four key frames on disk', ...BUSY, everyMs: 300 },
  });
  role.child.kill('SIGKILL');
  await role.exited;
  t.match((await factsOf(main)).codecs, ['aac', 'h264'], 'the file of a dead process plays');

  const next = await startRole(t, { redis, mediaDir, env });
  const ready = await until(
    async () => {
      const row = await directory.find(STREAM, open.id);
      return row?.state === 'ready' ? row : undefined;
    },
    { what: 'the mended recording as MP4', ...BUSY },
  );
  t.match(ready, { end: 'recovered', recorder: 'main' });
  t.ok(ready.durationMs >= 3_000);
  t.equal((await factsOf(main)).complaints, '');
  await until(() => hooks.of('record_done').some((one) => one.form.get('reason') === 'recovered'), {
    ...{ what: 'its done hook', ...BUSY },
  });

  const url = signed(next.hls, `${ready.id}.mp4`);
  const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
  t.equal(whole.length, ready.bytes);
  const ranged = async (range: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(url, { headers: { range, ...headers } });
    return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  const middle = await ranged('bytes=100-199');
  t.equal(middle.answer.status, 206);
  t.equal(middle.answer.headers.get('content-range'), `bytes 100-199/${whole.length}`);
  t.same(middle.bytes, whole.subarray(100, 200));
  t.equal((await ranged(`bytes=${whole.length}-`)).answer.status, 416);
  t.equal((await ranged('bytes=0-9', { 'if-range': '"other"' })).answer.status, 200);
  t.match((await factsOf(url)).codecs, ['aac', 'h264'], 'ffprobe plays it over HTTP');
  const status = async (address: string) => (await fetch(address)).status;
  t.equal(await status(signed(next.hls, `${ready.id}.mp4`, { ageSec: 600 })), 200, 'hours later');
  for (const sid of ['preview', 'free-v1', recordingSid('another')]) {
    t.equal(await status(signed(next.hls, `${ready.id}.mp4`, { sid })), 403, sid);
  }
  const live = signed(next.hls, `${ready.id}.mp4`).replace(/recordings.*$/, 'master.m3u8');
  t.equal(await status(live), 403, 'a recording opens no show');
  t.equal(await status(url.replace(/\.[A-Za-z0-9_-]{22}\//, `.${'x'.repeat(22)}/`)), 403, 'forged');
  t.equal(await status(signed(next.hls, 'nobody.mp4')), 404);
  t.equal(await status(signed(next.hls, '..%2f..%2fetc%2fpasswd.mp4')), 404);

  t.equal(await directory.remove(STREAM, ready.id), true);
  t.equal(await status(url), 404);
  next.child.kill('SIGTERM');
  t.equal(await next.exited, 0);
});

t.test('ranges are read as RFC 9110 has them', (t) => {
  t.same(parseRange('bytes=0-', 10), { start: 0, end: 9 });
  t.same(parseRange('bytes=2-5', 10), { start: 2, end: 5 });
  t.same(parseRange('bytes=5-500', 10), { start: 5, end: 9 });
  t.same(parseRange('bytes=-3', 10), { start: 7, end: 9 });
  t.same(parseRange('bytes=-30', 10), { start: 0, end: 9 });
  t.equal(parseRange('bytes=10-', 10), 'unsatisfiable');
  t.equal(parseRange('bytes=-0', 10), 'unsatisfiable');
  for (const other of [undefined, '', 'bytes=', 'bytes=5-2', 'bytes=0-1,3-4', 'lines=1-2']) {
    t.equal(parseRange(other, 10), undefined, String(other));
  }
  t.end();
});
