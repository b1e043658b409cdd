// What a viewer owns in the reference model: cash, bonus lots, debt, limits and what was spent
// against them. Part of model.ts.
import type { Tariff } from '../tariff.js';

const MINUTE = 60_000n;
const DAY = 86_400_000n;
const OWNED_MAX = 9_000_000_000_000n;
const FOREVER = OWNED_MAX;

export const min = (...values: bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a));
export const max = (...values: bigint[]): bigint => values.reduce((a, b) => (b > a ? b : a));

/** Bonus credits; `expires` 0 = never. */
export interface ModelLot {
  readonly id: string;
  amount: bigint;
  expires: bigint;
  readonly priority: bigint;
  readonly scope: 'any' | 'shows';
}

/** 0 = no such limit. */
export interface Limits {
  readonly perShow: bigint;
  readonly perMinute: bigint;
  readonly perDay: bigint;
  readonly perTip: bigint;
}

export type Funding =
  | { readonly kind: 'credit' | 'debit'; readonly amount: bigint }
  | { readonly kind: 'freeze' | 'unfreeze' }
  | { readonly kind: 'lot'; readonly amount: bigint; readonly lot: ModelLot }
  | { readonly kind: 'end-lot'; readonly lot: ModelLot };

export class ModelWallet {
  cash = 0n;
  debt = 0n;
  /** In the order of spending. */
  lots: ModelLot[] = [];
  isFrozen = false;
  cmdSeq = 0n;
  limits: Limits = { perShow: 0n, perMinute: 0n, perDay: 0n, perTip: 0n };
  /** Σ spent, given and expired; taken of each lot by spending. */
  spent = 0n;
  funded = 0n;
  broken = 0n;
  readonly used = new Map<string, bigint>();
  /** What paid the last tip, in order: a refund gives it back to the same lots. */
  lastTip: readonly { readonly lot: ModelLot; readonly part: bigint }[] = [];
  /** Spending counts only since the first limit. */
  private counts: { day: bigint; today: bigint; minute: bigint; now: bigint } | undefined;

  /** @param held what open sessions hold */
  constructor(private readonly held: () => bigint) {}

  get owned(): bigint {
    return this.lots.reduce((sum, lot) => sum + lot.amount, this.cash);
  }

  private usable(now: bigint, forShows: boolean): bigint {
    const lots = this.lots.filter((lot) => isUsable(lot, now, forShows));
    return lots.reduce((sum, lot) => sum + lot.amount, this.cash);
  }

  /** For shows; below zero when a lot has expired under a hold. */
  free(now: bigint): bigint {
    return this.usable(now, true) - this.held();
  }

  leftForTip(now: bigint): bigint {
    return min(this.free(now), this.usable(now, false));
  }

  /** What may still be reserved or spent today. */
  leftToday(now: bigint): bigint {
    if (this.limits.perDay === 0n) return FOREVER;
    const today = this.counts?.day === now / DAY ? this.counts.today : 0n;
    return this.limits.perDay - today - this.held();
  }

  isTooDear(tariff: Tariff): boolean {
    return this.limits.perMinute > 0n && rate(tariff) > this.limits.perMinute;
  }

  setLimits(limits: Limits): void {
    this.limits = limits;
    this.counts ??= { day: 0n, today: 0n, minute: 0n, now: 0n };
  }

  tip(now: bigint, amount: bigint): string {
    const { perTip, perMinute } = this.limits;
    const inMinute = this.counts?.minute === now / MINUTE ? this.counts.now : 0n;
    if (this.isFrozen) return 'BILLING_WALLET_FROZEN';
    if (amount > this.leftForTip(now)) return 'BILLING_INSUFFICIENT_CREDIT';
    if (perTip > 0n && amount > perTip) return 'BILLING_TIP_LIMIT';
    const isPastMinute = perMinute > 0n && inMinute + amount > perMinute;
    if (isPastMinute || amount > this.leftToday(now)) return 'BILLING_SPEND_LIMIT';
    this.lastTip = this.spend(now, amount, false);
    return 'OK';
  }

