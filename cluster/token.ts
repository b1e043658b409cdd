// Signed tokens (JWT, RFC 7519, HS256) that one role issues and another verifies without a call.
// Invariant: a token is good for one purpose only; the purpose is its audience.
import { createHash, hash } from 'node:crypto';
import { createVerifier, TokenError } from 'fast-jwt';
import type { Clock } from './clock.js';
import { systemClock } from './clock.js';
import { ownText } from './own-text.js';
import { RecentMap } from './recent-map.js';

/** What a token lets its bearer do. */
export type TokenPurpose = 'access' | 'connect' | 'room' | 'resume' | 'play' | 'publish';

export interface TokenClaims {
  /** User id, or `anon:<random>` for a visitor without an account. */
  readonly sub: string;
}

export type Verified<C extends TokenClaims> =
  | { readonly ok: true; readonly claims: C & { readonly iat: number; readonly exp: number } }
  | { readonly ok: false; readonly reason: 'expired' | 'invalid' };

export interface TokenService {
  /** @param ttlSec life in seconds, counted from now. */
  sign(
    purpose: TokenPurpose,
    claims: TokenClaims & Readonly<Record<string, unknown>>,
    ttlSec: number,
  ): string;
  /** Never throws; cost about 5 µs. The claims' types are those that the issuer wrote. */
  verify<C extends TokenClaims>(purpose: TokenPurpose, token: string): Verified<C>;
  /** The same for a token that may serve one of several purposes; at the cost of one. */
  verifyOneOf<C extends TokenClaims, P extends TokenPurpose>(
    purposes: readonly P[],
    token: string,
  ): Verified<C & { readonly aud: P }>;
}

type AnyClaims = TokenClaims & { readonly aud: string; iat: number; exp: number; nbf?: unknown };

interface Remembered {
  readonly token: string;
  readonly claims: AnyClaims;
}

const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
const OWN_START = `${HEADER}.`;
const TOKEN_LENGTH_MAX = 4_096;
/** Base64url of 32 bytes. */
const SIGNATURE_LENGTH = 43;
/** Base64url all over: of any other character only the low byte would be signed. */
const SIGNED = /^[A-Za-z0-9_.-]+\.[A-Za-z0-9_-]{43}$/;

/** Shown again by whoever comes back; the others are good once, or are shown seldom. */
const SHOWN_AGAIN: ReadonlySet<string> = new Set<TokenPurpose>(['connect', 'resume']);

/**
 * @param secret at least 32 characters, the same in the whole fleet
 * @param rememberedMax connect and resume tokens, about half a KB each, that were verified or
 * signed here, so that those who come back cost no verification; purpose and life are looked at
 * each time. Default 0; twice as many may be kept
 */
