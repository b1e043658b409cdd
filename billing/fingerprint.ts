// The fingerprint that a key is stored with. Used by all commands that take effect once: the same
// key with another body is refused because its fingerprint differs.
import { createHash } from 'node:crypto';

/** 16 hex digits that differ when any part of the request differs. */
export function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
