// Which web pages may connect. A page of a foreign origin is refused before the socket exists;
// clients that are no browsers send no Origin and are let through, since tokens are what counts.

export interface OriginRules {
  /** Exact origins; empty = the site as described by the other two. */
  readonly allowed: readonly string[];
  /** Address of the site as browsers see it. */
  readonly publicUrl: string;
  /** Port under which the site may also be reached on the host of this gateway. */
  readonly sitePort: number;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export function isOriginAllowed(origin: string, host: string, rules: OriginRules): boolean {
  if (origin === '') return true;
  if (rules.allowed.length > 0) return rules.allowed.includes(origin);
  const page = parseUrl(origin);
  if (page === undefined) return false;
  if (page.origin === parseUrl(rules.publicUrl)?.origin) return true;
  const own = parseUrl(`http://${host}`);
  const port = page.port === '' ? (page.protocol === 'https:' ? 443 : 80) : Number(page.port);
  if (own === undefined || port !== rules.sitePort) return false;
  const isSameMachine = LOOPBACK.has(page.hostname) && LOOPBACK.has(own.hostname);
  return page.hostname === own.hostname || isSameMachine;
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
