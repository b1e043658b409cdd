// Calls of one viewer that two billing processes serve at once: two tabs open, prove life, tip, end
// and get refunds while both settle and fund. fast-check's scheduler picks whose script, query or
// transaction goes next, on a real Redis and MariaDB; answers, wallet and books are judged by the
// reference model and the invariants. Another seed: SHOWBILL_SEED=random.
import fc from 'fast-check';
import t from 'tap';
import { fuzzRounds } from '../../cluster/config.js';
import { seededRandom } from '../../cluster/testing/index.js';
import { Statements } from '../statements.js';
import { interleaved, oneByOne } from '../testing/interleaving/calls.js';
import { startSite } from '../testing/interleaving/site.js';
import { type Bug, plant } from '../testing/planted-bug.js';
import { judgeShards } from '../testing/simulator/judge.js';
import { mismatches } from './stage.js';

/** Of up to thirty calls, and some twenty steps that may change places. */
const RUNS = 20;

/** Only two that fund a wallet at once ask for the last command again. */
const BUG: Bug = ['the last command acts again', 'if cmdSeq <= w[CMDSEQ]', 'if cmdSeq < w[CMDSEQ]'];

t.test('calls may overlap in any order', async (t) => {
  const site = await startSite(t);
  const { stage } = site;
  const { seed } = seededRandom(t);
  await fc.assert(interleaved(site), { seed, numRuns: fuzzRounds(RUNS) });
  t.same(await mismatches(stage), []);
  t.same(await judgeShards(stage), []);
  t.equal((await new Statements(stage.database).summary()).entriesSum, '0');

  await plant(stage.redis, BUG);
  const params = { seed: 1, endOnFailure: true };
  const alone = await fc.check(oneByOne(site), { ...params, numRuns: 5 });
  t.equal(alone.failed, false, 'calls one by one do not find the bug');
  const found = await fc.check(interleaved(site), { ...params, numRuns: 200 });
  t.equal(found.failed, true, `interleaved calls do, in run ${found.numRuns}`);
});