  /** Lots first, in their order, then cash. */
  spend(now: bigint, amount: bigint, forShows: boolean): ModelWallet['lastTip'] {
    const parts: { lot: ModelLot; part: bigint }[] = [];
    let left = amount;
    for (const lot of this.lots.filter((one) => isUsable(one, now, forShows))) {
      const part = min(left, lot.amount);
      lot.amount -= part;
      left -= part;
      if (part > 0n) parts.push({ lot, part });
      this.used.set(lot.id, (this.used.get(lot.id) ?? 0n) + part);
    }
    this.lots = this.lots.filter((lot) => lot.amount > 0n);
    this.cash -= left;
    this.spent += amount;
    if (this.counts === undefined || amount === 0n) return parts;
    const [day, minute] = [now / DAY, now / MINUTE];
    const today = (this.counts.day === day ? this.counts.today : 0n) + amount;
    const inMinute = (this.counts.minute === minute ? this.counts.now : 0n) + amount;
    this.counts = { day, today, minute, now: inMinute };
    return parts;
  }

  /** One command of SQL, numbered by the wallet: the next one happens, others change nothing. */
  fund(now: bigint, cmdSeq: bigint, funding: Funding): string {
    if (cmdSeq <= this.cmdSeq) return 'ALREADY';
    if (cmdSeq > this.cmdSeq + 1n) return 'GAP';
    const added = funding.kind === 'credit' || funding.kind === 'lot' ? funding.amount : 0n;
    if (this.owned + added > OWNED_MAX) return 'BILLING_BALANCE_LIMIT';
    this.cmdSeq = cmdSeq;
    if (funding.kind === 'end-lot') this.endLot(now, funding.lot.id);
    else if (funding.kind === 'lot') this.addLot(funding.lot, funding.amount);
    else if ('amount' in funding) this.move(funding.kind, funding.amount);
    else this.isFrozen = funding.kind === 'freeze';
    return 'APPLIED';
  }

  /** Debt is repaid first; a debit takes what nothing holds, the rest is debt. */
  private move(kind: 'credit' | 'debit', amount: bigint): void {
    if (kind === 'credit') {
      const repaid = min(amount, this.debt);
      this.debt -= repaid;
      this.cash += amount - repaid;
      this.funded += amount;
    } else {
      const taken = max(0n, min(amount, this.cash, this.owned - this.held()));
      this.cash -= taken;
      this.debt += amount - taken;
      this.funded -= amount;
    }
  }

  private addLot(lot: ModelLot, amount: bigint): void {
    this.funded += amount;
    const known = this.lots.find((one) => one.id === lot.id);
    if (known !== undefined) known.amount += amount;
    else this.lots = [...this.lots, { ...lot, amount }].sort(bySpending);
  }

  private endLot(now: bigint, id: string): void {
    for (const lot of this.lots) if (lot.id === id) lot.expires = now;
    this.expire(now);
  }

  /** What has expired is gone, but for what open sessions hold. */
  expire(now: bigint): void {
    for (const lot of this.lots.filter((one) => one.expires !== 0n && one.expires <= now)) {
      const part = min(lot.amount, this.owned - this.held());
      lot.amount -= part;
      this.broken += part;
    }
    this.lots = this.lots.filter((lot) => lot.amount > 0n);
  }
}

function isUsable(lot: ModelLot, now: bigint, forShows: boolean): boolean {
  return (lot.expires === 0n || lot.expires > now) && (forShows || lot.scope === 'any');
}

function bySpending(a: ModelLot, b: ModelLot): number {
  const ends = (lot: ModelLot): bigint => (lot.expires === 0n ? FOREVER : lot.expires);
  return Number(a.priority - b.priority || ends(a) - ends(b) || BigInt(a.id) - BigInt(b.id));
}

/** What a minute costs; a ticket is no matter of minutes. */
function rate({ model, price, unitMs }: Tariff): bigint {
  if (model === 't') return 0n;
  return model === 'm' ? price : (price * MINUTE + unitMs - 1n) / unitMs;
}
