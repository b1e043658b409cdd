// Coded errors: the table row decides what leaves, the cause stays, and a bug is not an AppError.
import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  AppError,
  assert,
  clusterErrors,
  coerceError,
  defineErrors,
  unreachable,
} from '../errors.js';

const fault = defineErrors({
  SHOP_CLOSED: { http: 503, retry: true, message: '{shop} opens at {hour}' },
});

await t.test('an error takes status, retry advice and words from its row', (t) => {
  const cause = new Error('why');
  const error = fault('SHOP_CLOSED', { shop: 'B. & Co', hour: 9 }, cause);

  t.ok(error instanceof AppError);
  t.match(error, {
    code: 'SHOP_CLOSED',
    http: 503,
    retry: true,
    message: 'B. & Co opens at 9',
    cause,
  });
  t.same(error.toBody(), {
    error: {
      code: 'SHOP_CLOSED',
      message: 'B. & Co opens at 9',
      retry: true,
      details: { shop: 'B. & Co', hour: 9 },
    },
  });
  t.match(fault('SHOP_CLOSED').message, '{shop} opens at {hour}', 'a missing detail is visible');
  t.end();
});

await t.test('broken promises of our own code are assertions', (t) => {
  t.throws(() => assert(false, 'two plus two'), { code: 'ERR_ASSERTION', message: 'two plus two' });
  t.doesNotThrow(() => assert(true, ''));
  t.throws(() => unreachable('x' as never), { code: 'ERR_ASSERTION', message: /unreachable: "x"/ });
  t.end();
});

await t.test('whatever was thrown becomes an Error', (t) => {
  const error = new Error('x');
  t.equal(coerceError(error), error);
  t.match(coerceError('text'), { message: 'text' });
  t.match(coerceError(undefined), { message: 'undefined' });
  t.end();
});

await t.test('the table of this folder stands in its README, both ways', (t) => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const documented = [...readme.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (yes|no) \|/gm)].map(
    ([, code, http, retry]) => [code, Number(http), retry],
  );
  const table = Object.entries(clusterErrors).map(([code, row]) => [
    code,
    row.http,
    row.retry ? 'yes' : 'no',
  ]);

  t.same(documented, table);
  t.end();
});
