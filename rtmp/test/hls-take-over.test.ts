// A show that moves to another node and back, as its viewers see it at both addresses: numbers only
// grow, a number means one segment for ever, and whatever a playlist names is there.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, until } from '../../cluster/testing/index.js';
import type { ShowState } from '../hls/show.js';
import type { LiveStream } from '../live-stream.js';
import { ShowStore } from '../hls/show-store.js';
import {
  fetchPlaylist,
  makeTags,
  type Packager,
  type Playlist,
  playlistWith,
  publish,
  startPackager,
} from './hls-fixture.js';

const LISTS = ['v0.m3u8', 'dvr-v0.m3u8'];
const PART = /#EXT-X-(?:PART:[^\n]*|MAP:)URI="([^"]+)"/g;

/** Without the signed prefix, which changes. */
const placeOf = (uri: string): string => new URL(uri).pathname.split('/').slice(3).join('/');

/** Follows all playlists of a stream on some nodes, and fetches whatever appears in them. */
function follow(t: { fail(message: string): unknown }, nodes: readonly Packager[]) {
  const heads = new Map<string, { first: number; next: number; epoch: number }>();
  const places = new Map<number, string>();
  const fetched = new Set<string>();
  const check = (url: string, name: string, playlist: Playlist): void => {
    const { mediaSequence: first, segments, discontinuitySequence: epoch } = playlist;
    const before = heads.get(name) ?? { first: 0, next: 0, epoch: 0 };
    const next = first + segments.length;
    if (first < before.first) t.fail(`${name} has gone back to ${first}`);
    if (next < before.next) t.fail(`${name} ends at ${next}, after ${before.next}`);
    if (epoch < before.epoch) t.fail(`${name}: discontinuity sequence ${epoch}`);
    heads.set(name, { first, next, epoch });
    for (const { sequence, uri, discontinuity } of segments) {
      const place = `${placeOf(uri)} of ${discontinuity}`;
      if ((places.get(sequence) ?? place) !== place) {
        t.fail(`${name}: ${sequence} was ${places.get(sequence) ?? ''}, now ${place}`);
      }
      places.set(sequence, place);
    }
    if (playlist.isEnded) t.fail(`${name}: the show has ended for its viewers\n${url}`);
  };
  const fetchNew = async (url: string, playlist: Playlist): Promise<void> => {
    const parts = [...playlist.text.matchAll(PART)].map(([, uri = '']) => new URL(uri, url).href);
    for (const uri of [...playlist.segments.map((one) => one.uri), ...parts]) {
      if (fetched.has(placeOf(uri))) continue;
      fetched.add(placeOf(uri));
      const { status } = await fetch(uri);
      if (status !== 200) t.fail(`${status} for what was listed: ${uri}`);
    }
  };
  return async (): Promise<void> => {
    for (const [at, node] of nodes.entries()) {
      for (const list of LISTS) {
        const url = node.url('stream-a', list);
        // Before the show begins there is none.
        const playlist = await fetchPlaylist(url).catch(() => undefined);
        if (playlist === undefined) continue;
        check(url, `${list} at ${at}`, playlist);
        await fetchNew(url, playlist);
      }
    }
  };
}

/** A later list of a window that has all begins with what an earlier one had. */
function sameAs(t: Test, earlier: Playlist, later: Playlist): void {
  const rest = later.segments.slice(0, earlier.segments.length);
  const shapeOf = ({ uri, ...one }: Playlist['segments'][number]) => {
    return { ...one, place: placeOf(uri) };
  };
  t.same(rest.map(shapeOf), earlier.segments.map(shapeOf));
  inOrder(t, later);
}

/** Numbers without a hole, wall times that grow. */
function inOrder(t: Test, { segments }: Playlist): void {
  for (const [at, one] of segments.entries()) {
    const before = segments[at - 1];
    if (before === undefined) continue;
    if (one.sequence !== before.sequence + 1) t.fail(`${one.sequence} after ${before.sequence}`);
    if (one.atMs <= before.atMs) t.fail(`${one.sequence} was before the one before it`);
  }
}

