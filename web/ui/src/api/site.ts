// What the site says of itself: name, pictures and colour from its settings, and how it sells.
import { call } from './http.js';

/** Empty texts: the pages' own look. */
export interface Site {
  name: string;
  logoUrl: string;
  faviconUrl: string;
  homeUrl: string;
  /** `#rrggbb` */
  accentColour: string;
  payments: 'none' | 'sandbox' | 'stripe';
  hasMailbox: boolean;
}

export const fetchSite = (): Promise<Site> => call('GET', '/site');
