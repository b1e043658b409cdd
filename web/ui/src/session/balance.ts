// The spendable balance as it is told by answers and by pushes. A push carries a version; an older one never
// overwrites a newer one, whatever order they arrive in.
export interface Balance {
  /** Milli-credits free to spend. */
  amount: string;
  /** Milli-credits set aside for a running show. */
  held: string;
  version: number;
  /** When this page learned it, for countdowns. */
  atMs: number;
}

type BalanceLike = string | { amount?: unknown; held?: unknown; version?: unknown } | null;

function decimal(value: unknown): string | undefined {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Reads `'12000'` or `{ amount, held, version }`; undefined when it is neither. */
export function readBalance(value: unknown, atMs: number): Balance | undefined {
  const like = value as BalanceLike | undefined;
  if (like === null || like === undefined) return undefined;
  if (typeof like !== 'object') {
    const amount = decimal(like);
    return amount === undefined ? undefined : { amount, held: '0', version: 0, atMs };
  }
  const amount = decimal(like.amount);
  if (amount === undefined) return undefined;
  const version = typeof like.version === 'number' ? like.version : Number(like.version ?? 0);
  return {
    amount,
    held: decimal(like.held) ?? '0',
    version: Number.isFinite(version) ? version : 0,
    atMs,
  };
}

/** An unversioned value (version 0) comes from a fresh answer and wins, keeping the known version. */
export function mergeBalance(known: Balance | undefined, next: Balance): Balance {
  if (!known) return next;
  if (next.version === 0) return { ...next, held: known.held, version: known.version };
  return next.version >= known.version ? next : known;
}
