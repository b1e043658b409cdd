// Reference model of charging in plain bigint: what the scripts must do, written from the rules and
// not from the Lua. One shard, one clock; slow and obvious. The histories of history.ts compare
// every reply and every wallet with it; model-wallet.ts is what a viewer owns.
import { costOf, type Tariff } from '../tariff.js';
import { changePrice, isSamePrice, passChanges, payable, total } from './model-price.js';
import type { PricedTime } from './model-price.js';
import { max, min, ModelWallet } from './model-wallet.js';

export interface ModelSession extends PricedTime {
  readonly id: string;
  readonly wallet: string;
  readonly room: string;
  lastProof: bigint;
  charged: bigint;
  hold: bigint;
  /** Most billable ms that the hold pays for; undefined when the hold is whole. */
  limit: bigint | undefined;
  ended: string | undefined;
  /** It was entered by a ticket and the show goes on. */
  hasTicket: boolean;
  /** Since the last proof the stream was down for so long, and is down since. */
  offMs: bigint;
  offSince: bigint | undefined;
}

export class Model {
  readonly wallets = new Map<string, ModelWallet>();
  readonly sessions = new Map<string, ModelSession>();
  private readonly live = new Set<string>();
  private readonly tips = new Map<string, { body: string; status: string }>();
  /** Show time, and how far it is ahead of the server's clock. */
  now: bigint;
  off = 0n;

  constructor(
    start: number,
    private readonly timing: Record<'quantumMs' | 'maxGapMs' | 'graceMs', bigint>,
  ) {
    this.now = BigInt(start);
  }

  /** What days and expiry go by. */
  get today(): bigint {
    return this.now - this.off;
  }

  /** Show time never goes back: what the server is set back by, beyond a gap, is left out. */
  tick(server: bigint): void {
    if (server >= this.now) this.off = 0n;
    else if (this.now - server - this.off > this.timing.maxGapMs) this.off = this.now - server;
    this.now = max(this.now, server + this.off);
  }

  wallet(id: string): ModelWallet {
    const known = this.wallets.get(id) ?? new ModelWallet(() => this.held(id));
    this.wallets.set(id, known);
    return known;
  }

  open(wallet: string): ModelSession[] {
    return [...this.sessions.values()].filter((one) => {
      return one.wallet === wallet && one.ended === undefined;
    });
  }

  held(wallet: string): bigint {
    return this.open(wallet).reduce((sum, one) => sum + one.hold, 0n);
  }

  /** What shows may still reserve. */
  private reservable(id: string): bigint {
    const wallet = this.wallet(id);
    return min(wallet.free(this.today), wallet.leftToday(this.today));
  }

  openSession(id: string, wallet: string, room: string, tariff: Tariff): string {
    const known = this.open(wallet).find((one) => one.room === room);
    if (known !== undefined) return `joined ${known.id}`;
    const ticket = this.ticketInHand(wallet, room);
    const { isFrozen, limits } = this.wallet(wallet);
    const caps = [tariff.maxCost, limits.perShow].filter((one) => one > 0n);
    const maxCost = caps.length === 0 ? 0n : min(...caps);
    const entry = max(costOf(tariff, 1_000n), tariff.minCharge);
    if (isFrozen) return 'BILLING_WALLET_FROZEN';
    if (ticket !== undefined) return this.admit(id, wallet, room, { ...ticket, maxCost: 0n });
    if (this.wallet(wallet).free(this.today) < entry) return 'BILLING_INSUFFICIENT_CREDIT';
    const isPastDay = entry > this.wallet(wallet).leftToday(this.today);
    if (isPastDay || this.wallet(wallet).isTooDear(tariff) || (maxCost > 0n && entry > maxCost)) {
      return 'BILLING_SPEND_LIMIT';
    }
    return this.admit(id, wallet, room, { ...tariff, maxCost });
  }

  /** A ticket lets in again, for the rest of its time, until the show ends. */
  private ticketInHand(wallet: string, room: string): Tariff | undefined {
    const held = [...this.sessions.values()].findLast((one) => {
      return one.wallet === wallet && one.room === room && one.hasTicket;
    });
    if (held?.ended !== 'left' && held?.ended !== 'stale') return undefined;
    const { maxMs, billable, segments } = held;
    if (maxMs > 0n && billable >= maxMs) return undefined;
    const rest = maxMs > 0n ? maxMs - billable : 0n;
    return { ...segments[0].tariff, price: 0n, minCharge: 0n, maxMs: rest };
  }

  private admit(id: string, wallet: string, room: string, tariff: Tariff): string {
    const { maxCost, maxMs, model } = tariff;
    const session: ModelSession = {
      ...{ id, wallet, room, maxCost, maxMs, hasTicket: model === 't' },
      segments: [{ from: 0n, base: 0n, tariff, isPaidUp: false }],
      ...{ lastProof: this.now, billable: 0n, charged: 0n, hold: 0n },
      ...{ limit: undefined, ended: undefined, offMs: 0n },
      offSince: this.live.has(room) ? undefined : this.now,
    };
    this.sessions.set(id, session);
    this.charge(session);
    this.refill(session);
    return `opened ${id}`;
  }