export function createTokenService(
  secret: string,
  clock: Clock = systemClock,
  rememberedMax = 0,
): TokenService {
  /** By signature, which is found faster than a text of hundreds of characters. */
  const remembered = new RecentMap<Remembered>(rememberedMax);
  const mac = createMac(secret);
  const verifier = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    ignoreExpiration: true,
    cache: false,
  });
  const nowSec = (): number => Math.floor(clock.nowMs() / 1_000);
  return {
    sign(purpose, claims, ttlSec) {
      const iat = nowSec();
      const exp = iat + ttlSec;
      const own = `"aud":"${purpose}","iat":${iat},"exp":${exp}`;
      const payload = `${JSON.stringify(claims).slice(0, -1)},${own}}`;
      // fast-jwt checks all claims again before it signs, which takes twice as long as signing.
      const signed = `${HEADER}.${Buffer.from(payload).toString('base64url')}`;
      const signature = hash('sha256', mac(signed), 'base64url');
      const token = `${signed}.${signature}`;
      // A spread would give each object a hidden class of its own (V8 11), and with that make every
      // look at a claim twenty times as slow.
      const whole = Object.assign({}, claims, { aud: purpose, iat, exp });
      if (isShownAgain(whole)) remembered.set(signature, { token, claims: whole });
      return token;
    },
    verify: <C extends TokenClaims>(purpose: TokenPurpose, token: string): Verified<C> =>
      verifyOneOf<C, TokenPurpose>([purpose], token),
    verifyOneOf,
  };

  function verifyOneOf<C extends TokenClaims, P extends TokenPurpose>(
    purposes: readonly P[],
    token: string,
  ): Verified<C & { readonly aud: P }> {
    if (token.length === 0 || token.length > TOKEN_LENGTH_MAX) {
      return { ok: false, reason: 'invalid' };
    }
    try {
      const claims = (recall(token) ?? ownClaims(token) ?? verifier(token)) as C &
        AnyClaims & { readonly aud: P };
      if (!purposes.includes(claims.aud) || typeof claims.sub !== 'string') {
        return { ok: false, reason: 'invalid' };
      }
      if (typeof claims.exp !== 'number' || claims.exp <= nowSec()) {
        return { ok: false, reason: 'expired' };
      }
      return { ok: true, claims };
    } catch (thrown) {
      if (thrown instanceof TokenError) return { ok: false, reason: 'invalid' };
      throw thrown;
    }
  }

  /**
   * Claims of a token as `sign` writes it, at two thirds of what fast-jwt takes. Undefined = it is
   * written in another way, or not good: the library decides.
   */
  function ownClaims(token: string): AnyClaims | undefined {
    const end = token.lastIndexOf('.');
    const signature = token.slice(end + 1);
    if (!token.startsWith(OWN_START) || end < OWN_START.length || !SIGNED.test(token)) {
      return undefined;
    }
    const expected = hash('sha256', mac(token.slice(0, end)), 'base64url');
    if (!isSame(expected, signature)) return undefined;
    const claims = parseClaims(token.slice(OWN_START.length, end));
    if (claims?.nbf !== undefined) return undefined;
    if (claims !== undefined && isShownAgain(claims)) {
      remembered.set(expected, { token: ownText(token), claims });
    }
    return claims;
  }

  function isShownAgain({ aud, nbf }: AnyClaims): boolean {
    return rememberedMax > 0 && nbf === undefined && SHOWN_AGAIN.has(aud);
  }

  function recall(token: string): AnyClaims | undefined {
    if (rememberedMax === 0) return undefined;
    const known = remembered.get(token.slice(-SIGNATURE_LENGTH));
    // What is signed may be another with the same signature written after it.
    return known?.token === token ? known.claims : undefined;
  }
}

/** In a time that does not tell where they differ; for texts of one length. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) {
    difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  }
  return difference === 0;
}

const BLOCK_BYTES = 64;

/**
 * The first half of an HMAC-SHA256 (RFC 2104) of ASCII texts; the hash of the answer, which lasts
 * until the next call, is the second. A native object for each token, as createHmac makes one,
 * costs half as much again and is left to the garbage collector.
 */
function createMac(secret: string): (text: string) => Buffer {
  const raw = Buffer.from(secret);
  const key = raw.length > BLOCK_BYTES ? createHash('sha256').update(raw).digest() : raw;
  const inner = Buffer.alloc(BLOCK_BYTES + TOKEN_LENGTH_MAX, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + 32, 0x5c);
  key.forEach((byte, at) => {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  });
  /** Parts of `inner` by their length: a new one each time is work, too. */
  const messages: Buffer[] = [];
  return (text) => {
    let message: Buffer;
    if (text.length > TOKEN_LENGTH_MAX) {
      message = Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.from(text, 'latin1')]);
    } else {
      const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES, 'latin1');
      message = messages[end] ??= inner.subarray(0, end);
    }
    // As text: a Buffer of the hash is an allocation outside of the heap, half of the cost.
    outer.write(hash('sha256', message, 'binary'), BLOCK_BYTES, 'latin1');
    return outer;
  };
}

function parseClaims(payload: string): AnyClaims | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? (claims as AnyClaims)
      : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
