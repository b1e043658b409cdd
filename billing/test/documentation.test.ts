// The README and the tables in code say the same; money and tariff arithmetic at their borders.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import t from 'tap';
import { BILLING_ERRORS } from '../errors.js';
import { formatCredits, MILLI_MAX, parseCredits, parseMilli } from '../money.js';
import { newSessionId, shardOfSession, ulidTimeMs } from '../shard.js';
import { costOf, parseTariff, payeeShare, perMinute, tariffText } from '../tariff.js';

t.test('the README lists every error with its status and advice', async (t) => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| (BILLING_\w+) \| (\d+) \| (yes|no) \|$/gm)];
  const wanted = Object.entries(BILLING_ERRORS).map(([code, row]) => {
    return [code, String(row.http), row.retry ? 'yes' : 'no'];
  });
  t.same(
    listed.map(([, ...cells]) => cells),
    wanted,
  );
});

t.test('amounts', (t) => {
  t.test('are decimal digits within bounds and nothing else', (t) => {
    t.equal(parseMilli('9000000000000'), MILLI_MAX);
    for (const text of [
      '',
      '-1',
      '01',
      '1.5',
      '1e3',
      ' 1',
      '9000000000001',
      '99999999999999',
      '０',
    ]) {
      t.throws(() => parseMilli(text), { code: 'BILLING_AMOUNT_INVALID' }, text);
    }
    t.end();
  });
  t.test('as people write them', (t) => {
    t.same(
      [parseCredits('12'), parseCredits('0.5'), parseCredits('1.050')],
      [12_000n, 500n, 1_050n],
    );
    t.throws(() => parseCredits('1.2345'), { code: 'BILLING_AMOUNT_INVALID' });
    t.same(
      [formatCredits(12_000n), formatCredits(-3_250n), formatCredits(1n)],
      ['12', '-3.25', '0.001'],
    );
    const back = fc.property(fc.bigInt(0n, MILLI_MAX), (amount) => {
      return parseCredits(formatCredits(amount)) === amount;
    });
    fc.assert(back);
    t.end();
  });
  t.end();
});

t.test('a charge grows with time and is the floor of price × time', (t) => {
  const price = fc.bigInt(0n, 1_000_000_000n);
  const ms = fc.bigInt(0n, 8_640_000_000n);
  fc.assert(
    fc.property(price, ms, fc.bigInt(0n, 100_000n), (p, time, more) => {
      const tariff = perMinute(p, 6_000);
      const cost = costOf(tariff, time);
      return (
        cost * 60_000n <= p * time &&
        (cost + 1n) * 60_000n > p * time &&
        costOf(tariff, time + more) >= cost
      );
    }),
  );
  t.same(parseTariff(tariffText(perMinute(6_000n, 6_000))), perMinute(6_000n, 6_000));
  t.end();
});

t.test('shares by cumulative floor: parts of any split add up to the whole', (t) => {
  const parts = fc.array(fc.bigInt(0n, 1_000_000n), { maxLength: 20 });
  fc.assert(
    fc.property(parts, fc.nat({ max: 10_000 }), (charges, bps) => {
      let cost = 0n;
      let model = 0n;
      for (const charge of charges) {
        const share = payeeShare(cost + charge, bps) - payeeShare(cost, bps);
        if (share < 0n || share > charge) return false;
        cost += charge;
        model += share;
      }
      return model === payeeShare(cost, bps);
    }),
  );
  t.pass();
  t.end();
});

t.test('a session id says its shard and its time', (t) => {
  for (const shard of [0, 1, 31, 32, 63]) {
    const id = newSessionId(shard, 1_700_000_000_123);
    t.match(id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
    t.equal(shardOfSession(id), shard);
    t.equal(ulidTimeMs(id), 1_700_000_000_123);
  }
  for (const text of ['', 'x'.repeat(26), '0'.repeat(24) + '20', '0'.repeat(25)]) {
    t.equal(shardOfSession(text), undefined, text);
  }
  t.end();
});
