// A whole run with real roles, servers and links that break: media nodes lose, double, delay and
// reorder hooks, engine, settler, Redis and MariaDB are killed; afterwards every invariant holds.
// Other seeds: `npx tsx billing/testing/simulate.ts 50`, and every night.
import t from 'tap';
import { runSeed } from '../testing/simulator/run-seed.js';

const SEED = 1;

t.test(`faults of seed ${SEED}: the books, wallets and sessions are exact`, async (t) => {
  const { problems, outages, proofs, tips, refunds } = await runSeed(t, SEED);
  t.same(problems, []);
  t.equal(outages.filter(({ what }) => what.includes('killed')).length, 3);
  t.ok(proofs > 0 && tips > 0, `${proofs} proofs, ${tips} tips`);
  t.ok(refunds.given > 0 && refunds.refused > 0, 'refunds were given and refused');
});
