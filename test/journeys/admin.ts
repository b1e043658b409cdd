// An operator's day: who may perform, accounts and roles, credits, the live wall, reports and
// refunds, the books, campaigns, chargebacks, payouts, the programme.
import type { TestScope } from '../../cluster/testing/index.js';
import { publish } from '../e2e/publisher.js';
import { books, ownLook, record, signWithStudio } from './books.js';
import { ask, credits, earningsRipe, enrol, enrolModel, type Person } from './house.js';
import type { Tour } from './tour.js';

interface Cast {
  readonly fan: Person;
  readonly hopeful: Person;
  readonly hopeless: Person;
  readonly model: Person;
  /** Of finance: proposes what a second person has to approve; has bought something in error. */
  readonly clerk: Person;
  /** Of the fan's purchase, as payment providers name it. */
  readonly paymentRef: string;
}

/** What an evening has left for the operator. */
async function prepare(tour: Tour): Promise<Cast> {
  const { house } = tour;
  const view = tour.view.name;
  const fan = await enrol(house, `finn${view}`, 250);
  const [hopeful, hopeless] = [
    await enrol(house, `hope${view}`),
    await enrol(house, `less${view}`),
  ];
  for (const { api, username } of [hopeful, hopeless]) {
    await api.call('POST', '/model/apply', { displayName: username, about: 'I sing.' });
  }
  const model = await enrolModel(house, `maya${view}`);
  await signWithStudio(tour, { model, studio: hopeful });
  await ask(fan, 'POST', `/rooms/${model.username}/tips`, {
    key: `tip-${view}-admin`,
    amountMilli: credits(10),
  });
  await ask(fan, 'POST', '/rooms/mira/reports', { reason: 'spam', note: `told by ${view}` });
  const checkout = { packageId: 'small', key: `order-${view}-admin` };
  type Checkout = { order: { id: string } };
  const clerk = await enrol(house, `clerk${view}`);
  await ask(house.admin, 'PATCH', `/admin/users/${clerk.id}/roles`, { isFinance: true });
  for (const buyer of [fan, clerk]) {
    const { order } = await ask<Checkout>(buyer, 'POST', '/credits/checkout', checkout);
    await ask(buyer, 'POST', `/credits/orders/${order.id}/sandbox-pay`, {});
    const wish = { kind: 'purchase', ref: order.id, reason: 'pressed twice' };
    await ask(buyer, 'POST', '/credits/refund-requests', wish);
  }
  type Purchases = { items: { userId: string; paymentRef: string }[] };
  const { items } = await ask<Purchases>(house.admin, 'GET', '/admin/finance/purchases');
  const paymentRef = items.find(({ userId }) => userId === fan.id)?.paymentRef ?? '';
  return { fan, hopeful, hopeless, model, clerk, paymentRef };
}

async function giveReason(tour: Tour, words: string): Promise<void> {
  await tour.byId('reason').fill(words);
  await tour.byId('reason-send').click();
  await tour.byId('reason').waitFor({ state: 'detached' });
}

export async function desk(tour: Tour, cast: Cast): Promise<void> {
  const { fan, hopeful, hopeless, clerk } = cast;
  const { page } = tour;
  const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });
  await row(hopeful.username).waitFor();
  await tour.byId('report-row').first().waitFor();
  await tour.stop('desk');
  await row(hopeful.username).getByRole('button', { name: 'Approve' }).click();
  await page.getByText(`${hopeful.username} was approved.`).waitFor();
  await row(hopeless.username).getByRole('button', { name: 'Decline' }).click();
  await tour.field('Reason').fill('Sing a little longer first');
  await tour.stop('decline');
  await page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click();
  await page.getByText(`${hopeless.username} was declined.`).waitFor();

  const report = tour.byId('report-row').filter({ hasText: `told by ${tour.view.name}` });
  await report.getByRole('button', { name: 'Resolve' }).click();
  await giveReason(tour, 'talked to the model');
  await report.waitFor({ state: 'detached' });
  const wish = tour.byId('refund-row').filter({ hasText: fan.username });
  await wish.getByRole('button', { name: 'Decline' }).click();
  await giveReason(tour, 'it was bought once');
  await wish.waitFor({ state: 'detached' });
  const other = tour.byId('refund-row').filter({ hasText: clerk.username });
  await other.getByTestId('refund-approve').click();
  await other.waitFor({ state: 'detached' });
  type Wallet = { balance: string };
  const { balance } = await ask<Wallet>(clerk, 'GET', '/me');
  if (balance !== '0') throw new Error(`what was given back is still there: ${balance}`);
}

