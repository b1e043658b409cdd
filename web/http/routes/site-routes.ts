// What the pages show of the site itself: its name, logo and colours, from the settings alone.
import Type from 'typebox';
import type { App } from '../app-type.js';
import * as schema from '../schema.js';

/** How the site calls and colours itself; empty strings = the pages' own. */
export interface Branding {
  readonly name: string;
  /** Address of a picture: a path on this site or https. */
  readonly logoUrl: string;
  readonly faviconUrl: string;
  /** Where the logo leads. */
  readonly homeUrl: string;
  /** `#rrggbb` */
  readonly accentColour: string;
}

const Text = Type.String();
const Site = Type.Object({
  name: Text,
  logoUrl: Text,
  faviconUrl: Text,
  homeUrl: Text,
  accentColour: Text,
  payments: Type.Enum(['none', 'sandbox', 'stripe']),
  hasMailbox: Type.Boolean({ description: 'Mails are read at /admin/mailbox.' }),
});

export function siteRoutes(
  app: App,
  site: { branding: Branding; payments: 'none' | 'sandbox' | 'stripe'; hasMailbox: boolean },
): void {
  app.get('/site', { schema: { response: schema.Replies(Site) } }, (_request, reply) => {
    void reply.header('cache-control', 'public, max-age=60');
    return { ...site.branding, payments: site.payments, hasMailbox: site.hasMailbox };
  });
}
