// Published vectors pin the hash functions: a change would send every channel to another partition.
import fc from 'fast-check';
import t from 'tap';
import { hash32, hash64 } from '../hash.js';
import { jumpHash, jumpHashOfName } from '../jump-hash.js';
import { seededRandom } from '../testing/index.js';
import { Uint64 } from '../uint64.js';

const MASK = (1n << 64n) - 1n;
const { seed } = seededRandom(t);
const uint64 = fc.bigInt({ min: 0n, max: MASK });

await t.test('hash64 gives the XXH64 reference vectors', (t) => {
  // From the reference implementation (libxxhash 0.8 through python-xxhash), seed 0.
  const vectors: [string, bigint][] = [
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['message digest', 0x066ed728fceeb3ben],
    ['room:42', 0xf37aa37d2566538fn],
    ['0123456789abcdef0123456789abcdef', 0x642a94958e71e6c5n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
    ['0123456789'.repeat(10), 0xf80e7b96315afffan],
    ['żółć 🦊 room', 0xf8fdce8567b286c4n],
  ];
  for (const [text, expected] of vectors) {
    t.equal(hash64(text), expected, text);
    t.equal(BigInt(hash32(text)), expected & 0xffffffffn);
  }
  t.end();
});

await t.test('hash64 equals the specification written down in BigInt, for any text', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (text) => {
      return hash64(text) === specifiedXxh64(Buffer.from(text, 'utf8'));
    }),
    { seed, numRuns: 500 },
  );
  t.end();
});

await t.test('64-bit arithmetic agrees with BigInt', (t) => {
  fc.assert(
    fc.property(uint64, uint64, fc.integer({ min: 1, max: 63 }), (a, b, bits) => {
      const [x, y] = [Uint64.fromBigInt(a), Uint64.fromBigInt(b)];
      const fresh = (): Uint64 => new Uint64().copy(x);
      const turn = BigInt(((bits - 1) % 31) + 1);
      return (
        x.toBigInt() === a &&
        fresh().add(y).toBigInt() === ((a + b) & MASK) &&
        fresh().mul(y).toBigInt() === ((a * b) & MASK) &&
        fresh().xor(y).toBigInt() === (a ^ b) &&
        fresh().xorShiftRight(bits).toBigInt() === (a ^ (a >> BigInt(bits))) &&
        fresh().rotateLeft(Number(turn)).toBigInt() === rotate(a, turn)
      );
    }),
    { seed, numRuns: 2_000 },
  );
  t.end();
});

await t.test('jumpHash gives the vectors that its implementations share', (t) => {
  t.equal(jumpHash(1n, 1), 0);
  t.equal(jumpHash(42n, 57), 43);
  t.equal(jumpHash(0xdead10ccn, 1), 0);
  t.equal(jumpHash(0xdead10ccn, 666), 361);
  t.equal(jumpHash(256n, 1024), 520);
  t.equal(jumpHash(MASK, 128), 92);
  t.equal(jumpHash(128n, 100_000_000), 38_172_097);
  t.throws(() => jumpHash(1n, 0));
  t.end();
});

await t.test('with one bucket more a key stays or moves to the new bucket', (t) => {
  fc.assert(
    fc.property(uint64, fc.integer({ min: 1, max: 5_000 }), (key, buckets) => {
      const before = jumpHash(key, buckets);
      const after = jumpHash(key, buckets + 1);
      return before < buckets && (after === before || after === buckets);
    }),
    { seed, numRuns: 2_000 },
  );
  t.end();
});

await t.test('names spread over buckets as evenly as chance allows', (t) => {
  const counts = new Array<number>(64).fill(0);
  for (let room = 0; room < 64_000; room += 1) {
    const bucket = jumpHashOfName(`room:${room}`, 64);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  // Fixed input: chi-square with 63 degrees of freedom exceeds 120 with probability 2e-5.
  const chiSquare = counts.reduce((sum, n) => sum + (n - 1_000) ** 2 / 1_000, 0);
  t.ok(chiSquare < 120, `chi-square ${chiSquare}`);
  t.end();
});

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

/** XXH64 as doc/xxhash_spec.md words it, seed 0. */
function specifiedXxh64(bytes: Buffer): bigint {
  const [p1, p2, p3, p4, p5] = [
    0x9e3779b185ebca87n,
    0xc2b2ae3d27d4eb4fn,
    0x165667b19e3779f9n,
    0x85ebca77c2b2ae63n,
    0x27d4eb2f165667c5n,
  ] as const;
  const round = (acc: bigint, lane: bigint): bigint =>
    (rotate((acc + lane * p2) & MASK, 31n) * p1) & MASK;
  let at = 0;
  let acc: bigint = p5;
  if (bytes.length >= 32) {
    const lanes = [(p1 + p2) & MASK, p2, 0n, -p1 & MASK];
    for (; at + 32 <= bytes.length; at += 32) {
      lanes.forEach((lane, i) => (lanes[i] = round(lane, bytes.readBigUInt64LE(at + 8 * i))));
    }
    const turns = [1n, 7n, 12n, 18n];
    acc = lanes.reduce((sum, lane, i) => sum + rotate(lane, turns[i] ?? 0n), 0n) & MASK;
    for (const lane of lanes) acc = ((acc ^ round(0n, lane)) * p1 + p4) & MASK;
  }
  acc = (acc + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) {
    acc = (rotate(acc ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * p1 + p4) & MASK;
  }
  for (; at + 4 <= bytes.length; at += 4) {
    const word = (BigInt(bytes.readUInt32LE(at)) * p1) & MASK;
    acc = (rotate(acc ^ word, 23n) * p2 + p3) & MASK;
  }
  for (; at < bytes.length; at += 1) {
    acc = (rotate(acc ^ ((BigInt(bytes.readUInt8(at)) * p5) & MASK), 11n) * p1) & MASK;
  }
  acc = ((acc ^ (acc >> 33n)) * p2) & MASK;
  acc = ((acc ^ (acc >> 29n)) * p3) & MASK;
  return acc ^ (acc >> 32n);
}
