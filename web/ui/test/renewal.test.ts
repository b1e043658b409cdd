// The refresh token is sent once, however many callers and tabs want a renewal.
import tap from 'tap';

import { noteRenewal, renewalAgeMs, renewOnce } from '../src/api/renewal.js';

/** Storage and locks that two tabs of one browser share. */
function installBrowser(t: Pick<typeof tap, 'intercept'>): void {
  const stored = new Map<string, string>();
  let tail: Promise<unknown> = Promise.resolve();
  const locks = {
    request: (_name: string, work: () => Promise<boolean>) => {
      const turn = tail.then(work);
      tail = turn.catch(() => undefined);
      return turn;
    },
  };
  t.intercept(globalThis, 'localStorage', {
    value: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
    },
    configurable: true,
  });
  t.intercept(globalThis, 'navigator', { value: { locks }, configurable: true });
}

await tap.test('callers of one tab share one request', async (t) => {
  installBrowser(t);
  let sent = 0;
  const send = (): Promise<boolean> => {
    sent += 1;
    return Promise.resolve(true);
  };
  t.same(await Promise.all([renewOnce(send), renewOnce(send)]), [true, true]);
  t.equal(sent, 1);
  t.ok(renewalAgeMs() < 60_000);
});

await tap.test('a tab that waited for another one does not send the used token', async (t) => {
  installBrowser(t);
  let sent = 0;
  const isFresh = await renewOnce(() => {
    sent += 1;
    return Promise.resolve(true);
  });
  // The other tab asked earlier and gets the lock only now: its question is answered already.
  const { now } = Date;
  const askedMs = now() - 5_000;
  t.intercept(Date, 'now', { value: () => askedMs, configurable: true });
  const other = await renewOnce(() => {
    sent += 1;
    return Promise.resolve(true);
  });
  t.same([isFresh, other, sent], [true, true, 1]);
});

await tap.test('a refused renewal is not taken for a fresh one', async (t) => {
  installBrowser(t);
  t.equal(await renewOnce(() => Promise.resolve(false)), false);
  t.ok(renewalAgeMs() > 60_000);
  noteRenewal();
  t.ok(renewalAgeMs() < 60_000);
});
