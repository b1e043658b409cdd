// Random histories against the reference model: every reply and every wallet must be equal.
import fc from 'fast-check';
import t from 'tap';
import { fuzzRounds } from '../../cluster/config.js';
import { seededRandom } from '../../cluster/testing/index.js';
import { history, runHistory } from './history.js';
import { goLive, startStage } from './stage.js';

/** Half a minute on two busy cores; SHOWBILL_FUZZ_ROUNDS=3400 makes it a million commands. */
const HISTORIES = fuzzRounds(400);
const STEPS = 300;

t.test('the scripts do what the reference model does, in every history', async (t) => {
  const stage = await startStage(t);
  await goLive(stage, '1');
  const { seed } = seededRandom(t);
  const property = fc.asyncProperty(history(STEPS), (steps) => runHistory(steps, stage));
  await fc.assert(property, { seed, numRuns: HISTORIES });
  t.pass(`${HISTORIES} histories`);
});
