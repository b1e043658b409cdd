// A viewer's evening: a new account, a free room with chat and tips, credits, a paid show, what is
// left of it afterwards.
import sharp from 'sharp';
import type { TestScope } from '../../cluster/testing/index.js';
import { videoAdvances } from '../../bench/testing/browser.js';
import { publish } from '../e2e/publisher.js';
import { SiteVisitor } from '../../bench/testing/site-api.js';
import { ask, chatter, credits, enrol, linkMailedTo, PASSWORD } from './house.js';
import { playerControls } from './player.js';
import type { Tour } from './tour.js';

export interface Names {
  readonly viewer: string;
  readonly friend: string;
}

/** Field errors first, then an account that works after its mail. */
export async function signUp(tour: Tour, name: string): Promise<void> {
  const { page } = tour;
  await page.goto('/');
  await page.getByRole('link', { name: 'Sign up' }).click();
  await tour.field('Name').fill('x');
  await tour.field('E-mail').fill('nowhere');
  await tour.field('Password').fill('short');
  await tour.button('Create account').click();
  await page.locator('[aria-invalid="true"]').first().waitFor();
  await tour.until('three fields say what is wrong', async () => {
    return (await page.locator('.field-error').count()) === 3;
  });
  await tour.stop('sign-up-errors');
  const email = `${name}@example.com`;
  await tour.field('Name').fill(name);
  await tour.field('E-mail').fill(email);
  await tour.field('Password').fill(PASSWORD);
  await tour.button('Create account').click();
  await page.getByText(`We have sent a link to ${email}`).waitFor();
  await tour.stop('sign-up-mailed');
  await page.goto(await linkMailedTo(tour.house, email));
  await page.getByText('Your address is confirmed').waitFor();
  await tour.stop('activated');
  await page.getByRole('main').getByRole('link', { name: 'Log in' }).click();
  await tour.byId('login-name').fill(email);
  await tour.byId('login-password').fill(PASSWORD);
  await tour.stop('log-in');
  await tour.byId('login-submit').click();
}

export async function browse(tour: Tour): Promise<void> {
  const { page } = tour;
  const card = (slug: string) => page.locator(`[data-testid="room-card"][data-slug="${slug}"]`);
  await card('mira').waitFor();
  await card('nova').waitFor();
  await tour.stop('live-list');
  await tour.button('Paid').click();
  await card('mira').waitFor({ state: 'detached' });
  await card('nova').waitFor();
  await tour.button('Free').click();
  await card('nova').waitFor({ state: 'detached' });
  await tour.button('All').click();
  await page.getByLabel('Search shows and models').fill('mira');
  await card('nova').waitFor({ state: 'detached' });
  await page.getByLabel('Search shows and models').fill('nobody is called so');
  await page.getByText('No room fits').waitFor();
  await tour.stop('live-list-empty');
  await page.getByLabel('Search shows and models').fill('');
  await card('mira').click();
}

/** From the room to the shop and back with 100 credits. */
export async function buyCredits(tour: Tour): Promise<void> {
  const { page } = tour;
  await page.getByTitle('Your credits').click();
  await tour.byId('buy-small').waitFor();
  await tour.stop('credits');
  await tour.pressTwice('buy-small');
  await tour.byId('sandbox-bill').getByText('100 credits').waitFor();
  await tour.byId('sandbox-bill').getByText('9.99').waitFor();
  await tour.stop('sandbox');
  await tour.pressTwice('sandbox-pay');
  await page.getByRole('link', { name: 'Back to the show' }).waitFor();
  await tour.stop('sandbox-paid');
  await tour.balance((milli) => milli === 100_000, 'the balance has 100 credits');
  await page.getByRole('link', { name: 'Back to the show' }).click();
}

