// The host under which the browser reached us, taken from a header that anyone can write: only a
// plain host name or address passes, everything else falls back to the configured address of the
// site.
import type { FastifyRequest } from 'fastify';

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])$/;

/** Host name without port, such as `example.org`, `127.0.0.1` or `[::1]`. */
export function siteHost(request: FastifyRequest, publicUrl: string): string {
  const name = request.host.replace(/:\d{1,5}$/, '');
  return HOST.test(name) ? name : new URL(publicUrl).hostname;
}

/** `host:port` as the browser wrote it, when it is well-formed. */
export function siteAuthority(request: FastifyRequest, publicUrl: string): string {
  const port = /:\d{1,5}$/.exec(request.host)?.[0] ?? '';
  const name = siteHost(request, publicUrl);
  return request.host.startsWith(name) ? `${name}${port}` : new URL(publicUrl).host;
}

/**
 * A path on this site to go to next, or the fallback: never another host, whatever tricks it uses.
 * @param next what the client asked for.
 */
export function sameSitePath(next: string | undefined, fallback: string): string {
  if (next === undefined || !/^\/(?![/\\])[!-[\]-~]*$/.test(next)) return fallback;
  const base = 'http://same.invalid';
  const url = URL.canParse(next, base) ? new URL(next, base) : undefined;
  // Dots can fold "/..//host" into "//host", which browsers take for another host.
  const isHere = url?.origin === base && !url.pathname.startsWith('//');
  return isHere ? `${url.pathname}${url.search}${url.hash}` : fallback;
}
