// Credits as people read and type them. Money travels as a decimal string of milli-credits and is
// never turned into a floating point number here.
const MILLI = 1000n;

function toMilli(milli: string | bigint): bigint {
  if (typeof milli === 'bigint') return milli;
  return /^-?\d+$/.test(milli) ? BigInt(milli) : 0n;
}

/**
 * `'12345'` → `12.34`: at most two decimals, rounded down so that nobody is promised more than
 * there is.
 */
export function formatCredits(milli: string | bigint): string {
  const value = toMilli(milli);
  const sign = value < 0n ? '-' : '';
  const cents = (value < 0n ? -value : value) / 10n;
  const whole = (cents / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  const rest = cents % 100n;
  if (rest === 0n) return `${sign}${whole}`;
  return `${sign}${whole}.${rest.toString().padStart(2, '0')}`;
}

/** Like `formatCredits` with the unit: `1 credit`, `2.50 credits`. */
export function formatCreditsUnit(milli: string | bigint): string {
  const value = toMilli(milli);
  return `${formatCredits(value)} ${value === MILLI ? 'credit' : 'credits'}`;
}

/**
 * Typed credits (`12`, `0.5`, `0,5`) → milli-credits, or undefined when it is no amount above zero.
 */
export function parseCredits(text: string): bigint | undefined {
  const match = /^(\d{1,9})(?:[.,](\d{1,3}))?$/.exec(text.trim());
  if (!match) return undefined;
  const milli = BigInt(match[1] ?? '0') * MILLI + BigInt((match[2] ?? '').padEnd(3, '0'));
  return milli > 0n ? milli : undefined;
}

export function isFree(priceMilli: string | undefined): boolean {
  return priceMilli === undefined || toMilli(priceMilli) === 0n;
}

/** Whole seconds that `milli` buys at a price per minute; Infinity in a free room. */
export function secondsForCredits(milli: string, priceMilliPerMin: string): number {
  const price = toMilli(priceMilliPerMin);
  if (price <= 0n) return Infinity;
  const amount = toMilli(milli);
  return amount <= 0n ? 0 : Number((amount * 60n) / price);
}
