// Faults of those who prove life: hooks that come ten times, late or not at all, a tier that falls
// silent as a whole, and clocks that jump.
import t from 'tap';
import { createMemoryBus } from '../../cluster/index.js';
import { seededRandom, silentLog } from '../../cluster/testing/index.js';
import { Announcer } from '../announcer.js';
import { Breaker } from '../breaker.js';
import { Sweeper } from '../sweeper.js';
import { costOf, perMinute } from '../tariff.js';
import { credit, goLive, open, type Stage, startStage, TIMING, touch } from './stage.js';

const PRICE = 6_000n;
const INTERVAL_MS = 10_000;
const tariff = perMinute(PRICE, 6_000);

t.test('hooks doubled, reordered and lost: never above the truth', async (t) => {
  const random = seededRandom(t);
  const stage = await startStage(t);
  const { clock, engine } = stage;
  await goLive(stage);
  for (let viewer = 1; viewer <= 30; viewer += 1) {
    const wallet = String(100 + viewer);
    await credit(engine, wallet, 1_000_000n);
    const { sessionId } = await open(stage, { wallet, tariff });
    const openedAt = clock.nowMs();
    const watchedMs = random.int(0, 600_000);
    const arrivals: number[] = [];
    for (let ms = INTERVAL_MS; ms <= watchedMs; ms += INTERVAL_MS) {
      if (random.chance(0.3)) continue;
      const late = random.chance(0.3) ? random.int(0, 60_000) : 0;
      for (let copy = random.int(1, 10); copy > 0; copy -= 1) arrivals.push(ms + late);
    }
    // Billed is what arrived: gaps up to three intervals as they are, longer ones as the grace.
    let billable = 0;
    let last = 0;
    const prove = (ms: number) => {
      billable += ms - last <= TIMING.maxGapMs ? ms - last : TIMING.graceMs;
      last = ms;
    };
    const inTime = arrivals.filter((ms) => ms <= watchedMs).sort((a, b) => a - b);
    for (const ms of inTime) {
      clock.advance(openedAt + ms - clock.nowMs());
      await touch(stage, sessionId, { wallet });
      prove(ms);
    }
    clock.advance(openedAt + watchedMs - clock.nowMs());
    prove(watchedMs);
    const { charged } = await engine.end(sessionId, 'left');
    for (const ms of arrivals.filter((one) => one > watchedMs).sort((a, b) => a - b)) {
      clock.advance(Math.max(0, openedAt + ms - clock.nowMs()));
      t.match(await touch(stage, sessionId, { wallet }), { verdict: 'ended' });
    }
    t.equal(charged, costOf(tariff, BigInt(billable)), `viewer ${viewer}`);
    t.ok(charged <= costOf(tariff, BigInt(watchedMs)), 'not above the truth');
    t.match(await engine.readWallet(wallet), { owned: 1_000_000n - charged, held: 0n });
  }
});

function sweeping(stage: Stage) {
  const { redis, engine, clock, metrics } = stage;
  const log = silentLog;
  const bus = createMemoryBus({ log });
  const nobody = () => Promise.resolve();
  const notifier = {
    ...{ balance: nobody, tip: nobody, tipNote: nobody, priceChanged: nobody },
    ...{ cut: nobody, lowBalance: nobody, showOver: nobody },
  };
  const breaker = new Breaker({
    ...{ clock, metrics, log, windowMs: INTERVAL_MS, maxGapMs: TIMING.maxGapMs },
  });
  const announcer = new Announcer({ notifier, bus, metrics, log });
  const sweeper = new Sweeper({
    ...{ redis, engine, announcer, log, breaker, everySecond: nobody },
    // The outage that this sweeper saw last is its own start, long ago by this.
    maxGapMs: -1,
  });
  return { breaker, sweeper, close: () => bus.close() };
}

