// The stable hash of the fleet: XXH64, seed 0, over UTF-8. Every process and every release must
// agree on it, because partitions, coordinators and routing hints follow from it. Not for secrets.
// Specification: github.com/Cyan4973/xxHash doc/xxhash_spec.md; its vectors are in
// test/hash.test.ts.
import { Uint64 } from './uint64.js';

const PRIME_1 = new Uint64(0x9e3779b1, 0x85ebca87);
const PRIME_2 = new Uint64(0xc2b2ae3d, 0x27d4eb4f);
const PRIME_3 = new Uint64(0x165667b1, 0x9e3779f9);
const PRIME_4 = new Uint64(0x85ebca77, 0xc2b2ae63);
const PRIME_5 = new Uint64(0x27d4eb2f, 0x165667c5);
const MINUS_PRIME_1 = Uint64.fromBigInt(-PRIME_1.toBigInt());
const STRIPE_BYTES = 32;

// Scratch numbers: hashing is synchronous, so one set serves all calls without garbage.
const input = new Uint64();
const merged = new Uint64();
const lanes = [new Uint64(), new Uint64(), new Uint64(), new Uint64()] as const;

/** XXH64 of the UTF-8 form of `text`, 0…2^64-1. About 0.4 µs for a name of 20 bytes. */
export function hash64(text: string): bigint {
  return digest(text, new Uint64()).toBigInt();
}

/** The lower 32 bits of XXH64, 0…2^32-1. */
export function hash32(text: string): number {
  return digest(text, new Uint64()).low;
}

/**
 * As hash64, into `result`, without garbage but the UTF-8 form. For the hashing files of this
 * folder.
 */
export function digest(text: string, result: Uint64): Uint64 {
  const bytes = Buffer.from(text, 'utf8');
  const isLong = bytes.length >= STRIPE_BYTES;
  const tailStart = isLong ? bytes.length - (bytes.length % STRIPE_BYTES) : 0;
  if (isLong) mixStripes(bytes, tailStart, result);
  else result.copy(PRIME_5);
  result.add(merged.set(0, bytes.length));
  mixTail(bytes, tailStart, result);
  return avalanche(result);
}

/** XXH64's finaliser: every input bit reaches every output bit; a bijection. */
export function avalanche(value: Uint64): Uint64 {
  return value.xorShiftRight(33).mul(PRIME_2).xorShiftRight(29).mul(PRIME_3).xorShiftRight(32);
}

function mixStripes(bytes: Buffer, end: number, result: Uint64): void {
  const [one, two, three, four] = lanes;
  one.copy(PRIME_1).add(PRIME_2);
  two.copy(PRIME_2);
  three.set(0, 0);
  four.copy(MINUS_PRIME_1);
  for (let at = 0; at < end; at += STRIPE_BYTES) {
    round(one, read64(bytes, at));
    round(two, read64(bytes, at + 8));
    round(three, read64(bytes, at + 16));
    round(four, read64(bytes, at + 24));
  }
  result.copy(one).rotateLeft(1);
  result.add(merged.copy(two).rotateLeft(7));
  result.add(merged.copy(three).rotateLeft(12));
  result.add(merged.copy(four).rotateLeft(18));
  for (const lane of lanes) {
    result.xor(round(merged.set(0, 0), input.copy(lane)));
    result.mul(PRIME_1).add(PRIME_4);
  }
}

function mixTail(bytes: Buffer, start: number, result: Uint64): void {
  let at = start;
  for (; at + 8 <= bytes.length; at += 8) {
    result.xor(round(merged.set(0, 0), read64(bytes, at)));
    result.rotateLeft(27).mul(PRIME_1).add(PRIME_4);
  }
  if (at + 4 <= bytes.length) {
    result.xor(input.set(0, bytes.readUInt32LE(at)).mul(PRIME_1));
    result.rotateLeft(23).mul(PRIME_2).add(PRIME_3);
    at += 4;
  }
  for (; at < bytes.length; at += 1) {
    result.xor(input.set(0, bytes.readUInt8(at)).mul(PRIME_5));
    result.rotateLeft(11).mul(PRIME_1);
  }
}

function round(lane: Uint64, word: Uint64): Uint64 {
  return lane.add(word.mul(PRIME_2)).rotateLeft(31).mul(PRIME_1);
}

function read64(bytes: Buffer, at: number): Uint64 {
  return input.set(bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at));
}
