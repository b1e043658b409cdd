// Medians, spreads and percentiles on lists whose answers are known, and by property.
import fc from 'fast-check';
import t from 'tap';
import {
  median,
  pairedRatio,
  percentile,
  shortNumber,
  spreadOf,
  summarize,
} from '../lib/statistics.js';

t.test('the median is the middle, or the mean of the two in the middle', (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.throws(() => median([]), RangeError, 'nothing has no median');
  t.end();
});

t.test('the list that is measured stays as it was', (t) => {
  const values = [3, 1, 2];
  median(values);
  percentile(values, 50);
  t.same(values, [3, 1, 2]);
  t.end();
});

t.test('a ratio is taken within each round, so a slow round does not count', (t) => {
  // The machine was three times slower in the second round for both.
  const { median: middle, min, max } = pairedRatio([10, 33, 11], [10, 30, 10]);
  t.equal(middle, 1.1);
  t.equal(min, 1);
  t.equal(max, 1.1);
  t.throws(() => pairedRatio([1], [1, 2]), RangeError);
  t.end();
});

t.test('percentiles are nearest-rank', (t) => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  t.equal(percentile(hundred, 50), 50);
  t.equal(percentile(hundred, 99), 99);
  t.equal(percentile(hundred, 100), 100);
  t.equal(percentile([7], 1), 7);
  t.throws(() => percentile([], 50), RangeError);
  t.end();
});

t.test('raw samples are merged before percentiles are taken', (t) => {
  const quiet = Array.from({ length: 99 }, () => 1);
  const summary = summarize([quiet, Float64Array.of(1_000)]);
  t.equal(summary.count, 100);
  t.equal(summary.p99, 1, 'the mean of two p99 would be 500.5');
  t.equal(summary.max, 1_000);
  t.end();
});

t.test('the median lies within the spread, whatever the values', (t) => {
  const values = fc.array(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(values, (list) => {
      const { median: middle, min, max } = spreadOf(list);
      return min <= middle && middle <= max && min <= percentile(list, 50);
    }),
  );
  t.end();
});

t.test('numbers are printed with three digits', (t) => {
  t.equal(shortNumber(0.35678), '0.357');
  t.equal(shortNumber(2.7949), '2.79');
  t.equal(shortNumber(123_456), '123,456');
  t.equal(shortNumber(0), '0');
  t.equal(shortNumber(Number.NaN), '–');
  t.end();
});
