// Long work in small pieces: hooks that wait must not wait for a whole batch of settlements.
import { setImmediate as turn } from 'node:timers/promises';

/** Does `work` for each item, in order; after every `every` items all else that waits may run. */
export async function inTurns<T>(
  items: readonly T[],
  every: number,
  work: (item: T) => void,
): Promise<void> {
  let done = 0;
  for (const item of items) {
    work(item);
    done += 1;
    if (done % every === 0) await turn();
  }
}
