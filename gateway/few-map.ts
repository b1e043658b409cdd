// A map that mostly holds one or two entries, such as the listeners of a user's own channel or the
// channels of a connection: there are as many as connections, and an empty Map takes 180 bytes,
// this 64. Order and look-ups are those of a Map; of one or two entries, iterators show those that
// there were when they were made.
export class FewMap<K, V> implements Iterable<readonly [K, V]> {
  private firstKey: K | undefined;
  private firstValue: V | undefined;
  private secondKey: K | undefined;
  private secondValue: V | undefined;
  /** Holds all entries once there have been three; kept then. */
  private many: Map<K, V> | undefined;

  get size(): number {
    if (this.many !== undefined) return this.many.size;
    return (this.firstKey === undefined ? 0 : 1) + (this.secondKey === undefined ? 0 : 1);
  }

  has(key: K): boolean {
    if (this.many !== undefined) return this.many.has(key);
    return key === this.firstKey || key === this.secondKey;
  }

  get(key: K): V | undefined {
    if (this.many !== undefined) return this.many.get(key);
    if (key === this.firstKey) return this.firstValue;
    return key === this.secondKey ? this.secondValue : undefined;
  }

  /** @param key anything but undefined */
  set(key: K, value: V): void {
    if (this.many !== undefined) {
      this.many.set(key, value);
    } else if (this.firstKey === undefined || key === this.firstKey) {
      this.firstKey = key;
      this.firstValue = value;
    } else if (this.secondKey === undefined || key === this.secondKey) {
      this.secondKey = key;
      this.secondValue = value;
    } else {
      const many = new Map<K, V>(this.few());
      this.clear();
      this.many = many.set(key, value);
    }
  }

  delete(key: K): boolean {
    if (this.many !== undefined) return this.many.delete(key);
    if (!this.has(key)) return false;
    if (key === this.firstKey) {
      this.firstKey = this.secondKey;
      this.firstValue = this.secondValue;
    }
    this.secondKey = undefined;
    this.secondValue = undefined;
    return true;
  }

  keys(): Iterable<K> {
    return this.many?.keys() ?? this.few().map(([key]) => key);
  }

  values(): Iterable<V> {
    return this.many?.values() ?? this.few().map(([, value]) => value);
  }

  [Symbol.iterator](): Iterator<[K, V]> {
    return (this.many ?? this.few())[Symbol.iterator]();
  }

  private few(): [K, V][] {
    const { firstKey, firstValue, secondKey, secondValue } = this;
    const entries: [K, V][] = [];
    if (firstKey !== undefined) entries.push([firstKey, firstValue as V]);
    if (secondKey !== undefined) entries.push([secondKey, secondValue as V]);
    return entries;
  }

  private clear(): void {
    this.firstKey = this.secondKey = undefined;
    this.firstValue = this.secondValue = undefined;
  }
}
