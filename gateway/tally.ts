// Counts by one label, for what happens with every connection or command: a counter of prom-client
// looks its labels up by their text each time, which costs more than what is counted.
export class Tally<L extends string> {
  private readonly counts = new Map<L, number>();

  add(label: L): void {
    this.counts.set(label, (this.counts.get(label) ?? 0) + 1);
  }

  [Symbol.iterator](): Iterator<[L, number]> {
    return this.counts[Symbol.iterator]();
  }
}
