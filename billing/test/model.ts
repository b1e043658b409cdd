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
  readonly tariff: Tariff;
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
}

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

  constructor(
    start: number,
    private readonly timing: ModelTiming,
  ) {
    this.now = BigInt(start);
  }

  wallet(id: string): ModelWallet {
    const known = this.wallets.get(id);
    if (known !== undefined) return known;
    const fresh = { cash: 0n, frozen: false, debt: 0n, cmdSeq: 0n };
    this.wallets.set(id, fresh);
    return fresh;
  }

  held(id: string): bigint {
    return this.open(id).reduce((sum, one) => sum + one.hold, 0n);
  }

  free(id: string): bigint {
    return this.wallet(id).cash - this.held(id);
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
    if (this.free(wallet) < max(costOf(tariff, 1_000n), tariff.minCharge)) {
      return 'BILLING_INSUFFICIENT_CREDIT';
    }
    const session: ModelSession = {
      ...{ id, wallet, room, tariff, lastProof: this.now, billable: 0n, charged: 0n, hold: 0n },
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
    let status = 'OK';
    if (this.wallet(wallet).frozen) status = 'BILLING_WALLET_FROZEN';
    else if (amount > this.free(wallet)) status = 'BILLING_INSUFFICIENT_CREDIT';
    if (status === 'OK') {
      this.wallet(wallet).cash -= amount;
      this.spent += amount;
      this.earned += payeeShare(amount, bps);
    }
    this.tips.set(key, { body, status });
    return status;
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
    const means = session.charged + session.hold + this.free(session.wallet);
    session.billable = max(session.billable, min(billable, this.payable(session, means)));
    session.lastProof = this.now;
    session.offMs = 0n;
    if (session.offSince !== undefined) session.offSince = this.now;
    this.charge(session);
  }

  private charge(session: ModelSession): void {
    const delta = costOf(session.tariff, session.billable) - session.charged;
    session.charged += delta;
    session.hold = max(0n, session.hold - delta);
    this.wallet(session.wallet).cash -= delta;
    this.spent += delta;
  }

  private hold(session: ModelSession): void {
    const { tariff, charged } = session;
    const ahead = session.billable + this.liveMs(session) + this.timing.quantumMs;
    let want = costOf(tariff, ahead);
    if (tariff.maxCost > 0n) want = min(want, tariff.maxCost);
    const change = min(max(0n, want - charged) - session.hold, this.free(session.wallet));
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
      if (costOf(tariff, middle) <= limit) low = middle;
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
    if (tariff.maxCost > 0n && costOf(tariff, billable + 1n) > tariff.maxCost) return 'spend_limit';
    return 'insufficient_credit';
  }

  private finish(session: ModelSession, reason: string): string {
    session.ended = reason;
    session.hold = 0n;
    this.earned += payeeShare(session.charged, session.tariff.shareBps);
    return `cut ${reason}`;
  }
}
