// Reference model of charging in plain bigint: what the scripts must do, written from the rules and
// not from the Lua. One shard, one clock; slow and obvious. history-run.ts compares every reply,
// wallet and lot with it. Where the wire says 0 for "no limit" or "never", it has FOREVER.
import type { Tariff } from '../tariff.js';
import { bySpending, type Funding, type Lot, type Paid, sumOf } from './amounts.js';
import { ceil, max, min, paidMs, priceOf, rateOf } from './amounts.js';

export const [QUANTUM, MAX_GAP, GRACE] = [15_000n, 30_000n, 5_000n] as const;
const [MINUTE, DAY, NEXT_PRICES_MAX] = [60_000n, 86_400_000n, 3] as const;
export const [OWNED_MAX, FOREVER] = [9_000_000_000_000n, 10n ** 18n] as const;
const NO_LIMITS = { perShow: FOREVER, perMinute: FOREVER, perDay: FOREVER, perTip: FOREVER };

export class Wallet {
  readonly cash: Lot = { id: '', priority: FOREVER, expires: FOREVER, scope: 'any', amount: 0n };
  /** In the order of spending. */
  lots = [this.cash];
  debt = 0n;
  expired = 0n;
  cmdSeq = 0n;
  isFrozen = false;
  limits = NO_LIMITS;
  readonly shows: Session[] = [];
  readonly tips = new Map<string, { amount: bigint; status: string; paid: Paid }>();
  /** Counted since there was a limit. */
  private readonly spent: { at: bigint; amount: bigint }[] = [];
  constructor(private readonly today: () => bigint) {}

  private usable = (scope: Lot['scope']): Lot[] =>
    this.lots.filter((one) => one.expires > this.today() && [scope, 'any'].includes(one.scope));
  held = (): bigint => this.shows.reduce((sum, show) => sum + show.hold, 0n);
  owned = (): bigint => sumOf(this.lots);
  /** For shows; below zero when a lot has expired under a hold. */
  free = (): bigint => sumOf(this.usable('shows')) - this.held();
  freeForTip = (): bigint => min(this.free(), sumOf(this.usable('any')));
  leftToday = (): bigint => this.limits.perDay - this.spentIn(DAY) - this.held();
  reservable = (): bigint => min(this.free(), this.leftToday());

  /** Today or in this minute; a spending on another day forgets what was before. */
  private spentIn(unit: bigint): bigint {
    const now = this.today() / unit;
    return sumOf(this.spent.slice(this.spent.findLastIndex(({ at }) => at / unit !== now) + 1));
  }

  tip(key: string, amount: bigint): string {
    const known = this.tips.get(key);
    if (known !== undefined) return known.amount === amount ? known.status : 'BILLING_KEY_CONFLICT';
    const status = this.tipStatus(amount);
    const paid = status === 'OK' ? this.spend(amount, 'any') : [];
    this.tips.set(key, { amount, status, paid });
    return status;
  }

  private tipStatus(amount: bigint): string {
    const { perTip, perMinute } = this.limits;
    const left = min(perMinute - this.spentIn(MINUTE), this.leftToday());
    if (this.isFrozen) return 'BILLING_WALLET_FROZEN';
    if (amount > this.freeForTip()) return 'BILLING_INSUFFICIENT_CREDIT';
    if (amount > perTip) return 'BILLING_TIP_LIMIT';
    return amount > left ? 'BILLING_SPEND_LIMIT' : 'OK';
  }

  spend(amount: bigint, scope: Lot['scope']): Paid {
    let left = amount;
    const paid = this.usable(scope).map((lot) => {
      const part = min(left, lot.amount);
      lot.amount -= part;
      left -= part;
      return { lot, amount: part };
    });
    if (this.limits !== NO_LIMITS && amount > 0n) this.spent.push({ at: this.today(), amount });
    return paid.filter((one) => one.amount > 0n);
  }

  /** A command of SQL, numbered by the wallet: only the next one acts. */
  fund(cmdSeq: bigint, { kind, amount, lot = this.cash }: Funding): string {
    const isGift = kind === 'credit' || kind === 'lot';
    if (cmdSeq <= this.cmdSeq) return 'ALREADY';
    if (cmdSeq > this.cmdSeq + 1n) return 'GAP';
    if (isGift && this.owned() + amount > OWNED_MAX) return 'BILLING_BALANCE_LIMIT';
    this.cmdSeq = cmdSeq;
    if (kind === 'freeze' || kind === 'unfreeze') this.isFrozen = kind === 'freeze';
    if (kind === 'lot' && lot.amount === 0n)
      this.lots = [...new Set(this.lots).add(lot)].sort(bySpending);
    // What a debit does not find is debt, which credit repays first.
    const spare = max(0n, min(this.cash.amount, this.owned() - this.held()));
    const missing = kind === 'debit' ? max(0n, amount - spare) : 0n;
    const repaid = kind === 'credit' ? min(amount, this.debt) : 0n;
    lot.amount += isGift ? amount - repaid : missing - amount;
    this.debt += missing - repaid;
    if (kind === 'end-lot') this.expire(lot);
    return 'APPLIED';
  }

