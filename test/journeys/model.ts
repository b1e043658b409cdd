// A model's first evening: the application, the stream key, a broadcast from the browser, room and
// prices, a private show, looking after the chat, what was earned, the next date.
import { readFile } from 'node:fs/promises';
import type { TestScope } from '../../cluster/testing/index.js';
import { ask, chatter, credits, earningsRipe, enrol, type Person } from './house.js';
import type { Tour } from './tour.js';

export interface Cast {
  readonly model: Person;
  readonly fan: Person;
  readonly troll: Person;
}

export async function apply(tour: Tour, { model }: Cast): Promise<void> {
  const { page, house } = tour;
  await tour.logIn(model, '/model');
  await tour.field('Stage name').fill('');
  await tour.button('Send application').click();
  await page.locator('[aria-invalid="true"]').waitFor();
  await tour.stop('apply-error');
  await tour.field('Stage name').fill(model.username);
  await tour.field('About your show').fill('Piano, requests and slow evenings.');
  await tour.button('Send application').click();
  await page.getByText('Your application is in').waitFor();
  await tour.stop('apply-waiting');
  await ask(house.admin, 'POST', `/admin/models/${model.id}/approve`, {});
  await tour.button('Check again').click();
  await page.getByRole('heading', { name: 'Your show' }).waitFor();
}

export async function streamKey(tour: Tour): Promise<void> {
  const { page } = tour;
  const key = tour.field('Stream key');
  await tour.stop('desk-offline');
  await tour.button('Make a stream key').click();
  await page.getByText('Copy the key now').waitFor();
  const first = await key.inputValue();
  await tour.button('Copy').last().click();
  await tour.button('Copied').waitFor();
  const copied = await page.evaluate<string>('navigator.clipboard.readText()');
  if (copied !== first) throw new Error('the key was not copied');
  await tour.button('Make a new key').click();
  await page.getByRole('dialog').waitFor();
  await tour.stop('desk-new-key');
  await page.getByRole('dialog').getByRole('button', { name: 'Make a new key' }).click();
  await tour.until('the key is another', async () => (await key.inputValue()) !== first);
}

export async function goLive(tour: Tour): Promise<void> {
  const { page } = tour;
  await tour.byId('use-camera').click();
  await tour.byId('own-picture').waitFor();
  await tour.stop('desk-preview');
  await tour.byId('go-live').click();
  await page.locator('[data-testid="broadcast-state"][data-state="live"]').waitFor();
  await tour.byId('health').waitFor();
  await page.getByText('You are on stage').waitFor();
  await tour.stop('desk-live');
}

export async function furnishRoom(tour: Tour): Promise<void> {
  const { page } = tour;
  await tour.byId('desk-room').click();
  await tour.field('Title').fill('Piano at night');
  await tour.field('Topic').fill('Requests until ten');
  await tour.field('Tags').fill('piano, requests');
  await tour.byId('show-paid').click();
  await tour.field('Price').fill('nothing');
  await page.getByText('Enter an amount such as 6 or 2.5.').waitFor();
  await tour.field('Longest visit').fill('1441');
  await page.getByText('1 to 1440 minutes, or empty.').waitFor();
  await tour.field('Longest show').fill('0');
  await page.getByText('1 to 10080 minutes, or empty.').waitFor();
  await tour.stop('room-form-error');
  await tour.field('Longest show').fill('240');
  await tour.field('Longest visit').fill('30');
  await tour.byId('show-ticket').click();
  await tour.field('Ticket').fill('12');
  await tour.byId('show-free').click();
  await tour.field('Viewers may ask for a private show').check();
  await tour.field('Price in private').fill('30');
  await tour.field('Minimum').fill('1');
  await tour.field('Tip menu').fill('Song request 20\nDedication 10');
  await tour.field('Goal').fill('300');
  await tour.field('Goal for').fill('A new microphone');
  await tour.byId('room-save').click();
  await page.getByText('Saved. Viewers see it now.').waitFor();
  await tour.byId('slot-new').click();
  await tour.byId('slot-title').fill('Piano again');
  await tour.byId('slot-save').click();
  await tour.byId('slot').waitFor();
  await tour.stop('room-form');
}

export async function privateShow(tour: Tour, { model, fan }: Cast): Promise<void> {
  const { page } = tour;
  await tour.byId('desk-stage').click();
  await ask(fan, 'POST', `/rooms/${model.username}/private-request`, { note: 'A quiet hour?' });
  await tour.byId('private-request').waitFor();
  await tour.stop('private-asked');
  await tour.byId('private-request').getByRole('button', { name: 'Accept' }).click();
  await page.getByText('A private show is on').waitFor();
  await tour.stop('private-on');
  await tour.button('End the private show').click();
  await page.getByText('Nobody asks at the moment').waitFor();
}

