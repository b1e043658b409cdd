// Durations and counts as people read them.
import t from 'tap';
import { formatCount, formatCountdown, formatViewers, formatWhen } from '../src/format/clock.js';

await t.test('a countdown shows minutes and seconds, and hours only when there are any', (t) => {
  t.equal(formatCountdown(0), '0:00');
  t.equal(formatCountdown(-3), '0:00');
  t.equal(formatCountdown(65.9), '1:05');
  t.equal(formatCountdown(3725), '1:02:05');
  t.end();
});

await t.test('large counts are shortened without rounding up', (t) => {
  t.equal(formatCount(999), '999');
  t.equal(formatCount(1000), '1k');
  t.equal(formatCount(1299), '1.2k');
  t.equal(formatCount(12_999), '12k');
  t.equal(formatCount(2_560_000), '2.5M');
  t.equal(formatViewers(1), '1 viewer');
  t.equal(formatViewers(0), '0 viewers');
  t.end();
});

await t.test('a moment of today is told by its time, an older one by its date', (t) => {
  const nowMs = Date.parse('2026-11-21T12:00:00');
  t.match(formatWhen('2026-11-21T10:25:00', nowMs), /^today at .*25/);
  t.match(formatWhen('2026-11-19T10:25:00', nowMs), /19/);
  t.equal(formatWhen('never', nowMs), 'never');
  t.end();
});
