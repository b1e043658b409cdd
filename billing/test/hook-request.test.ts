// Members of a hook and remembered play tokens: cheaper than the general way, and equal to it.
import fc from 'fast-check';
import t from 'tap';
import { createTokenService } from '../../cluster/index.js';
import { ManualClock, seededRandom, TEST_SECRETS } from '../../cluster/testing/index.js';
import { mergeParams } from '../hook-request.js';
import { PlayTokens } from '../play-tokens.js';

await t.test('members are read as URLSearchParams reads them, the first of a name wins', (t) => {
  const expected = (query: string, form: string): [string, string][] => {
    const all = [query, form].flatMap((text) => [...new URLSearchParams(text)]);
    return [...new Map(all.toReversed())].sort();
  };
  const part = fc.constantFrom(
    'a',
    'token',
    '=',
    '==',
    '&',
    '&&',
    '?',
    '+',
    '%',
    '%41',
    '%zz',
    'ü',
  );
  const form = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
  const { seed } = seededRandom(t);
  fc.assert(
    fc.property(form, form, (query, body) => {
      t.strictSame([...mergeParams(query, Buffer.from(body))].sort(), expected(query, body));
    }),
    { seed, numRuns: 500 },
  );
  t.end();
});

await t.test('a remembered token ends with its own expiry, others are verified afresh', (t) => {
  const clock = new ManualClock();
  const service = createTokenService(TEST_SECRETS.token, clock);
  let verified = 0;
  const counted = new PlayTokens(
    {
      verify: (purpose, token) => {
        verified += 1;
        return service.verify(purpose, token);
      },
    },
    { clock, tokensMax: 2 },
  );
  const sign = (bill: string): string => service.sign('play', { sub: '1', bill }, 60);
  const first = sign('A');
  for (let turn = 0; turn < 3; turn += 1) {
    const outcome = counted.verify(first);
    t.equal(outcome.ok && outcome.claims.bill, 'A');
  }
  t.equal(verified, 1, 'the signature was checked once');
  const forged = `${first.slice(0, -4)}AAAA`;
  t.notOk(counted.verify(forged).ok, 'a forged twin is not taken for the one that is known');
  t.notOk(counted.verify(service.sign('access', { sub: '1' }, 60)).ok, 'another purpose');
  for (const bill of ['B', 'C', 'D', 'E']) t.ok(counted.verify(sign(bill)).ok);
  const before = verified;
  t.ok(counted.verify(first).ok);
  t.equal(verified, before + 1, 'what was not used for two generations is forgotten');
  clock.advance(59_000);
  t.ok(counted.verify(first).ok, 'good in its last second');
  clock.advance(1_000);
  t.strictSame(counted.verify(first), { ok: false, reason: 'expired' });
  t.end();
});
