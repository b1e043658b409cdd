// Histories by hand or by night: `npx tsx billing/testing/histories.ts <shows|credits> [count]
// [seed]` runs that many histories of 300 commands against a redis-server of its own and against
// the reference model. Prints one line and ends with 0, or with 1 and a short history that differs;
// `histories.ts <theme> 1 <seed>` runs one again.
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, withScope } from '../../cluster/testing/index.js';
import { openShards } from '../test/stage.js';
import { historyOf, isTheme, type Step } from './history.js';
import { runHistory } from './history-run.js';

const STEPS = 300;
/** More tell nothing new. */
const FAILURES_MAX = 3;

const [theme, count = '1000', first = '1'] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
if (!isTheme(theme)) throw new Error('say which: shows or credits');
await withScope(async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  await openShards(redis);
  const problem = (steps: readonly Step[]): Promise<string | undefined> =>
    runHistory(steps, redis).then(
      () => undefined,
      (thrown: unknown) => String(thrown),
    );
  const startedAt = performance.now();
  let [done, failed] = [0, 0];
  for (let seed = Number(first); done < Number(count) && failed < FAILURES_MAX; seed += 1) {
    const steps = historyOf(theme, STEPS, seed);
    done += 1;
    const found = await problem(steps);
    if (found === undefined) continue;
    failed += 1;
    const short = await shorten(steps, async (one) => (await problem(one)) !== undefined);
    say(`seed ${seed}: ${found}`);
    say(`of it remains: ${await problem(short)}`);
    for (const step of short) say(JSON.stringify(step));
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(`${done} histories × ${STEPS} commands (${theme}) in ${seconds} s, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
});

/** Leaves out whatever the failure does not need: halves, quarters, … single steps. */
async function shorten(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
): Promise<readonly Step[]> {
  let kept = steps;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length;) {
      const rest = kept.toSpliced(at, size);
      if (await fails(rest)) kept = rest;
      else at += size;
    }
  }
  return kept;
}
