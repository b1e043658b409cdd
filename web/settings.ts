// Picks from the configuration what the services and the HTTP application need. Used by main.ts and
// demo.ts.
import { type Config, ConfigError } from '../cluster/index.js';
import type { AppSettings } from './http/app.js';
import type { PaymentSettings } from './money-services.js';
import type { SiteSettings } from './site.js';

export function siteSettings({ billing, web, secrets }: Config): SiteSettings {
  return {
    mediaDir: web.mediaDir,
    tokenSecret: secrets.token,
    publicUrl: web.publicUrl,
    activation: web.activation,
    isCookieSecure: web.isCookieSecure,
    accessTtlSec: web.accessTtlSec,
    refreshTtlSec: web.refreshTtlSec,
    refreshGraceSec: web.refreshGraceSec,
    hlsTtlSec: web.hlsTtlSec,
    privateGraceSec: web.privateGraceSec,
    showMaxSec: billing.showMaxSec,
    gatewayUrl: web.gatewayUrl,
    hlsUrl: web.hlsUrl,
    rtmpUrl: web.rtmpUrl,
    payments: paymentSettings(web),
    programme: {
      source: web.programmeSource,
      refreshSec: web.programmeRefreshSec,
      timeZone: web.programmeTimeZone,
      embedOrigins: web.embedOrigins,
    },
  };
}

export function appSettings({ web }: Config, publicDir: string): AppSettings {
  return {
    publicUrl: web.publicUrl,
    isCookieSecure: web.isCookieSecure,
    accessTtlSec: web.accessTtlSec,
    allowedOrigins: web.allowedOrigins,
    embedOrigins: web.embedOrigins,
    frameAncestors: web.frameAncestors,
    extraUrls: [web.gatewayUrl, web.hlsUrl, web.logoUrl].filter((url) => url !== ''),
    trustedProxies: web.trustedProxies,
    hasMailbox: web.smtpUrl === '',
    payments: web.paymentProvider,
    branding: {
      name: web.siteName,
      logoUrl: web.logoUrl,
      faviconUrl: web.faviconUrl,
      homeUrl: web.homeUrl,
      accentColour: web.accentColour,
    },
    publicDir,
    limits: { loginsPerMin: web.loginsPerMinMax, signUpsPerHour: web.signUpsPerHourMax },
  };
}

/** @throws ConfigError when Stripe's secrets are missing */
function paymentSettings(web: Config['web']): PaymentSettings {
  const { paymentProvider: provider, stripeSecretKey: secretKey } = web;
  if (provider !== 'stripe') return { provider };
  const { stripeWebhookSecret: webhookSecret, stripeApiUrl: apiUrl } = web;
  if (secretKey === '' || webhookSecret === '') {
    const needed = 'WEB_STRIPE_SECRET_KEY and WEB_STRIPE_WEBHOOK_SECRET';
    throw new ConfigError([`WEB_PAYMENT_PROVIDER=stripe needs ${needed}`]);
  }
  return { provider, secretKey, webhookSecret, apiUrl };
}
