// Password hashing: argon2id, OWASP parameters (19 MiB, 2 passes). Used by the account service.
// Invariant: a login for an unknown name costs as much as one for a known name.
import { hash, verify } from 'argon2';

const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** A hash of no password that anyone knows, with the same parameters. */
let decoy: Promise<string> | undefined;

export function hashPassword(password: string): Promise<string> {
  return hash(password, OPTIONS);
}

/** @param stored PHC string, or undefined when there is no such account (then always false). */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  decoy ??= hash(crypto.randomUUID(), OPTIONS);
  const isMatch = await verify(stored ?? (await decoy), password);
  return isMatch && stored !== undefined;
}
