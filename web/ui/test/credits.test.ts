// Credits as people read and type them.
import t from 'tap';
import {
  formatCredits,
  formatCreditsUnit,
  isFree,
  parseCredits,
  secondsForCredits,
} from '../src/format/credits.js';

await t.test('milli-credits are shown with at most two decimals, rounded down', (t) => {
  t.equal(formatCredits('0'), '0');
  t.equal(formatCredits('1000'), '1');
  t.equal(formatCredits('12345'), '12.34');
  t.equal(formatCredits('12300'), '12.30');
  t.equal(formatCredits('999'), '0.99');
  t.equal(formatCredits('9'), '0');
  t.equal(formatCredits('-2304666'), '-2,304.66');
  t.equal(formatCredits('123456789012345678000'), '123,456,789,012,345,678');
  t.equal(formatCredits('rubbish'), '0');
  t.end();
});

await t.test('the unit is singular for exactly one credit', (t) => {
  t.equal(formatCreditsUnit('1000'), '1 credit');
  t.equal(formatCreditsUnit('2000'), '2 credits');
  t.equal(formatCreditsUnit('500'), '0.50 credits');
  t.end();
});

await t.test('typed credits become exact milli-credits, and what is no amount is refused', (t) => {
  t.equal(parseCredits('12'), 12000n);
  t.equal(parseCredits(' 0.5 '), 500n);
  t.equal(parseCredits('0,125'), 125n);
  t.equal(parseCredits('0.1'), 100n);
  for (const wrong of ['', '0', '-1', '1e3', '1.2345', 'ten', '1.', '.5', '12345678901']) {
    t.equal(parseCredits(wrong), undefined, wrong);
  }
  t.end();
});

await t.test('the time that credits buy is rounded down, and endless in a free room', (t) => {
  t.equal(secondsForCredits('6000', '6000'), 60);
  t.equal(secondsForCredits('1000', '6000'), 10);
  t.equal(secondsForCredits('99', '6000'), 0);
  t.equal(secondsForCredits('-5', '6000'), 0);
  t.equal(secondsForCredits('5', '0'), Infinity);
  t.equal(isFree('0'), true);
  t.equal(isFree('1'), false);
  t.equal(isFree(undefined), true);
  t.end();
});
