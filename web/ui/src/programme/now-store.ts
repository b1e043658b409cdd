// What is on in the rooms of the programme, kept fresh for every page that shows some of it. Asked
// for often while somebody looks, rarely on a site without a programme.
import { useEffect, useMemo } from 'react';
import { fetchNow } from '../api/programme.js';
import type { NowNext } from '../api/programme.js';
import { createStore } from '../state/store.js';
import { useStore } from '../state/use-store.js';

const freshMs = 15_000;
const idleMs = 120_000;

/** Empty also without a programme, and until the first answer. */
export const nowStore = createStore<readonly NowNext[]>([]);

let readers = 0;
let timer: number | undefined;
let askedAtMs = -Infinity;

async function ask(): Promise<void> {
  askedAtMs = Date.now();
  // Unreachable: what was on stays until the site can tell again.
  const told = await fetchNow().catch(() => undefined);
  if (told === undefined) return;
  const before = nowStore.get();
  if (JSON.stringify(before) !== JSON.stringify(told.rooms)) nowStore.set(told.rooms);
}

function tick(): void {
  const everyMs = nowStore.get().length > 0 ? freshMs : idleMs;
  const isDue = Date.now() - askedAtMs >= everyMs - 500;
  if (document.visibilityState === 'visible' && isDue) void ask();
}

/** Keeps the store fresh while at least one component uses it. */
export function useNowNext(): readonly NowNext[] {
  useEffect(() => {
    readers += 1;
    tick();
    timer ??= window.setInterval(tick, freshMs);
    document.addEventListener('visibilitychange', tick);
    return () => {
      readers -= 1;
      document.removeEventListener('visibilitychange', tick);
      if (readers > 0) return;
      window.clearInterval(timer);
      timer = undefined;
    };
  }, []);
  return useStore(nowStore);
}

/** Rooms of the programme that are this room of the site. */
export function useNowIn(slug: string): readonly NowNext[] {
  const all = useNowNext();
  return useMemo(() => all.filter(({ room }) => room.slug === slug), [all, slug]);
}
