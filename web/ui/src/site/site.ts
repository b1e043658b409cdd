// The site's own name and look, read once at the start. Until then, and when the site cannot tell,
// the pages look like the house.
import { fetchSite } from '../api/site.js';
import type { Site } from '../api/site.js';
import { createStore } from '../state/store.js';
import { accentOf } from './accent.js';

const house: Site = {
  name: 'Showbill',
  logoUrl: '',
  faviconUrl: '',
  homeUrl: '',
  accentColour: '',
  payments: 'none',
  hasMailbox: false,
};

export const siteStore = createStore<Site>(house);

function paint({ accentColour, faviconUrl }: Site): void {
  const accent = accentOf(accentColour);
  const { style } = document.documentElement;
  if (accent) {
    style.setProperty('--bill', accent.bill);
    style.setProperty('--on-bill', accent.onBill);
    style.setProperty('--accent-text', `light-dark(${accent.onLight}, ${accent.onDark})`);
  }
  if (faviconUrl !== '') {
    document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.setAttribute('href', faviconUrl);
  }
}

/** Never rejects: without an answer the pages keep the look of the house. */
export async function startSite(): Promise<void> {
  const site = await fetchSite().catch(() => undefined);
  if (!site) return;
  siteStore.set({ ...site, name: site.name === '' ? house.name : site.name });
  paint(site);
}
