// A regular of the house beside other people: the list that moves by itself, chat as somebody else
// and moderators shape it, a limit that was set for oneself, and being moved to another room.
import type { Page } from 'playwright-core';
import type { TestScope } from '../../cluster/testing/index.js';
import { videoAdvances } from '../../bench/testing/browser.js';
import { publish, type Publisher } from '../e2e/publisher.js';
import { ask, chatter, credits, enrol, type House, type Person } from './house.js';
import { showEndsAtLimit } from './time-limit.js';
import type { Tour } from './tour.js';

/** Clocks of the page from this length on stand still: what moves then was pushed. */
const STILL_FROM_MS = 10_000;
const STILL = `{
  const start = globalThis.setInterval;
  globalThis.setInterval = (run, ms, ...rest) =>
    ms >= ${STILL_FROM_MS} ? 0 : start(run, ms, ...rest);
  globalThis.isFirstLoad = true;
}`;

const cardOf = (page: Page, slug: string) =>
  page.locator(`[data-testid="room-card"][data-slug="${slug}"]`);

/** A title, a show that begins: both reach a list that asks for nothing by itself. */
async function listMoves(t: TestScope, tour: Tour): Promise<Publisher> {
  const { house, page } = tour;
  const { title } = (await ask<{ room: { title: string } }>(house.mira, 'GET', '/model')).room;
  const call = (next: string) => ask(house.mira, 'PATCH', '/model/room', { title: next });
  const mira = cardOf(page, 'mira');
  await page.addInitScript(STILL);
  await page.goto('/');
  await mira.waitFor();
  await page.evaluate('globalThis.isFirstLoad = "still"');
  await page.locator('[data-testid="connection-state"][data-state="online"]').waitFor();
  // The first one may be found when the page joins; the second one comes while it is there.
  for (const next of ['Songs before dinner', 'Songs after dinner', title]) {
    await call(next);
    await mira.getByText(next).waitFor();
  }
  const show = publish(house.cluster, house.cluster.demo().streamKeys['nova'] ?? '');
  t.teardown(() => show.stop());
  await tour.byId('live-list').locator('[data-slug="nova"] .badge-live').waitFor();
  const isSame = (await page.evaluate<unknown>('globalThis.isFirstLoad')) === 'still';
  tour.counts(Number(isSame), 1, 'the list was never loaded anew');
  return show;
}

let acts = 0;
/** What the model does about the chat of her room. */
function moderate(house: House, act: Readonly<Record<string, unknown>>): Promise<unknown> {
  acts += 1;
  return ask(house.mira, 'POST', '/rooms/mira/moderation/acts', {
    key: `regular-act-${acts}`,
    ...act,
  });
}

async function chatIsShaped(tour: Tour, friend: ReturnType<typeof chatter>): Promise<void> {
  const { house, page } = tour;
  await friend.say('well played :clap:');
  await tour.line('well played').getByRole('img', { name: 'clap' }).waitFor();
  await page.locator('.emote-menu summary').click();
  await page.getByTitle(':rose:').click();
  await tour.byId('chat-send').click();
  await page.locator('.line').getByRole('img', { name: 'rose' }).waitFor();

  const said = (await friend.say('watches, cheap watches')) as { offset: number };
  await tour.line('cheap watches').waitFor();
  await moderate(house, { action: 'delete', offset: said.offset });
  await tour.line('cheap watches').waitFor({ state: 'detached' });
  await tour.line('message removed').last().waitFor();

  await moderate(house, { action: 'settings', settings: { review: 'all' } });
  await tour.say('may I sing along?');
  const mine = tour.line('may I sing along?');
  await mine.getByText('Waits for a moderator').waitFor();
  await tour.stop('held');
  type Desk = { held: { held: string }[] };
  const { held } = await ask<Desk>(house.mira, 'GET', '/rooms/mira/moderation');
  for (const one of held) await moderate(house, { action: 'approve', held: one.held });
  await mine.getByText('Waits for a moderator').waitFor({ state: 'detached' });
  await mine.waitFor();
  await moderate(house, { action: 'settings', settings: { review: 'off' } });
}

