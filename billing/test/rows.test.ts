// Rows as SQL text: plain values are written by ourselves, everything else as the driver does it.
import fc from 'fast-check';
import { escape } from 'mysql2';
import t from 'tap';
import { AccountIds, post, siteAccount, type TransferDraft, walletOf } from '../posting.js';
import { valuesText } from '../rows.js';
import { startLedger } from './stage.js';

t.test('any text is escaped as the driver escapes it', (t) => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom("'", '\\', "\\'; --", ''),
  );
  fc.assert(
    fc.property(
      anyText,
      (text) => valuesText([[text, null, 7n, 7]]) === `(${escape(text)},NULL,7,7)`,
    ),
  );
  t.equal(valuesText([['a'], ['b']]), "('a'),('b')");
  t.end();
});

t.test('a remembered id that belongs to another account by now books nothing', async (t) => {
  const { database } = await startLedger(t);
  const draft = (wallet: string): TransferDraft => ({
    ...{ debit: siteAccount('site_adjustment'), credit: walletOf(wallet), amount: 5n },
    ...({ code: 'adjustment', occurredMs: '1' } as const),
  });
  const known = new AccountIds();
  const run = (...wallets: string[]) =>
    database.transaction('READ COMMITTED', (sql) =>
      post(sql, wallets.map(draft), 1, { accounts: known }),
    );
  const idOf = async (owner: string) => {
    const [row] = await database.query('SELECT id FROM account WHERE owner_ref = ?', [owner]);
    return String(row?.['id']);
  };
  await run('42', '43');
  await run('42');
  known.add('wallet:42', await idOf('43'));
  await t.rejects(run('42'), /cannot be null/);
  known.clear();
  await run('42');
  const sums = await database.query('SELECT SUM(debits) AS d, SUM(credits) AS c FROM account');
  t.match(sums, [{ d: '20', c: '20' }]);
  t.match(await database.query("SELECT credits AS c FROM account WHERE owner_ref = '42'"), [
    { c: '15' },
  ]);
});