  touch(id: string): string {
    const session = this.sessions.get(id);
    if (session === undefined) return 'unknown';
    if (session.ended !== undefined) return `ended ${session.ended}`;
    this.prove(session);
    if (this.wallet(session.wallet).isFrozen) return this.finish(session, 'frozen');
    this.refill(session);
    return this.isOver(session) ? this.finish(session, this.why(session)) : 'goes on';
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
    if (this.now - session.lastProof > this.timing.maxGapMs) return this.end(id, 'stale');
    if (!this.isOver(session)) return undefined;
    this.refill(session);
    if (!this.isOver(session)) return undefined;
    this.prove(session);
    return this.finish(session, this.why(session));
  }

  tip(key: string, id: string, amount: bigint): string {
    const body = `${id} ${amount}`;
    const known = this.tips.get(key);
    if (known !== undefined) return known.body === body ? known.status : 'BILLING_KEY_CONFLICT';
    const status = this.wallet(id).tip(this.today, amount);
    this.tips.set(key, { body, status });
    return status;
  }

  setRoom(room: string, isLive: boolean): void {
    if (isLive) this.live.add(room);
    else this.live.delete(room);
    for (const session of this.sessions.values()) {
      if (session.room !== room || session.ended !== undefined) continue;
      if (!isLive) session.offSince ??= this.now;
      else if (session.offSince !== undefined) {
        session.offMs += this.now - session.offSince;
        session.offSince = undefined;
      }
    }
  }

  /** All shows of the room end now, and what their tickets are good for. */
  endShow(room: string): string[] {
    this.setRoom(room, false);
    const inRoom = [...this.sessions.values()].filter((one) => one.room === room);
    for (const one of inRoom) one.hasTicket = false;
    const open = inRoom.filter((one) => one.ended === undefined);
    return open.map(({ id }) => `${id} ${this.end(id, 'show_ended')}`);
  }

  /** The price of a room changes now; answers what happens to its open sessions. */
  setTariff(room: string, tariff: Tariff): string[] {
    return [...this.sessions.values()].flatMap((session) => {
      const isIn = session.room === room && session.ended === undefined;
      if (!isIn || session.segments[0].tariff.model === 't') return [];
      session.maxMs = tariff.maxMs;
      const last = session.segments.at(-1)?.tariff ?? tariff;
      const said = isSamePrice(last, tariff)
        ? []
        : [`${session.id} ${this.reprice(session, tariff)}`];
      if (session.ended === undefined) this.refill(session);
      return said;
    });
  }

  private reprice(session: ModelSession, tariff: Tariff): string {
    const last = session.segments.at(-1)?.tariff ?? tariff;
    const mustAgree = last.price === 0n || tariff.model === 't';
    if (tariff.price > 0n && (mustAgree || this.wallet(session.wallet).isTooDear(tariff))) {
      return this.end(session.id, mustAgree ? 'price_changed' : 'spend_limit');
    }
    changePrice(session, tariff, session.billable + this.liveMs(session));
    return 'repriced';
  }

  private liveMs({ lastProof, offMs, offSince }: ModelSession): bigint {
    return this.now - lastProof - offMs - (offSince === undefined ? 0n : this.now - offSince);
  }

  /** Counts the time since the last proof, at most what can be paid, and debits it. */
  private prove(session: ModelSession): void {
    const gap = this.now - session.lastProof;
    const counted = min(
      gap <= this.timing.maxGapMs ? gap : this.timing.graceMs,
      this.liveMs(session),
    );
    const until = min(session.billable + counted, session.limit ?? session.billable + counted);
    const means = session.charged + session.hold + this.reservable(session.wallet);
    session.billable = payable(session, max(session.charged, means), until);
    session.lastProof = this.now;
    session.offMs = 0n;
    if (session.offSince !== undefined) session.offSince = this.now;
    this.charge(session);
    passChanges(session);
  }

  private charge(session: ModelSession): void {
    const delta = total(session, session.billable) - session.charged;
    session.charged += delta;
    session.hold = max(0n, session.hold - delta);
    this.wallet(session.wallet).spend(this.today, delta, true);
  }

  /** Brings the hold to one quantum ahead of now; what is missing fixes the end. */
  private refill(session: ModelSession): void {
    const { maxCost, charged, billable } = session;
    const ahead = billable + this.liveMs(session) + this.timing.quantumMs;
    const cost = total(session, ahead);
    const want = max(0n, (maxCost > 0n ? min(cost, maxCost) : cost) - charged);
    const change = min(want - session.hold, this.reservable(session.wallet));
    session.hold = max(0n, session.hold + change);
    const limit = payable(session, charged + session.hold, ahead);
    session.limit = limit < ahead ? limit : undefined;
  }

  private isOver(session: ModelSession): boolean {
    const { limit, billable } = session;
    return limit !== undefined && billable + this.liveMs(session) >= limit;
  }

  private why(session: ModelSession): string {
    const { maxMs, maxCost, billable } = session;
    if (maxMs > 0n && billable >= maxMs) return 'time_limit';
    if (maxCost > 0n && total(session, billable + 1n) > maxCost) return 'spend_limit';
    const wallet = this.wallet(session.wallet);
    const isDayOver = wallet.leftToday(this.today) < wallet.free(this.today);
    return isDayOver ? 'spend_limit' : 'insufficient_credit';
  }

  private finish(session: ModelSession, reason: string): string {
    session.ended = reason;
    session.hold = 0n;
    return `cut ${reason}`;
  }
}
