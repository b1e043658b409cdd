// The simulator over some hundred seeds, and the proof that each of its oracles can see: one broken
// rule, planted in the modelled Redis, must be told by the oracle that looks after it. More seeds:
// `npx tsx gateway/testing/simulate.ts 10000`.
import t from 'tap';
import { runSeed, type Oracle, type Plant } from '../testing/simulator/index.js';

const SEEDS = 150;
/** Have told of a fault once. */
const TOLD = [275, 397, 424, 612, 636, 718, 3_316, 129_902];
const TRIES = 60;

t.test('fleets under random faults keep order, lose nothing, show nothing twice', async (t) => {
  // The same seeds each time: others are looked at by simulate.ts, over night.
  const first = 1;
  const broken: string[] = [];
  const done = { sequenced: 0, shown: 0 };
  const deeds = new Set<string>();
  for (const seed of [...Array.from({ length: SEEDS }, (_, at) => first + at), ...TOLD]) {
    const report = await runSeed(seed);
    for (const { oracle, what } of report.violations) {
      broken.push(`npx tsx gateway/testing/simulate.ts 1 ${seed}: ${oracle}: ${what}`);
    }
    done.sequenced += report.sequenced;
    done.shown += report.shown;
    for (const name of report.deeds.keys()) deeds.add(name);
  }
  t.same(broken, []);
  t.ok(done.shown > done.sequenced && done.sequenced > 100 * SEEDS, 'the fleets were busy');
  t.equal(deeds.size, 15, 'every kind of fault was there');
});

t.test('the same seed gives the same run', async (t) => {
  const [one, other] = [await runSeed(7), await runSeed(7)];
  t.same([one.sequenced, one.shown, one.deeds], [other.sequenced, other.shown, other.deeds]);
});

const planted: readonly (readonly [Plant, Oracle, string])[] = [
  ['swap-feed', 'order', 'a feed that swaps the messages of a batch'],
  ['lose-history', 'loss', 'a history that lacks messages'],
  ['forget-mids', 'duplicate', 'a sequencer that does not know a mid again'],
  ['late-ban', 'ban', 'a ban that is acknowledged without being in force'],
  ['same-token', 'coordinator', 'a lease that passes on with the same token'],
  ['keep-feeds', 'leak', 'feeds that are not given back'],
  ['blind-tops', 'loss', 'a look for lost last messages that finds none'],
  ['late-tops', 'loss', 'a look for lost last messages that finds them too late'],
];

for (const [plant, oracle, what] of planted) {
  t.test(`the oracle of ${oracle} sees ${what}`, async (t) => {
    let isSeen = false;
    for (let seed = 1; seed <= TRIES && !isSeen; seed += 1) {
      const { violations } = await runSeed(seed, plant);
      isSeen = violations.some((one) => one.oracle === oracle);
    }
    t.ok(isSeen, `within ${TRIES} seeds`);
  });
}
