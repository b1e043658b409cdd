// The whole role as a process: ffmpeg publishes over RTMP, HLS is served, orders arrive, signals
// are obeyed.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createRedisBus, signHlsPath } from '../../cluster/index.js';
import {
  silentLog,
  startRedis,
  TEST_SECRETS,
  type TestScope,
  until,
} from '../../cluster/testing/index.js';
import { StreamDirectory } from '../index.js';
import { ffmpegsBelow, fetchPlaylist, playlistWith, probe } from './hls-fixture.js';
import { ffmpegPublisher } from './ingest-fixture.js';
import { type RoleProcess, startBillingMember, startRole } from './role-process.js';

const STREAM = 'pub-sk_demo';
const pathOf = (role: RoleProcess, name: string, sid = 'free-v1'): string => {
  const exp = Math.floor(Date.now() / 1_000) + 90;
  return `${role.hls}${signHlsPath({ streamId: STREAM, sid, exp }, TEST_SECRETS.token)}/${name}`;
};

async function tempDir(t: TestScope): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'showbill-media-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

t.test(
  'a broadcast becomes HLS, is cut off, kicked, survives a kill, and stops in order',
  async (t) => {
    const redis = await startRedis(t);
    const mediaDir = await tempDir(t);
    const billing = await startBillingMember(t, redis);
    billing.active.add('SESSION1');
    const bus = await createRedisBus({ url: redis.url, name: 'test', log: silentLog });
    t.teardown(() => bus.close());
    const states: string[] = [];
    await bus.subscribe('stream.state', (payload) => void states.push(payload.toString()));
    const env = { RTMP_RECONNECT_GRACE_MS: '2000' };
    const role = await startRole(t, { redis, mediaDir, env });
    const directory = new StreamDirectory(redis.client());

    const publisher = ffmpegPublisher(t, `rtmp://127.0.0.1:${role.rtmpPort}/publish/sk_demo`);
    const url = pathOf(role, 'v0.m3u8', 'SESSION1');
    const live = await playlistWith(url, 'two segments', (one) => one.segments.length >= 2);
    t.match((await probe(live.segments[0]?.uri ?? '')).streams, [{ codec_name: 'h264' }, {}]);
    await until(() => states.length === 1, { what: 'the live state' });
    t.same(JSON.parse(states[0] ?? ''), { streamId: STREAM, state: 'live', node: 'rtmp-1' });
    t.match(await directory.find(STREAM), { streamId: STREAM, video: { width: 320 } });
    t.ok(billing.calls.includes('SESSION1'), 'the gate asked billing');
    t.equal((await fetch(pathOf(role, 'v0.m3u8', 'SESSION2'))).status, 403, 'unknown session');

    const cut = {
      sessionId: 'SESSION1',
      viewerId: '1',
      roomId: '2',
      reason: 'insufficient_credit',
    };
    await bus.publish('billing.cut', JSON.stringify(cut));
    await until(async () => (await fetch(url)).status === 403, { what: 'the cut-off' });
    t.equal((await fetch(live.segments.at(-1)?.uri ?? '')).status, 403);

    await bus.publish('rtmp.kick', JSON.stringify({ streamId: STREAM, reason: 'key_replaced' }));
    t.not(await publisher.exited, 0);
    const free = pathOf(role, 'v0.m3u8');
    await playlistWith(free, 'the end of the show', (one) => one.isEnded);
    await until(() => states.length === 2, { what: 'the ended state' });
    t.same(await ffmpegsBelow(mediaDir), []);
    t.notMatch(role.output(), /(?<!pub-)sk_demo/, 'the key is in no log line');
    t.match(await (await fetch(`${role.ops}/metrics`)).text(), /showbill_hls_shows/);

    ffmpegPublisher(t, `rtmp://127.0.0.1:${role.rtmpPort}/publish/sk_demo`);
    const before = await playlistWith(free, 'a new show', (one) => !one.isEnded);
    role.child.kill('SIGKILL');
    await role.exited;
    await until(async () => (await ffmpegsBelow(mediaDir)).length === 0, {
      what: 'the kernel to end the child of a dead node',
    });

    const next = await startRole(t, { redis, mediaDir, env });
    ffmpegPublisher(t, `rtmp://127.0.0.1:${next.rtmpPort}/publish/sk_demo`);
    const after = await playlistWith(pathOf(next, 'v0.m3u8'), 'the show to go on', (one) =>
      one.segments.some((segment) => segment.discontinuity === 1),
    );
    t.ok(after.mediaSequence >= before.mediaSequence);
    next.child.kill('SIGTERM');
    t.equal(await next.exited, 0);
    t.same(await ffmpegsBelow(mediaDir), []);
    await t.rejects(fetchPlaylist(pathOf(next, 'v0.m3u8')));
  },
);

t.test('broken settings are named and the process ends with 2', async (t) => {
  const redis = await startRedis(t);
  const env = { HLS_PORT: 'nonsense', RTMP_RECONNECT_GRACE_MS: '-1' };
  const role = startRole(t, { redis, mediaDir: await tempDir(t), env });
  await t.rejects(role, /exit 2: [^]*HLS_PORT[^]*RTMP_RECONNECT_GRACE_MS/);
});
