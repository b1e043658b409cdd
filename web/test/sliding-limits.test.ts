// Limits count within every window, not within windows that begin at some moment: on real Redis,
// in the memory of a process, and for failed log-ins; all on a clock that the test moves.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { ManualClock, silentLog, startRedis } from '../../cluster/testing/index.js';
import { createLoginGuard } from '../accounts/login-guard.js';
import { siteError } from '../errors.js';
import { createLocalCounter } from '../http/hit-store.js';
import { createRedisCounts } from '../http/redis-counts.js';

const MINUTE_MS = 60_000;
const START_MS = 1_800_000_000_000;
const limit = { windowMs: 5 * MINUTE_MS, max: 10 };
const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));

type Hit = (key: string) => Promise<{ hits: number; leftMs: number }>;

function counters(clock: ManualClock): Record<string, Hit> {
  const shared = createRedisCounts(() => redis, clock, {
    ...{ patienceMs: 10_000, nowMs: () => clock.nowMs() },
  });
  const local = createLocalCounter(clock);
  return {
    'shared by Redis': (key) => shared.hit(key, limit),
    'of one process': (key) => Promise.resolve(local.hit(key, limit)),
  };
}

for (const name of ['shared by Redis', 'of one process']) {
  t.test(`limits ${name}: the end of a window lets nobody in twice`, async (t) => {
    const clock = new ManualClock(START_MS);
    const hit = counters(clock)[name] ?? (() => Promise.reject(new Error(name)));
    const times = async (count: number): Promise<number[]> => {
      const seen: number[] = [];
      for (let at = 0; at < count; at += 1) seen.push((await hit('anna')).hits);
      return seen;
    };
    t.same(await times(1), [1]);
    clock.advance(4 * MINUTE_MS + 59_000);
    t.same(await times(9), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
    t.match(await hit('anna'), { hits: 11, leftMs: 1_000 }, 'refused until the first is old');
    clock.advance(1_000);
    t.same(await times(3), [10, 11, 11], 'one place is free, not ten; refused hits take none');
    clock.advance(4 * MINUTE_MS + 58_999);
    t.same(await times(1), [11]);
    clock.advance(1);
    t.same(await times(1), [2], 'the nine are gone');
    t.match(await hit('ben'), { hits: 1 }, 'other keys are not concerned');
  });
}

t.test(
  'an account closes after ten failures even while Redis is away, and opens again',
  async (t) => {
    const clock = new ManualClock(START_MS);
    const away = () => Promise.reject(siteError('REALTIME_UNAVAILABLE'));
    const guard = createLoginGuard({ hit: away, count: away }, clock);
    const wrong = () => guard.attempt('anna', () => Promise.reject(siteError('BAD_CREDENTIALS')));
    for (let n = 0; n < 10; n += 1) await t.rejects(wrong(), { code: 'BAD_CREDENTIALS' });
    const right = () => guard.attempt('ANNA', () => Promise.resolve('in'));
    await t.rejects(right(), { code: 'RATE_LIMITED' });
    clock.advance(5 * MINUTE_MS);
    t.equal(await right(), 'in');
  },
);

t.test('hits that are only looked at are not counted', async (t) => {
  const clock = new ManualClock(START_MS);
  const counts = createRedisCounts(() => redis, clock, {
    ...{ patienceMs: 10_000, nowMs: () => clock.nowMs() },
  });
  await counts.hit('cleo', limit);
  await counts.hit('cleo', limit);
  t.equal(await counts.count('cleo', limit.windowMs), 2);
  t.equal(await counts.count('cleo', limit.windowMs), 2);
  clock.advance(limit.windowMs);
  t.equal(await counts.count('cleo', limit.windowMs), 0);
});
