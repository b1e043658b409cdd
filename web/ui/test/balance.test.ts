// The balance that the page shows: never older than what it has shown before.
import t from 'tap';
import { mergeBalance, readMe, readPush } from '../src/session/balance.js';
import type { Balance } from '../src/session/balance.js';

await t.test('a push and the answer to /me tell the same wallet', (t) => {
  const pushed = readPush({ amount: '12000', held: '1000', version: 17 }, 5);
  const told = readMe({ balance: '11000', held: '1000', version: 17 }, 5);
  t.same(pushed, { amount: '12000', held: '1000', version: 17, atMs: 5 });
  t.same(told, pushed);
  t.end();
});

await t.test('what is no balance is left alone', (t) => {
  t.equal(readMe({ balance: null }, 1), undefined);
  t.equal(readPush({}, 1), undefined);
  t.equal(readPush({ amount: '1.5' }, 1), undefined);
  t.equal(readPush({ amount: 12 }, 1)?.amount, '12');
  t.end();
});

await t.test('an older version never overwrites a newer one', (t) => {
  const at = (version: number): Balance => ({
    amount: String(version),
    held: '0',
    version,
    atMs: 0,
  });
  t.equal(mergeBalance(undefined, at(3)).amount, '3');
  t.equal(mergeBalance(at(3), at(4)).amount, '4');
  t.equal(mergeBalance(at(4), at(3)).amount, '4');
  t.end();
});
