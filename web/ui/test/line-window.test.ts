// The window of a long chat: what is in the page, that nothing jumps, and that every line can be
// reached.
import t from 'tap';
import { seededRandom } from '../../../cluster/testing/index.js';
import {
  anchorAt,
  MeasuredHeights,
  overscanPx,
  topOf,
  totalPx,
  windowOf,
} from '../src/chat/line-window.js';

const linesOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ key: `k${String(from + at)}` }));

await t.test('only what is near to sight is in the page, the space around adds up', (t) => {
  const random = seededRandom(t);
  for (let round = 0; round < 50; round += 1) {
    const lines = linesOf(random.int(1, 1500));
    const heights = new MeasuredHeights();
    for (const { key } of lines) if (random.int(0, 2) > 0) heights.set(key, random.int(20, 160));
    const total = totalPx(lines, heights);
    const view = { topPx: random.int(0, Math.ceil(total)), heightPx: random.int(200, 900) };
    const shown = windowOf(lines, heights, view);
    const inPage = totalPx(lines.slice(shown.from, shown.to), heights);
    t.ok(Math.abs(shown.abovePx + inPage + shown.belowPx - total) < 0.01, 'nothing is lost');
    t.ok(inPage <= view.heightPx + 2 * overscanPx + 2 * 160, 'the page stays small');
    t.ok(shown.abovePx <= Math.max(0, view.topPx), 'what is in sight is not empty above');
    const seenTo = Math.min(total, view.topPx + view.heightPx);
    t.ok(shown.abovePx + inPage >= seenTo - 0.01, 'nor below');
  }
  t.end();
});

await t.test('an empty chat and one shorter than the view are shown whole', (t) => {
  const heights = new MeasuredHeights();
  t.same(windowOf([], heights, { topPx: 0, heightPx: 500 }), {
    ...{ from: 0, to: 0, abovePx: 0, belowPx: 0 },
  });
  const shown = windowOf(linesOf(3), heights, { topPx: -400, heightPx: 500 });
  t.match(shown, { from: 0, to: 3, abovePx: 0, belowPx: 0 });
  t.end();
});

await t.test('the line at the upper edge stays when lines come, go or are measured above', (t) => {
  const heights = new MeasuredHeights();
  const lines = linesOf(100);
  for (const { key } of lines) heights.set(key, 30);
  const anchor = anchorAt(lines, heights, 1010);
  t.same(anchor, { key: 'k33', deltaPx: 20 });
  if (!anchor) return;
  t.equal(topOf(lines, heights, anchor), 1010);
  t.equal(topOf(lines.slice(10), heights, anchor), 710, 'ten oldest lines forgotten');
  const older = linesOf(50, 1000);
  for (const { key } of older) heights.set(key, 40);
  t.equal(topOf([...older, ...lines], heights, anchor), 3010, 'a page of history put above');
  heights.set('k2', 90);
  t.equal(topOf(lines, heights, anchor), 1070, 'a line above turned out taller');
  t.equal(topOf(lines.slice(50), heights, anchor), undefined, 'its own line is gone');
  t.end();
});

await t.test('unmeasured lines count as average; forgotten ones leave the memory', (t) => {
  const heights = new MeasuredHeights();
  heights.set('a', 20);
  heights.set('b', 40);
  t.equal(heights.of('c'), 30);
  t.equal(heights.set('a', 20.2), false, 'a hair is no news');
  t.equal(heights.set('a', 60), true);
  t.equal(heights.of('c'), 50);
  for (let at = 0; at < 300; at += 1) heights.set(`old${String(at)}`, 10);
  heights.prune([{ key: 'a' }, { key: 'b' }]);
  t.equal(heights.of('old1'), 50, 'only a and b are known');
  t.end();
});
