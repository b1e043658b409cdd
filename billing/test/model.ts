// Reference model of charging in plain bigint: what the scripts must do, written from the rules
// and not from the Lua. One shard, one clock. Used by model.test.ts, which compares every reply
// and every wallet.
import { costOf, payeeShare, type Tariff } from '../tariff.js';

export interface ModelTiming {
  readonly quantumMs: bigint;
  readonly maxGapMs: bigint;
  readonly graceMs: bigint;
}

export interface ModelSession {
  readonly id: string;
  readonly wallet: string;
  readonly room: string;
  tariff: Tariff;
  /** Cost and billable ms at which the tariff began. */
  base: { cost: bigint; bill: bigint };
  /** Price changes to come, each with the billable ms at which it begins. */
  changes: { at: bigint; isPaidUp: boolean; tariff: Tariff }[];
  lastProof: bigint;
  billable: bigint;
  charged: bigint;
  hold: bigint;
  /** Most billable ms that the hold pays for; undefined when the hold is whole. */
  limit: bigint | undefined;
  ended: string | undefined;
  /** Instants at which the stream went up or down since the last proof, alternating. */
  offMs: bigint;
  offSince: bigint | undefined;
}

export interface ModelWallet {
  cash: bigint;
  frozen: boolean;
  debt: bigint;
  cmdSeq: bigint;
  limits: Limits;
  spentToday: { day: bigint; sum: bigint };
  spentThisMinute: { minute: bigint; sum: bigint };
}

/** 0 = no such limit. */
export interface Limits {
  readonly perShow: bigint;
  readonly perMinute: bigint;
  readonly perDay: bigint;
  readonly perTip: bigint;
}

const DAY = 86_400_000n;
const MINUTE = 60_000n;
const CHANGES_MAX = 3;

const min = (...values: bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a));
const max = (...values: bigint[]): bigint => values.reduce((a, b) => (b > a ? b : a));

export class Model {
  readonly wallets = new Map<string, ModelWallet>();
  readonly sessions = new Map<string, ModelSession>();
  readonly live = new Set<string>();
  readonly tips = new Map<string, { body: string; status: string }>();
  /** Σ of everything spent, and the model's part of it. */
  spent = 0n;
  earned = 0n;
  funded = 0n;
  now: bigint;
  private readonly limited = new Set<string>();

  constructor(
    start: number,
    private readonly timing: ModelTiming,
  ) {
    this.now = BigInt(start);
  }

  wallet(id: string): ModelWallet {
    const known = this.wallets.get(id);
    if (known !== undefined) return known;
    const fresh: ModelWallet = {
      ...{ cash: 0n, frozen: false, debt: 0n, cmdSeq: 0n },
      limits: { perShow: 0n, perMinute: 0n, perDay: 0n, perTip: 0n },
      ...{ spentToday: { day: 0n, sum: 0n }, spentThisMinute: { minute: 0n, sum: 0n } },
    };
    this.wallets.set(id, fresh);
    return fresh;
  }

  held(id: string): bigint {
    return this.open(id).reduce((sum, one) => sum + one.hold, 0n);
  }

  free(id: string): bigint {
    return this.wallet(id).cash - this.held(id);
  }

  /** What the wallet may still reserve or spend today; undefined without a limit. */
  private leftToday(id: string): bigint | undefined {
    const { limits, spentToday } = this.wallet(id);
    if (limits.perDay === 0n) return undefined;
    const spent = spentToday.day === this.now / DAY ? spentToday.sum : 0n;
    return limits.perDay - spent - this.held(id);
  }

  /** What shows may still reserve. */
  private reservable(id: string): bigint {
    return min(this.free(id), this.leftToday(id) ?? this.free(id));
  }

  /** Counted only while the wallet has ever had a limit. */
  private spend(id: string, amount: bigint): void {
    const wallet = this.wallet(id);
    wallet.cash -= amount;
    this.spent += amount;
    const day = this.now / DAY;
    const minute = this.now / MINUTE;
    if (!this.limited.has(id)) return;
    const today = wallet.spentToday.day === day ? wallet.spentToday.sum : 0n;
    wallet.spentToday = { day, sum: today + amount };
    const now = wallet.spentThisMinute.minute === minute ? wallet.spentThisMinute.sum : 0n;
    wallet.spentThisMinute = { minute, sum: now + amount };
  }