export async function accounts(tour: Tour, { hopeless }: Cast): Promise<void> {
  const { username } = hopeless;
  await tour.byId('admin-accounts').click();
  await tour.byId('account-search').fill(username);
  const row = tour.byId('account-row').filter({ hasText: username });
  await row.waitFor();
  await tour.until('only this account is listed', async () => {
    return (await tour.byId('account-row').count()) === 1;
  });
  await row.getByRole('button', { name: 'Suspend' }).click();
  await giveReason(tour, 'sings at night');
  await row.getByText('SUSPENDED').waitFor();
  await tour.stop('accounts');
  await row.getByRole('button', { name: 'Restore' }).click();
  await row.getByText('SUSPENDED').waitFor({ state: 'detached' });
  await tour.byId('roles-open').click();
  await tour.byId('role-moderator').check();
  await tour.stop('roles');
  await tour.byId('roles-save').click();
  await row.getByText('moderator').waitFor();
  await tour.byId('roles-open').click();
  await tour.byId('role-moderator').uncheck();
  await tour.byId('roles-save').click();
  await row.getByText('moderator').waitFor({ state: 'detached' });
}

/** Lets no piece of video through until it is called again. */
async function withholdVideo(tour: Tour): Promise<() => Promise<void>> {
  const video = /\/h\/[^/]+\/[^/]+\/.*\.(m3u8|m4s|mp4|ts)/;
  await tour.page.route(video, (route) => route.abort());
  return () => tour.page.unroute(video);
}

/**
 * A free and a paid show on the wall, which plays both; the paid one becomes one with a ticket. Its
 * viewers are sent to the other, then it is ended. All this costs the operator nothing.
 */
export async function wall(t: TestScope, tour: Tour): Promise<void> {
  const { house, view } = tour;
  const { admin, nova } = house;
  const seat = { amountMilli: credits(100), reason: 'a purse that stays full' };
  const purse = { ...seat, username: admin.username, key: `purse-of-admin-${view.name}` };
  await ask(admin, 'POST', '/admin/grants', purse);
  const wallet = async (): Promise<string> => {
    type Me = { balance: string; held: string };
    const { balance, held } = await ask<Me>(admin, 'GET', '/me');
    return `${balance} and ${held} held`;
  };
  const before = await wallet();
  const show = publish(house.cluster, house.cluster.demo().streamKeys['nova'] ?? '');
  t.teardown(() => show.stop());
  await tour.byId('admin-live').click();
  const room = (name: string) => tour.byId('wall-room').filter({ hasText: name });
  const picture = (name: string) => room(name).getByTestId('wall-video');
  const plays = (name: string) =>
    tour.until(`${name} plays on the wall, without sound`, () =>
      picture(name).evaluate((video) => {
        const { currentTime, muted } = video as unknown as { currentTime: number; muted: boolean };
        return currentTime > 0 && muted;
      }),
    );
  await room('Nova').getByText('paid').waitFor();
  await plays('Mira');
  await plays('Nova');
  await tour.stop('wall');
  if (view.name === 'desktop') {
    const letThrough = await withholdVideo(tour);
    await tour.until('what stands still is begun anew', async () => {
      return Number(await picture('Nova').getAttribute('data-restarts')) > 0;
    });
    await letThrough();
    await plays('Nova');
  }
  type Desk = { room: { priceMilliPerMin: string } };
  const { priceMilliPerMin } = (await ask<Desk>(nova, 'GET', '/model')).room;
  await ask(nova, 'PATCH', '/model/room', { showType: 'ticket', ticketMilli: credits(30) });
  await room('Nova').getByText('ticket').waitFor();
  await plays('Nova');
  await ask(nova, 'PATCH', '/model/room', { showType: 'paid', priceMilliPerMin });
  const after = await wallet();
  if (after !== before) throw new Error(`looking on was charged: ${before}, now ${after}`);

  await room('Nova').getByRole('button', { name: 'Redirect viewers' }).click();
  await giveReason(tour, 'mira');
  await room('Nova').getByRole('button', { name: 'End show' }).click();
  await tour.stop('end-show');
  await giveReason(tour, 'the house closes');
  await show.ended;
  await room('Nova').waitFor({ state: 'detached' });
}

