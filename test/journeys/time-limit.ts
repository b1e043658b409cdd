// The longest show, as billing ends it: who broadcasts and who watches are told why.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestScope } from '../../cluster/testing/index.js';
import { BillingClient } from '../../billing/index.js';
import { callerTo } from '../../billing/test/role-stage.js';
import { logIn, openPage } from '../../bench/testing/browser.js';
import type { LocalCluster } from '../../bench/testing/local-cluster.js';
import type { Publisher } from '../e2e/publisher.js';
import { ask } from './house.js';
import type { Tour } from './tour.js';

/** Billing's own API, which takes limits below the minute of the room form. */
function billingOf(t: TestScope, { dataDir, ports }: LocalCluster): BillingClient {
  const { internal } = JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8')) as {
    internal: string;
  };
  const caller = callerTo(`http://127.0.0.1:${ports.billing}`, internal);
  t.teardown(() => caller.close());
  return new BillingClient(caller);
}

/** The show of nova, which the traveller watches, has lasted as long as it may. */
export async function showEndsAtLimit(t: TestScope, tour: Tour, show: Publisher): Promise<void> {
  const { house, view } = tour;
  const { cluster, nova } = house;
  const { page, faults } = await openPage(house.browser, cluster.siteUrl, view.viewport);
  await logIn(page, nova);
  await page.goto('/model');
  await page.getByText('You are on stage').waitFor();
  await page.locator('[data-testid="connection-state"][data-state="online"]').waitFor();
  const billing = billingOf(t, cluster);
  const { room } = await ask<{ room: { id: string } }>(nova, 'GET', '/model');
  await billing.putShowLimit(room.id, 1);
  await page
    .getByTestId('show-over')
    .getByText('Your show has reached its time limit of 1 second and was ended.')
    .waitFor();
  await tour.byId('cutoff').getByText('The time limit is reached').waitFor();
  await show.ended;
  await page.getByText('Start your encoder').waitFor();
  await tour.stop('desk-show-over', page);
  await billing.putShowLimit(room.id, null);
  tour.counts(faults.length, 0, 'no error in the desk');
  await page.context().close();
}
