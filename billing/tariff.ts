// What a show costs: the charge as a pure function of billable milliseconds, in bigint, and the
// timing rules of a session. lua/includes/tariff.lua is the same in Lua; a property test keeps the
// two equal.
import type { Config } from '../cluster/index.js';
import { assert } from '../cluster/index.js';

/** `m` per minute pro rata, `u` per started unit (minute, block of 10 min), `t` ticket at once. */
export type PriceModel = 'm' | 'u' | 't';

/** A price snapshot; a session keeps the one it was opened with. Amounts in milli-credits. */
export interface Tariff {
  readonly model: PriceModel;
  /** Per minute, per unit or per ticket; 0 … 1e9. */
  readonly price: bigint;
  /** Share of the model in 1/10000. */
  readonly shareBps: number;
  /** Free time at the start, ms. */
  readonly freeMs: bigint;
  /** Least total once the free time is over. */
  readonly minCharge: bigint;
  /** Length of a unit for model `u`, ms. */
  readonly unitMs: bigint;
  /** Longest billable time, ms; 0 = no limit. */
  readonly maxMs: bigint;
  /** The viewer's spending limit for this show; 0 = none. */
  readonly maxCost: bigint;
}

/** Above 1e9 the Lua arithmetic would leave 2^53. */
export const PRICE_MAX = 1_000_000_000n;

const MINUTE_MS = 60_000n;

export function perMinute(price: bigint, shareBps: number): Tariff {
  const zero = { freeMs: 0n, minCharge: 0n, unitMs: MINUTE_MS, maxMs: 0n, maxCost: 0n };
  return { model: 'm', price, shareBps, ...zero };
}

/** `charged = floor(price × billable / 60000)` for model m; see the fields for the rest. */
export function costOf(tariff: Tariff, billableMs: bigint): bigint {
  assert(billableMs >= 0n, 'billable time below zero');
  const { model, price } = tariff;
  if (model === 't') return price;
  const ms = billableMs - tariff.freeMs;
  if (ms <= 0n) return 0n;
  const units = model === 'u' ? (ms + tariff.unitMs - 1n) / tariff.unitMs : 0n;
  const cost = model === 'm' ? (price * ms) / MINUTE_MS : price * units;
  return cost > tariff.minCharge ? cost : tariff.minCharge;
}

/** `model price bps free min unit maxMs maxCost`, the form in scripts, outbox and SQL. */
export function tariffText(t: Tariff): string {
  const { model, price, shareBps, freeMs, minCharge, unitMs, maxMs, maxCost } = t;
  return [model, price, shareBps, freeMs, minCharge, unitMs, maxMs, maxCost].map(String).join(' ');
}

/** A session whose price has changed has billable ms and cost at the change behind it. */
const TARIFF_TEXT = /^([mut]) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)(?: \d+ \d+)?$/;

/** @throws AssertionError on text that tariffText did not make */
export function parseTariff(text: string): Tariff {
  const match = TARIFF_TEXT.exec(text);
  assert(match !== null, `not a tariff: ${text}`);
  const number = (at: number): bigint => BigInt(match[at] ?? '0');
  return {
    model: (match[1] ?? 'm') as PriceModel,
    price: number(2),
    shareBps: Number(match[3]),
    freeMs: number(4),
    minCharge: number(5),
    unitMs: number(6),
    maxMs: number(7),
    maxCost: number(8),
  };
}

/** Of a text that parseTariff takes, the share alone. @throws AssertionError */
export function shareBpsOf(text: string): number {
  const match = /^[mut] \d+ (\d+) /.exec(text);
  assert(match !== null, `not a tariff: ${text}`);
  return Number(match[1]);
}

/**
 * Cumulative floor: what the payee has earned when the session has cost `cost`. The site has the
 * rest.
 */
export function payeeShare(cost: bigint, shareBps: number): bigint {
  return (cost * BigInt(shareBps)) / 10_000n;
}

/** Rules of a session's clock, all in ms. */
export interface Timing {
  /** Credit reserved ahead; 1.5 × the interval of proofs of life, so that one may be late. */
  readonly quantumMs: number;
  /**
   * A gap up to this counts as presence, a longer one counts at most `graceMs` and ends the
   * session.
   */
  readonly maxGapMs: number;
  readonly graceMs: number;
  /** A session's charges reach the ledger at least this often. */
  readonly settleMs: number;
}

const SETTLE_EVERY_MS = 60_000;

export function timingOf(billing: Config['billing']): Timing {
  const { updateIntervalMs, graceMs } = billing;
  return {
    quantumMs: Math.ceil(updateIntervalMs * 1.5),
    maxGapMs: updateIntervalMs * 3,
    graceMs: Math.min(graceMs, updateIntervalMs),
    settleMs: SETTLE_EVERY_MS,
  };
}

export function timingText(t: Timing): string {
  return `${t.quantumMs} ${t.maxGapMs} ${t.graceMs} ${t.settleMs}`;
}
