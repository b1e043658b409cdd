// Settings of the site and its API. One row per variable; see config.ts.
import { CIDR, bool, choice, int, list, port, text, url } from '../setting.js';

const PICTURE = /^(\/(?!\/)[!-~]*|https:\/\/[!-~]+)?$/;

export const webSettings = {
  port: port('WEB_PORT', { doc: 'Site and REST API.', fallback: 8080 }),
  publicUrl: url('WEB_PUBLIC_URL', ['http', 'https'], {
    doc: 'Address of the site as browsers see it; used in mails and for the origin check.',
    fallback: 'http://127.0.0.1:8080',
  }),
  mediaDir: text('WEB_MEDIA_DIR', {
    doc: 'Directory of uploaded pictures; all web processes share it, also on several hosts.',
    fallback: 'var/web-media',
  }),
  trustedProxies: list('WEB_TRUSTED_PROXIES', {
    doc: 'Proxies whose X-Forwarded-For is believed.',
    fallback: [],
    item: CIDR,
  }),
  isCookieSecure: bool('WEB_COOKIE_SECURE', {
    doc: 'Sends cookies over https only; switch on wherever the site has TLS.',
    fallback: false,
  }),
  accessTtlSec: int(
    'WEB_ACCESS_TTL_SEC',
    { min: 30, max: 1_200 },
    {
      doc: 'Life of an access token.',
      fallback: 900,
      unit: 's',
    },
  ),
  refreshTtlSec: int(
    'WEB_REFRESH_TTL_SEC',
    { min: 60, max: 7_776_000 },
    {
      doc: 'Life of a refresh token; each use replaces it.',
      fallback: 604_800,
      unit: 's',
    },
  ),
  refreshGraceSec: int(
    'WEB_REFRESH_GRACE_SEC',
    { min: 0, max: 60 },
    {
      doc: 'For how long a used refresh token still gives the newest ones, for tabs that renew at once.',
      fallback: 10,
      unit: 's',
    },
  ),
  gatewayUrl: url('GATEWAY_PUBLIC_URL', ['ws', 'wss'], {
    doc: 'One address for all gateways behind a balancer; empty = the addresses they register.',
    fallback: '',
  }),
  hlsUrl: url('HLS_PUBLIC_URL', ['http', 'https'], {
    doc: 'One address for all HLS servers behind a balancer; empty = those they register.',
    fallback: '',
  }),
  rtmpUrl: url('RTMP_PUBLIC_URL', ['rtmp', 'rtmps'], {
    doc: 'Address shown to models for publishing; empty = the one an ingest node registers.',
    fallback: '',
  }),
  hlsTtlSec: int(
    'HLS_PATH_TTL_SEC',
    { min: 10, max: 600 },
    {
      doc: 'Life of a signed HLS path; it is renewed with each playlist.',
      fallback: 90,
      unit: 's',
    },
  ),
  siteName: text('WEB_SITE_NAME', {
    doc: 'Name of the site as its pages show it.',
    fallback: 'Showbill',
    minLength: 1,
  }),
  logoUrl: text('WEB_LOGO_URL', {
    doc: "Logo: a path on the site or an https address; empty = the pages' own.",
    fallback: '',
    pattern: PICTURE,
  }),
  faviconUrl: text('WEB_FAVICON_URL', {
    doc: "Icon of the browser tab: a path on the site or an https address; empty = the pages' own.",
    fallback: '',
    pattern: PICTURE,
  }),
  homeUrl: text('WEB_HOME_URL', {
    doc: 'Where the logo leads: a path on the site or an https address.',
    fallback: '/',
    pattern: /^(\/(?!\/)|https:\/\/)[!-~]*$/,
  }),
  accentColour: text('WEB_ACCENT_COLOUR', {
    doc: "Colour of buttons and links as #rrggbb; empty = the pages' own.",
    fallback: '',
    pattern: /^(#[0-9a-fA-F]{6})?$/,
  }),
  paymentProvider: choice('WEB_PAYMENT_PROVIDER', ['none', 'sandbox', 'stripe'], {
    doc: 'Who takes money for credits; sandbox gives them away and is for trying out only.',
    fallback: 'none',
  }),
  stripeSecretKey: text('WEB_STRIPE_SECRET_KEY', {
    doc: 'Secret key of the Stripe account that takes the money.',
    fallback: '',
    secret: true,
  }),
  stripeWebhookSecret: text('WEB_STRIPE_WEBHOOK_SECRET', {
    doc: 'Signing secret of the webhook that points to /api/v1/payments/stripe/webhook.',
    fallback: '',
    secret: true,
  }),
  stripeApiUrl: url('WEB_STRIPE_API_URL', ['http', 'https'], {
    doc: 'Address of the Stripe API behind a proxy; empty = Stripe itself.',
    fallback: '',
  }),
  allowedOrigins: list('WEB_ALLOWED_ORIGINS', {
    doc: 'Origins of other sites whose scripts may use the API with bearer tokens; never with cookies.',
    fallback: [],
  }),
  programmeSource: text('WEB_PROGRAMME_SOURCE', {
    doc: 'Address or path of the schedule to show, see docs/programme.md; empty = uploads only.',
    fallback: '',
    pattern: /^((https?:\/\/|\/)[!-~]+)?$/,
  }),
  programmeRefreshSec: int(
    'WEB_PROGRAMME_REFRESH_SEC',
    { min: 5, max: 86_400 },
    { doc: 'How often the source of the programme is looked at.', fallback: 300, unit: 's' },
  ),
  programmeTimeZone: text('WEB_PROGRAMME_TIME_ZONE', {
    doc: 'Time zone of schedules that do not name one.',
    fallback: 'UTC',
    pattern: /^[A-Za-z0-9_+/-]{1,40}$/,
  }),
  embedOrigins: list('WEB_EMBED_ORIGINS', {
    doc: 'Origins of players and pictures that rooms of the programme may show, beside YouTube and Vimeo.',
    fallback: [],
    item: /^https:\/\/[a-z0-9.-]+(:\d{1,5})?$/,
  }),
  privateGraceSec: int(
    'WEB_PRIVATE_GRACE_SEC',
    { min: 1, max: 600 },
    {
      doc: 'How long the viewer of a private show may be away, to reload or to top up, before it ends.',
      fallback: 20,
      unit: 's',
    },
  ),
  frameAncestors: list('WEB_FRAME_ANCESTORS', {
    doc: 'Origins of sites that may show rooms without chat (/r/<room>?chat=0) in a frame.',
    fallback: [],
    item: /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/,
  }),
  activation: choice('WEB_ACTIVATION', ['optional', 'required'], {
    doc: 'Whether a new account must follow the link in its activation mail before it can log in.',
    fallback: 'optional',
  }),
  smtpUrl: url('WEB_SMTP_URL', ['smtp', 'smtps'], {
    doc: 'Mail server; empty = mail is kept and admins read it on the mailbox page.',
    fallback: '',
    secret: true,
  }),
  mailFrom: text('WEB_MAIL_FROM', {
    doc: 'Sender of mails.',
    fallback: 'Showbill <no-reply@localhost>',
  }),
  loginsPerMinMax: int(
    'WEB_LOGINS_PER_MIN_MAX',
    { min: 1, max: 1_000_000 },
    {
      doc: 'Log-in attempts per minute and client address, in the whole fleet.',
      fallback: 30,
    },
  ),
  signUpsPerHourMax: int(
    'WEB_SIGN_UPS_PER_HOUR_MAX',
    { min: 1, max: 1_000_000 },
    {
      doc: 'Sign-ups per hour and client address, in the whole fleet.',
      fallback: 30,
    },
  ),
} as const;