  setLimits(id: string, limits: Limits): void {
    this.wallet(id).limits = limits;
    this.limited.add(id);
  }

  /** The price of a room changes now; answers what happens to its open sessions. */
  setTariff(room: string, tariff: Tariff): string[] {
    return [...this.sessions.values()].flatMap((session) => {
      const isIn = session.room === room && session.ended === undefined;
      if (!isIn || session.tariff.model === 't') return [];
      const last = session.changes.at(-1)?.tariff ?? session.tariff;
      session.tariff = { ...session.tariff, maxMs: tariff.maxMs };
      const result = isSamePrice(last, tariff)
        ? []
        : [`${session.id} ${this.reprice(session, last, tariff)}`];
      if (session.ended === undefined) this.hold(session);
      return result;
    });
  }

  private reprice(session: ModelSession, last: Tariff, tariff: Tariff): string {
    const { perMinute } = this.wallet(session.wallet).limits;
    const mustAgree = last.price === 0n || tariff.model === 't';
    const isTooDear = perMinute > 0n && rate(tariff) > perMinute;
    if (tariff.price > 0n && (mustAgree || isTooDear)) {
      this.prove(session);
      return this.finish(session, mustAgree ? 'price_changed' : 'spend_limit');
    }
    const { shareBps, maxMs, maxCost } = session.tariff;
    const pending = session.changes.at(-1);
    const from = pending?.at ?? session.base.bill;
    const freeUntil = from + last.freeMs;
    const now = max(session.billable + this.liveMs(session), from);
    // A unit that has begun is paid, so the new price waits for its end.
    const begun = last.model === 'u' && now > freeUntil ? now - freeUntil : 0n;
    const units = (begun + last.unitMs - 1n) / last.unitMs;
    const change = {
      at: begun > 0n ? freeUntil + units * last.unitMs : now,
      isPaidUp: begun > 0n,
      tariff: { ...tariff, shareBps, maxMs, maxCost, freeMs: 0n },
    };
    if (session.changes.length === CHANGES_MAX && pending !== undefined) {
      const { freeMs } = pending.tariff;
      pending.tariff = { ...change.tariff, freeMs };
    } else {
      change.tariff.freeMs = max(0n, freeUntil - change.at);
      session.changes.push(change);
    }
    return 'repriced';
  }

  /** Total when `bill` ms are billable, over all prices that the session has had and will have. */
  private total(session: ModelSession, bill: bigint): bigint {
    let { cost, bill: from } = session.base;
    let { tariff } = session;
    for (const change of session.changes) {
      if (bill <= change.at) break;
      cost = segment(tariff, cost, change.at - from);
      from = change.at;
      tariff = change.tariff;
    }
    return segment(tariff, cost, bill - from);
  }

  fund(id: string, kind: 'credit' | 'debit' | 'freeze' | 'unfreeze', amount: bigint): void {
    const wallet = this.wallet(id);
    wallet.cmdSeq += 1n;
    if (kind === 'freeze' || kind === 'unfreeze') {
      wallet.frozen = kind === 'freeze';
    } else if (kind === 'credit') {
      const repaid = min(amount, wallet.debt);
      wallet.debt -= repaid;
      wallet.cash += amount - repaid;
      this.funded += amount;
    } else {
      const taken = max(0n, min(amount, this.free(id)));
      wallet.cash -= taken;
      wallet.debt += amount - taken;
      this.funded -= amount;
    }
  }