for (const partMs of [0, 500]) {
  const what = partMs === 0 ? 'segments' : 'parts';
  t.test(`a show of ${what} moves to another node and back, live and DVR`, async (t) => {
    const shape = {
      ...{ windowSegments: 3, shapeOf: () => Promise.resolve({ dvrMs: 600_000, partMs }) },
      // What is listed stays, however soon the rest is removed.
      ...(partMs === 0 ? { disposeMs: 200 } : {}),
    };
    const one = await startPackager(t, { nodeId: 'rtmp-1', ...shape });
    const two = await startPackager(t, { nodeId: 'rtmp-2', redisServer: one.redis, ...shape });
    const look = follow(t, [one, two]);
    const tags = await makeTags({ seconds: 60 });
    const lookUntil = (node: Packager, wanted: string, isIt: (dvr: Playlist) => boolean) => {
      const ask = async (): Promise<Playlist | undefined> => {
        await look();
        const dvr = await fetchPlaylist(node.url('stream-a', 'dvr-v0.m3u8')).catch(() => undefined);
        return dvr !== undefined && isIt(dvr) ? dvr : undefined;
      };
      return until(ask, { what: wanted, deadlineMs: 90_000, everyMs: 20 });
    };
    const publisher = publish(t, one.manager, tags, { speed: 2, isEndless: true });
    const before = await lookUntil(one, 'a DVR window', (dvr) => dvr.segments.length >= 5);
    publish(t, two.manager, tags, { speed: 2, isEndless: true });
    const lastEpoch = (dvr: Playlist): number => dvr.segments.at(-1)?.discontinuity ?? 0;
    const moved = await lookUntil(two, 'a run of the other node', (dvr) => {
      return lastEpoch(dvr) > lastEpoch(before) && dvr.segments.length >= 3;
    });
    t.ok(moved.mediaSequence >= before.mediaSequence);
    // A show of parts leaves numbers out, over which no list can go.
    const isWhole = partMs === 0;
    if (isWhole) sameAs(t, before, moved);
    await until(() => publisher.kicks.length > 0, { what: 'the first node to notice' });
    publish(t, one.manager, tags, { speed: 2, isEndless: true });
    const back = await lookUntil(one, 'a run of the first node again', (dvr) => {
      return lastEpoch(dvr) > lastEpoch(moved) && dvr.segments.length >= 4;
    });
    t.ok(back.mediaSequence >= moved.mediaSequence);
    if (isWhole) sameAs(t, moved, back);
    // Whoever asks the other node sees the same.
    const elsewhere = await lookUntil(two, 'the window by the other node', (dvr) => {
      return lastEpoch(dvr) > lastEpoch(moved);
    });
    if (isWhole) sameAs(t, moved, elsewhere);
    // By now each node has removed what it had to.
    for (const { uri } of isWhole ? elsewhere.segments : []) {
      const { status } = await fetch(uri);
      if (status !== 200) t.fail(`${status} for what is still listed: ${uri}`);
    }
    await look();
    const live = await fetchPlaylist(one.url('stream-a', 'v0.m3u8'));
    t.equal(live.text.includes('#EXT-X-PART:'), partMs > 0, 'parts as the show began with');
    t.notOk([...one.announced, ...two.announced].some(({ state }) => state === 'ended'));
  });
}

t.test('nobody sees a show before another node could go on with it', async (t) => {
  const redis = await startRedis(t);
  const client = await connectRedis(redis.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(client));
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let waiting = 0;
  class SlowStore extends ShowStore {
    override async save(streamId: string, fence: number, state: ShowState): Promise<boolean> {
      waiting += 1;
      await gate;
      return super.save(streamId, fence, state);
    }
  }
  const packager = await startPackager(t, { redisServer: redis, store: new SlowStore(client) });
  publish(t, packager.manager, await makeTags({ seconds: 60 }), { speed: 4 });
  await until(() => waiting > 0, { what: 'the first save' });
  const url = packager.url('stream-a', 'v0.m3u8');
  t.equal((await fetch(url)).status, 404);
  t.equal(packager.manager.find('stream-a')?.isLive, true, 'it has a segment');
  open();
  await playlistWith(url, 'the show', (one) => one.segments.length >= 1);
  t.match(await new ShowStore(client).read('stream-a'), { nodeId: 'rtmp-test' });
});

