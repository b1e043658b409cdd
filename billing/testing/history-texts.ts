// What histories compare, as text: verdicts, lots and spendings, of the model and of the scripts.
// Used by history-run.ts and interleaving/witness.ts.
import type { Tariff } from '../tariff.js';
import type { Audit } from './auditor.js';
import type { Lot, Paid } from './amounts.js';
import { FOREVER, type Wallet } from './model.js';

/** @throws Error when the outbox tells of other spendings */
export function compareAudit(
  real: Audit,
  model: { broken: bigint; spendings: ReadonlyMap<string, Paid> },
): void {
  const wanted = [...model.spendings].map(([source, paid]) => {
    return textOf(source, sum(paid.map(({ amount }) => amount)), lotSums(paid));
  });
  const found = [...real.spendings].map(([source, { amount, lots }]) => {
    return textOf(source, amount, lots);
  });
  const seen = `expired ${real.broken}, ${found.filter(Boolean).sort().join()}`;
  const due = `expired ${model.broken}, ${wanted.filter(Boolean).sort().join()}`;
  if (seen !== due) throw new Error(`the outbox says ${seen}, the model ${due}`);
}

/** Empty when nothing was paid. */
function textOf(source: string, amount: bigint, lots: ReadonlyMap<string, bigint>): string {
  const parts = [...lots].filter(([, part]) => part > 0n).map(([lot, part]) => `${lot}:${part}`);
  return amount === 0n ? '' : `${source} ${amount} ${parts.sort().join(' ')}`;
}

function lotSums(paid: Paid): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { lot, amount } of paid) sums.set(lot.id, (sums.get(lot.id) ?? 0n) + amount);
  // What no lot has paid was cash.
  sums.delete('');
  return sums;
}

export const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
export const lotsOf = (wallet: Wallet): readonly Lot[] =>
  wallet.lots.filter((lot) => lot !== wallet.cash && lot.amount > 0n);
export const stateOf = (wallet: Wallet): string => `${wallet.owned()} ${wallet.held()}`;

/** What was ended or goes on at another price; nothing is said of the others. */
export function listOf(verdicts: readonly { id: string; verdict: string }[]): string {
  const said = verdicts.filter(({ verdict }) => verdict !== '' && !verdict.startsWith('ended'));
  return said
    .map(({ id, verdict }) => `${id} ${verdict}`)
    .sort()
    .join();
}

const SCOPE_CODES = { any: 0, shows: 1 } as const;

export function lotText({ id, expires, priority, scope }: Lot): string {
  return `${id} ${expires === FOREVER ? 0n : expires} ${priority} ${SCOPE_CODES[scope]}`;
}

/** 0 is no limit on the wire. */
export const orForever = (limit: bigint): bigint => (limit === 0n ? FOREVER : limit);

export function inModel(tariff: Tariff): Tariff {
  return { ...tariff, maxMs: orForever(tariff.maxMs), maxCost: orForever(tariff.maxCost) };
}

/** Of a proof of life, in the words of the model. */
export function verdictOf(row: { verdict: string; reason?: string }): string {
  if (row.verdict === 'cut' || row.verdict === 'ended') return `${row.verdict} ${row.reason}`;
  return row.verdict === 'unknown' ? 'unknown' : 'goes on';
}
