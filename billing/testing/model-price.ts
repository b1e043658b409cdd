// Price over time in the reference model: what a session's billable time costs when the price may
// change under way. Part of model.ts.
import { costOf, type Tariff } from '../tariff.js';
import { max, min } from './model-wallet.js';

/** One price of a session: in force from `from` billable ms on, on top of what was paid before. */
interface Segment {
  readonly from: bigint;
  readonly tariff: Tariff;
  /** Of the first one: cost up to `from`. */
  readonly base: bigint;
  /** Begins where a unit ends that is paid already. */
  readonly isPaidUp: boolean;
}

export interface PricedTime {
  /** The price in force, then those to come. */
  segments: [Segment, ...Segment[]];
  billable: bigint;
  maxMs: bigint;
  readonly maxCost: bigint;
}

const SEGMENTS_MAX = 4;

/** From `now` billable ms on; what is left of the free time goes on. */
export function changePrice({ segments }: PricedTime, tariff: Tariff, now: bigint): void {
  const last = segments.at(-1) ?? segments[0];
  if (segments.length === SEGMENTS_MAX) {
    const { freeMs } = last.tariff;
    segments[SEGMENTS_MAX - 1] = { ...last, tariff: { ...tariff, freeMs } };
    return;
  }
  const freeUntil = last.from + last.tariff.freeMs;
  // A unit that has begun is paid, so the new price waits for its end.
  const begun = last.tariff.model === 'u' ? max(0n, max(now, last.from) - freeUntil) : 0n;
  const units = (begun + last.tariff.unitMs - 1n) / last.tariff.unitMs;
  const from = begun > 0n ? freeUntil + units * last.tariff.unitMs : max(now, last.from);
  const freeMs = max(0n, freeUntil - from);
  segments.push({ from, isPaidUp: begun > 0n, base: 0n, tariff: { ...tariff, freeMs } });
}

/** What `bill` ms cost, over all prices that the session has had and will have. */
export function total({ segments }: PricedTime, bill: bigint): bigint {
  return segments.reduce((before, { from, tariff }, at) => {
    if (at > 0 && bill <= from) return before;
    const ms = min(bill, segments[at + 1]?.from ?? bill) - from;
    if (tariff.model !== 't' && ms <= tariff.freeMs) return before;
    return max(before + costOf({ ...tariff, minCharge: 0n }, ms), tariff.minCharge);
  }, segments[0].base);
}

/** Most billable ms up to `until` that `means` pays for, by bisection. */
export function payable(session: PricedTime, means: bigint, until: bigint): bigint {
  const { maxMs, maxCost, billable } = session;
  const limit = maxCost > 0n ? min(means, maxCost) : means;
  let low = billable;
  let high = max(low, maxMs > 0n ? min(until, maxMs) : until);
  if (total(session, high) <= limit) return high;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (total(session, middle) <= limit) low = middle;
    else high = middle - 1n;
  }
  return low;
}

/**
 * Prices whose beginning lies behind are done. Of those that should have begun by now, though less
 * time was counted than had passed then, the last begins here; a paid unit is used up first.
 */
export function passChanges(session: PricedTime): void {
  const { billable } = session;
  for (;;) {
    const [, next, ...rest] = session.segments;
    if (next === undefined || billable <= next.from) break;
    session.segments = [{ ...next, base: total(session, next.from) }, ...rest];
  }
  const [current, next] = session.segments;
  const last = session.segments.at(-1);
  if (next === undefined || last === undefined || next.isPaidUp || next.from <= billable) return;
  const freeMs = max(0n, current.from + current.tariff.freeMs - billable);
  session.segments = [current, { ...last, from: billable, tariff: { ...last.tariff, freeMs } }];
}

export function isSamePrice(a: Tariff, b: Tariff): boolean {
  const isSameUnit = a.model === b.model && a.unitMs === b.unitMs;
  return isSameUnit && a.price === b.price && a.minCharge === b.minCharge;
}
