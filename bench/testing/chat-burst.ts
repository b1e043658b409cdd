// A busy chat as one page sees it: a seeded burst through the gateway into a room, and what the
// browser makes of it. The frame rate is told, not judged; `npm run bench -- chat-page` holds it.
import type { Page } from 'playwright-core';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { seededRandom, silentLog, until, type TestScope } from '../../cluster/testing/index.js';
import { createPublisher } from '../../gateway/index.js';
import type { LocalCluster } from './local-cluster.js';

export interface Burst {
  readonly roomId: string;
  readonly perSec: number;
  readonly seconds: number;
}

/** Frames per second that the page has drawn since `countFrames`. */
export async function countFrames(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(`(() => {
    const seen = (globalThis.frames_ = { count: 0, fromMs: performance.now() });
    const step = () => { seen.count += 1; requestAnimationFrame(step); };
    requestAnimationFrame(step);
  })()`);
  return () =>
    page.evaluate<number>(`(() => {
      const { count, fromMs } = globalThis.frames_;
      return (count * 1000) / (performance.now() - fromMs);
    })()`);
}

/**
 * Sends the burst at its rate; resolves with what the page has drawn when it shows the last line.
 */
export async function burst(
  t: TestScope,
  { cluster, page, roomId, perSec, seconds }: Burst & { cluster: LocalCluster; page: Page },
): Promise<{ framesPerSec: number; rows: number; last: string }> {
  const random = seededRandom(t);
  const url = `redis://127.0.0.1:${cluster.ports.realtimeRedis}`;
  const redis = await connectRedis(url, { role: 'command', name: 'burst', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const publisher = createPublisher({ redis, log: silentLog });
  const frames = await countFrames(page);
  const last = `line ${perSec * seconds} of the burst`;
  const startedAt = performance.now();
  for (let n = 1; n <= perSec * seconds; n += 1) {
    const dueMs = startedAt + (n * 1_000) / perSec;
    await until(() => performance.now() >= dueMs, { everyMs: 2, what: 'the line is due' });
    const words = Array.from({ length: random.int(0, 24) }, () =>
      random.int(0, 9_999).toString(36),
    );
    const id = String(random.int(1, 60));
    const text = [`line ${n} of the burst`, ...words].join(' ');
    const body = { from: { id, name: `guest${id}`, role: 'viewer' }, text };
    await publisher.publish(`room:${roomId}`, { kind: 'm', cls: 'reliable', body });
  }
  await page.getByTestId('chat-list').getByText(last).waitFor();
  const rows = await page.getByTestId('chat-list').locator('> li').count();
  return { framesPerSec: await frames(), rows, last };
}