for (const isDeadBefore of [true, false]) {
  const when = isDeadBefore ? 'before' : 'after';
  t.test(`no DVR window lists a node that died ${when} another took its show`, async (t) => {
    const dead = new Set<string>();
    const shape = {
      ...{ windowSegments: 3, isNodeAlive: (id: string) => !dead.has(id) },
      shapeOf: () => Promise.resolve({ dvrMs: 600_000, partMs: 0 }),
    };
    const one = await startPackager(t, { nodeId: 'rtmp-1', ...shape });
    const two = await startPackager(t, { nodeId: 'rtmp-2', redisServer: one.redis, ...shape });
    const tags = await makeTags({ seconds: 60 });
    publish(t, one.manager, tags, { speed: 4, isEndless: true });
    const dvrOf = (node: Packager): string => node.url('stream-a', 'dvr-v0.m3u8');
    const isLong = ({ segments }: Playlist): boolean => segments.length >= 6;
    const before = await playlistWith(dvrOf(one), 'a DVR window', isLong);
    if (isDeadBefore) dead.add('rtmp-1');
    publish(t, two.manager, tags, { speed: 4, isEndless: true });
    const isOf = (node: Packager) => (one: { uri: string }) => one.uri.startsWith(node.base);
    const ownOf = ({ segments }: Playlist) => segments.filter(isOf(two)).length;
    const moved = await playlistWith(dvrOf(two), 'both', (dvr) => ownOf(dvr) >= 5);
    t.equal(moved.mediaSequence === before.mediaSequence, !isDeadBefore, 'what is there, is kept');
    dead.add('rtmp-1');
    const after = await playlistWith(dvrOf(two), 'its own', (dvr) => !dvr.segments.some(isOf(one)));
    t.ok(after.mediaSequence > before.mediaSequence);
    t.ok(after.discontinuitySequence > before.discontinuitySequence);
    t.ok(ownOf(after) >= 5, 'what comes after the dead stays');
    inOrder(t, after);
    for (const { uri } of after.segments) t.equal((await fetch(uri)).status, 200, uri);
    const isCut = (dvr: Playlist): boolean => dvr.mediaSequence >= after.mediaSequence;
    await playlistWith(dvrOf(one), 'the same at whoever else is asked', isCut);
    const log = (await one.redis.client().keys('rtmp:*:dvr:*')).length;
    t.equal(log, 1, 'one log for the show');
  });
}

t.test('a node dies in a show of parts: the next one goes on with a whole playlist', async (t) => {
  const shape = { windowSegments: 4, shapeOf: () => Promise.resolve({ dvrMs: 0, partMs: 500 }) };
  const one = await startPackager(t, { nodeId: 'rtmp-1', ...shape });
  const two = await startPackager(t, {
    ...{ nodeId: 'rtmp-2', redisServer: one.redis, ...shape },
    isNodeAlive: (id) => id !== 'rtmp-1',
  });
  const tags = await makeTags({ seconds: 60 });
  // The dead say nothing more: nobody hears that the publish has ended.
  const mute = {
    streamStarted: (stream: LiveStream) => one.manager.streamStarted(stream),
    streamEnded: () => undefined,
  };
  const publisher = publish(t, mute, tags, { speed: 2, isEndless: true });
  const isInParts = ({ segments, text }: Playlist): boolean =>
    segments.length >= 4 && text.includes('#EXT-X-PART:');
  await playlistWith(one.url('stream-a', 'v0.m3u8'), 'a show of parts', isInParts);
  publisher.end();
  const last = await fetchPlaylist(one.url('stream-a', 'v0.m3u8'));
  const seen = last.segments.at(-1);

  publish(t, two.manager, tags, { speed: 2, isEndless: true });
  const look = follow(t, [two]);
  const url = two.url('stream-a', 'v0.m3u8');
  const isGoingOn = async (): Promise<Playlist | undefined> => {
    await look();
    const playlist = await fetchPlaylist(url).catch(() => undefined);
    const isNew = playlist?.segments.at(-1)?.uri.startsWith(two.base) === true;
    return playlist !== undefined && isNew && isInParts(playlist) ? playlist : undefined;
  };
  const next = await until(isGoingOn, { what: 'its parts on the next', deadlineMs: 90_000 });
  t.ok(next.segments.every(({ sequence }) => sequence > (seen?.sequence ?? Infinity)));
  t.ok(next.segments.every(({ discontinuity }) => discontinuity > (seen?.discontinuity ?? 0)));
  t.ok(
    next.segments.every(({ uri }) => uri.startsWith(two.base)),
    'nothing of the dead is listed',
  );
});
