// Parts start in order and stop in reverse, once, within one deadline; and the process ends with
// the code that a supervisor needs to know.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { createLifecycle, type Lifecycle } from '../lifecycle.js';
import { captureLog, until } from '../testing/index.js';

function arrange(stopDeadlineMs = 5_000): {
  lifecycle: Lifecycle;
  steps: string[];
  events: () => unknown[];
  addPart: (name: string, fault?: 'start' | 'stop') => void;
} {
  const { log, events } = captureLog();
  const lifecycle = createLifecycle(log, { stopDeadlineMs });
  const steps: string[] = [];
  const step = async (what: string, isFaulty: boolean): Promise<void> => {
    await Promise.resolve();
    steps.push(what);
    if (isFaulty) throw new Error(`${what} failed`);
  };
  const addPart = (name: string, fault?: 'start' | 'stop'): void =>
    lifecycle.add(name, {
      start: () => step(`+${name}`, fault === 'start'),
      stop: () => step(`-${name}`, fault === 'stop'),
    });
  return { lifecycle, steps, events, addPart };
}

await t.test('parts start in order and stop in reverse order', async (t) => {
  const { lifecycle, steps, addPart } = arrange();
  for (const name of ['a', 'b', 'c']) addPart(name);
  lifecycle.add('nothing to do', {});

  await lifecycle.start();
  t.equal(lifecycle.isStopping(), false);
  const isInTime = await lifecycle.stop('test');

  t.same(steps, ['+a', '+b', '+c', '-c', '-b', '-a']);
  t.same([isInTime, lifecycle.isStopping()], [true, true]);
});

await t.test('stopping twice is the same stop', async (t) => {
  const { lifecycle, steps, addPart } = arrange();
  addPart('a');
  await lifecycle.start();

  const [one, two] = [lifecycle.stop('first'), lifecycle.stop('second')];
  await Promise.all([one, two]);
  await lifecycle.stop('third');

  t.equal(one, two);
  t.same(steps, ['+a', '-a']);
});

await t.test('a failed start stops what had started and throws', async (t) => {
  const { lifecycle, steps, events, addPart } = arrange();
  addPart('a');
  addPart('b', 'start');
  addPart('c');

  await t.rejects(lifecycle.start(), { message: '+b failed' });

  t.same(steps, ['+a', '+b', '-a']);
  t.ok(events().includes('lifecycle.start_failed'));
});

await t.test('a part that fails to stop does not keep the others from stopping', async (t) => {
  const { lifecycle, steps, events, addPart } = arrange();
  addPart('a');
  addPart('b', 'stop');
  await lifecycle.start();

  t.equal(await lifecycle.stop('test'), true);
  t.same(steps, ['+a', '+b', '-b', '-a']);
  t.ok(events().includes('lifecycle.stop_failed'));
});

await t.test('one deadline covers the whole stop and names the part that hangs', async (t) => {
  const { lifecycle, steps, events, addPart } = arrange(20);
  addPart('a');
  lifecycle.add('hangs', { stop: () => new Promise(() => undefined) });
  await lifecycle.start();

  t.equal(await lifecycle.stop('test'), false);
  t.same(steps, ['+a']);
  t.ok(events().includes('lifecycle.stop_late'));
});

await t.test('a part that has to wait for others gets time of its own', async (t) => {
  const { lifecycle, steps, addPart } = arrange(20);
  addPart('a');
  const stop = async (): Promise<void> => {
    const since = performance.now();
    await until(() => performance.now() - since > 100, { what: 'longer than the deadline' });
    steps.push('-slow');
  };
  lifecycle.add('slow', { stop, stopMs: 60_000 });
  await lifecycle.start();

  t.equal(await lifecycle.stop('test'), true);
  t.same(steps, ['+a', '-slow', '-a']);
});

await t.test('a stop during the start leaves nothing running', async (t) => {
  const { lifecycle, steps, addPart } = arrange();
  addPart('a');
  let letGo = (): void => undefined;
  lifecycle.add('slow', {
    start: () => new Promise<void>((resolve) => (letGo = resolve)),
    stop: () => void steps.push('-slow'),
  });
  addPart('c');
  const started = lifecycle.start();
  await until(() => steps.includes('+a'), { what: 'the first part' });

  await lifecycle.stop('early');
  letGo();
  await started;

  t.same(steps, ['+a', '-a', '-slow']);
});

interface Run {
  code: number | null;
  events: string[];
}

/** Runs the role in miniature, sends a signal when told to, and reports how it ended. */
async function runProcess(t: Test, behaviour: string, signal?: NodeJS.Signals): Promise<Run> {
  const program = fileURLToPath(new URL('./lifecycle-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', program, behaviour]);
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const awaited = behaviour === 'starts for ever' ? '"running"' : '"lifecycle.started"';
  if (signal !== undefined) {
    await until(() => output.includes(awaited), { what: awaited });
    child.kill(signal);
  }
  const code = await ended;
  const lines = output.trim().split('\n');
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
  // "running" is written by another stream than the log, so its place among the lines varies.
  return { code, events: events.filter((event) => event !== 'running') };
}

await t.test('the process ends with the code that tells what happened', async (t) => {
  const orderly = ['lifecycle.started', 'lifecycle.stopping', 'lifecycle.stopped'];
  const faulty = ['lifecycle.started', 'process.fault', ...orderly.slice(1)];
  const cases: [string, NodeJS.Signals | undefined, number, string[]][] = [
    ['is good', 'SIGTERM', 0, orderly],
    ['is good', 'SIGINT', 0, orderly],
    ['starts for ever', 'SIGTERM', 0, orderly.slice(1)],
    ['hangs', 'SIGTERM', 1, [...orderly.slice(0, 2), 'lifecycle.stop_late', 'lifecycle.stopped']],
    ['fails to start', undefined, 1, ['lifecycle.start_failed', ...orderly.slice(1)]],
    ['throws later', undefined, 1, faulty],
    ['forgets a promise', undefined, 1, faulty],
  ];
  const runs = cases.map(([behaviour, signal]) => runProcess(t, behaviour, signal));
  for (const [at, [behaviour, signal, code, events]] of cases.entries()) {
    const run = await runs[at];
    // A fatal line is written at once and may overtake the one before it.
    const seen = events === faulty ? run?.events.sort() : run?.events;
    const wanted = events === faulty ? [...events].sort() : events;
    t.same(
      { code: run?.code, events: seen },
      { code, events: wanted },
      `${behaviour} ${signal ?? ''}`,
    );
  }
});
