// Stream keys: `sk_` and 256 random bits. Only the SHA-256 is ever stored; the clear key is shown
// once.
import { createHash, randomBytes } from 'node:crypto';

export interface StreamKey {
  readonly clear: string;
  /** SHA-256, hex. */
  readonly hash: string;
  /** Enough to recognise it by, not enough to guess it. */
  readonly mask: string;
}

export function newStreamKey(): StreamKey {
  const clear = `sk_${randomBytes(32).toString('base64url')}`;
  return {
    clear,
    hash: createHash('sha256').update(clear).digest('hex'),
    mask: `sk_****${clear.slice(-4)}`,
  };
}
