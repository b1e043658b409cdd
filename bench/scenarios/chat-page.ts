// The room page in a real Chromium while its chat is busy: frames per second with 50 messages a
// second beside the same page with a silent chat, its video playing in both. Needs a built cluster.
import { setTimeout as delay } from 'node:timers/promises';
import { DESKTOP, openPage, startBrowser, videoAdvances } from '../testing/browser.js';
import { burst, countFrames } from '../testing/chat-burst.js';
import { startLocalCluster } from '../testing/local-cluster.js';
import { SiteVisitor } from '../testing/site-api.js';
import { interleave } from '../lib/interleave.js';
import { holdAgainst, pairOf, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { pairedRatio, spreadOf } from '../lib/statistics.js';

const PER_SEC = 50;
const FRAMES_MIN = 50;
const SILENT = { name: 'silent chat' };
const BUSY = { name: `${PER_SEC} messages/s` };

export async function chatPage(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const seconds = isQuick ? 3 : 10;
  const cluster = await startLocalCluster(run.scope);
  const { body } = await new SiteVisitor(cluster.siteUrl).call('GET', '/rooms/mira');
  const { id: roomId } = body as { id: string };
  const { page } = await openPage(await startBrowser(run.scope), cluster.siteUrl, DESKTOP);
  await page.goto('/r/mira');
  await videoAdvances(page, 2);
  let rowsMax = 0;
  const frames = await interleave([SILENT, BUSY], { rounds, warmUps: 1 }, async (one, round) => {
    run.say(`round ${round}: ${one.name}`);
    if (one === SILENT) {
      const count = await countFrames(page);
      await delay(seconds * 1_000);
      return count();
    }
    const told = await burst(run.scope, { cluster, page, roomId, perSec: PER_SEC, seconds });
    rowsMax = Math.max(rowsMax, told.rows);
    return told.framesPerSec;
  });
  const [busy, silent] = [frames.get(BUSY) ?? [], frames.get(SILENT) ?? []];
  const [value, ratio] = [spreadOf(busy), pairedRatio(busy, silent)];
  return {
    scenario: 'chat-page',
    limitedBy: 'pace',
    results: [
      {
        ...{ name: BUSY.name, value: value.median, unit: 'frames/s', better: 'more' },
        ...{ spread: pairOf(value), ratio: ratio.median, ratioSpread: pairOf(ratio), peers: [] },
        ceiling: { name: SILENT.name, value: spreadOf(silent).median },
        limitedBy: 'pace',
        ...holdAgainst('value', value.median, '>=', FRAMES_MIN),
      },
    ],
    notes: [
      `Chromium without a graphics card, ${DESKTOP.width} x ${DESKTOP.height}, on the same cores as the ` +
        'whole cluster, its encoder and the sender.',
      `At most ${rowsMax} lines of the chat stood in the page; each burst was seen to its last line.`,
    ],
  };
}
