// The clock of the Redis host jumps by an hour, back, stands still and is right again (F15): nobody
// pays for more than was watched, and no step costs the model more than the grace.
import t from 'tap';
import { createMemoryBus } from '../../cluster/index.js';
import { silentLog } from '../../cluster/testing/index.js';
import { Announcer } from '../announcer.js';
import { Sweeper } from '../sweeper.js';
import { ALL_SHARDS, shardOfWallet } from '../shard.js';
import { costOf, perMinute } from '../tariff.js';
import { credit, goLive, open, type Stage, startStage, TIMING, touch } from './stage.js';

const HOUR_MS = 3_600_000;
const VIEWERS = 20;
/** Each viewer gives proof of life every ten seconds. */
const STEP_MS = 10_000 / VIEWERS;
/** A milli-credit for each millisecond. */
const tariff = perMinute(60_000n, 6_000);
const CREDIT = 10_000_000n;

interface Viewer {
  readonly wallet: string;
  readonly sessionId: string;
  readonly since: number;
  /** What was watched up to the last proof and is not paid, milli-credits. */
  unpaid: bigint;
}

/** Viewers of one shard, one every half second. */
async function seat(stage: Stage): Promise<Viewer[]> {
  const shard = shardOfWallet('42');
  const ids = Array.from({ length: VIEWERS * ALL_SHARDS.length * 4 }, (_, at) => String(at + 1));
  const viewers: Viewer[] = [];
  for (const wallet of ids.filter((id) => shardOfWallet(id) === shard).slice(0, VIEWERS)) {
    await credit(stage.engine, wallet, CREDIT);
    const { sessionId } = await open(stage, { wallet, tariff });
    viewers.push({ wallet, sessionId, since: stage.clock.monotonicMs(), unpaid: 0n });
    stage.clock.advance(STEP_MS);
  }
  return viewers;
}

/** All go on for a while and prove it. @returns what that added to the unpaid time, by viewer */
async function watch(stage: Stage, viewers: readonly Viewer[], isStalled = false) {
  const added: bigint[] = viewers.map(() => 0n);
  for (let round = 0; round < 3; round += 1) {
    for (const [at, viewer] of viewers.entries()) {
      const { owned, verdict } = await touch(stage, viewer.sessionId, viewer);
      if (verdict !== 'ok') throw new Error(`the show ended: ${verdict}`);
      const watched = costOf(tariff, BigInt(stage.clock.monotonicMs() - viewer.since));
      const unpaid = watched - (CREDIT - owned);
      added[at] = (added[at] ?? 0n) + unpaid - viewer.unpaid;
      viewer.unpaid = unpaid;
      stage.clock.advance(STEP_MS);
      if (isStalled) stage.clock.stepWall(-STEP_MS);
    }
  }
  return added;
}

t.test('a clock set an hour ahead, back, late, and right again', async (t) => {
  const stage = await startStage(t);
  const { clock, engine } = stage;
  await goLive(stage);
  const viewers = await seat(stage);
  const grace = costOf(tariff, BigInt(TIMING.graceMs));
  t.same([...new Set(await watch(stage, viewers))], [0n], 'while it is right all is paid');
  for (const [what, ms] of [
    ['an hour ahead', HOUR_MS],
    ['set right', -HOUR_MS],
    ['an hour late', -HOUR_MS],
    ['right again', HOUR_MS],
  ] as const) {
    clock.stepWall(ms);
    const added = await watch(stage, viewers);
    t.ok(
      added.every((one) => one <= grace),
      `${what}: no more than the grace is free`,
    );
    t.ok(
      viewers.every(({ unpaid }) => unpaid >= 0n),
      `${what}: nobody pays too much`,
    );
  }
  const before = viewers.map(({ unpaid }) => unpaid);
  await watch(stage, viewers.slice(0, 10), true);
  clock.stepWall(3 * 10 * STEP_MS);
  await watch(stage, viewers);
  t.same(
    viewers.map(({ unpaid }) => unpaid),
    before,
    'a clock that stood still for less than a gap costs nothing',
  );
  const wallet = '42';
  await credit(engine, wallet, CREDIT);
  const late = await open(stage, { wallet, tariff, room: '8' });
  t.equal(late.grantedUntilMs, clock.nowMs() + TIMING.quantumMs, 'times are those of the clock');
  t.match(await engine.readSession(late.sessionId), { openedMs: clock.nowMs() });
});

t.test('a Redis host that is an hour ahead of us: the credit still ends in time', async (t) => {
  const stage = await startStage(t);
  const { clock, engine, redis } = stage;
  clock.stepWall(Date.now() + HOUR_MS - clock.nowMs());
  await credit(engine, '42', 1_500n);
  await goLive(stage);
  const { sessionId } = await open(stage, { tariff });
  clock.advance(1_500);
  const bus = createMemoryBus({ log: silentLog });
  const nobody = () => Promise.resolve();
  const notifier = {
    ...{ balance: nobody, tip: nobody, tipNote: nobody, priceChanged: nobody },
    ...{ cut: nobody, lowBalance: nobody, showOver: nobody },
  };
  const sweeper = new Sweeper({
    ...{ redis, engine, log: silentLog, everySecond: nobody, maxGapMs: TIMING.maxGapMs },
    announcer: new Announcer({ notifier, bus, metrics: stage.metrics, log: silentLog }),
    breaker: {
      ...{ isOpen: false, isMass: () => false, foresee: () => undefined },
      ...{ found: () => undefined, total: () => undefined },
    },
  });
  await sweeper.turn();
  t.match(await engine.readSession(sessionId), { isActive: false, reason: 'insufficient_credit' });
  await bus.close();
});