export async function chatAndTip(t: TestScope, tour: Tour, names: Names): Promise<void> {
  const { page, house } = tour;
  await videoAdvances(page);
  await playerControls(tour);
  const friend = chatter(t, await enrol(house, names.friend, 50), 'mira');
  const greeting = `good evening everybody on ${tour.view.name}`;
  const answer = `good evening to you, ${names.friend}`;
  await friend.say(greeting);
  await tour.line(greeting).waitFor();
  await tour.say(`hello from ${names.viewer}`);
  await tour.line(`hello from ${names.viewer}`).waitFor();
  await tour.stop('room');

  await tour.line(greeting).click();
  await tour.button(`Reply to ${names.friend}`).click();
  await tour.byId('reply-bar').waitFor();
  await tour.stop('room-reply');
  await tour.say(answer);
  await tour.line(answer).getByTestId('quote').waitFor();

  await tour.byId('chat-input').pressSequentially(`@${names.friend.slice(0, 5)}`);
  await page.getByRole('option', { name: `@${names.friend}` }).waitFor();
  await tour.stop('room-mention');
  await page.keyboard.press('Enter');
  const written = (text: string) =>
    tour.until(`"${text}" is written`, async () => {
      return (await tour.byId('chat-input').inputValue()).trim() === text;
    });
  await written(`@${names.friend}`);
  await page.keyboard.type(`have a seat with ${names.viewer}`);
  await written(`@${names.friend} have a seat with ${names.viewer}`);
  await page.keyboard.press('Enter');
  await written('');
  await tour.line(`have a seat with ${names.viewer}`).locator('.mention').waitFor();

  const sum = await tour.byId('goal').locator('.number').innerText();
  await tour.byId('tip-open').click();
  await tour.byId('tip-amount').fill('5000');
  await page.getByText('You do not have that many credits.').waitFor();
  await tour.stop('tip-too-much');
  await tour.byId('tip-amount').fill('5');
  await tour.byId('tip-text').fill(`a song for ${names.viewer}`);
  await tour.byId('tip-note').fill('only for you');
  await tour.stop('tip');
  await tour.pressTwice('tip-send');
  await tour.line(`a song for ${names.viewer}`).waitFor();
  await tour.balance((milli) => milli === 95_000, 'the tip has left the wallet');
  tour.counts(
    await tour.line(`a song for ${names.viewer}`).count(),
    1,
    'pressed twice, given once',
  );
  await tour.until('the goal has moved', async () => {
    return (await tour.byId('goal').locator('.number').innerText()) !== sum;
  });
  await tour.byId('people-open').click();
  await tour.byId('leaders').getByText(names.viewer).waitFor();
  await tour.byId('people').getByText(names.friend).waitFor();
  await tour.stop('room-people');
}

