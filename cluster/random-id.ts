// Names that nobody can guess: sessions, epochs, messages. Random bytes are drawn from the kernel
// in bulk, because a call for nine of them costs as much as a signature.
import { randomFillSync } from 'node:crypto';

const pool = Buffer.allocUnsafeSlow(4_096);
let used = pool.length;

/** @param bytes of randomness, 1 to 64. @returns base64url, 4 characters for 3 bytes */
export function randomId(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('base64url', used - bytes, used);
}
