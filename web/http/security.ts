// Security headers of every answer. The content policy names exactly where pages may connect to:
// this host on any port (gateways and HLS of one machine) and the hosts that fleet members
// advertise.
import helmet from '@fastify/helmet';
import type { FastifyRequest } from 'fastify';
import type { Fleet } from '../ports.js';
import type { App } from './app-type.js';
import { siteHost } from './site-host.js';

export interface SecuritySettings {
  readonly publicUrl: string;
  readonly isCookieSecure: boolean;
  /** Further addresses that pages may connect to: balancers in front of gateways and HLS. */
  readonly extraUrls: readonly string[];
  /** Origins of external players and pictures of rooms, beside those that are always known. */
  readonly embedOrigins: readonly string[];
  /** Origins of sites that may show a room without chat in a frame. */
  readonly frameAncestors: readonly string[];
}

/** The one page that may stand in a frame of another site: a room without its chat. */
const EMBEDDABLE = /^\/r\/[^/?]+\/?\?(?:[^#]*&)?chat=0(?:&|$)/;

/** Where the players live whose ids a room can have. */
const PLAYER_ORIGINS = ['https://www.youtube-nocookie.com', 'https://player.vimeo.com'];

export async function installSecurity(
  app: App,
  { fleet, settings }: { fleet: Fleet; settings: SecuritySettings },
): Promise<void> {
  // Helmet hands over raw requests; the policy needs Fastify's view of the host.
  const hosts = new WeakMap<object, string>();
  const frames = new WeakMap<object, string>();
  app.addHook('onRequest', (request, reply, done) => {
    hosts.set(request.raw, mediaSources(request, fleet, settings));
    const isEmbeddable = EMBEDDABLE.test(request.url) && settings.frameAncestors.length > 0;
    frames.set(request.raw, isEmbeddable ? settings.frameAncestors.join(' ') : "'none'");
    // For browsers without frame-ancestors; it cannot name the sites that may.
    if (!isEmbeddable) void reply.header('x-frame-options', 'DENY');
    done();
  });
  const media = (raw: object): string => hosts.get(raw) ?? "'self'";
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:', 'blob:', media, ...settings.embedOrigins],
        frameSrc: [...PLAYER_ORIGINS, ...settings.embedOrigins],
        mediaSrc: ["'self'", 'blob:', media],
        connectSrc: ["'self'", media],
        workerSrc: ["'self'", 'blob:'],
        fontSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: [(raw: object): string => frames.get(raw) ?? "'none'"],
      },
    },
    xFrameOptions: false,
    strictTransportSecurity: settings.isCookieSecure,
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'same-origin' },
  });
}

function mediaSources(
  request: FastifyRequest,
  fleet: Fleet,
  { publicUrl, extraUrls }: SecuritySettings,
): string {
  const names = new Set([siteHost(request, publicUrl)]);
  const urls = extraUrls.filter((url) => URL.canParse(url));
  const origins = new Set(urls.map((url) => originOf(url)));
  for (const role of ['gateway', 'rtmp'] as const) {
    for (const { address } of fleet.list(role)) {
      const { host, sockjs = '' } = address;
      if (URL.canParse(sockjs)) origins.add(originOf(sockjs));
      if (host !== undefined && /^[A-Za-z0-9.-]+$/.test(host)) names.add(host);
    }
  }
  const schemes = ['http', 'https', 'ws', 'wss'];
  const sources = [...names].flatMap((name) => schemes.map((scheme) => `${scheme}://${name}:*`));
  return [...sources, ...origins].join(' ');
}

function originOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
