// Which paid session pays for an RTMP play: the claim `bill` of the play token in its arguments. So
// that an order to cut a session reaches its players, wherever their next update would have been.
import type { TokenClaims, TokenService } from '../cluster/index.js';

interface PlayClaims extends TokenClaims {
  readonly bill?: string;
}

/** @returns the paid session in `token=…&…`; undefined for free plays, relays and bad tokens */
export function playBills(
  tokens: Pick<TokenService, 'verify'>,
): (args: string) => string | undefined {
  return (args) => {
    const token = new URLSearchParams(args).get('token');
    if (token === null) return undefined;
    const verified = tokens.verify<PlayClaims>('play', token);
    return verified.ok ? verified.claims.bill : undefined;
  };
}
