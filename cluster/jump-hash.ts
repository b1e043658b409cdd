// Jump consistent hash: key → one of n numbered buckets, with no table and the least movement when
// n grows. Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294.
import { assert } from './errors.js';
import { digest } from './hash.js';
import { Uint64 } from './uint64.js';

const MULTIPLIER = Uint64.fromBigInt(2862933555777941757n);
const ONE = new Uint64(0, 1);
const state = new Uint64();

/**
 * The bucket of a 64-bit key, 0…buckets-1. From n to n+1 buckets a key stays or moves to the new
 * one. Buckets can only be added or removed at the end; for members with names see rendezvous.ts.
 * @param buckets whole number ≥ 1. Cost: about ln(buckets) steps.
 */
export function jumpHash(key: bigint, buckets: number): number {
  return jump(state.copy(Uint64.fromBigInt(key)), buckets);
}

/** The bucket of the XXH64 of a name. */
export function jumpHashOfName(name: string, buckets: number): number {
  return jump(digest(name, state), buckets);
}

function jump(key: Uint64, buckets: number): number {
  assert(Number.isSafeInteger(buckets) && buckets >= 1, `jumpHash into ${buckets} buckets`);
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    key.mul(MULTIPLIER).add(ONE);
    next = Math.floor((bucket + 1) * (2 ** 31 / ((key.high >>> 1) + 1)));
  }
  return bucket;
}
