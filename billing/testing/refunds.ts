// Refunds in random histories, given as finance/refunds.ts gives them: cash first, then lots from
// the last that paid; the scripts only see the funding commands. Checks invariant I11 of the
// reference against the outbox: nobody gets back more than was paid, nor to another lot.
import type { Spending } from './auditor.js';
import type { Lot, Paid } from './amounts.js';

export class RefundBook {
  /** By show or tip: what went back, by the lot that had paid. */
  private readonly given = new Map<string, Map<Lot, bigint>>();

  /** @param wanted milli-credits, 0 = all that is left @returns nothing when it is refused */
  give(source: string, paid: Paid, wanted: bigint): Paid {
    const given = this.given.get(source) ?? new Map<Lot, bigint>();
    const left = leftOf(paid, given);
    const all = left.reduce((sum, { amount }) => sum + amount, 0n);
    if (wanted > all) return [];
    let due = wanted === 0n ? all : wanted;
    const parts = left.map(({ lot, amount }) => {
      const part = due < amount ? due : amount;
      due -= part;
      given.set(lot, (given.get(lot) ?? 0n) + part);
      return { lot, amount: part };
    });
    this.given.set(source, given);
    return parts.filter(({ amount }) => amount > 0n);
  }

  /** @throws Error that names the source of which too much went back */
  check(spendings: ReadonlyMap<string, Spending>): void {
    for (const [source, given] of this.given) {
      const spending = spendings.get(source);
      let [back, toLots] = [0n, 0n];
      for (const [lot, amount] of given) {
        back += amount;
        if (lot.id === '') continue;
        toLots += amount;
        const used = spending?.lots.get(lot.id) ?? 0n;
        if (amount > used) throw new Error(`I11: ${source} gave ${amount} of ${used} to ${lot.id}`);
      }
      const cost = spending?.amount ?? 0n;
      if (back > cost) throw new Error(`I11: ${back} of ${cost} went back from ${source}`);
      const cash = cost - sum(spending?.lots.values() ?? []);
      if (back - toLots > cash) throw new Error(`I11: ${source} gave more cash than ${cash}`);
    }
  }
}

const sum = (values: Iterable<bigint>): bigint => [...values].reduce((a, b) => a + b, 0n);

/** Cash first, then lots in reverse order of their last use. */
function leftOf(paid: Paid, given: ReadonlyMap<Lot, bigint>): Paid {
  const used = new Map<Lot, bigint>();
  for (const { lot, amount } of paid.toReversed()) used.set(lot, (used.get(lot) ?? 0n) + amount);
  const left = [...used].map(([lot, amount]) => ({ lot, amount: amount - (given.get(lot) ?? 0n) }));
  return left.sort((a, b) => Number(b.lot.id === '') - Number(a.lot.id === ''));
}
