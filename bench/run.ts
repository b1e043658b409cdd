// `npm run bench -- <scenario> [--json FILE] [--rounds N] [--quick] [--only NAME] [--profile DIR]
// [--strict]`:
// runs one scenario against servers that it starts itself on loopback, prints a table, stops
// everything.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArguments, UsageError, type BenchOptions } from './arguments.js';
import { compileTree } from './lib/compiled-tree.js';
import { describeMachine, isBusy } from './lib/machine.js';
import { hasSmallBuffers, rerunInOwnNetwork } from './lib/own-network.js';
import { resultTable, type ResultFile } from './lib/result.js';
import { createScope, type RunScope } from './lib/teardown.js';
import { ownNetworkScenarios, scenarios } from './scenarios.js';

async function main(): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseArguments(process.argv.slice(2), Object.keys(scenarios));
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    console.error(thrown.message);
    return 2;
  }
  if (ownNetworkScenarios.has(options.scenario) && !hasSmallBuffers()) {
    const status = rerunInOwnNetwork();
    if (status !== undefined) return status;
  }
  const scope = createScope();
  stopOnSignal(scope);
  try {
    const file = await measure(options, scope);
    print(file);
    if (options.jsonFile !== undefined) {
      mkdirSync(dirname(options.jsonFile), { recursive: true });
      writeFileSync(options.jsonFile, `${JSON.stringify(file, null, 2)}\n`);
      console.log(`\nwritten to ${options.jsonFile}`);
    }
    const broken = file.results.filter(({ isKept }) => isKept === false);
    return options.isStrict && broken.length > 0 ? 1 : 0;
  } catch (thrown) {
    console.error(thrown);
    return 1;
  } finally {
    await scope.close();
  }
}

async function measure(options: BenchOptions, scope: RunScope): Promise<ResultFile> {
  const machine = describeMachine();
  const tree = compileTree(join(import.meta.dirname, '..'));
  const started = performance.now();
  const say = (line: string): void => {
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    console.error(`${seconds.padStart(7)} s  ${line}`);
  };
  const scenario = await scenarios[options.scenario]?.();
  if (scenario === undefined) throw new Error(`no scenario ${options.scenario}`);
  const report = await scenario({ options, tree, scope, say, cores: machine.cores });
  return {
    ...report,
    machine,
    rounds: options.rounds,
    isQuick: options.isQuick,
    durationSec: Math.round((performance.now() - started) / 1_000),
  };
}

function print(file: ResultFile): void {
  const { machine } = file;
  console.log(`${file.scenario}: ${file.rounds} rounds in ${file.durationSec} s`);
  console.log(
    `${machine.cpu} × ${machine.cores}, ${machine.os}, Node ${machine.node}, ` +
      `Redis ${machine.redis}, ` +
      `commit ${machine.commit}${machine.isDirty ? ' with changes' : ''}\n`,
  );
  console.log(resultTable(file.results));
  console.log(`\n${file.notes.join('\n')}`);
  if (file.isQuick) console.log('\n--quick: shows that it works; the numbers are not results.');
  if (isBusy(machine)) {
    console.log(
      `\nLoad was ${machine.loadBefore} before the run: others were at work, so trust ratios only.`,
    );
  }
}

function stopOnSignal(scope: RunScope): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void scope.close().then(() => process.exit(130));
    });
  }
}

process.exit(await main());
