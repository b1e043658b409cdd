// Random histories against the reference model: every reply and every wallet must be equal.
import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../cluster/testing/index.js';
import { history, runHistory } from './history.js';
import { goLive, startStage } from './stage.js';

/** Seconds, not minutes, on two busy cores; bench runs the long version. */
const HISTORIES = 150;
const STEPS = 300;

t.test('the scripts do what the reference model does, in every history', async (t) => {
  const stage = await startStage(t);
  await goLive(stage, '1');
  const { seed } = seededRandom(t);
  const property = fc.asyncProperty(history(STEPS), (steps) => runHistory(steps, stage));
  await fc.assert(property, { seed, numRuns: HISTORIES, interruptAfterTimeLimit: 120_000 });
  t.pass(`${HISTORIES} histories`);
});
