// A map that forgets: holds at least the `max` entries that were set last, at most twice as many.
// Two generations need no bookkeeping per look-up, and a Map that loses its first entry again and
// again becomes slow.

export class RecentMap<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();

  /** @param max 0 = remembers nothing */
  constructor(private readonly max: number) {}

  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: string): V | undefined {
    return this.young.get(key) ?? this.old.get(key);
  }

  set(key: string, value: V): void {
    if (this.max === 0) return;
    if (this.young.size >= this.max) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }
}
