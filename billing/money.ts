// Money as bigint milli-credits, branded so that no plain number passes for an amount. Used
// everywhere in billing and by its clients. Invariant: 0 ≤ amount ≤ 9e12, exact also as a double
// inside Lua.
import { billingError } from './errors.js';

declare const milliBrand: unique symbol;

/** Milli-credits: 1 credit = 1000. Within 0 … 9,000,000,000,000 (9 G credits). */
export type Milli = bigint & { readonly [milliBrand]: 'milli' };

/** Largest amount and largest balance; well under 2^53, so Lua's doubles stay exact. */
export const MILLI_MAX = 9_000_000_000_000n;

export const MILLI_PER_CREDIT = 1_000n;

/** True when the value is an amount within bounds. */
export function isMilli(value: bigint): value is Milli {
  return value >= 0n && value <= MILLI_MAX;
}

/** @throws AppError BILLING_AMOUNT_INVALID outside 0 … 9e12. */
export function milli(value: bigint): Milli {
  if (!isMilli(value)) throw billingError('BILLING_AMOUNT_INVALID', { amount: String(value) });
  return value;
}

/**
 * Reads the JSON form: decimal digits, no sign, no leading zero, no exponent.
 * @throws AppError BILLING_AMOUNT_INVALID
 */
export function parseMilli(text: string): Milli {
  if (!/^(0|[1-9]\d{0,12})$/.test(text))
    throw billingError('BILLING_AMOUNT_INVALID', { amount: text });
  return milli(BigInt(text));
}

/**
 * Reads what a person types: credits with at most three decimals, `12`, `0.5`. @throws as
 * parseMilli.
 */
export function parseCredits(text: string): Milli {
  const match = /^(0|[1-9]\d{0,9})(?:\.(\d{1,3}))?$/.exec(text);
  if (match === null) throw billingError('BILLING_AMOUNT_INVALID', { amount: text });
  const [, whole = '0', fraction = ''] = match;
  return milli(BigInt(whole) * MILLI_PER_CREDIT + BigInt(fraction.padEnd(3, '0')));
}

/** Credits for people: `12`, `0.5`, `-3.25`; exact, no trailing zeros. Takes any bigint. */
export function formatCredits(amount: bigint): string {
  const sign = amount < 0n ? '-' : '';
  const value = amount < 0n ? -amount : amount;
  const fraction = (value % MILLI_PER_CREDIT).toString().padStart(3, '0').replace(/0+$/, '');
  const whole = (value / MILLI_PER_CREDIT).toString();
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
