// hls.js in a real Chromium: the picture advances, goes on over a publisher reconnect with another
// picture size, and stops when the session is cut off.
import t from 'tap';
import { systemClock } from '../../cluster/index.js';
import { until } from '../../cluster/testing/index.js';
import { fetchPlaylist, makeTags, publish, startPackager } from './hls-fixture.js';
import { openPlayer } from './player-fixture.js';

const LIVE = { speed: 1, isEndless: true } as const;

t.test('hls.js plays on without a fault while signatures are renewed', async (t) => {
  let aheadMs = 0;
  const accessClock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
  const packager = await startPackager(t, { accessClock });
  publish(t, packager.manager, await makeTags(), LIVE);
  await until(() => packager.manager.find('stream-a')?.show, {
    what: 'a show',
    deadlineMs: 90_000,
  });
  const url = packager.url('stream-a', 'v0.m3u8');
  const prefixes = async (): Promise<string> => {
    const { segments } = await fetchPlaylist(url);
    return [...new Set(segments.map((one) => new URL(one.uri).searchParams.get('p')))].join();
  };
  const seen = await openPlayer(t, packager.url('stream-a', 'master.m3u8'), {});
  for (const round of ['first', 'second', 'third']) {
    const from = (await seen()).time;
    await until(async () => (await seen()).time > from + 1.5, {
      ...{ what: `a moving picture, ${round} signature`, deadlineMs: 90_000 },
    });
    const before = await prefixes();
    aheadMs += 30_000;
    t.not(await prefixes(), before);
  }
  const from = (await seen()).time;
  await until(async () => (await seen()).time > from + 3, {
    ...{ what: 'a picture that moves on', deadlineMs: 90_000 },
  });
  const faults = (await seen()).faults.map((one) => one.details);
  t.notOk(faults.includes('levelParsingError'), faults.join());
});

t.test('hls.js plays over a publisher reconnect without a fatal error', async (t) => {
  const packager = await startPackager(t, { graceMs: 60_000 });
  // Made before: the grace is for the publisher, not for an encoder that is slow today.
  const larger = await makeTags({ size: '640x360' });
  const first = publish(t, packager.manager, await makeTags(), LIVE);
  await until(() => packager.manager.find('stream-a')?.show, {
    what: 'a show',
    deadlineMs: 90_000,
  });
  const url = packager.url('stream-a', 'master.m3u8', 'SESSION1');
  const seen = await openPlayer(t, url, { liveSyncDurationCount: 2 });
  await until(async () => (await seen()).time > 1, {
    what: 'a moving picture',
    deadlineMs: 90_000,
  });
  t.equal((await seen()).width, 320);

  first.end();
  const before = (await seen()).time;
  const second = publish(t, packager.manager, larger, { ...LIVE, offsetMs: 5_000_000 });
  await until(async () => (await seen()).width === 640, {
    what: 'the picture of the second publish',
    deadlineMs: 90_000,
  });
  const after = await seen();
  t.ok(after.time > before, 'time goes on');
  t.notOk(
    after.faults.some((one) => one.fatal),
    JSON.stringify(after.faults),
  );

  packager.guard.cut('SESSION1', 'insufficient_credit');
  await until(async () => (await seen()).faults.some(({ code }) => code === 403), {
    what: 'the player to be refused',
    deadlineMs: 90_000,
  });
  second.end();
});