export async function money(tour: Tour, cast: Cast): Promise<void> {
  const { page, view } = tour;
  const { fan, model } = cast;
  await tour.byId('admin-money').click();
  const grant = page.getByRole('region', { name: 'Grant credits' });
  await grant.getByLabel('Account').fill(fan.username);
  await grant.getByLabel('Amount').fill('25');
  await grant.getByLabel('Reason').fill('for a broken show');
  await grant.getByRole('button', { name: 'Grant' }).click();
  await grant.getByText(`${fan.username} now has`).waitFor();
  await page.getByText('The books balance').waitFor();
  await tour.until('all entries sum up to zero', async () => {
    return (await tour.byId('entries-sum').innerText()) === '0';
  });

  const campaign = tour.byId('campaign-form');
  await campaign.getByLabel('Name').fill(`Spring ${view.name}`);
  await campaign.getByLabel('Budget').fill('500');
  await campaign.getByLabel('Bonus ends after days').fill('30');
  await tour.byId('campaign-form-send').click();
  await page.getByText(`Spring ${view.name} was created.`).waitFor();
  const spent = tour.byId('campaign-row').filter({ hasText: `Spring ${view.name}` });
  await spent.getByText('500 of 500 credits').waitFor();
  const bonus = tour.byId('campaign-grant');
  await bonus.getByLabel('Campaign').selectOption({ label: `Spring ${view.name}` });
  await bonus.getByLabel('Account').fill(cast.hopeful.username);
  await bonus.getByLabel('Amount').fill('30');
  await tour.byId('campaign-grant-send').click();
  await bonus.getByText(`${cast.hopeful.username} now has 30 credits`).waitFor();
  await spent.getByText('470 of 500 credits').waitFor();
  const chargeback = tour.byId('chargeback-form');
  await chargeback.getByLabel('Payment').fill(cast.paymentRef);
  await tour.byId('chargeback-form-send').click();
  await page.getByText('The wallet is frozen.').waitFor();
  await chargeback.getByLabel('News').selectOption('won');
  await chargeback.getByLabel('Payment').fill(cast.paymentRef);
  await tour.byId('chargeback-form-send').click();
  await page.getByText('The wallet is not frozen.').waitFor();
  await tour.stop('money');

  await earningsRipe(model);
  await ask(model, 'POST', '/model/payouts', { key: `payout-${view.name}-1`, method: 'bank' });
  await tour.byId('admin-desk').click();
  await tour.byId('admin-money').click();
  const payout = tour.byId('payout-row').filter({ hasText: `performer ${model.id}` });
  await payout.getByRole('button', { name: 'Approve' }).click();
  await payout.getByRole('button', { name: 'Has arrived' }).click();
  await payout.getByText('Paid').waitFor();
  await tour.stop('payout');
}

/** A tip above the limit of one person: the clerk proposes to give it back, the admin approves. */
export async function secondPerson(tour: Tour, { fan, clerk }: Cast): Promise<void> {
  const { view } = tour;
  const tip = { key: `tip-${view.name}-large`, amountMilli: credits(120) };
  const { tipId } = await ask<{ tipId: string }>(fan, 'POST', '/rooms/mira/tips', tip);
  const reason = `a slip of the thumb on ${view.name}`;
  const proposal = { key: `back-${view.name}-large`, kind: 'tip', ref: tipId, reason };
  await tour.until('the clerk has proposed it', async () => {
    const wanted = { ...proposal, amountMilli: credits(120) };
    return (await clerk.api.call('POST', '/admin/refunds', wanted)).status === 201;
  });
  await tour.byId('admin-refunds').click();
  await tour.byId('refund-form').waitFor();
  const order = tour.byId('refund-order').filter({ hasText: reason });
  await order.getByText('waits for a second person').waitFor();
  await tour.stop('refunds');
  await order.getByRole('button', { name: 'Approve' }).click();
  await order.getByText('given back').waitFor();
}

export async function programme(tour: Tour): Promise<void> {
  const { page } = tour;
  const at = (laterMs: number): string =>
    `${new Date(Date.now() + laterMs).toISOString().slice(0, 16)}+00:00`;
  const talk = { room: 'main', minutes: 60, speakers: ['Ada Example'] };
  const document = {
    format: 'showbill-programme',
    title: 'A small conference',
    timeZone: 'Europe/Berlin',
    rooms: [{ id: 'main', name: 'Main hall' }],
    talks: [
      { ...talk, id: 't-1', start: at(-600_000), title: 'Opening' },
      { ...talk, id: 't-2', start: at(3_600_000), title: 'Next' },
    ],
  };
  await tour.byId('admin-programme').click();
  const buffer = Buffer.from(JSON.stringify(document));
  const file = { name: 'programme.json', mimeType: 'application/json', buffer };
  await tour.byId('programme-file').setInputFiles(file);
  const room = tour.byId('programme-room');
  await room.waitFor();
  // What is set for a room outlives its programme: another room of the site at the second width.
  const slug = tour.view.name === 'phone' ? 'mira' : 'nova';
  await room.getByLabel('Room on this site').fill(slug);
  await room.getByLabel('Logo').fill('/favicon.svg');
  await tour.byId('programme-room-save').click();
  await tour.until('the room is kept', async () => {
    return tour.byId('programme-room-save').isDisabled();
  });
  await tour.stop('programme-desk');
  await page.goto('/programme');
  await tour.byId('talk').first().waitFor();
  const logo = page.locator('.programme-logo').first();
  await tour.until('the logo of the room is drawn', () =>
    logo.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0),
  );
  await tour.stop('programme');
  await page.goto('/admin');
  await tour.byId('admin-programme').click();
  await tour.button('Take the programme away').click();
  await tour.button('Really take it away').click();
  await room.waitFor({ state: 'detached' });
}

export async function adminJourney(t: TestScope, tour: Tour): Promise<void> {
  const cast = await prepare(tour);
  await ownLook(tour);
  await tour.logIn(tour.house.admin, '/admin');
  await desk(tour, cast);
  await accounts(tour, cast);
  await wall(t, tour);
  await money(tour, cast);
  await books(tour, { model: cast.model, studio: cast.hopeful });
  await programme(tour);
  await secondPerson(tour, cast);
  await tour.byId('admin-records').click();
  await tour.page.getByRole('heading', { name: 'Mailbox' }).waitFor();
  await record(tour, cast.hopeful);
  await tour.stop('records');
}