t.test('all hooks silent for five minutes: no show ends, nothing is charged for it', async (t) => {
  const stage = await startStage(t);
  const { clock, engine } = stage;
  const { breaker, sweeper, close } = sweeping(stage);
  await goLive(stage);
  const viewers = Array.from({ length: 200 }, (_, at) => String(1_000 + at));
  const ids = new Map<string, string>();
  for (const wallet of viewers) {
    await credit(engine, wallet, 100_000n);
    ids.set(wallet, (await open(stage, { wallet, tariff })).sessionId);
    clock.advance(50);
  }
  const proveAll = async () => {
    const verdicts: string[] = [];
    for (const [wallet, id] of ids) {
      verdicts.push((await touch(stage, id, { wallet })).verdict);
      clock.advance(50);
    }
    return verdicts;
  };
  await proveAll();
  const charged = async () => {
    const all = await Promise.all([...ids.values()].map((id) => engine.readSession(id)));
    return all.map((one) => one.charged);
  };
  const before = await charged();
  for (let ms = 0; ms < 300_000;) {
    const step = ms < 40_000 ? 200 : 2_000;
    ms += step;
    clock.advance(step);
    breaker.total(viewers.length);
    await sweeper.turn();
  }
  t.ok(breaker.isOpen);
  const states = await Promise.all([...ids.values()].map((id) => engine.readSession(id)));
  const ended = states.filter((one) => !one.isActive).length;
  t.ok(ended <= 15, `${ended} of 200 ended before the breaker saw a mass event`);
  const after = await charged();
  const most = costOf(tariff, BigInt(TIMING.graceMs)) + 1n;
  t.ok(after.every((one, at) => one - (before[at] ?? 0n) <= most));
  const verdicts = await proveAll();
  t.equal(verdicts.filter((one) => one === 'ok').length, viewers.length - ended, 'all resume');
  await close();
});

t.test('all that one call has proved fall silent in one instant: no show ends', async (t) => {
  const stage = await startStage(t);
  const { clock, engine } = stage;
  const { breaker, sweeper, close } = sweeping(stage);
  await goLive(stage);
  const viewers = Array.from({ length: 300 }, (_, at) => String(1_000 + at));
  const ids = new Map<string, string>();
  for (const wallet of viewers) {
    await credit(engine, wallet, 100_000n);
    ids.set(wallet, (await open(stage, { wallet, tariff })).sessionId);
  }
  const most = viewers.slice(5);
  const openShows = async () => {
    const all = await Promise.all([...ids.values()].map((id) => engine.readSession(id)));
    return all.filter((one) => one.isActive).length;
  };
  breaker.total(viewers.length);
  clock.advance(TIMING.maxGapMs);
  for (const wallet of most) await touch(stage, ids.get(wallet) ?? '', { wallet });
  clock.advance(1);
  await sweeper.turn();
  t.equal(breaker.isOpen, false);
  t.equal(await openShows(), most.length, 'five who close their laptops at once are let go');
  clock.advance(TIMING.maxGapMs);
  await sweeper.turn();
  t.equal(breaker.isOpen, true, 'before the first of them is ended');
  t.equal(await openShows(), most.length);
  const [wallet = ''] = most;
  const { owned: before } = await engine.readWallet(wallet);
  t.match(await touch(stage, ids.get(wallet) ?? '', { wallet }), { verdict: 'ok', owned: before });
  await close();
});

t.test('clocks', async (t) => {
  const HOUR_MS = 3_600_000;
  async function watching() {
    const stage = await startStage(t);
    await credit(stage.engine, '42', 100_000n);
    await goLive(stage);
    const { sessionId } = await open(stage);
    stage.clock.advance(10_000);
    await touch(stage, sessionId);
    return { stage, sessionId };
  }
  await t.test('an hour forward is a gap: the grace is charged', async (t) => {
    const { stage, sessionId } = await watching();
    stage.clock.stepWall(HOUR_MS);
    t.match(await touch(stage, sessionId), { verdict: 'ok', owned: 98_500n });
    stage.clock.advance(10_000);
    t.match(await touch(stage, sessionId), { verdict: 'ok', owned: 97_500n });
  });
  await t.test('a clock that stands still charges nothing', async (t) => {
    const { stage, sessionId } = await watching();
    for (let at = 0; at < 20; at += 1) {
      t.match(await touch(stage, sessionId), { verdict: 'ok', owned: 99_000n });
    }
  });
});
