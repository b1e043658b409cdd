// The balance as it is told by answers and by pushes. A push carries a version; an older one never
// overwrites a newer one, whatever order they arrive in.
export interface Balance {
  /** All milli-credits of the wallet, those held for a running show included. */
  amount: string;
  /** Of these, set aside for a running show. */
  held: string;
  version: number;
  /** When this page learned it, for countdowns. */
  atMs: number;
}

function decimal(value: unknown): string | undefined {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Reads a balance push, `{ amount, held, version }`; undefined when it is none. */
export function readPush(
  body: Readonly<Record<string, unknown>>,
  atMs: number,
): Balance | undefined {
  const amount = decimal(body['amount']);
  if (amount === undefined) return undefined;
  const version = Number(body['version'] ?? 0);
  return {
    amount,
    held: decimal(body['held']) ?? '0',
    version: Number.isFinite(version) ? version : 0,
    atMs,
  };
}

/**
 * Reads what `/me` tells: credits free to spend, beside those held. Undefined while billing is
 * away.
 */
export function readMe(
  me: { balance: string | null; held?: string; version?: number },
  atMs: number,
): Balance | undefined {
  const free = decimal(me.balance);
  if (free === undefined) return undefined;
  const held = decimal(me.held) ?? '0';
  return {
    amount: (BigInt(free) + BigInt(held)).toString(),
    held,
    version: me.version ?? 0,
    atMs,
  };
}

export function mergeBalance(known: Balance | undefined, next: Balance): Balance {
  return known && next.version < known.version ? known : next;
}
