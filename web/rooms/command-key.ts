// Idempotency keys of commands, scoped to their sender, so that nobody can spend another one's key.
import { createHash } from 'node:crypto';

/** A key of the shape that billing takes, the same for the same sender and client key. */
export function commandKey(scope: string, senderId: string, clientKey: string): string {
  return createHash('sha256').update(`${scope}\n${senderId}\n${clientKey}`).digest('base64url');
}
