// The simulator by hand or by night: `npx tsx billing/testing/simulate.ts [runs] [first seed]`.
// Prints each run that breaks an invariant or does not end, and ends with 1 when there was one; the
// faults, hooks and tips of a run are by its seed, the instants at which processes meet are not.
import { withScope } from '../../cluster/testing/index.js';
import { runSeed } from './simulator/run-seed.js';

const [runs = 20, first = 1] = process.argv.slice(2).map(Number);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let failures = 0;
for (let seed = first; seed < first + runs; seed += 1) {
  const startedAt = performance.now();
  const report = await withScope((t) => runSeed(t, seed)).catch((thrown: unknown) => {
    say(`seed ${seed}: ${String(thrown)}`);
  });
  if (report === undefined) {
    failures += 1;
    continue;
  }
  const { problems, outages, proofs, tips, refunds } = report;
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const events = `${proofs} proofs, ${tips} tips, ${refunds.given} + ${refunds.refused} refunds`;
  say(`seed ${seed}: ${events} in ${seconds} s, ${problems.length} problems`);
  if (problems.length === 0) continue;
  failures += 1;
  for (const { what, fromMs, toMs } of outages) {
    say(`  ${what} at ${fromMs.toFixed()} for ${(toMs - fromMs).toFixed()} ms`);
  }
  for (const problem of problems) say(`  ${problem}`);
}
say(`${runs} runs, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
