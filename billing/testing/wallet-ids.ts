// Wallet ids that fall into a given shard, for histories and scenes.
import { SHARD_COUNT, shardOfWallet } from '../shard.js';

const byShard = new Map<number, string[]>();

/** @returns the same ids each time, at most 16 or so */
export function walletsOf(shard: number, count: number): readonly string[] {
  if (byShard.size === 0) {
    for (let id = 1; id < SHARD_COUNT * 40; id += 1) {
      const at = shardOfWallet(String(id));
      byShard.set(at, [...(byShard.get(at) ?? []), String(id)]);
    }
  }
  return (byShard.get(shard) ?? []).slice(0, count);
}
