// Addresses ↔ pages. `matchRoute` is pure; `location` and the history are touched only by the
// functions below it.
import { createStore } from '../state/store.js';

export type Route =
  | { page: 'live'; tag: string }
  | { page: 'profile'; slug: string }
  /** Without its chat it may stand in a frame of another site. */
  | { page: 'room'; slug: string; hasChat: boolean }
  | { page: 'programme' }
  | { page: 'login'; next: string }
  | { page: 'signup'; next: string }
  | { page: 'forgot' }
  | { page: 'reset'; token: string }
  | { page: 'activate'; token: string }
  | { page: 'account' }
  | { page: 'credits'; next: string }
  | { page: 'sandbox'; purchase: string }
  | { page: 'model' }
  | { page: 'admin' }
  | { page: 'missing' };

/** Only a path on this host may follow a login: never `//host`, a scheme or a back-slash trick. */
export function safeNext(next: string | null): string {
  if (next === null || !/^\/(?![/\\])/.test(next)) return '/';
  return /[\s\\]/.test(next) ? '/' : next;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

export function matchRoute(path: string, search: string): Route {
  const params = new URLSearchParams(search);
  const room = /^\/([rm])\/([^/]+)\/?$/.exec(path);
  if (room) {
    const slug = decode(room[2] ?? '');
    if (slug === undefined) return { page: 'missing' };
    if (room[1] === 'm') return { page: 'profile', slug };
    return { page: 'room', slug, hasChat: params.get('chat') !== '0' };
  }
  const next = safeNext(params.get('next'));
  const token = params.get('token') ?? '';
  switch (path.replace(/\/+$/, '') || '/') {
    case '/':
      return { page: 'live', tag: params.get('tag') ?? '' };
    case '/programme':
      return { page: 'programme' };
    case '/forgot':
      return { page: 'forgot' };
    case '/reset':
      return { page: 'reset', token };
    case '/activate':
      return { page: 'activate', token };
    case '/account':
      return { page: 'account' };
    case '/credits':
      return { page: 'credits', next };
    case '/checkout/sandbox':
      return { page: 'sandbox', purchase: params.get('purchase') ?? '' };
    case '/login':
      return { page: 'login', next };
    case '/signup':
      return { page: 'signup', next };
    case '/model':
      return { page: 'model' };
    case '/admin':
      return { page: 'admin' };
    default:
      return { page: 'missing' };
  }
}

export const routeStore = createStore<Route>({ page: 'missing' });

function read(): void {
  routeStore.set(matchRoute(location.pathname, location.search));
}

export function startRouter(): void {
  window.addEventListener('popstate', read);
  read();
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace === true) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  read();
  window.scrollTo(0, 0);
}

function hrefWithReturn(page: string): string {
  const here = location.pathname + location.search;
  return here === '/' ? `/${page}` : `/${page}?next=${encodeURIComponent(here)}`;
}

/** The login page that leads back to where the visitor is now. */
export function loginHref(page: 'login' | 'signup' = 'login'): string {
  return hrefWithReturn(page);
}

/** The credits page that leads back to the show. */
export function creditsHref(): string {
  return location.pathname.startsWith('/r/') ? hrefWithReturn('credits') : '/credits';
}
