// Picks from the configuration what the services and the HTTP application need. Used by main.ts and
// demo.ts.
import type { Config } from '../cluster/index.js';
import type { AppSettings } from './http/app.js';
import type { SiteSettings } from './site.js';

export function siteSettings({ web, secrets }: Config): SiteSettings {
  return {
    tokenSecret: secrets.token,
    publicUrl: web.publicUrl,
    activation: web.activation,
    isCookieSecure: web.isCookieSecure,
    accessTtlSec: web.accessTtlSec,
    refreshTtlSec: web.refreshTtlSec,
    hlsTtlSec: web.hlsTtlSec,
    gatewayUrl: web.gatewayUrl,
    hlsUrl: web.hlsUrl,
    rtmpUrl: web.rtmpUrl,
    paymentProvider: web.paymentProvider,
  };
}

export function appSettings({ web }: Config, publicDir: string): AppSettings {
  return {
    publicUrl: web.publicUrl,
    isCookieSecure: web.isCookieSecure,
    accessTtlSec: web.accessTtlSec,
    allowedOrigins: web.allowedOrigins,
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
