// A role in miniature, run by lifecycle.test.ts as a process of its own:
// node --import=tsx lifecycle-process.ts <how it behaves>
import { createLifecycle } from '../lifecycle.js';
import { createLogger } from '../log.js';

const [behaviour = ''] = process.argv.slice(2);
const log = createLogger({ role: 'test', nodeId: 'test', level: 'info' });
const lifecycle = createLifecycle(log, { stopDeadlineMs: behaviour === 'hangs' ? 50 : 5_000 });
const never = (): Promise<void> => new Promise(() => undefined);
// Something that would keep the process alive for ever.
const work = setInterval(() => undefined, 1_000);

lifecycle.add('first', { stop: () => clearInterval(work) });
lifecycle.add('second', {
  start: behaviour === 'starts for ever' ? never : () => undefined,
  stop: behaviour === 'hangs' ? never : () => undefined,
});
if (behaviour === 'fails to start') {
  lifecycle.add('third', { start: () => Promise.reject(new Error('no luck')) });
}
if (behaviour === 'throws later') {
  setTimeout(() => {
    throw new Error('a bug');
  }, 20);
}
if (behaviour === 'forgets a promise') {
  setTimeout(() => void Promise.reject(new Error('a bug')), 20);
}
process.stdout.write('{"event":"running"}\n');
await lifecycle.runUntilSignal();