  /** What has expired is gone, but for what open sessions hold. */
  expire(ended?: Lot): void {
    if (ended !== undefined) ended.expires = this.today();
    for (const lot of this.lots.filter((one) => one.expires <= this.today())) {
      const part = min(lot.amount, this.owned() - this.held());
      lot.amount -= part;
      this.expired += part;
    }
  }
}

/** In force from so many billable ms on; `isPaidUp`: because a unit that was paid ends there. */
type Price = Readonly<{ from: bigint; isPaidUp: boolean; tariff: Tariff }>;

export class Session {
  /** Since the last proof of life; how much of it the stream was live. */
  gap = 0n;
  streamed = 0n;
  billable = 0n;
  charged = 0n;
  hold = 0n;
  /** Most billable ms that the hold pays for; FOREVER when the hold is whole. */
  limit = FOREVER;
  ended = '';
  readonly paid: Paid = [];
  isShowOver = false;
  terms: Tariff;
  private readonly prices: Price[];

  /** `before`: the last visit of its viewer to the same show. */
  constructor(
    readonly id: string,
    readonly wallet: Wallet,
    readonly room: string,
    offered: Tariff,
    readonly before?: Session,
  ) {
    this.terms = this.rest(offered);
    this.prices = [{ from: 0n, isPaidUp: false, tariff: this.terms }];
  }

  showMs = (): bigint => this.billable + (this.before?.showMs() ?? 0n);
  private showCost = (): bigint => this.charged + (this.before?.showCost() ?? 0n);
  touch = (): string => this.prove(this.wallet.isFrozen ? 'frozen' : '');
  private ahead = (): bigint => this.billable + this.streamed;
  private isOver = (): boolean => this.ahead() >= this.limit;
  private toCome = (): Price[] => this.prices.slice(1).filter((p) => p.from >= this.billable);
  private last = (): Price => this.prices.at(-1) as Price;

  /** Ms that are free or paid for and not used; undefined when nothing is ever to pay. */
  unused(): bigint | undefined {
    const at = this.prices.findLast(({ from }) => this.cost(from) <= this.charged) ?? this.last();
    const ms = paidMs(at.tariff, this.charged - this.cost(at.from));
    return ms === undefined ? ms : max(0n, max(at.from, this.terms.freeMs) + ms - this.billable);
  }

  /** What earlier visits have left of least charge and limits; a ticket brings its own time. */
  private rest(t: Tariff): Tariff {
    const [ms, cost] = [this.before?.showMs() ?? 0n, this.before?.showCost() ?? 0n];
    const maxMs = t.model === 't' ? t.maxMs : max(1n, t.maxMs - ms);
    const [minCharge, maxCost] = [max(0n, t.minCharge - cost), max(1n, t.maxCost - cost)];
    return { ...t, minCharge, maxMs, maxCost };
  }

  /** What `bill` ms cost in all, each at its price; the free time is that of the first. */
  cost(bill: bigint): bigint {
    return this.prices.reduce((sum, { from, tariff }, at) => {
      const { model, price, unitMs, minCharge } = tariff;
      const ms = min(bill, this.prices[at + 1]?.from ?? bill) - max(from, this.terms.freeMs);
      if (model === 't') return sum + price;
      if (ms <= 0n) return sum;
      const cost = model === 'm' ? (price * ms) / unitMs : price * ceil(ms, unitMs);
      return max(sum + cost, minCharge);
    }, 0n);
  }