/** Each number that stood on the button, and whether it could be pressed under it. */
const WATCH_BUTTON = `{
  const button = document.querySelector('[data-testid="chat-send"]');
  globalThis.waits = [];
  const look = () => {
    const sec = Number(button.dataset.wait);
    if (sec > 0) globalThis.waits.push([sec, button.disabled, button.innerText.trim()]);
  };
  const attributes = { attributes: true, attributeFilter: ['data-wait', 'disabled'] };
  new MutationObserver(look).observe(button, attributes);
}`;

async function slowMode(tour: Tour): Promise<void> {
  const { house, page } = tour;
  await moderate(house, { action: 'settings', settings: { slow: 6 } });
  await tour.byId('chat-rules').getByText('one message every 6 s').waitFor();
  await page.evaluate(WATCH_BUTTON);
  await tour.say('first of two');
  await tour.line('first of two').waitFor();
  await tour.byId('chat-input').fill('second of two');
  await page.locator('[data-testid="chat-send"]:not([data-wait="0"])').waitFor();
  await page.locator('[data-testid="chat-send"][data-wait="0"]').waitFor();
  type Waits = [sec: number, isDisabled: boolean, text: string][];
  const waits = await page.evaluate<Waits>('globalThis.waits');
  const secs = waits.map(([sec]) => sec);
  const isFalling = secs.every((sec, at) => sec <= (secs[at - 1] ?? 6));
  tour.counts(Number(isFalling && new Set(secs).size > 1), 1, `seconds go down: ${secs.join(' ')}`);
  const isShown = waits.every(([sec, isDisabled, text]) => isDisabled && text === String(sec));
  tour.counts(Number(isShown), 1, 'each stands on the button, which cannot be pressed');
  await tour.byId('chat-send').click();
  await tour.line('second of two').waitFor();
  await moderate(house, { action: 'settings', settings: { slow: 0 } });
}

/** Somebody else tips: it flashes over the picture of everybody. */
async function tipFlashes(tour: Tour, giver: Person): Promise<void> {
  const flash = tour.page.locator('.tip-flash', { hasText: giver.username });
  const tip = { key: `flash-${giver.username}`, amountMilli: credits(3) };
  await Promise.all([flash.waitFor(), ask(giver, 'POST', '/rooms/mira/tips', tip)]);
}

/** A limit of one's own refuses by its reason; raised, the same door opens. */
async function limitHolds(tour: Tour, me: Person): Promise<void> {
  const { house, page } = tour;
  const why = page.getByText('A spending limit of yours forbids this');
  await ask(me, 'PUT', '/credits/limits', { perDayMilli: credits(1), perMinuteMilli: '1' });
  await tour.byId('tip-open').click();
  await tour.byId('tip-amount').fill('5');
  await tour.byId('tip-send').click();
  await why.waitFor();
  await tour.stop('tip-limit');
  await page.keyboard.press('Escape');

  // The house moves its guests to the other room.
  await ask(house.admin, 'POST', '/admin/rooms/mira/redirect', { to: 'nova' });
  await page.waitForURL('**/r/nova');
  await tour.byId('enter-paid').click();
  await why.waitFor();
  await tour.stop('show-limit');
  await ask(me, 'PUT', '/credits/limits', {});
  await tour.byId('enter-paid').click();
  await videoAdvances(page);
  await why.waitFor({ state: 'detached' });
}

export async function regularJourney(t: TestScope, tour: Tour): Promise<void> {
  const { house, view, page } = tour;
  const [me, giver] = await Promise.all([
    enrol(house, `reg${view.name}`, 100),
    enrol(house, `giver${view.name}`, 50),
  ]);
  await tour.logIn(me);
  const show = await listMoves(t, tour);
  await page.goto('/r/mira');
  await videoAdvances(page);
  const friend = chatter(t, giver, 'mira');
  await chatIsShaped(tour, friend);
  await slowMode(tour);
  await tipFlashes(tour, giver);
  await limitHolds(tour, me);
  await showEndsAtLimit(t, tour, show);
}