/** Follows, is told of the start, enters, tops up, leaves. */
export async function paidShow(t: TestScope, tour: Tour): Promise<void> {
  const { page, house } = tour;
  await page.goto('/r/nova');
  await page.getByText('The show has not started').waitFor();
  await tour.byId('follow').click();
  await page.getByRole('button', { name: 'Following' }).waitFor();
  await tour.stop('paid-not-started');
  const other = await tour.context.newPage();
  const both = [page, other];
  // One after the other: the first to connect is the one that shows.
  for (const tab of both) {
    await tab.goto('/');
    await tab.locator('html[data-gateway]').waitFor({ state: 'attached' });
  }
  await page.bringToFront();
  const show = publish(house.cluster, house.cluster.demo().streamKeys['nova'] ?? '');
  t.teardown(() => show.stop());
  for (const tab of both) await tab.getByTestId('unread').waitFor();
  const toasts = async (): Promise<number> => {
    const counts = await Promise.all(both.map((tab) => tab.getByTestId('toast').count()));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  await tour.until('the start is shown', async () => (await toasts()) > 0);
  tour.counts(await toasts(), 1, 'in one tab of two');
  await tour.byId('toast').hover(); // as long as the pointer is there it stays
  await tour.stop('toast');
  await tour.byId('toast').getByRole('link').click();
  await page.waitForURL('**/r/nova');
  await other.close();
  await page.goto('/');
  await tour.byId('unread').waitFor();
  await page.locator('.bell summary').click();
  await page.locator('.bell-list a').first().waitFor();
  await tour.stop('notifications');
  await page.locator('.bell-list a').first().click();
  await page.waitForURL('**/r/nova');
  await tour.byId('enter-paid').waitFor();
  await tour.stop('paid-offer');
  await tour.byId('enter-paid').click();
  await videoAdvances(page);
  await tour.byId('credit-left').waitFor();
  await tour.balance((milli) => milli < 95_000, 'the show is charged');
  await tour.stop('paid-inside');
  await tour.byId('credit-left').getByTestId('top-up-open').click();
  await tour.byId('top-up-small').waitFor();
  await tour.stop('top-up');
  await tour.byId('top-up-small').click();
  await page.getByText('are in your wallet').waitFor();
  await tour.balance((milli) => milli > 100_000, 'the top-up has arrived');
  await tour.button('Back to the show').click();
  await page.goto('/');
  await ticketShow(tour);
  await show.stop();
}

/** The running show asks for a ticket now; it is paid once, also by who comes back. */
export async function ticketShow(tour: Tour): Promise<void> {
  const { page, house } = tour;
  type Desk = { room: { priceMilliPerMin: string } };
  const { priceMilliPerMin } = (await ask<Desk>(house.nova, 'GET', '/model')).room;
  await ask(house.nova, 'PATCH', '/model/room', { showType: 'ticket', ticketMilli: credits(30) });
  await page.goto('/r/nova');
  await tour.button('Buy a ticket for 30').waitFor();
  await tour.stop('ticket-offer');
  const balance = async () => Number(await tour.byId('balance').first().getAttribute('data-milli'));
  const before = await balance();
  await tour.button('Buy a ticket for 30').click();
  await videoAdvances(page);
  await tour.balance((milli) => milli === before - 30_000, 'the ticket is paid');
  await tour.stop('ticket-inside');
  await page.reload();
  await tour.button('Buy a ticket for 30').click();
  await videoAdvances(page);
  await tour.balance((milli) => milli === before - 30_000, 'and paid once');
  await page.goto('/');
  await ask(house.nova, 'PATCH', '/model/room', { showType: 'paid', priceMilliPerMin });
}

/** What is left of the show for everybody: the evening in the list and as video. */
export async function watchAgain(tour: Tour): Promise<void> {
  const { page, house } = tour;
  interface List {
    recordings: { id: string; isReady: boolean }[];
  }
  const recordings = (): Promise<List> => ask<List>(house.nova, 'GET', '/model/recordings');
  await tour.until('the show has become a video', async () => {
    const list = (await recordings()).recordings;
    return list.length > 0 && list.every(({ isReady }) => isReady);
  });
  for (const { id } of (await recordings()).recordings) {
    await ask(house.nova, 'PATCH', `/model/recordings/${id}`, { isShown: true });
  }
  await page.goto('/m/nova');
  await tour.byId('past-shows').waitFor();
  await tour.byId('recording').getByRole('button').first().click();
  await tour.until('the recording plays', () =>
    tour
      .byId('recording-video')
      .evaluate((video) => (video as unknown as { currentTime: number }).currentTime > 0.5),
  );
  await tour.stop('profile');
}

export async function lookAfterAccount(tour: Tour, name: string): Promise<void> {
  const { page } = tour;
  await page.goto('/account');
  const buffer = await sharp({
    create: { width: 320, height: 240, channels: 3, background: '#3a7' },
  })
    .png()
    .toBuffer();
  await tour.byId('avatar-file').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer });
  await tour.byId('avatar-send').click();
  await tour.byId('avatar-remove').waitFor();
  await page.getByText('This device').waitFor();
  await tour.stop('account');
  const elsewhere = new SiteVisitor(tour.house.cluster.siteUrl);
  await elsewhere.logIn({ username: name, password: PASSWORD });
  await page.reload();
  const devices = page.getByRole('region', { name: 'Devices' });
  await devices.getByRole('listitem').getByRole('button', { name: 'Log out' }).click();
  await tour.until('one device is left', async () => {
    return (await devices.getByRole('listitem').count()) === 1;
  });
  const { status } = await elsewhere.call('GET', '/me');
  if (status !== 401) throw new Error(`the ended device still gets in: ${status}`);

  await page.goto('/credits');
  await tour.field('A tip at most').fill('no amount');
  await tour.byId('limits-save').click();
  await page.locator('[aria-invalid="true"]').waitFor();
  await tour.field('A tip at most').fill('20');
  await tour.byId('limits-save').click();
  await page.getByText('Your limits are set.').waitFor();
  const orders = page.getByRole('region', { name: 'Purchases' }).locator('tbody tr');
  await tour.until(
    'one order of the shop and one of the top-up, however often pressed',
    async () => {
      return (await orders.count()) === 2;
    },
  );
  await tour.stop('credits-used');
  await tour.button('Refund for this purchase').first().click();
  await tour.field('What went wrong?').fill('I pressed twice');
  await tour.stop('refund');
  await tour.button('Ask for a refund').click();
  await tour.button('Close').last().click();
  await page.getByText('We are looking at it').waitFor();
}

export async function logOut(tour: Tour): Promise<void> {
  const { page } = tour;
  await page.locator('.account-menu:not(.bell) summary').click();
  await tour.stop('account-menu');
  await tour.button('Log out').click();
  await page.getByRole('link', { name: 'Log in' }).waitFor();
  await page.goto('/account');
  await page.getByText('Log in to open this page.').waitFor();
  await tour.stop('logged-out');
}

export async function viewerJourney(t: TestScope, tour: Tour, names: Names): Promise<void> {
  await ask(tour.house.mira, 'PATCH', '/model/room', {
    goal: { targetMilli: credits(200), text: 'A second song' },
    tags: ['music', 'english'],
    tipMenu: [{ label: 'Song request', amountMilli: credits(20) }],
  });
  await signUp(tour, names.viewer);
  await browse(tour);
  await tour.byId('goal').waitFor();
  await buyCredits(tour);
  await chatAndTip(t, tour, names);
  await paidShow(t, tour);
  await watchAgain(tour);
  await lookAfterAccount(tour, names.viewer);
  await logOut(tour);
}
