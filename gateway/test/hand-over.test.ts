// The pace at which a leaving worker sends its clients elsewhere, in virtual time.
import t from 'tap';
import { handOver, type HandOverPace } from '../hand-over.js';
import { Session } from '../session.js';

const MAX_MS = 60_000;

/** Clients that are gone `goneMs` after they were told (undefined = never), under a bad timer. */
async function run(
  pace: HandOverPace,
  clients: { readonly count: number; readonly goneMs: number | undefined },
  timerMs = (ms: number): number => ms,
) {
  let now = 0;
  const sessions = Array.from({ length: clients.count }, (_, n) => connected(String(n)));
  const toldMs = new Map<Session, number>();
  let onTheWayMax = 0;
  const settle = (): void => {
    const { goneMs } = clients;
    for (const [session, at] of toldMs) {
      if (goneMs !== undefined && now >= at + goneMs) session.isEnded = true;
    }
  };
  const outcome = await handOver(
    {
      sessions,
      tell: (session) => {
        if (toldMs.has(session)) throw new Error('told twice');
        toldMs.set(session, now);
        const onTheWay = [...toldMs.keys()].filter((one) => !one.isEnded).length;
        onTheWayMax = Math.max(onTheWayMax, onTheWay);
      },
      nowMs: () => now,
      pause: (ms) => {
        now += timerMs(ms);
        settle();
        return Promise.resolve();
      },
    },
    pace,
  );
  return { outcome, endMs: now, onTheWayMax, times: [...toldMs.values()], sessions };
}

function connected(id: string): Session {
  const session = new Session({
    ...{ id, encoding: 'rt1.msgpack', transport: 'websocket', address: '127.0.0.1', openedAtMs: 0 },
  });
  session.user = { id, name: id, role: 'viewer' };
  return session;
}

/** The most that were told in any second. */
function perSecMax(times: readonly number[]): number {
  return Math.max(
    ...times.map((at) => times.filter((one) => one >= at && one < at + 1_000).length),
  );
}

t.test('clients go at the set rate, each told once, and nobody is left', async (t) => {
  const { outcome, endMs, times } = await run(
    { maxMs: MAX_MS, perSec: 100 },
    { count: 1_000, goneMs: 60 },
  );
  t.same(outcome, { told: 1_000, stragglers: 0 });
  t.equal(times.length, 1_000);
  t.ok(perSecMax(times) <= 106, `${perSecMax(times)} in a second`);
  t.ok(endMs > 9_000 && endMs < 11_000, `${endMs} ms`);
});

t.test('an empty worker leaves at once', async (t) => {
  const { outcome, endMs } = await run({ maxMs: MAX_MS, perSec: 1 }, { count: 0, goneMs: 0 });
  t.same([outcome, endMs], [{ told: 0, stragglers: 0 }, 0]);
});

t.test('clients that are slow to go hold the others back', async (t) => {
  const { outcome, onTheWayMax } = await run(
    { maxMs: MAX_MS, perSec: 100 },
    { count: 1_000, goneMs: 3_000 },
  );
  t.same(outcome, { told: 1_000, stragglers: 0 });
  t.equal(onTheWayMax, 100);
});

t.test('too short a time tells everybody in 70 % of it', async (t) => {
  const maxMs = 2_000;
  const pace = { maxMs, perSec: 10 };
  const { outcome, times } = await run(pace, { count: 1_000, goneMs: 500 });
  t.same(outcome, { told: 1_000, stragglers: 0 });
  t.ok(Math.max(...times) <= maxMs * 0.7 + 50, `the last after ${Math.max(...times)} ms`);
});

t.test('those who do not go are waited for, but not for ever', async (t) => {
  const { outcome, endMs } = await run(
    { maxMs: MAX_MS, perSec: 100 },
    { count: 10, goneMs: undefined },
  );
  t.same(outcome, { told: 10, stragglers: 10 });
  t.ok(endMs >= 5_000 && endMs < 6_000, `${endMs} ms`);
});

t.test('a client is waited for as long as the pace says', async (t) => {
  const clients = { count: 10, goneMs: 20_000 };
  const patient = await run({ maxMs: MAX_MS, perSec: 100, stragglerMs: 30_000 }, clients);
  t.equal(patient.outcome.stragglers, 0);
  const hasty = await run({ maxMs: MAX_MS, perSec: 100, stragglerMs: 1_000 }, clients);
  t.equal(hasty.outcome.stragglers, 10);
  t.ok(hasty.endMs < patient.endMs);
});

t.test('a late event loop does not tell a crowd in one go', async (t) => {
  const { outcome, times } = await run(
    { maxMs: MAX_MS, perSec: 100 },
    { count: 200, goneMs: 10 },
    (ms) => ms * 40,
  );
  t.equal(outcome.told, 200);
  for (const at of times) t.ok(times.filter((one) => one === at).length <= 11);
});

t.test('who connects while the others go is told, too; who has not connected is not', async (t) => {
  let now = 0;
  const sessions = [connected('first'), connected('second')];
  const [, second] = sessions;
  if (second === undefined) throw new Error('two sessions');
  second.user = undefined;
  const told: string[] = [];
  const outcome = await handOver(
    {
      sessions,
      tell: (session) => {
        told.push(session.id);
        if (session.id === 'second') for (const one of sessions) one.isEnded = true;
      },
      nowMs: () => now,
      pause: (ms) => {
        now += ms;
        if (now >= 1_000) second.user = { id: '2', name: '2', role: 'viewer' };
        return Promise.resolve();
      },
    },
    { maxMs: MAX_MS, perSec: 100 },
  );
  t.same([outcome, told], [{ told: 2, stragglers: 0 }, ['first', 'second']]);
});
