// hls.js in a real Chromium near the live edge: low latency with parts, over a publisher reconnect;
// and one-second segments without parts.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { makeTags, publish, startPackager } from './hls-fixture.js';
import { openPlayer, type Seen } from './player-fixture.js';

const isWithin = ({ delaySec }: Seen, sec: number): boolean => delaySec !== null && delaySec <= sec;

/** A machine that was busy for a moment leaves the player behind: it may make up for it. */
const CATCH_UP = { maxLiveSyncPlaybackRate: 1.5, liveSyncOnStallIncrease: 0 } as const;
const LIVE = { speed: 1, isEndless: true } as const;

t.test('hls.js plays parts close to the live edge, over a publisher reconnect', async (t) => {
  const shape = { dvrMs: 0, partMs: 500 };
  const packager = await startPackager(t, {
    ...{ graceMs: 60_000, segmentSec: 2, shapeOf: () => Promise.resolve(shape) },
  });
  // Made before: players wait for the publisher, not for an encoder that is slow today.
  const larger = await makeTags({ size: '640x360' });
  const first = publish(t, packager.manager, await makeTags(), LIVE);
  await until(() => packager.manager.find('stream-a')?.show, {
    what: 'a show',
    deadlineMs: 90_000,
  });
  const url = packager.url('stream-a', 'master.m3u8');
  const seen = await openPlayer(t, url, { lowLatencyMode: true, ...CATCH_UP });
  await until(async () => (await seen()).parts >= 4, { what: 'parts', deadlineMs: 90_000 });
  // Without parts a player stays three segments of two seconds behind.
  await until(async () => isWithin(await seen(), 5), {
    what: 'a delay of 5 s at most',
    deadlineMs: 90_000,
    everyMs: 200,
  });

  first.end();
  publish(t, packager.manager, larger, { ...LIVE, offsetMs: 5_000_000 });
  const before = await seen();
  await until(async () => (await seen()).width === 640, {
    what: 'the picture of the second publish',
    deadlineMs: 90_000,
  });
  const after = await until(
    async () => {
      const now = await seen();
      return now.parts >= before.parts + 4 ? now : undefined;
    },
    { what: 'parts of the second publish', deadlineMs: 90_000 },
  );
  t.ok(after.time > before.time, 'time goes on');
  const fatal = after.faults.filter((one) => one.fatal);
  t.same(fatal, []);
});

t.test('one-second segments of a copy are seen within five seconds', async (t) => {
  const packager = await startPackager(t);
  publish(t, packager.manager, await makeTags(), LIVE);
  await until(() => packager.manager.find('stream-a')?.show, {
    what: 'a show',
    deadlineMs: 90_000,
  });
  t.equal(packager.manager.find('stream-a')?.show?.targetSec, 1);
  const seen = await openPlayer(t, packager.url('stream-a', 'master.m3u8'), CATCH_UP);
  await until(async () => isWithin(await seen(), 5), {
    what: 'a delay of 5 s at most',
    deadlineMs: 90_000,
    everyMs: 200,
  });
  t.same(
    (await seen()).faults.filter((one) => one.fatal),
    [],
  );
});
