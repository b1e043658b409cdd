// Offers work at a fixed rate, open-loop: what is late is not forgiven, because each piece of work
// is told when it was due and latency counts from then.
import { setTimeout as delay } from 'node:timers/promises';

/** Unix ms with a fraction; the same for all processes of a machine. */
export function preciseNowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Runs `send` `count` times at `perSec`; resolves when all of its promises have. */
export async function offer(
  options: { readonly perSec: number; readonly count: number },
  send: (dueMs: number, index: number) => Promise<unknown>,
): Promise<void> {
  const start = preciseNowMs();
  const stepMs = 1_000 / options.perSec;
  const sent: Promise<unknown>[] = [];
  while (sent.length < options.count) {
    const now = preciseNowMs();
    while (sent.length < options.count && start + sent.length * stepMs <= now) {
      sent.push(send(start + sent.length * stepMs, sent.length));
    }
    await delay(1);
  }
  await Promise.all(sent);
}
