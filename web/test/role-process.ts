// Runs an entry file of the code base as a process of its own, as production does, and ends it with
// the test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TestScope } from '../../cluster/testing/index.js';

export interface RoleProcess {
  /** Everything written so far. */
  output(): string;
  stdout(): string;
  kill(signal: NodeJS.Signals): void;
  /** Exit code once it has ended. */
  readonly ended: Promise<number | null>;
}

/** @param file path from the root of the repository, such as `web/main.ts`. */
export function startProcess(
  t: TestScope,
  file: string,
  env: Readonly<Record<string, string>>,
): RoleProcess {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', '--enable-source-maps', path], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, output] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  t.teardown(async () => {
    if (!t.passing()) t.comment(`${file}: ${output.slice(-2_000)}`);
    child.kill('SIGKILL');
    await ended;
  });
  return {
    output: () => output,
    stdout: () => stdout,
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
