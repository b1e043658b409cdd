// Overload levels: when they change, what is given up first, and whom they refuse.
import t from 'tap';
import { captureLog, ManualClock, until } from '../../cluster/testing/index.js';
import { createMetrics } from '../../cluster/index.js';
import { createOverloadMetrics } from '../metrics.js';
import { OverloadGuard, OverloadScale } from '../overload.js';
import { publishAdmission } from '../publish-admission.js';
import { makeTags, playlistWith, publish, startPackager } from './hls-fixture.js';
import { startIngest } from './ingest-fixture.js';

/** The level after `seconds` at a load, looked at every second. */
function after(scale: OverloadScale, clock: ManualClock, busyPercent: number, seconds: number) {
  for (let n = 0; n < seconds; n += 1) {
    clock.advance(1_000);
    scale.observe(busyPercent, clock.monotonicMs());
  }
  return scale.level;
}

t.test('levels rise one by one after a busy time, and fall after a longer quiet one', (t) => {
  const [clock, scale] = [new ManualClock(), new OverloadScale(90)];
  t.equal(after(scale, clock, 100, 9), 0, 'a peak is none');
  t.equal(after(scale, clock, 89, 1), 0);
  t.equal(after(scale, clock, 90, 11), 1);
  t.equal(after(scale, clock, 95, 9), 1);
  t.equal(after(scale, clock, 95, 1), 2);
  t.equal(after(scale, clock, 100, 60), 2, 'there is no higher one');
  t.equal(after(scale, clock, 80, 600), 2, 'between the two limits nothing changes');
  t.equal(after(scale, clock, 74, 30), 2);
  t.equal(after(scale, clock, 76, 1), 2, 'the quiet time begins again');
  t.equal(after(scale, clock, 74, 31), 1);
  t.equal(after(scale, clock, 10, 30), 0);
  t.equal(after(new OverloadScale(0), clock, 100, 600), 0, 'switched off');
  t.end();
});

t.test('encodings are given up one at a time, for as long as it lasts', async (t) => {
  const clock = new ManualClock();
  const metrics = createMetrics('rtmp', { process: false });
  let [busy, sheds, spare] = [100, 0, 3];
  const guard = new OverloadGuard({
    ...{ limitPercent: 90, clock, log: captureLog().log, busyPercent: () => busy },
    metrics: createOverloadMetrics(metrics),
    shed: () => {
      if (sheds === spare) return false;
      sheds += 1;
      return true;
    },
  });
  const pass = (seconds: number): void => {
    for (let n = 0; n < seconds; n += 1) {
      clock.advance(1_000);
      guard.look();
    }
  };
  pass(11);
  t.equal(sheds, 1, 'on entering the level');
  pass(9);
  t.equal(sheds, 1, 'what it saved is waited for');
  pass(30);
  t.equal(sheds, spare, 'until there is nothing left');
  t.match(await metrics.registry.metrics(), /showbill_rtmp_overload_level\{[^}]*\} 2/);
  t.match(await metrics.registry.metrics(), /showbill_rtmp_overload_sheds_total\{[^}]*\} 3/);
  [busy, spare] = [0, 9];
  pass(70);
  t.equal(guard.level, 0);
  const atRest = sheds;
  pass(60);
  t.equal(sheds, atRest);
});

t.test('the dearest encoding of all shows goes first, and its viewers play on', async (t) => {
  const packager = await startPackager(t, { renditionsMax: 2, budgetPercent: 400 });
  const live = { speed: 1, isEndless: true } as const;
  const large = await makeTags({ size: '640x480' });
  publish(t, packager.manager, large, { ...live, streamId: 'large' });
  publish(t, packager.manager, await makeTags({ size: '426x260' }), { ...live, streamId: 'small' });
  for (const id of ['large', 'small']) {
    await until(() => (packager.manager.find(id)?.spareWork ?? 0) > 0, {
      ...{ what: `two renditions of ${id}`, deadlineMs: 60_000 },
    });
    await playlistWith(packager.url(id, 'v1.m3u8'), 'a segment', (one) => one.segments.length > 0);
  }
  t.equal(packager.manager.shedDearest(), true);
  const without = await playlistWith(packager.url('large', 'v1.m3u8'), 'the next run', (one) =>
    one.segments.some(({ discontinuity }) => discontinuity === 1),
  );
  t.ok(without.segments.at(-1)?.uri.includes('/v0/'), 'the copy is served in its place');
  t.equal(packager.manager.find('large')?.spareWork, 0);
  t.ok((packager.manager.find('small')?.spareWork ?? 0) > 0);
  t.equal(packager.manager.shedDearest(), true);
  await until(() => packager.manager.find('small')?.spareWork === 0, { what: 'the other one' });
  t.equal(packager.manager.shedDearest(), false, 'copies are never given up');
});

t.test('a full node refuses new publishers with the reason and keeps the others', async (t) => {
  const overload = { level: 1 };
  const known = new Set<string>();
  const shows = {
    find: (id: string) => ({ isLive: known.has(id) }),
    obstacleTo: () => Promise.resolve(undefined),
  };
  const ingest = await startIngest(t, { mayBegin: publishAdmission({ overload, shows }) });
  const running = await ingest.publisher('sk_one');
  overload.level = 2;
  await t.rejects(ingest.publisher('sk_two'), {
    code: 'NetStream.Publish.Rejected',
    message: /too much to do for another broadcast/,
  });
  await until(() => ingest.hooks.of('publish_done').length === 1, { what: 'the done' });
  t.match(await ingest.metricText(), /refusals_total\{[^}]*code="RTMP_OVERLOADED"[^}]*\} 1/);
  t.equal(ingest.server.streams().length, 1, 'who publishes goes on');
  await ingest.publisher('sk_one');
  await until(() => ingest.ended.length === 1, { what: 'its newer connection to take over' });
  known.add('pub-sk_three');
  await ingest.publisher('sk_three');
  t.equal(ingest.server.streams().length, 2, 'who comes back to a show is let in');
  running.socket.destroy();
});
