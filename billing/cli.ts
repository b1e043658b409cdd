// `npm run billing -- <command>`: reconcile, rebuild, drill, unpark. See commands.ts.
import { ConfigError, loadConfig } from '../cluster/index.js';
import { runCommand } from './commands.js';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

runCommand(process.argv.slice(2), { config: () => loadConfig(), print }).then(
  (code) => {
    process.exitCode = code;
  },
  (thrown: unknown) => {
    const lines = thrown instanceof ConfigError ? thrown.problems : [String(thrown)];
    for (const line of lines) process.stderr.write(`billing: ${line}\n`);
    process.exitCode = thrown instanceof ConfigError ? 2 : 1;
  },
);
