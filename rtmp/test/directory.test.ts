// The list of live streams and the ownership of shows, on real Redis: leases, fencing, expiry,
// take-over.
import t from 'tap';
import { startRedis, until } from '../../cluster/testing/index.js';
import { LiveLeases, type LiveStreamRow, StreamDirectory } from '../directory.js';
import type { ShowState } from '../hls/show.js';
import { ShowStore } from '../hls/show-store.js';
import {
  fetchPlaylist,
  ffmpegsBelow,
  makeTags,
  playlistWith,
  publish,
  startPackager,
} from './hls-fixture.js';

const row = (streamId: string, nodeId: string): LiveStreamRow => ({
  ...{ streamId, nodeId, hlsUrlBase: 'http://:8082', startedAtMs: 1, viewers: 0, notes: [] },
});

t.test('a row lives as long as its lease, and its end is told to one caller', async (t) => {
  const redis = (await startRedis(t)).client();
  const [directory, leases] = [new StreamDirectory(redis), new LiveLeases(redis)];
  t.same(await directory.list(), []);
  await leases.renew({ fence: 1, ttlMs: 60_000, row: row('a', 'node-1') });
  await leases.renew({ fence: 1, ttlMs: 100, row: row('b', 'node-1') });
  t.match(await directory.find('a'), { nodeId: 'node-1' });
  await until(async () => (await directory.list()).length === 1, { what: 'b to expire' });
  const told = await Promise.all([leases.expire(), leases.expire(), leases.expire()]);
  t.same(
    told.flat().map((one) => one.streamId),
    ['b'],
  );
  t.equal(await leases.remove('a', 1), true);
  t.equal(await leases.remove('a', 1), false);
  t.same(await directory.list(), []);
});

t.test('a newer owner cannot be overwritten or removed by an older one', async (t) => {
  const redis = (await startRedis(t)).client();
  const [directory, leases] = [new StreamDirectory(redis), new LiveLeases(redis)];
  const store = new ShowStore(redis);
  const owner = (nodeId: string) =>
    store.acquire({ streamId: 'a', nodeId, sessionId: `${nodeId}-s` });
  const first = await owner('node-1');
  t.match(first, { nodeBefore: '', sessionBefore: '', state: undefined });
  const state: ShowState = {
    ...{ showId: 's', startedAtMs: 1, updatedAtMs: 2, isEnded: false, targetSec: 2, nextEpoch: 1 },
    renditions: [],
  };
  t.equal(await store.save('a', first.fence, state), true);
  const second = await owner('node-2');
  t.match(second, { nodeBefore: 'node-1', sessionBefore: 'node-1-s', state });
  t.ok(second.fence > first.fence);
  t.equal(await store.save('a', first.fence, state), false);
  t.equal(await leases.renew({ fence: second.fence, ttlMs: 9_000, row: row('a', 'node-2') }), true);
  t.equal(await leases.renew({ fence: first.fence, ttlMs: 9_000, row: row('a', 'node-1') }), false);
  t.equal(await leases.remove('a', first.fence), false);
  t.match(await directory.find('a'), { nodeId: 'node-2' });
  t.match(await store.read('a'), { nodeId: 'node-2', state });
  t.equal(await store.read('b'), undefined);
});

t.test('a publisher that comes back on another node goes on in the same show', async (t) => {
  const one = await startPackager(t, { nodeId: 'rtmp-1' });
  const kicked: string[] = [];
  const two = await startPackager(t, {
    nodeId: 'rtmp-2',
    redisServer: one.redis,
    kickElsewhere: (_, sessionId) => Promise.resolve(void kicked.push(sessionId)),
  });
  const tags = await makeTags();
  const first = publish(t, one.manager, tags);
  const before = await playlistWith(one.url('stream-a', 'v0.m3u8'), 'two segments', (playlist) =>
    playlist.segments.some((segment) => segment.durationSec > 0.9),
  );
  publish(t, two.manager, tags);
  const after = await playlistWith(two.url('stream-a', 'v0.m3u8'), 'a second run', (playlist) =>
    playlist.segments.some((segment) => segment.discontinuity === 1),
  );
  t.ok(after.mediaSequence >= before.mediaSequence);
  t.same(kicked, [first.stream.sessionId], 'the old publisher is told to go');
  await until(() => first.kicks.length > 0, { what: 'the old node to notice by itself' });
  await until(async () => (await ffmpegsBelow(one.mediaDir)).length === 0, { what: 'no process' });
  await until(async () => (await one.directory.find('stream-a'))?.nodeId === 'rtmp-2', {
    what: 'the directory to name the new node',
  });
  const moved = await fetchPlaylist(one.url('stream-a', 'v0.m3u8'));
  t.ok(
    moved.segments.some((segment) => segment.discontinuity === 1),
    'the old address goes on',
  );
  for (const segment of [...moved.segments, ...after.segments]) {
    t.equal((await fetch(segment.uri)).status, 200, segment.uri);
  }
  t.notOk(
    [...one.announced, ...two.announced].some((told) => told.state === 'ended'),
    'the show never ended',
  );
});

t.test('shows of a node that died end when their lease does', async (t) => {
  const survivor = await startPackager(t, { nodeId: 'rtmp-2', leaseTtlMs: 600 });
  const redis = survivor.redis.client();
  const owned = await new ShowStore(redis).acquire({
    ...{ streamId: 'stream-x', nodeId: 'rtmp-1', sessionId: 's' },
  });
  const lease = { fence: owned.fence, ttlMs: 300, row: row('stream-x', 'rtmp-1') };
  await new LiveLeases(redis).renew(lease);
  await until(() => survivor.announced.length === 1, { what: 'the end of the show' });
  t.match(survivor.announced, [{ streamId: 'stream-x', state: 'ended', node: 'rtmp-2' }]);
  t.same(await survivor.directory.list(), []);
});

t.test('segments of a node that is dead are not listed by the node that goes on', async (t) => {
  const one = await startPackager(t, { nodeId: 'rtmp-1' });
  const tags = await makeTags();
  publish(t, one.manager, tags);
  const before = await playlistWith(
    one.url('stream-a', 'v0.m3u8'),
    'segments',
    (playlist) => playlist.segments.length >= 2,
  );
  const two = await startPackager(t, {
    ...{ nodeId: 'rtmp-2', redisServer: one.redis, isNodeAlive: (id) => id !== 'rtmp-1' },
  });
  publish(t, two.manager, tags);
  const after = await playlistWith(two.url('stream-a', 'v0.m3u8'), 'own segments', (playlist) =>
    playlist.segments.every((segment) => segment.discontinuity === 1),
  );
  t.ok(after.mediaSequence >= before.mediaSequence + 2);
  t.equal(after.discontinuitySequence, 1);
});
