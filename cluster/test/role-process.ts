// A role of one part, run by run-role.test.ts as a process of its own:
// node --import=tsx role-process.ts [fail]
import { runRole } from '../run-role.js';

runRole('worker', async (config, _log, lifecycle) => {
  if (process.argv[2] === 'fail') throw new Error('no parts to be had');
  const work = setInterval(() => undefined, 1_000);
  lifecycle.add('work', { stop: () => clearInterval(work) });
  process.stdout.write(`${JSON.stringify({ event: 'composed', id: config.node.id })}\n`);
  await Promise.resolve();
});
