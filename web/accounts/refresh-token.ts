// Refresh tokens: `<session>.<generation>.<mac>`. Each generation of a session has its own token;
// the mac binds it to the session's salt and to the fleet's secret, so old ones can be told from
// forged.
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface RefreshToken {
  readonly sessionId: string;
  readonly generation: number;
  readonly mac: string;
}

interface Signed {
  readonly sessionId: string;
  readonly generation: number;
  readonly salt: string;
}

/** undefined: not a refresh token at all. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const match = /^([A-Za-z0-9_-]{22})\.(\d{1,9})\.([A-Za-z0-9_-]{43})$/.exec(text);
  const [, sessionId, generation, mac] = match ?? [];
  if (sessionId === undefined || generation === undefined || mac === undefined) return undefined;
  return { sessionId, generation: Number(generation), mac };
}

export function signRefreshToken(signed: Signed, secret: string): string {
  return `${signed.sessionId}.${signed.generation}.${macOf(signed, secret)}`;
}

/** Timing-safe. */
export function isGenuine(token: RefreshToken, salt: string, secret: string): boolean {
  const { sessionId, generation } = token;
  const wanted = Buffer.from(macOf({ sessionId, generation, salt }, secret));
  const given = Buffer.from(token.mac);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function macOf({ sessionId, generation, salt }: Signed, secret: string): string {
  return createHmac('sha256', secret)
    .update(`refresh\n${sessionId}\n${generation}\n${salt}`)
    .digest('base64url');
}
