// A moderator of the site in somebody's room: a line is deleted, its author waits, messages are
// held, shown or turned down, a mute, a shadow mute and a ban are given and lifted.
import type { TestScope } from '../../cluster/testing/index.js';
import { ask, chatter, enrol } from './house.js';
import type { Tour } from './tour.js';

export async function moderatorJourney(t: TestScope, tour: Tour): Promise<void> {
  const { house, page, view } = tour;
  const moderator = await enrol(house, `moe${view.name}`);
  await ask(house.admin, 'PATCH', `/admin/users/${moderator.id}/roles`, { isModerator: true });
  const rude = await enrol(house, `rob${view.name}`);
  const calm = await enrol(house, `cal${view.name}`);
  const [rob, cal] = [chatter(t, rude, 'mira'), chatter(t, calm, 'mira')];
  const [ad, cheap] = [`watches of ${view.name}`, `cheap ones of ${view.name}`];
  const [wish, again] = [`may I say something on ${view.name}`, `watches again on ${view.name}`];
  await tour.logIn(moderator, '/r/mira');
  await tour.byId('moderation-open').waitFor();
  await rob.say(ad);
  await rob.say(cheap);
  await cal.say(`good evening from ${calm.username}`);
  await tour.line(`good evening from ${calm.username}`).waitFor();
  await tour.stop('room');

  const act = async (line: string, button: string): Promise<void> => {
    await tour.line(line).click();
    await tour.button(`Moderate this message of ${rude.username}`).last().click();
    await tour.byId('act-dialog').waitFor();
    await tour.byId('act-dialog').getByLabel('Reason').fill('advertising');
    await tour.byId('act-dialog').getByRole('button', { name: button, exact: true }).click();
    await tour.byId('act-dialog').waitFor({ state: 'detached' });
  };
  await tour.line(cheap).click();
  await tour.button(`Moderate this message of ${rude.username}`).last().click();
  await tour.stop('act-dialog');
  await page.keyboard.press('Escape');
  await act(cheap, 'Delete');
  await tour.line('message removed').first().waitFor();
  await act(ad, `Mute ${rude.username}`);
  await act(ad, 'Shadow mute');

  await tour.byId('moderation-open').click();
  const bans = tour.byId('ban-row').filter({ hasText: rude.username });
  await bans.getByText(/^Muted/).waitFor();
  await tour.stop('bans');
  await bans.getByRole('button', { name: 'Unmute' }).click();
  await bans.getByRole('button', { name: 'Lift shadow mute' }).click();
  await bans.first().waitFor({ state: 'detached' });

  const queue = tour.byId('held-queue');
  await tour.byId('review-mode').selectOption('all');
  await tour.until('messages wait', async () => {
    type Desk = { settings: { review: string } };
    const { settings } = await ask<Desk>(moderator, 'GET', '/rooms/mira/moderation');
    return settings.review === 'all';
  });
  await cal.say(wish);
  await rob.say(again);
  await queue.getByText(wish).waitFor();
  await queue.getByText(again).waitFor();
  await tour.stop('held-queue');
  const held = (text: string) => queue.getByRole('listitem').filter({ hasText: text });
  await held(wish).getByRole('button', { name: 'Show it' }).click();
  await held(wish).waitFor({ state: 'detached' });
  await held(again).getByRole('button', { name: 'Turn down' }).click();
  await queue.getByText('No message waits.').waitFor();
  await tour.byId('review-mode').selectOption('off');

  await tour.button('Chat').click();
  await tour.line(wish).waitFor();
  await act(ad, `Ban ${rude.username}`);
  await tour.byId('moderation-open').click();
  await bans.getByText('Banned').waitFor();
  await tour.stop('bans');
  await bans.getByRole('button').click();
  await page.getByText('Nobody is banned or muted.').waitFor();
}
