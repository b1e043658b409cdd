// Play tokens that were verified before: a viewer's hooks bring the same token every few seconds,
// and its signature costs as much as the rest of a hook. Used by hooks.ts. Invariant: a token is
// good until its own expiry and no longer, remembered or not; memory is bounded.
import {
  type Clock,
  systemClock,
  type TokenClaims,
  type TokenService,
  type Verified,
} from '../cluster/index.js';

export interface PlayClaims extends TokenClaims {
  readonly room?: string;
  /** The paid session. */
  readonly bill?: string;
  readonly relay?: boolean;
}

type Outcome = Verified<PlayClaims>;
type Good = Extract<Outcome, { ok: true }>;

/** Of a generation; two hold the viewers of one process (about 400 bytes each). */
const TOKENS_MAX = 60_000;

export class PlayTokens {
  private young = new Map<string, Good>();
  private old = new Map<string, Good>();

  constructor(
    private readonly tokens: Pick<TokenService, 'verify'>,
    private readonly options: { readonly clock?: Clock; readonly tokensMax?: number } = {},
  ) {}

  /** As TokenService.verify for the purpose `play`; about 20 µs once, then less than one. */
  verify(token: string): Outcome {
    const known = this.young.get(token) ?? this.old.get(token);
    if (known === undefined) {
      const outcome = this.tokens.verify<PlayClaims>('play', token);
      if (outcome.ok) this.remember(token, outcome);
      return outcome;
    }
    const { clock = systemClock } = this.options;
    if (known.claims.exp <= Math.floor(clock.nowMs() / 1_000)) {
      return { ok: false, reason: 'expired' };
    }
    if (!this.young.has(token)) this.remember(token, known);
    return known;
  }

  private remember(token: string, outcome: Good): void {
    if (this.young.size >= (this.options.tokensMax ?? TOKENS_MAX)) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(token, outcome);
  }
}
