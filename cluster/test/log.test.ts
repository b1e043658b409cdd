// Log lines: one JSON object each, event first in meaning, and nothing secret in any of them.
import { Redis } from 'ioredis';
import t from 'tap';
import { clusterError } from '../errors.js';
import { REDACTED_FIELDS } from '../log.js';
import { captureLog, startRedis } from '../testing/index.js';

await t.test('a line carries event, role, node, level and time', (t) => {
  const { log, lines } = captureLog();
  log.info({ event: 'session.closed', reason: 'drain' });

  t.match(lines, [
    { event: 'session.closed', reason: 'drain', role: 'test', node: 'test', level: 30 },
  ]);
  t.match(lines[0]?.['time'], /^\d{4}-\d\d-\d\dT/);
  t.end();
});

await t.test('secret fields are cut out at the top and one level down', (t) => {
  const { log, lines } = captureLog();
  const names = REDACTED_FIELDS.filter((name) => !name.includes('.'));
  for (const name of names)
    log.info({ event: 'x', [name]: 'hunter2', body: { [name]: 'hunter2', n: 1 } });
  log.child({ token: 'hunter2' }).info({ event: 'x' });

  t.equal(lines.length, names.length + 1);
  t.notMatch(JSON.stringify(lines), 'hunter2');
  t.match(lines[0], { body: { n: 1 } });
  t.end();
});

await t.test('an error is logged with code, details and causes', (t) => {
  const { log, lines } = captureLog();
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  log.warn({
    event: 'x',
    err: clusterError('REDIS_AWAY', { host: 'h', port: 1, reason: 'r' }, cause),
  });
  log.warn({ event: 'x', err: 'only text' });

  t.match(lines[0]?.['err'], {
    type: 'AppError',
    code: 'REDIS_AWAY',
    details: { host: 'h' },
    stack: /log\.test/,
    cause: { message: 'refused', code: 'ECONNREFUSED' },
  });
  t.equal(lines[1]?.['err'], 'only text');
  t.end();
});

await t.test('the arguments of a failed Redis command are not logged', async (t) => {
  const { log, lines } = captureLog();
  const { host, port } = await startRedis(t);
  const redis = new Redis(port, host, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  t.teardown(() => redis.disconnect());

  const thrown: unknown = await redis.call('AUTH', 'hunter2').catch((error: unknown) => error);
  log.error({ event: 'x', err: thrown });

  t.match(JSON.stringify(thrown), 'hunter2', 'the error itself does hold them');
  t.match(lines[0]?.['err'], { message: /without any password/ });
  t.notMatch(JSON.stringify(lines), 'hunter2');
});
