// Which of the 64 virtual shards a wallet or session lives on, and the keys of a shard. Used by
// the engine. Invariant: all keys of a shard carry one hash tag, so a script touches one slot; the
// count never changes.
import { randomBytes } from 'node:crypto';
import { assert, hash32 } from '../cluster/index.js';

export const SHARD_COUNT = 64;

export interface ShardKeys {
  readonly meta: string;
  readonly bal: string;
  readonly out: string;
  readonly sess: string;
  readonly due: string;
  readonly room: string;
  readonly live: string;
  readonly idem0: string;
  readonly idem1: string;
  /** Last visits to shows that go on: tickets, and what is used of grace, least charge, limits. */
  readonly ticket: string;
}

export const ALL_SHARDS: readonly number[] = Array.from({ length: SHARD_COUNT }, (_, at) => at);

const KEYS: readonly ShardKeys[] = ALL_SHARDS.map((shard) => {
  const tag = `{b${String(shard).padStart(2, '0')}}`;
  return {
    meta: `${tag}:meta`,
    bal: `${tag}:bal`,
    out: `${tag}:out`,
    sess: `${tag}:sess`,
    due: `${tag}:due`,
    room: `${tag}:room`,
    live: `${tag}:live`,
    idem0: `${tag}:idem:0`,
    idem1: `${tag}:idem:1`,
    ticket: `${tag}:ticket`,
  };
});

export function shardKeys(shard: number): ShardKeys {
  const keys = KEYS[shard];
  assert(keys !== undefined, `no shard ${shard}`);
  return keys;
}

export function shardOfWallet(userId: string): number {
  return hash32(userId) % SHARD_COUNT;
}

/** Wallets by their shard, in the order given. */
export function byShard(wallets: Iterable<string>): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const wallet of wallets) {
    const shard = shardOfWallet(wallet);
    const others = found.get(shard);
    if (others === undefined) found.set(shard, [wallet]);
    else others.push(wallet);
  }
  return found;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARS = 10;
const RANDOM_CHARS = 14;

/**
 * 26 characters like a ULID: 10 of time, 14 random (70 bits), 2 that say the shard, so that a
 * session id alone is enough to find its shard.
 */
export function newSessionId(shard: number, nowMs: number): string {
  const random = Array.from(randomBytes(RANDOM_CHARS), (byte) => crockford(byte % 32)).join('');
  return `${timeChars(nowMs)}${random}${crockford(shard >> 5)}${crockford(shard & 31)}`;
}

/** @returns undefined for text that is no session id of ours */
export function shardOfSession(sessionId: string): number | undefined {
  if (!/^[0-9A-HJKMNP-TV-Z]{26}$/.test(sessionId)) return undefined;
  const shard =
    CROCKFORD.indexOf(sessionId.charAt(24)) * 32 + CROCKFORD.indexOf(sessionId.charAt(25));
  return shard < SHARD_COUNT ? shard : undefined;
}

/** Unix ms in a ULID; undefined when the text is not one. */
export function ulidTimeMs(text: string): number | undefined {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text)) return undefined;
  let ms = 0;
  for (let at = 0; at < TIME_CHARS; at += 1) ms = ms * 32 + CROCKFORD.indexOf(text.charAt(at));
  return ms;
}

function timeChars(nowMs: number): string {
  let rest = nowMs;
  let text = '';
  for (let at = 0; at < TIME_CHARS; at += 1) {
    text = crockford(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function crockford(value: number): string {
  return CROCKFORD.charAt(value);
}
