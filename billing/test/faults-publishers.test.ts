// Publishers whose updates cannot come or be dated: billing away, clocks that differ, jump or stand
// still. No show may end over it; one whose publisher is gone must.
import t from 'tap';
import { createMemoryBus } from '../../cluster/index.js';
import { ManualClock, silentLog, type TestScope } from '../../cluster/testing/index.js';
import { Announcer } from '../announcer.js';
import { Publishers } from '../publishers.js';
import { perMinute } from '../tariff.js';
import { credit, open, START_MS, startStage, touch } from './stage.js';

const UPDATE_MS = 30_000;
const STALE_MS = 3 * UPDATE_MS;
const GRACE_MS = 10_000;
const HOUR_MS = 3_600_000;

const publisher = { streamId: 'stream-seven', session: 's1', node: 'rtmp-1' };

/** Paid room 7 live with a viewer; the clocks of Redis and of billing are two. */
async function startShow(t: TestScope) {
  const stage = await startStage(t);
  const { engine, redis, metrics } = stage;
  const log = silentLog;
  const bus = createMemoryBus({ log });
  t.teardown(() => bus.close());
  const nobody = () => Promise.resolve();
  const notifier = {
    ...{ balance: nobody, tip: nobody, tipNote: nobody, priceChanged: nobody },
    ...{ cut: nobody, lowBalance: nobody, showOver: nobody },
  };
  const announcer = new Announcer({ notifier, bus, metrics, log });
  const room = {
    ...{ roomId: '7', performerId: '99', streamId: publisher.streamId, isActive: true },
    ...{ priceMilliPerMin: 6_000n, tariff: perMinute(6_000n, 0), showMaxMs: 0, version: 1 },
  };
  const clock = new ManualClock(START_MS);
  const startProcess = () =>
    new Publishers({
      ...{ redis, engine, announcer, log, clock, staleMs: STALE_MS, reconnectGraceMs: GRACE_MS },
      ...{ terms: { byStream: () => Promise.resolve(room) }, policy: 'replace', showMaxMs: 0 },
      now: () => stage.clock.nowMs(),
    });
  const publishers = startProcess();
  await publishers.claim(publisher, undefined);
  await credit(engine, '42', 1_000_000n);
  const { sessionId } = await open(stage);
  const isOn = async () => (await engine.readSession(sessionId)).isActive;
  /** Both clocks go on, with a look each second, until the update of the publisher at last. */
  const pass = async (ms: number, by: Publishers, isProving = false) => {
    for (let at = 1_000; at <= ms; at += 1_000) {
      clock.advance(1_000);
      stage.clock.advance(1_000);
      await by.sweep();
      if (at % 10_000 === 0 && (await isOn())) await touch(stage, sessionId);
      if (isProving && at % UPDATE_MS === 0) await by.touch(publisher);
    }
  };
  return { stage, clock, publishers, startProcess, isOn, pass };
}

t.test('billing was away for five minutes: shows wait for the next update', async (t) => {
  const { stage, clock, publishers, startProcess, isOn, pass } = await startShow(t);
  await pass(UPDATE_MS, publishers, true);
  for (const by of [publishers, startProcess()]) {
    clock.advance(300_000);
    stage.clock.advance(300_000);
    await pass(UPDATE_MS, by, true);
    t.ok(await isOn(), by === publishers ? 'it could not look' : 'it was started anew');
  }
});

t.test('a publisher that is silent is down after three updates, its show ends later', async (t) => {
  const { publishers, isOn, pass } = await startShow(t);
  await pass(STALE_MS + GRACE_MS, publishers);
  t.ok(await isOn());
  await pass(3_000, publishers);
  t.notOk(await isOn());
});

for (const [name, stepMs] of [
  ['an hour ahead', HOUR_MS],
  ['an hour back', -HOUR_MS],
] as const) {
  t.test(`the clock of Redis is set ${name}: no show ends, a silent one does`, async (t) => {
    const { stage, publishers, isOn, pass } = await startShow(t);
    await pass(UPDATE_MS, publishers, true);
    stage.clock.stepWall(stepMs);
    await pass(2 * STALE_MS, publishers, true);
    t.ok(await isOn());
    await pass(STALE_MS + GRACE_MS + 3_000, publishers);
    t.notOk(await isOn());
  });
}

t.test('the clock of Redis stands still: a publisher that proves its life stays', async (t) => {
  const { clock, publishers, isOn } = await startShow(t);
  for (let at = 1; at <= 200; at += 1) {
    clock.advance(1_000);
    await publishers.sweep();
    if (at % 30 === 0) t.ok(await publishers.touch(publisher));
  }
  t.ok(await isOn());
});
