// Tips that come faster than people read: folded for the eye, none of them lost.
import t from 'tap';
import type { ChatLine } from '../src/chat/chat-log.js';
import { foldTips } from '../src/chat/tip-fold.js';

let count = 0;
function tip(atMs: number, amountMilli: string, name = 'anna', text = ''): ChatLine {
  count += 1;
  return {
    ...{ key: `t${String(count)}`, kind: 'tip', text, atMs, amountMilli, status: 'sent' },
    ...{ offset: count, from: { id: name, name, role: 'viewer' } },
  };
}
const said = (atMs: number): ChatLine => ({
  ...{ key: `m${String(atMs)}`, kind: 'message', text: 'x', atMs, status: 'sent' },
});
const sumOf = (lines: readonly ChatLine[]): bigint =>
  lines.reduce((sum, { amountMilli = '0' }) => sum + BigInt(amountMilli), 0n);
const tipsIn = (lines: readonly ChatLine[]): number =>
  lines.reduce((sum, { kind, tips }) => sum + (kind === 'tip' ? (tips?.count ?? 1) : 0), 0);

await t.test('five tips a second stand alone, what is beyond is one line with all of it', (t) => {
  const lines = Array.from({ length: 12 }, (_, n) => tip(n * 50, '1000', `u${String(n % 5)}`));
  const shown = foldTips(lines);
  t.equal(shown.length, 6);
  t.match(shown[5], {
    amountMilli: '7000',
    tips: { count: 7, names: ['u0', 'u1', 'u2'], hasMore: true },
  });
  const later = foldTips([...lines, tip(5_000, '1000')]);
  t.equal(later[5]?.key, shown[5]?.key, 'the line stays the same one');
  t.equal(later.length, 7, 'and the next slow tip stands alone');
  t.same(foldTips(lines.slice(0, 5)), lines.slice(0, 5));
  t.end();
});

await t.test('words, size and what is said in between keep their place; nothing is lost', (t) => {
  const lines = Array.from({ length: 8 }, (_, n) => tip(n, '10'));
  lines.push(tip(9, '10', 'ben', 'for you'), tip(10, '50000'), tip(11, '20'), said(12));
  lines.push(tip(13, '30'), tip(14, '30'));
  const shown = foldTips(lines);
  const kinds = shown
    .slice(5)
    .map(({ kind, tips, text, amountMilli }) =>
      kind === 'message' ? 'said' : `${String(tips?.count ?? '-')} ${amountMilli ?? ''} ${text}`,
    );
  t.same(kinds, ['3 30 ', '- 10 for you', '- 50000 ', '1 20 ', 'said', '2 60 ']);
  t.equal(sumOf(shown), sumOf(lines));
  t.equal(tipsIn(shown), tipsIn(lines));
  t.end();
});
