// What is asked within one turn shares script calls; everybody gets an answer of their own.
import t from 'tap';
import { closeRedis, connectRedis, createTokenService } from '../../cluster/index.js';
import { silentLog, startRedis, TEST_SECRETS, until } from '../../cluster/testing/index.js';
import { createAccess } from '../access.js';
import { Arrivals } from '../arrivals.js';
import { roomTicket } from './worker-harness.js';
import { TurnCalls, type Asker } from '../turn-calls.js';

/** The answer as a promise. */
function asked<Answer>(ask: (asker: Asker<Answer>) => void): Promise<Answer> {
  return new Promise((answered, failed) => ask({ answered, failed }));
}

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));

t.test('those of one turn share a call, in parts of bounded size', async (t) => {
  const calls: (readonly number[])[] = [];
  const doubles = new TurnCalls<number, number>({
    ...{ redis, tagOf: () => '', asksMax: 3 },
    call: (asks) => {
      calls.push(asks);
      return Promise.resolve(asks.map((ask) => 2 * ask));
    },
  });
  const double = (n: number): Promise<number> => asked((asker) => doubles.add(n, asker));
  const answers = [1, 2, 3, 4].map(double);
  t.same(await Promise.all(answers), [2, 4, 6, 8]);
  t.same(await double(5), 10);
  t.same(calls, [[1, 2, 3], [4], [5]]);
});

t.test('a call that fails or answers too few fails those who asked, and nobody else', async (t) => {
  const strict = new TurnCalls<string, string>({
    ...{ redis, tagOf: () => '', asksMax: 1 },
    call: ([ask = '']) =>
      ask === 'bad' ? Promise.reject(new Error('refused')) : Promise.resolve(ask ? [ask] : []),
  });
  const outcomes = await Promise.allSettled(
    ['good', 'bad', '', 'last'].map((text) => asked((asker) => strict.add(text, asker))),
  );
  t.same(
    outcomes.map((one) => (one.status === 'fulfilled' ? one.value : one.status)),
    ['good', 'rejected', 'rejected', 'last'],
  );
});

t.test('of equal tickets of one turn one is the first use', async (t) => {
  const access = createAccess(createTokenService(TEST_SECRETS.token), redis, Date.now);
  const [one, other] = [roomTicket('1', '7'), roomTicket('2', '7')];
  const claim = (ticket: string): Promise<boolean> =>
    asked((asker) => access.claim('room:7', ticket, asker));
  t.same(await Promise.all([one, other, one].map(claim)), [true, true, false]);
  t.same(await Promise.all([other, roomTicket('3', '7')].map(claim)), [false, true]);
});

t.test('who comes alone is let in at once; those who follow come together', async (t) => {
  const arrivals = new Arrivals();
  const seen: string[] = [];
  const come = (name: string): void => arrivals.add(() => seen.push(name));
  come('first');
  t.same(seen, ['first']);
  come('second');
  come('third');
  t.same(seen, ['first']);
  await until(() => seen.length > 1, { what: 'the end of the pause' });
  t.same(seen, ['first', 'second', 'third']);
});
