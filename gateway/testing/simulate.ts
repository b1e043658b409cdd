// The simulator by hand or by night: `npx tsx gateway/testing/simulate.ts [seeds] [first]
// [storms]`; 100 storms are 10^4 deeds in one schedule. Prints each seed that fails and what it
// broke, and ends with 1 when there was one; a single seed is replayed with `simulate.ts 1 <seed>
// [storms]`.
import { runSeed } from './simulator/index.js';

const [count = 300, first = 1, storms = 1] = process.argv.slice(2).map(Number);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const startedAt = performance.now();
const deeds = new Map<string, number>();
let failures = 0;
let sequenced = 0;
let shown = 0;
for (let seed = first; seed < first + count; seed += 1) {
  const report = await runSeed(seed, 'none', storms);
  sequenced += report.sequenced;
  shown += report.shown;
  for (const [name, times] of report.deeds) deeds.set(name, (deeds.get(name) ?? 0) + times);
  if (report.violations.length === 0) continue;
  failures += 1;
  for (const { oracle, what } of report.violations) say(`seed ${seed}: ${oracle}: ${what}`);
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
say(`${count} seeds in ${seconds} s, ${failures} failed; ${sequenced} messages, ${shown} shown`);
say([...deeds].map(([name, times]) => `${name} ${times}`).join(' · '));
process.exitCode = failures === 0 ? 0 : 1;
