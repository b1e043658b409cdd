// Medians, spreads and percentiles. Raw samples are merged and sorted once: percentiles are never
// averaged.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError on an empty list, because a number made of nothing is not a result. */
export function median(values: readonly number[]): number {
  const sorted = sortedCopy(values);
  const middle = Math.floor(sorted.length / 2);
  const upper = at(sorted, middle);
  return sorted.length % 2 === 1 ? upper : (at(sorted, middle - 1) + upper) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = sortedCopy(values);
  return { median: median(sorted), min: at(sorted, 0), max: at(sorted, sorted.length - 1) };
}

/**
 * Ratio of pairs measured in the same round. The median of the ratios, not the ratio of the
 * medians: a machine that slows down between two rounds slows both halves of a pair.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): Spread {
  if (ours.length !== theirs.length) throw new RangeError('pairs of different length');
  return spreadOf(ours.map((value, round) => value / at(theirs, round)));
}

/** Nearest-rank percentile of all samples together. `rank` in (0, 100]. */
export function percentile(samples: ArrayLike<number>, rank: number): number {
  const sorted = Float64Array.from(samples).sort();
  if (sorted.length === 0) throw new RangeError('no samples');
  const index = Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1);
  return sorted[Math.min(index, sorted.length - 1)] ?? Number.NaN;
}

export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Merges raw samples of several generators or rounds and summarises them once. */
export function summarize(lists: readonly ArrayLike<number>[]): LatencySummary {
  const count = lists.reduce((sum, list) => sum + list.length, 0);
  const merged = new Float64Array(count);
  let from = 0;
  for (const list of lists) {
    merged.set(Float64Array.from(list), from);
    from += list.length;
  }
  merged.sort();
  return {
    count,
    p50: percentile(merged, 50),
    p95: percentile(merged, 95),
    p99: percentile(merged, 99),
    max: percentile(merged, 100),
  };
}

/** Three significant digits, without an exponent. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en-US', {
    minimumFractionDigits: Math.min(digits, 3),
    maximumFractionDigits: Math.min(digits, 3),
  });
}

function sortedCopy(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('no values');
  return [...values].sort((a, b) => a - b);
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value ${index}`);
  return value;
}
