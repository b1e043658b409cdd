// hls.js in a real Chromium near the live edge: low latency with parts, over a publisher reconnect;
// and one-second segments without parts.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { makeTags, publish, startPackager } from './hls-fixture.js';
import { openPlayer, type Seen } from './player-fixture.js';

const isWithin = ({ delaySec }: Seen, sec: number): boolean => delaySec !== null && delaySec <= sec;

t.test('hls.js plays parts close to the live edge, over a publisher reconnect', async (t) => {
  const shape = { dvrMs: 0, partMs: 500 };
  const packager = await startPackager(t, {
    ...{ graceMs: 20_000, segmentSec: 2, shapeOf: () => Promise.resolve(shape) },
  });
  const first = publish(t, packager.manager, await makeTags({ seconds: 90 }), { speed: 1 });
  await until(() => packager.manager.find('stream-a')?.show, {
    what: 'a show',
    deadlineMs: 20_000,
  });
  const url = packager.url('stream-a', 'master.m3u8');
  const seen = await openPlayer(t, url, { lowLatencyMode: true });
  await until(async () => (await seen()).parts >= 4, { what: 'parts', deadlineMs: 30_000 });
  // Without parts a player stays three segments of two seconds behind.
  await until(async () => isWithin(await seen(), 5), {
    what: 'a delay of 5 s at most',
    deadlineMs: 60_000,
    everyMs: 200,
  });

  first.end();
  const larger = await makeTags({ size: '640x360', seconds: 90 });
  publish(t, packager.manager, larger, { speed: 1, offsetMs: 5_000_000 });
  const before = await seen();
  await until(async () => (await seen()).width === 640, {
    what: 'the picture of the second publish',
    deadlineMs: 40_000,
  });
  const after = await until(
    async () => {
      const now = await seen();
      return now.parts >= before.parts + 4 ? now : undefined;
    },
    { what: 'parts of the second publish', deadlineMs: 30_000 },
  );
  t.ok(after.time > before.time, 'time goes on');
  const fatal = after.faults.filter((one) => one.fatal);
  t.same(fatal, []);
});

t.test('one-second segments of a copy are seen within five seconds', async (t) => {
  const packager = await startPackager(t);
  publish(t, packager.manager, await makeTags({ seconds: 90 }), { speed: 1 });
  await until(() => packager.manager.find('stream-a')?.show, {
    what: 'a show',
    deadlineMs: 20_000,
  });
  t.equal(packager.manager.find('stream-a')?.show?.targetSec, 1);
  const seen = await openPlayer(t, packager.url('stream-a', 'master.m3u8'), {});
  await until(async () => isWithin(await seen(), 5), {
    what: 'a delay of 5 s at most',
    deadlineMs: 60_000,
    everyMs: 200,
  });
  t.same(
    (await seen()).faults.filter((one) => one.fatal),
    [],
  );
});
