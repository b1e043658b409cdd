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
  return holdPids(t, pids);
}

function holdPids(t: TestScope, pids: readonly number[]): () => void {
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

const sent = (tour: Tour, text: string) =>
  tour.byId('chat-list').locator('.line[data-status="sent"]', { hasText: text });

/** Billing holds still: the page says so, chat goes on, and both come back without a reload. */
async function billingAway(t: TestScope, tour: Tour): Promise<void> {
  const { page, house } = tour;
  const back = holdPids(t, [await house.cluster.pidOf(house.cluster.ports.billingOps)]);
  await page.goto('/r/mira');
  await tour.byId('wallet-away').waitFor();
  await tour.say('can you hear me without billing?');
  await sent(tour, 'can you hear me without billing?').waitFor();
  await page.goto('/credits');
  await page.getByText('Credits are not available just now').first().waitFor();
  await tour.stop('without-billing');
  back();
  await tour.balance((milli) => milli === 20_000, 'the balance is back');
  await tour.byId('wallet-away').waitFor({ state: 'detached' });
  await page.getByText('Credits are not available just now').first().waitFor({ state: 'detached' });
}

/** Each state of the connection and its words, as the page showed them. */
const WATCH_CONNECTION = `{
  const badge = document.querySelector('[data-testid="connection-state"]');
  globalThis.states = [];
  const look = () => globalThis.states.push(badge.dataset.state + ': ' + badge.textContent);
  const changes = { attributes: true, attributeFilter: ['data-state'], subtree: true };
  new MutationObserver(look).observe(badge, { ...changes, childList: true, characterData: true });
}`;

/** Both gateways die: the page says that it connects again, and what is said then arrives. */
async function gatewaysAway(tour: Tour): Promise<void> {
  const { page, house } = tour;
  const { cluster } = house;
  await page.goto('/r/mira');
  const online = page.locator('[data-testid="connection-state"][data-state="online"]');
  await online.waitFor();
  await tour.say('before the gateways went');
  await sent(tour, 'before the gateways went').waitFor();
  await page.evaluate(WATCH_CONNECTION);
  const pids = await Promise.all(cluster.ports.gateways.map(({ ops }) => cluster.pidOf(ops)));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await tour.until('the page has said that it reconnects', () =>
    page.evaluate<boolean>('globalThis.states.includes("reconnecting: Reconnecting")'),
  );
  await online.waitFor();
  await tour.say('after the gateways came back');
  await sent(tour, 'after the gateways came back').waitFor();
  tour.counts(await tour.line('before the gateways went').count(), 1, 'nothing is told twice');
}

export async function faultsJourney(t: TestScope, tour: Tour): Promise<void> {
  const { page, house, view } = tour;
  const { dataDir, ports } = house.cluster;
  await tour.logIn(await enrol(house, `pat${view.name}`, 20));
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
  await billingAway(t, tour);
  await gatewaysAway(tour);
}
