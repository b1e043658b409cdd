// The only caller of `fetch`: JSON under /api/v1, the header that proves the request comes from our
// own page, and one silent renewal when the short access cookie has run out.
import { parseProblem } from './problem.js';
import { renewOnce } from './renewal.js';

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

const requestTimeoutMs = 15_000;

async function send(method: Method, path: string, body: unknown): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method !== 'GET') headers['x-showbill'] = '1';
  if (body !== undefined) headers['content-type'] = 'application/json';
  return await fetch(`/api/v1${path}`, {
    method,
    headers,
    credentials: 'same-origin',
    cache: 'no-store',
    // A tip or a leave that is under way survives the closing of the page.
    keepalive: method !== 'GET',
    signal: AbortSignal.timeout(requestTimeoutMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function readBody(response: Response): Promise<unknown> {
  const body = await response.text();
  if (body === '') return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** Rotates the session cookies. */
export function renewAccess(): Promise<boolean> {
  return renewOnce(() =>
    send('POST', '/auth/refresh', undefined)
      .then((response) => response.ok)
      .catch(() => false),
  );
}

let canRenew: () => boolean = () => false;

/**
 * The session tells whether this browser has signed in, so that strangers cause no needless
 * renewals.
 */
export function setRenewalGuard(guard: () => boolean): void {
  canRenew = guard;
}

/** Throws a `Problem` for every answer outside 2xx. `T` is the documented shape of the answer. */
export async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
  let response = await send(method, path, body);
  const isRenewable = response.status === 401 && !path.startsWith('/auth/') && canRenew();
  if (isRenewable && (await renewAccess())) response = await send(method, path, body);
  const answer = await readBody(response);
  if (!response.ok) throw parseProblem(response.status, answer);
  return answer as T;
}
