// Runs testing/histories.ts in a process of its own: tap watches every promise of this one, which
// costs more than the histories.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { fuzzRounds, testSeed } from '../../cluster/config.js';
import type { TestScope } from '../../cluster/testing/index.js';
import type { Theme } from '../testing/history.js';

const ENTRY = fileURLToPath(new URL('../testing/histories.ts', import.meta.url));

/** The same histories each time; others are looked at by night. */
const SEED = testSeed();

/** @returns the exit code and all that the process has said */
export async function runHistories(
  t: TestScope,
  theme: Theme,
  count: number,
): Promise<{ code: number | null; said: string }> {
  const args = ['--import=tsx', ENTRY, theme, String(fuzzRounds(count)), String(SEED)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGTERM'));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}