  /** Most billable ms up to `until` that `means` pays for, by bisection. */
  private payable(means: bigint, until: bigint): bigint {
    const limit = min(means, this.terms.maxCost);
    let low = this.billable;
    let high = max(low, min(until, this.terms.maxMs));
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if (this.cost(middle) <= limit) low = middle;
      else high = middle - 1n;
    }
    return low;
  }

  /** Counts the time since the last proof, at most what can be paid; `end`: the show ends now. */
  prove(end = '', isOver = false): string {
    this.isShowOver ||= end === 'show_ended';
    if (this.ended !== '') return `ended ${this.ended}`;
    const counted = min(this.gap <= MAX_GAP ? this.gap : GRACE, this.streamed);
    const means = this.charged + max(0n, this.hold + this.wallet.reservable());
    this.billable = this.payable(means, min(this.billable + counted, this.limit));
    this.gap = this.streamed = 0n;
    const delta = this.cost(this.billable) - this.charged;
    this.charged += delta;
    this.hold = max(0n, this.hold - delta);
    this.paid.push(...this.wallet.spend(delta, 'shows'));
    // Less was counted than had passed: the last price that should have begun begins.
    const [next, ...others] = this.toCome();
    const isLate = next !== undefined && !next.isPaidUp && next.from > this.billable;
    if (isLate) this.prices.splice(-1 - others.length, 9, { ...this.last(), from: this.billable });
    this.ended = end || (this.refill() || isOver ? this.why() : '');
    if (this.ended === '') return 'goes on';
    this.hold = 0n;
    return `cut ${this.ended}`;
  }

  /** While it is open; answers nothing when it goes on. */
  sweep(): string {
    if (this.gap > MAX_GAP) return this.prove('stale');
    return this.isOver() && this.refill() ? this.prove('', true) : '';
  }

  /** Holds one quantum ahead of now; what is missing fixes the end. Answers whether it is over. */
  private refill(): boolean {
    const until = this.ahead() + QUANTUM;
    const want = max(0n, min(this.cost(until), this.terms.maxCost) - this.charged);
    this.hold = max(0n, min(want, this.hold + this.wallet.reservable()));
    const limit = this.payable(this.charged + this.hold, until);
    this.limit = limit < until ? limit : FOREVER;
    return this.isOver();
  }

  private why(): string {
    if (this.billable >= this.terms.maxMs) return 'time_limit';
    if (this.cost(this.billable + 1n) > this.terms.maxCost) return 'spend_limit';
    return this.wallet.leftToday() < this.wallet.free() ? 'spend_limit' : 'insufficient_credit';
  }

  /** Its room has another tariff now; a unit that has begun and is paid is used up first. */
  reprice(offered: Tariff): string {
    const [last, tariff] = [this.last(), this.rest(offered)];
    const { model, price, unitMs } = last.tariff;
    if (model === 't' || this.ended !== '') return '';
    this.terms = { ...this.terms, maxMs: tariff.maxMs };
    if (priceOf(tariff) === priceOf(last.tariff)) {
      this.refill();
      return '';
    }
    const mustAgree = tariff.price > 0n && (price === 0n || tariff.model === 't');
    if (mustAgree) return this.prove('price_changed');
    if (rateOf(tariff) > this.wallet.limits.perMinute) return this.prove('spend_limit');
    const now = max(this.ahead(), last.from);
    const start = max(last.from, this.terms.freeMs);
    const isPaidUp = model === 'u' && now > start;
    const from = isPaidUp ? start + ceil(now - start, unitMs) * unitMs : now;
    if (this.toCome().length < NEXT_PRICES_MAX) this.prices.push({ from, isPaidUp, tariff });
    else this.prices.splice(-1, 1, { ...last, tariff });
    this.refill();
    return 'repriced';
  }

  /** A ticket lets in again who left, for the rest of its time, until the show ends. */
  readmission(): Tariff | undefined {
    const maxMs = this.terms.maxMs - this.billable;
    const isGood = this.terms.model === 't' && maxMs > 0n;
    if (!isGood || !['left', 'stale'].includes(this.ended)) return undefined;
    return { ...this.terms, price: 0n, minCharge: 0n, maxMs, maxCost: FOREVER };
  }
}

export class Model {
  readonly sessions: Session[] = [];
  readonly live = new Set<string>();
  /** Show time is so much ahead of the server's clock, which days and expiry go by. */
  private off = 0n;

  constructor(public now: bigint) {}
  today = (): bigint => this.now - this.off;

  /** Show time never goes back: what the server is set back by, beyond a gap, is left out. */
  tick(server: bigint): void {
    if (server >= this.now) this.off = 0n;
    else if (this.now - server - this.off > MAX_GAP) this.off = this.now - server;
    const passed = max(0n, server + this.off - this.now);
    this.now += passed;
    for (const one of this.sessions) {
      one.gap += passed;
      if (this.live.has(one.room)) one.streamed += passed;
    }
  }

  open(id: string, wallet: Wallet, room: string, tariff: Tariff): string {
    const last = wallet.shows.findLast((one) => one.room === room);
    if (last?.ended === '') return `joined ${last.id}`;
    const before = last?.isShowOver === false ? last : undefined;
    const ticket = before?.readmission();
    const freeMs = before?.unused() ?? tariff.freeMs;
    const offered = { ...tariff, freeMs, maxCost: min(tariff.maxCost, wallet.limits.perShow) };
    const session = new Session(id, wallet, room, ticket ?? offered, before);
    const entry = max(session.cost(1_000n), session.terms.minCharge);
    const isUsedUp = tariff.model !== 't' && before && before.showMs() >= tariff.maxMs;
    const isTooMuch = entry > session.terms.maxCost || rateOf(tariff) > wallet.limits.perMinute;
    if (wallet.isFrozen) return 'BILLING_WALLET_FROZEN';
    if (!ticket && isUsedUp) return 'BILLING_TIME_LIMIT';
    if (!ticket && entry > wallet.free()) return 'BILLING_INSUFFICIENT_CREDIT';
    if (!ticket && (isTooMuch || entry > wallet.leftToday())) return 'BILLING_SPEND_LIMIT';
    this.sessions.push(session);
    wallet.shows.push(session);
    session.prove();
    return `opened ${id}`;
  }
}
