// What may reach the SockJS package: known paths, sane session ids, pages of allowed origins and
// bodies of bounded size. The package checks none of it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { limits } from '../protocol/index.js';

export const SOCKJS_PREFIX = '/rt';

/** Ways to receive; each makes a session when it is the first request of one. */
export const receivers = [
  'websocket',
  'xhr_streaming',
  'xhr',
  'eventsource',
  'htmlfile',
  'jsonp',
] as const;
const SENDERS = ['xhr_send', 'jsonp_send'] as const;

export type SockJsTarget =
  | { readonly kind: 'welcome' | 'info' }
  | { readonly kind: 'receive' | 'send'; readonly session: string; readonly transport: string };

/** Several frames travel in one body, each quoted: a quote doubles, a control character is ×6. */
const BODY_BYTES_MAX = 16 * limits.frameBytesMax;

const SESSION_PATH = /^\/([^/.]{1,64})\/([^/.]{1,64})\/([a-z_]+)$/;

/**
 * The iframe page is not among the targets: what it sends comes from the gateway's own origin, so
 * that any page could use it to get round the origin check.
 */
export function parseTarget(url: string): SockJsTarget | undefined {
  const [path = ''] = url.split('?');
  if (!path.startsWith(SOCKJS_PREFIX)) return undefined;
  const rest = path.slice(SOCKJS_PREFIX.length);
  if (rest === '' || rest === '/') return { kind: 'welcome' };
  if (rest === '/info') return { kind: 'info' };
  const [, , session = '', transport = ''] = SESSION_PATH.exec(rest) ?? [];
  // The package keeps sessions in a plain object, where these would be found without being made.
  if (session === '' || session in {}) return undefined;
  if (isOneOf(receivers, transport)) return { kind: 'receive', session, transport };
  if (isOneOf(SENDERS, transport)) return { kind: 'send', session, transport };
  return undefined;
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

/** False when the body is too large; the request has then been answered. */
export function limitBody(req: IncomingMessage, res: ServerResponse): boolean {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > BODY_BYTES_MAX) {
    refuse(res, 413, 'too large');
    return false;
  }
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) req.destroy();
  });
  return true;
}

const STATUS = {
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Payload Too Large',
  503: 'Service Unavailable',
} as const;

/** Ends a request or a handshake. A 503 says when to come again. */
export function refuse(
  answer: ServerResponse | Duplex,
  status: keyof typeof STATUS,
  reason: string,
  retryAfterSec = 0,
): void {
  const headers = {
    'content-type': 'text/plain; charset=UTF-8',
    'content-length': String(Buffer.byteLength(reason)),
    connection: 'close',
    ...(status === 503 ? { 'retry-after': String(retryAfterSec) } : {}),
  };
  if ('writeHead' in answer) {
    answer.writeHead(status, headers).end(reason);
    return;
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS[status]}`, ...lines, '', ''].join('\r\n');
  answer.end(head + reason);
}

export function headerOf(req: IncomingMessage, name: string): string {
  const value = req.headers[name];
  return (Array.isArray(value) ? value.join(',') : value) ?? '';
}
