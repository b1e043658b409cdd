// The operator's books by click, after the day's money: totals of a model and its studio, a
// chargeback that is lost, a payout that comes back and one that fails, the record and who did it.
import { ask, credits, earningsRipe, type Person } from './house.js';
import type { Tour } from './tour.js';

export interface Earners {
  readonly model: Person;
  /** Has half of what the model earns. */
  readonly studio: Person;
}

/** Before anything is earned. */
export async function signWithStudio(tour: Tour, { model, studio }: Earners): Promise<void> {
  const terms = { studioId: studio.id, studioShareBps: 5_000 };
  await ask(tour.house.admin, 'PUT', `/admin/finance/performers/${model.id}/terms`, terms);
}

/** Waits for a line of the report that begins with these cells. */
async function awaitLine(tour: Tour, ...wanted: string[]): Promise<void> {
  interface Line {
    readonly children: ArrayLike<{ readonly textContent: string }>;
  }
  await tour.until(`the totals have ${wanted.join(' ')}`, async () => {
    const lines = await tour
      .byId('money-report')
      .locator('tbody tr')
      .evaluateAll((rows) =>
        (rows as unknown as Line[]).map(({ children }) =>
          Array.from(children, ({ textContent }) => textContent),
        ),
      );
    return lines.some((cells) => wanted.every((text, at) => cells[at] === text));
  });
}

/** Of ten credits a model and its studio have three each. */
async function totals(tour: Tour, { model, studio }: Earners): Promise<void> {
  const sums = tour.page.getByRole('region', { name: 'Totals' }).getByLabel('Sums');
  await sums.selectOption({ label: 'Per model' });
  await awaitLine(tour, model.id, '0', '3', '0');
  await awaitLine(tour, studio.id, '0', '0', '3');
  await sums.selectOption({ label: 'Per studio' });
  await awaitLine(tour, studio.id, model.id, '3', '3');
  await tour.stop('totals');
}

async function loseChargeback(tour: Tour, buyer: Person): Promise<void> {
  const checkout = { packageId: 'small', key: `order-${tour.view.name}-lost` };
  type Checkout = { order: { id: string } };
  const { order } = await ask<Checkout>(buyer, 'POST', '/credits/checkout', checkout);
  const balance = async () => (await ask<{ balance: string }>(buyer, 'GET', '/me')).balance;
  const before = await balance();
  await ask(buyer, 'POST', `/credits/orders/${order.id}/sandbox-pay`, {});
  type Purchases = { items: { paymentRef: string }[] };
  const path = `/admin/finance/purchases?user=${buyer.id}`;
  const { items } = await ask<Purchases>(tour.house.admin, 'GET', path);
  const paymentRef = items[0]?.paymentRef ?? '';
  const form = tour.byId('chargeback-form');
  const row = tour.page.getByRole('row').filter({ hasText: paymentRef });
  for (const state of ['opened', 'lost']) {
    await form.getByLabel('News').selectOption(state);
    await form.getByLabel('Payment').fill(paymentRef);
    await tour.byId('chargeback-form-send').click();
    await row.getByText(`chargeback ${state}`).waitFor();
  }
  await tour.until('what was bought is taken', async () => (await balance()) === before);
}

/** The model's payout that has arrived comes back; the next one does not get there. */
async function losePayouts(tour: Tour, { model }: Earners): Promise<void> {
  const { view } = tour;
  const rows = tour.byId('payout-row').filter({ hasText: `performer ${model.id}` });
  const newest = rows.first();
  const explain = async (words: string): Promise<void> => {
    await tour.byId('reason').fill(words);
    await tour.byId('reason-send').click();
    await tour.byId('reason').waitFor({ state: 'detached' });
  };
  await newest.getByRole('button', { name: 'Came back' }).click();
  await explain('the account is closed');
  await newest.getByText('Returned').waitFor();
  await earningsRipe(model);
  await ask(model, 'POST', '/model/payouts', { key: `payout-${view.name}-2`, method: 'bank' });
  await tour.byId('admin-desk').click();
  await tour.byId('admin-money').click();
  await newest.getByText('Requested').waitFor();
  await newest.getByRole('button', { name: 'Approve' }).click();
  await newest.getByRole('button', { name: 'Has failed' }).click();
  await explain('the bank knows no such account');
  await newest.getByText('Failed').waitFor();
  type Earnings = { available: string; inFlight: string; paid: string };
  const { available, inFlight, paid } = await ask<Earnings>(model, 'GET', '/model/earnings');
  const sums = [available, inFlight, paid].join();
  tour.same(sums, `${credits(3)},0,0`, 'the model can ask for all of it again');
}

export async function books(tour: Tour, earners: Earners): Promise<void> {
  await totals(tour, earners);
  await loseChargeback(tour, earners.studio);
  await losePayouts(tour, earners);
}

/** Deeds stand under the names of who did them, and to whom. */
export async function record(tour: Tour, approved: Person): Promise<void> {
  const cell = (name: string) => tour.page.getByRole('cell', { name, exact: true });
  const deeds = tour.page.getByRole('row').filter({ has: cell(`model ${approved.username}`) });
  await deeds.getByText('model.approve').waitFor();
  await deeds.getByText(tour.house.admin.username, { exact: true }).first().waitFor();
}

/** The site looks as its settings say: logo, and the colour of what is to be pressed. */
export async function ownLook(tour: Tour): Promise<void> {
  const { page, house } = tour;
  await page.goto('/login');
  const logo = page.getByRole('banner').getByRole('img');
  await tour.until('the logo is drawn', () =>
    logo.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0),
  );
  tour.same(await logo.getAttribute('src'), house.look.logoUrl, 'the logo of the settings');
  type Styles = { getComputedStyle: (element: unknown) => { backgroundColor: string } };
  await tour.until('what is to be pressed has the colour of the settings', async () => {
    const colour = await tour.byId('login-submit').evaluate((button) => {
      return (globalThis as unknown as Styles).getComputedStyle(button).backgroundColor;
    });
    return colour === house.look.accentRgb;
  });
}
