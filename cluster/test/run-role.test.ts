// The frame of every role as a process: what it prints and the code it ends with.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { TEST_SECRETS, until } from '../testing/index.js';

const secrets = { TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal };

/** Runs the role with exactly this environment; `isEnded` by SIGTERM once it has started. */
async function run(t: Test, env: Record<string, string>, args: string[] = [], isEnded = false) {
  const program = fileURLToPath(new URL('./role-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', program, ...args], { env });
  t.teardown(() => child.kill('SIGKILL'));
  const output = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (output.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output.err += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (isEnded) {
    const deadlineMs = 20_000;
    await until(() => output.out.includes('lifecycle.started'), { what: 'the start', deadlineMs });
    child.kill('SIGTERM');
  }
  return { code: await ended, ...output };
}

await t.test('a broken configuration is one line per problem and code 2', async (t) => {
  const { code, out, err } = await run(t, { ...secrets, WEB_PORT: 'x', LOG_LEVEL: 'loud' });

  t.equal(code, 2);
  t.equal(out, '');
  t.match(err.trim().split('\n').sort(), [/^worker: LOG_LEVEL="loud" /, /^worker: WEB_PORT="x" /]);
});

await t.test('parts that cannot be made are one line and code 1', async (t) => {
  const { code, err } = await run(t, secrets, ['fail']);

  t.same([code, err], [1, 'worker: no parts to be had\n']);
});

await t.test('a role gets its settings, runs until SIGTERM and ends with code 0', async (t) => {
  const { code, out, err } = await run(t, { ...secrets, NODE_ID: 'w7' }, [], true);

  t.same([code, err], [0, '']);
  t.match(out, '{"event":"composed","id":"w7"}');
  t.match(out, /"role":"worker","node":"w7".*lifecycle\.stopped/);
});
