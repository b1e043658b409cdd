// Who is asking: reads cookies and bearer tokens, sets and clears the cookies, and refuses requests
// that another site made the browser send. Used by every route through `request.identity`.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TokenClaims, TokenService } from '../../cluster/index.js';
import type { AccountService } from '../accounts/account-service.js';
import { hasRight, type Right } from '../admin/rights.js';
import type { AccessClaims, Principal } from '../accounts/principal.js';
import { RANDOM_ID, randomId } from '../accounts/random-id.js';
import type { IssuedTokens, SessionService } from '../accounts/session-service.js';
import type { User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import type { Visitor } from '../rooms/visitor.js';
import { siteAuthority } from './site-host.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route neither reads nor sets cookies, so that other sites gain nothing by calling it. */
    readonly isCookieless?: boolean;
  }
}

const ACCESS = 'sb_access';
const REFRESH = 'sb_refresh';
const ANON = 'sb_anon';
const REFRESH_PATH = '/api/v1/auth';
const ANON_MAX_AGE_SEC = 30 * 86_400;

export interface Identity {
  /** The signed-in account by its token; undefined for anonymous visitors and ended sessions. */
  principal(request: FastifyRequest): Promise<Principal | undefined>;
  /** @throws UNAUTHENTICATED */
  requirePrincipal(request: FastifyRequest): Promise<Principal>;
  /** The account as it is now. @throws UNAUTHENTICATED, ACCOUNT_SUSPENDED, … */
  requireUser(request: FastifyRequest): Promise<User>;
  /** The account, if its roles give it that right now. @throws FORBIDDEN */
  requireRight(request: FastifyRequest, right: Right): Promise<User>;
  /** The account, or the anonymous browser, which gets its random id as a cookie. */
  visitor(request: FastifyRequest, reply: FastifyReply): Promise<Visitor>;
  /** Hook for requests that change something. @throws CSRF_REFUSED */
  refuseForeign(request: FastifyRequest): Promise<void>;
  refreshToken(request: FastifyRequest): string | undefined;
  setTokens(reply: FastifyReply, issued: IssuedTokens): void;
  clearTokens(reply: FastifyReply): void;
}

export interface IdentitySettings {
  readonly isCookieSecure: boolean;
  readonly accessTtlSec: number;
  readonly refreshTtlSec: number;
  readonly publicUrl: string;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createIdentity(parts: {
  tokens: TokenService;
  sessions: SessionService;
  accounts: AccountService;
  settings: IdentitySettings;
}): Identity {
  const { tokens, sessions, accounts, settings } = parts;
  const cookie = {
    httpOnly: true,
    sameSite: 'lax',
    secure: settings.isCookieSecure,
  } as const;

  async function principal(request: FastifyRequest): Promise<Principal | undefined> {
    const bearer = bearerToken(request);
    const token = bearer ?? request.cookies[ACCESS];
    if (token === undefined) return undefined;
    const verified = tokens.verify<AccessClaims & TokenClaims>('access', token);
    if (!verified.ok || (await sessions.isEnded(verified.claims.sid))) return undefined;
    const { sub, name, role, sid } = verified.claims;
    return { sub, name, role, sid, isBearer: bearer !== undefined };
  }

  async function requirePrincipal(request: FastifyRequest): Promise<Principal> {
    const found = await principal(request);
    if (found === undefined) throw siteError('UNAUTHENTICATED');
    return found;
  }

  const requireUser = async (request: FastifyRequest): Promise<User> =>
    accounts.requireActive((await requirePrincipal(request)).sub);

  return {
    principal,
    requirePrincipal,
    requireUser,
    async requireRight(request, right) {
      const user = await requireUser(request);
      if (!hasRight(user, right)) throw siteError('FORBIDDEN');
      return user;
    },
    async visitor(request, reply) {
      const found = await principal(request);
      if (found !== undefined) {
        return { kind: 'user', user: await accounts.requireActive(found.sub) };
      }
      const known = request.cookies[ANON];
      if (known !== undefined && RANDOM_ID.test(known)) return { kind: 'anon', anonId: known };
      const anonId = randomId();
      void reply.setCookie(ANON, anonId, { ...cookie, path: '/', maxAge: ANON_MAX_AGE_SEC });
      return { kind: 'anon', anonId };
    },
    async refuseForeign(request) {
      const isCookieless = request.routeOptions.config.isCookieless === true;
      if (SAFE_METHODS.has(request.method) || isCookieless) return;
      if (bearerToken(request) !== undefined) return;
      const hasHeader = request.headers['x-showbill'] === '1';
      if (!hasHeader || !isSameOrigin(request, settings.publicUrl)) {
        throw siteError('CSRF_REFUSED');
      }
      return Promise.resolve();
    },
    refreshToken: (request) => request.cookies[REFRESH],
    setTokens(reply, { access, refresh }) {
      void reply.setCookie(ACCESS, access, { ...cookie, path: '/', maxAge: settings.accessTtlSec });
      const maxAge = settings.refreshTtlSec;
      void reply.setCookie(REFRESH, refresh, { ...cookie, path: REFRESH_PATH, maxAge });
    },
    clearTokens(reply) {
      void reply.clearCookie(ACCESS, { ...cookie, path: '/' });
      void reply.clearCookie(REFRESH, { ...cookie, path: REFRESH_PATH });
    },
  };
}

function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer ([\w.-]+)$/.exec(request.headers.authorization ?? '')?.[1];
}

/**
 * Browsers send Origin with every request that changes something; other clients may leave it out.
 */
function isSameOrigin(request: FastifyRequest, publicUrl: string): boolean {
  if (request.headers['sec-fetch-site'] === 'cross-site') return false;
  const { origin } = request.headers;
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  return new URL(origin).host === siteAuthority(request, publicUrl) || origin === publicUrl;
}