/** In the room beside the desk, where the broadcast goes on. */
export async function lookAfterChat(t: TestScope, tour: Tour, cast: Cast): Promise<void> {
  const { model, fan, troll } = cast;
  const opened = tour.context.waitForEvent('page');
  await tour.page.getByRole('link', { name: 'Open my room and chat' }).click();
  const room = await opened;
  const guest = chatter(t, fan, model.username);
  const rude = chatter(t, troll, model.username);
  await guest.say('what a piano');
  await rude.say('go home');
  const list = room.getByTestId('chat-list');
  await list.getByText('go home').waitFor();
  await tour.stop('own-room', room);

  await list.locator('.line', { hasText: 'go home' }).click();
  await room.getByRole('button', { name: `Moderate this message of ${troll.username}` }).click();
  await room.getByTestId('act-dialog').waitFor();
  await tour.stop('act-dialog', room);
  await room.getByRole('button', { name: `Ban ${troll.username}` }).click();
  await room.getByTestId('act-dialog').waitFor({ state: 'detached' });

  await room.getByTestId('moderation-open').click();
  await room.getByTestId('ban-row').getByText(troll.username).waitFor();
  await room.getByRole('textbox', { name: 'Word list' }).fill('casino');
  await room.getByRole('button', { name: 'Save words' }).click();
  await room.getByTestId('review-mode').selectOption('words');
  await room.getByTestId('slow-mode').selectOption('3');
  await tour.until('the modes are kept', async () => {
    type Desk = { settings: { slow: number; review: string; words: string[] } };
    const desk = await ask<Desk>(model, 'GET', `/rooms/${model.username}/moderation`);
    const { slow, review, words } = desk.settings;
    return slow === 3 && review === 'words' && words.includes('casino');
  });
  await guest.say('come to my casino').catch(() => undefined);
  await room.getByTestId('held-queue').getByText('come to my casino').waitFor();
  await tour.stop('moderation', room);
  await room.getByTestId('held-queue').getByRole('button', { name: 'Show it' }).click();
  await room.getByTestId('held-queue').getByText('No message waits.').waitFor();
  await room.close();
}

export async function earn(tour: Tour, { model, fan }: Cast): Promise<void> {
  const { page } = tour;
  await ask(fan, 'POST', `/rooms/${model.username}/tips`, {
    key: `thanks-${model.username}`,
    amountMilli: credits(40),
    text: 'for the piano',
  });
  await tour.byId('desk-money').click();
  await tour.until('the tip is earned', async () => {
    return Number(await tour.byId('earnings-total').innerText()) > 0;
  });
  await tour.byId('chart').waitFor();
  await tour.stop('earnings');
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    tour.byId('statement-csv').click(),
  ]);
  const csv = await readFile(await saved.path(), 'utf8');
  if (csv.split('\n').length < 2) throw new Error(`an empty statement: ${csv}`);
  await earningsRipe(model);
  await tour.byId('desk-room').click();
  await tour.byId('desk-money').click();
  await tour.pressTwice('payout-request');
  await page.getByText('Your wish has arrived').waitFor();
  await tour.byId('payouts').getByText('Requested').waitFor();
  const wishes = await tour.byId('payouts').locator('tbody tr').count();
  tour.counts(wishes, 1, 'pressed twice, asked for once');
  await tour.until('the sums follow', async () => {
    return (await page.getByText('On the way').locator('..').innerText()).includes('24');
  });
  await tour.stop('payout');
}

export async function modelJourney(t: TestScope, tour: Tour): Promise<void> {
  const { name } = tour.view;
  const [model, fan, troll] = await Promise.all([
    enrol(tour.house, `mona${name}`),
    enrol(tour.house, `fay${name}`, 200),
    enrol(tour.house, `troll${name}`),
  ]);
  const cast = { model, fan, troll };
  await apply(tour, cast);
  await streamKey(tour);
  await goLive(tour);
  await furnishRoom(tour);
  await privateShow(tour, cast);
  await lookAfterChat(t, tour, cast);
  await earn(tour, cast);
  await tour.byId('desk-stage').click();
  await tour.byId('stop-live').click();
  await tour.page.getByText('Start your encoder').waitFor();
}
