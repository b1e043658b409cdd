// How long channels collect messages, by size, by rate and by what the whole worker spends.
import t from 'tap';
import { FlushWindow, smoothedRate } from '../flush-window.js';

t.test('a small or slow room never waits', (t) => {
  const window = new FlushWindow();
  t.equal(window.windowMs(1, 10_000), 0, 'one listener, whatever comes');
  t.equal(window.windowMs(100, 10), 0, 'a hundred listeners, people talking');
  t.end();
});

t.test('a large room waits by its size, never longer than the maximum', (t) => {
  const window = new FlushWindow();
  t.equal(Math.round(window.windowMs(1_500)), 10);
  t.equal(Math.round(window.windowMs(4_000)), 27);
  t.equal(window.windowMs(1_000_000), 100);
  t.end();
});

t.test('lines faster than people read come a few at a time', (t) => {
  const window = new FlushWindow();
  t.equal(window.windowMs(500, 800), 33);
  t.ok(window.windowMs(500, 150) < 5, 'not at rates that can be read');
  t.ok(window.windowMs(50, 800) < 5, 'and hardly where a flush is cheap');
  t.equal(Math.round(window.windowMs(8_000, 800)), 53, 'the budget may ask for more');
  t.end();
});

t.test('all windows widen while the worker is above its budget, and narrow again', (t) => {
  const window = new FlushWindow();
  const calm = window.windowMs(1_500);
  for (let now = 0; now < 1_000; now += 5) window.spent(1_500, now);
  t.ok(window.windowMs(1_500) > 1.5 * calm, 'twice the budget was spent');
  t.ok(window.sendsPerSec(5_000) < 1_000);
  window.spent(1, 10_000);
  t.equal(window.windowMs(1_500), calm);
  t.end();
});

t.test('a busy worker flushes less often, and knows so when its rooms are hot again', (t) => {
  const window = new FlushWindow();
  const calm = window.windowMs(1_500);
  let now = 0;
  // Within the budget, so that only the worker's load says that it is too much.
  const second = (share: () => number): void => {
    for (let end = now + 1_000; now < end; now += 20) window.spent(1_500, now);
    window.worked(share(), now);
  };
  // A machine on which flushes at the calm window take 1.2 of its time: twice what they may.
  const share = (): number => Math.min(1, (1.2 * calm) / window.windowMs(1_500));
  for (let at = 0; at < 10; at += 1) second(share);
  t.ok(Math.abs(share() - 0.6) < 0.05, `at work for ${share()} of its time`);
  const learned = window.windowMs(1_500);
  now += 60_000;
  window.worked(0.01, now);
  window.worked(1, now);
  t.equal(
    window.windowMs(1_500),
    learned,
    'a quiet minute, or other work, says nothing of flushes',
  );
  for (let at = 0; at < 20; at += 1) second(() => 1);
  t.equal(Math.round(window.windowMs(1_500)), Math.round(4 * calm), 'a bound for what is widened');
  t.equal(window.windowMs(20_000), 100, 'and for every window');
  for (let at = 0; at < 3; at += 1) second(() => 0.05);
  t.equal(window.windowMs(1_500), calm, 'flushes take little time again');
  t.end();
});

t.test('a smoothed rate follows what comes and forgets it', (t) => {
  let rate = 0;
  for (let at = 0; at < 300; at += 1) rate = smoothedRate(rate, 10, 8);
  t.ok(Math.abs(rate - 800) < 40, `800 per second, found ${rate}`);
  t.ok(smoothedRate(rate, 5_000, 0) < 1);
  t.end();
});