  openSession(id: string, wallet: string, room: string, tariff: Tariff): string {
    const known = this.open(wallet).find((one) => one.room === room);
    if (known !== undefined) return `joined ${known.id}`;
    if (this.wallet(wallet).frozen) return 'BILLING_WALLET_FROZEN';
    const entry = max(costOf(tariff, 1_000n), tariff.minCharge);
    if (this.free(wallet) < entry) return 'BILLING_INSUFFICIENT_CREDIT';
    const { perShow, perMinute } = this.wallet(wallet).limits;
    const caps = [tariff.maxCost, perShow].filter((one) => one > 0n);
    const maxCost = caps.length === 0 ? 0n : min(...caps);
    const isTooDear = perMinute > 0n && rate(tariff) > perMinute;
    const isPastDay = entry > (this.leftToday(wallet) ?? entry);
    if (isPastDay || isTooDear || (maxCost > 0n && entry > maxCost)) return 'BILLING_SPEND_LIMIT';
    const session: ModelSession = {
      ...{ id, wallet, room, tariff: { ...tariff, maxCost } },
      ...{ base: { cost: 0n, bill: 0n }, changes: [] },
      ...{ lastProof: this.now, billable: 0n, charged: 0n, hold: 0n },
      ...{ limit: undefined, ended: undefined, offMs: 0n },
      offSince: this.live.has(room) ? undefined : this.now,
    };
    this.sessions.set(id, session);
    this.charge(session);
    this.hold(session);
    return `opened ${id}`;
  }

  touch(id: string): string {
    const session = this.sessions.get(id);
    if (session === undefined) return 'unknown';
    if (session.ended !== undefined) return `ended ${session.ended}`;
    this.prove(session);
    if (this.wallet(session.wallet).frozen) return this.finish(session, 'frozen');
    this.hold(session);
    if (this.isOver(session)) return this.finish(session, this.why(session));
    return 'goes on';
  }

  end(id: string, reason: string): string {
    const session = this.sessions.get(id);
    if (session === undefined) return 'unknown';
    if (session.ended !== undefined) return `ended ${session.ended}`;
    this.prove(session);
    return this.finish(session, reason);
  }

  /** What the sweeper must do to this session now. */
  sweep(id: string): string | undefined {
    const session = this.sessions.get(id);
    if (session === undefined || session.ended !== undefined) return undefined;
    if (this.now - session.lastProof > this.timing.maxGapMs) {
      this.prove(session);
      return this.finish(session, 'stale');
    }
    if (!this.isOver(session)) return undefined;
    this.hold(session);
    if (!this.isOver(session)) return undefined;
    this.prove(session);
    return this.finish(session, this.why(session));
  }

  tip(key: string, wallet: string, amount: bigint, bps: number): string {
    const body = `${wallet} ${amount}`;
    const known = this.tips.get(key);
    if (known !== undefined) return known.body === body ? known.status : 'BILLING_KEY_CONFLICT';
    let status: string;
    if (this.wallet(wallet).frozen) status = 'BILLING_WALLET_FROZEN';
    else if (amount > this.free(wallet)) status = 'BILLING_INSUFFICIENT_CREDIT';
    else status = this.tipLimit(wallet, amount);
    if (status === 'OK') {
      this.spend(wallet, amount);
      this.earned += payeeShare(amount, bps);
    }
    this.tips.set(key, { body, status });
    return status;
  }

  private tipLimit(id: string, amount: bigint): string {
    const { limits, spentThisMinute } = this.wallet(id);
    if (limits.perTip > 0n && amount > limits.perTip) return 'BILLING_TIP_LIMIT';
    const spent = spentThisMinute.minute === this.now / MINUTE ? spentThisMinute.sum : 0n;
    const isPastMinute = limits.perMinute > 0n && spent + amount > limits.perMinute;
    const isPastDay = amount > (this.leftToday(id) ?? amount);
    return isPastMinute || isPastDay ? 'BILLING_SPEND_LIMIT' : 'OK';
  }

  setRoom(room: string, isLive: boolean): void {
    if (isLive) this.live.add(room);
    else this.live.delete(room);
    for (const session of this.sessions.values()) {
      if (session.room !== room || session.ended !== undefined) continue;
      if (!isLive) {
        session.offSince ??= this.now;
      } else if (session.offSince !== undefined) {
        session.offMs += this.now - session.offSince;
        session.offSince = undefined;
      }
    }
  }

  open(wallet: string): ModelSession[] {
    return [...this.sessions.values()].filter((one) => {
      return one.wallet === wallet && one.ended === undefined;
    });
  }

  private liveMs(session: ModelSession): bigint {
    const off = session.offMs + (session.offSince === undefined ? 0n : this.now - session.offSince);
    return this.now - session.lastProof - off;
  }

