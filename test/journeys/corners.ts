// Pages beside the main ways: recovery, addresses that lead nowhere, and the site with one of its
// servers away, which says so and comes back by itself.
import { readdirSync, readFileSync } from 'node:fs';
import type { TestScope } from '../../cluster/testing/index.js';
import { enrol } from './house.js';
import type { Tour } from './tour.js';

const CORNERS = [
  ['forgot', '/forgot', 'Forgot the password?'],
  ['reset', '/reset?token=none', 'A new password'],
  ['activate', '/activate?token=none', 'Your address'],
  ['no-page', '/nowhere', 'Nothing on this stage'],
  ['no-model', '/m/nobody', 'No such model'],
  ['no-room', '/r/nobody', 'No such room'],
  ['model', '/model', 'Broadcast on Showbill'],
  ['credits', '/credits', 'Your credits'],
  ['admin', '/admin', 'Administration'],
  ['programme', '/programme', 'Programme'],
] as const;

export async function cornersJourney(_t: TestScope, tour: Tour): Promise<void> {
  for (const [name, address, heading] of CORNERS) {
    await tour.page.goto(address);
    await tour.page.getByRole('heading', { name: heading }).first().waitFor();
    await tour.stop(name);
  }
}

/** Pids whose command line holds these words. */
function pidsOf(words: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
        return words.every((word) => line.includes(word));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Holds a server still, as a broken network does; what comes back lets it go on. */
function hold(t: TestScope, words: readonly string[]): () => void {
  const pids = pidsOf(words);
  if (pids.length === 0) throw new Error(`no process of ${words.join(' ')}`);
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => (): void => {
    for (const pid of pids) process.kill(pid, name);
  };
  signal('SIGSTOP')();
  let isHeld = true;
  const release = (): void => {
    if (isHeld) signal('SIGCONT')();
    isHeld = false;
  };
  t.teardown(release);
  return release;
}

export async function faultsJourney(t: TestScope, tour: Tour): Promise<void> {
  const { page, house, view } = tour;
  const { dataDir, ports } = house.cluster;
  await tour.logIn(await enrol(house, `pat${view.name}`));
  const card = page.locator('[data-testid="room-card"][data-slug="mira"]');
  const account = page.locator('.account-menu:not(.bell) summary');
  await card.waitFor();

  const databaseBack = hold(t, ['mariadbd', dataDir]);
  await page.reload();
  await page.getByText('The list cannot be shown').waitFor();
  await tour.stop('without-database');
  databaseBack();
  await card.waitFor();
  await account.waitFor();

  const redisBack = hold(t, ['redis-server', `:${ports.realtimeRedis}`]);
  await page.reload();
  await page.getByText('Who is live cannot be checked at the moment').waitFor();
  await tour.stop('without-redis');
  redisBack();
  await page
    .getByText('Who is live cannot be checked at the moment')
    .waitFor({ state: 'detached' });
  await page.locator('[data-testid="connection-state"][data-state="online"]').waitFor();
  await page.locator('.badge-live').first().waitFor();
}