  /** Counts the time since the last proof, at most what can be paid, and debits it. */
  private prove(session: ModelSession): void {
    const gap = this.now - session.lastProof;
    const counted = gap <= this.timing.maxGapMs ? gap : this.timing.graceMs;
    let billable = session.billable + min(counted, this.liveMs(session));
    if (session.limit !== undefined) billable = min(billable, session.limit);
    const free = this.reservable(session.wallet);
    const means = max(session.charged, session.charged + session.hold + free);
    session.billable = max(session.billable, min(billable, this.payable(session, means)));
    session.lastProof = this.now;
    session.offMs = 0n;
    if (session.offSince !== undefined) session.offSince = this.now;
    this.charge(session);
    this.passChanges(session);
  }

  /** Price changes that lie behind a proof of life are done; a paid unit is used up first. */
  private passChanges(session: ModelSession): void {
    for (;;) {
      const [next] = session.changes;
      if (next === undefined || session.billable <= next.at) break;
      session.base = { cost: this.total(session, next.at), bill: next.at };
      const { maxMs, maxCost } = session.tariff;
      session.tariff = { ...next.tariff, maxMs, maxCost };
      session.changes.shift();
    }
    const [next] = session.changes;
    if (next === undefined || next.isPaidUp || next.at <= session.billable) return;
    const { base, tariff, billable } = session;
    const last = session.changes.at(-1) ?? next;
    const freeMs = max(0n, base.bill + tariff.freeMs - billable);
    session.changes = [{ ...last, at: billable, tariff: { ...last.tariff, freeMs } }];
  }

  private charge(session: ModelSession): void {
    const delta = this.total(session, session.billable) - session.charged;
    session.charged += delta;
    session.hold = max(0n, session.hold - delta);
    this.spend(session.wallet, delta);
  }

  private hold(session: ModelSession): void {
    const { tariff, charged } = session;
    const ahead = session.billable + this.liveMs(session) + this.timing.quantumMs;
    let want = this.total(session, ahead);
    if (tariff.maxCost > 0n) want = min(want, tariff.maxCost);
    const change = min(max(0n, want - charged) - session.hold, this.reservable(session.wallet));
    session.hold = max(0n, session.hold + change);
    const limit = this.payable(session, charged + session.hold);
    session.limit = limit < ahead ? limit : undefined;
  }

  /** Most billable ms that cost at most `means`, by bisection over the tariff: slow and obvious. */
  private payable(session: ModelSession, means: bigint): bigint {
    const { tariff } = session;
    const limit = tariff.maxCost > 0n ? min(means, tariff.maxCost) : means;
    let low = session.billable;
    let high = tariff.maxMs > 0n ? max(tariff.maxMs, low) : low + 10_000_000_000n;
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if (this.total(session, middle) <= limit) low = middle;
      else high = middle - 1n;
    }
    return low;
  }

  private isOver(session: ModelSession): boolean {
    const { limit } = session;
    return limit !== undefined && session.billable + this.liveMs(session) >= limit;
  }

  private why(session: ModelSession): string {
    const { tariff, billable } = session;
    if (tariff.maxMs > 0n && billable >= tariff.maxMs) return 'time_limit';
    if (tariff.maxCost > 0n && this.total(session, billable + 1n) > tariff.maxCost) {
      return 'spend_limit';
    }
    const today = this.leftToday(session.wallet);
    if (today !== undefined && today < this.free(session.wallet)) return 'spend_limit';
    return 'insufficient_credit';
  }

  private finish(session: ModelSession, reason: string): string {
    session.ended = reason;
    session.hold = 0n;
    this.earned += payeeShare(session.charged, session.tariff.shareBps);
    return `cut ${reason}`;
  }
}

/** One price over `ms`, on top of what was spent before. */
function segment(tariff: Tariff, before: bigint, ms: bigint): bigint {
  if (tariff.model !== 't' && ms <= tariff.freeMs) return before;
  return max(before + costOf({ ...tariff, minCharge: 0n }, ms), tariff.minCharge);
}

function rate({ model, price, unitMs }: Tariff): bigint {
  if (model === 't') return 0n;
  return model === 'm' ? price : (price * MINUTE + unitMs - 1n) / unitMs;
}

function isSamePrice(a: Tariff, b: Tariff): boolean {
  return (
    a.model === b.model &&
    a.price === b.price &&
    a.minCharge === b.minCharge &&
    a.unitMs === b.unitMs
  );
}
