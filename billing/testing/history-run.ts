// Runs one history against the scripts and against the reference model, and compares: every reply,
// every wallet and lot, and at the end what the auditor finds. The commands go out pipelined, the
// answers are compared afterwards. Each history has a shard and a time of its own.
import type { RedisClient } from '../../cluster/index.js';
import * as scripts from '../scripts.js';
import { newSessionId, SHARD_COUNT } from '../shard.js';
import { tariffText, type Timing, timingText } from '../tariff.js';
import { auditShard, clearShard } from './auditor.js';
import { type Command, type FundKind, LOT_SPECS, ROOMS, type Step, TARIFFS } from './history.js';
import { WALLETS } from './history.js';
import * as rules from './model.js';
import type { Lot, Paid } from './amounts.js';
import { FOREVER, Model, type Session, Wallet } from './model.js';
import { RefundBook } from './refunds.js';
import { walletsOf } from './wallet-ids.js';
import { compareAudit, inModel, listOf, lotsOf, lotText } from './history-texts.js';
import { orForever, stateOf, sum, verdictOf } from './history-texts.js';

/** Proofs of life every 10 s. */
const TIMING: Timing = {
  ...{ quantumMs: Number(rules.QUANTUM), maxGapMs: Number(rules.MAX_GAP) },
  ...{ graceMs: Number(rules.GRACE), settleMs: 60_000 },
};
/** Twenty minutes before midnight UTC, so that histories see a day end. */
const START_MS = 1_700_006_400_000 - 1_200_000;
const FINGERPRINT = '0123456789abcdef';

let histories = 0;

/** @throws Error that names the first thing that differs */
export async function runHistory(steps: readonly Step[], redis: RedisClient): Promise<void> {
  histories += 1;
  const run = new HistoryRun(redis, histories);
  await clearShard(run.shard, redis, START_MS);
  for (const step of steps) run.step(step);
  run.finish();
  await run.compare();
}

interface Owner {
  readonly id: string;
  readonly wallet: Wallet;
}

interface Funding {
  readonly kind: 'credit' | 'debit' | 'freeze' | 'unfreeze' | 'lot' | 'end-lot';
  readonly amount: bigint;
  readonly lot?: Lot;
}

class HistoryRun {
  readonly shard: number;
  private readonly owners: readonly Owner[];
  private readonly model = new Model(BigInt(START_MS));
  private readonly refunds = new RefundBook();
  private readonly checks: { what: string; real: Promise<string>; wanted: string }[] = [];
  private readonly lastFundings = new Map<Wallet, { cmdSeq: bigint; funding: Funding }>();
  private lots = 0;
  /** Σ given less Σ taken by funding. */
  private funded = 0n;
  private limitVersion = 0n;
  /** What the server's clock shows. */
  private server = BigInt(START_MS);

  constructor(
    private readonly redis: RedisClient,
    private readonly number: number,
  ) {
    this.shard = number % SHARD_COUNT;
    this.owners = walletsOf(this.shard, WALLETS).map((id) => ({
      id,
      wallet: new Wallet(this.model.today),
    }));
  }

  step({ ms, command }: Step): void {
    this.passTime(BigInt(ms));
    this.perform(command);
  }

  /** Which script sees first that the clock was set back matters: none of the history does. */
  private passTime(ms: bigint): void {
    const isOdd = this.model.now !== this.server || ms < 0n;
    if (isOdd) this.look();
    this.server += ms;
    this.model.tick(this.server);
    if (isOdd) this.look();
  }

  /** A script that changes nothing but the shard's clock. */
  private look(): void {
    const items = [[newSessionId(this.shard, START_MS), 'g'] as const];
    const real = scripts.touchSessions.run(this.redis, { ...this.base(), items });
    this.expect(
      'look',
      'unknown',
      real.then((rows) => rows.map((row) => row.verdict).join()),
    );
  }

  /** Ends all, so that the auditor finds nothing held. */
  finish(): void {
    for (const session of this.model.sessions) this.end(session);
    this.owners.forEach((owner) => this.expectWallet(owner));
  }

  async compare(): Promise<void> {
    const seen = await Promise.all(this.checks.map((one) => one.real));
    this.checks.forEach(({ what, wanted }, at) => {
      if (seen[at] === wanted) return;
      throw new Error(`step ${at} ${what}: scripts "${seen[at]}", model "${wanted}"`);
    });
    const wallets = this.owners.map(({ wallet }) => wallet);
    const spendings = new Map<string, Paid>(this.model.sessions.map(({ id, paid }) => [id, paid]));
    for (const { wallet } of this.owners) {
      for (const [key, { paid }] of wallet.tips) spendings.set(key, paid);
    }
    const broken = sum(wallets.map((one) => one.expired));
    const spent = sum([...spendings.values()].flat().map(({ amount }) => amount));
    const left = sum(wallets.map((one) => one.owned() - one.debt));
    if (this.funded - left !== spent + broken) throw new Error('the model itself does not add up');
    const audit = await auditShard(this.shard, this.redis);
    compareAudit(audit, { broken, spendings });
    this.refunds.check(audit.spendings);
  }

  private perform(one: Command): void {
    switch (one.type) {
      case 'fund':
        this.fundAs(this.owner(one.w), one.kind, BigInt(one.amount));
        return;
      case 'lot':
        this.fund(this.owner(one.w), {
          ...{ kind: 'lot', amount: BigInt(one.amount), lot: this.newLot(one.spec) },
        });
        return;
      case 'end-lot':
        this.endLot(this.owner(one.w), one.at);
        return;
      case 'expire':
        this.expire(this.owner(one.w));
        return;
      case 'refund':
        this.refund(one);
        return;
      case 'open':
        this.open(one);
        return;
      case 'touch':
        this.touch(one.at);
        return;
      case 'end':
        this.end(this.model.sessions.at(-1 - one.at));
        return;
      case 'sweep':
        this.sweep();
        return;
      case 'tip':
        this.tip(one);
        return;
      case 'price':
        this.price(one);
        return;
      case 'limits':
        this.limits(one);
        return;
      case 'clock':
        this.passTime(BigInt(one.ms));
        return;
      case 'show-end':
        this.endShow(this.room(one.room));
        return;
      case 'room':
        this.setRoom(this.room(one.room), one.isLive);
    }
  }

  private fundAs(owner: Owner, kind: FundKind, amount: bigint): void {
    const next = owner.wallet.cmdSeq + 1n;
    if (kind === 'again') {
      const last = this.lastFundings.get(owner.wallet);
      if (last !== undefined) this.fund(owner, last.funding, last.cmdSeq);
    } else if (kind === 'ahead') this.fund(owner, { kind: 'credit', amount }, next + 1n);
    else if (kind === 'too-much') this.fund(owner, { kind: 'credit', amount: rules.OWNED_MAX });
    else if (kind === 'credit' || kind === 'debit') this.fund(owner, { kind, amount });
    else this.fund(owner, { kind, amount: 0n });
  }

  private fund(owner: Owner, funding: Funding, cmdSeq = owner.wallet.cmdSeq + 1n): void {
    const { kind, amount, lot } = funding;
    // Its life ends with the command.
    const text = lot === undefined ? {} : { lot: lotText(lot) };
    const status = owner.wallet.fund(cmdSeq, funding);
    if (status === 'APPLIED') {
      this.lastFundings.set(owner.wallet, { cmdSeq, funding });
      this.funded += kind === 'debit' ? -amount : amount;
    }
    const real = scripts.fundWallet.run(this.redis, {
      ...{ ...this.base(), wallet: owner.id, cmdSeq, kind, amount, ...text },
    });
    this.expect(
      `${kind} ${amount}`,
      `${status} ${stateOf(owner.wallet)}`,
      real.then((reply) => `${reply.status} ${reply.wallet.owned} ${reply.wallet.held}`),
    );
    if (lot !== undefined) this.expectWallet(owner);
  }

  private newLot(spec: number): Lot {
    const [lifeMs, priority, scope] = LOT_SPECS[spec] ?? [0, 5n, 'any'];
    const expires = lifeMs === 0 ? FOREVER : this.model.today() + BigInt(lifeMs);
    this.lots += 1;
    return { id: String(this.number * 1_000 + this.lots), expires, priority, scope, amount: 0n };
  }

  private endLot(owner: Owner, at: number): void {
    const lot = lotsOf(owner.wallet).at(at);
    if (lot !== undefined) this.fund(owner, { kind: 'end-lot', amount: 0n, lot });
  }

  /** What paid for a tip or a show goes back; an equal lot takes the place of one that expired. */
  private refund({ w, at, amount }: Extract<Command, { type: 'refund' }>): void {
    const owner = this.owner(w);
    const { shows, tips } = owner.wallet;
    const over = shows.filter((one) => one.ended !== '').map(({ id, paid }) => ({ id, paid }));
    const given = [...tips].map(([id, { paid }]) => ({ id, paid }));
    // Tips and shows by turns.
    const source = (at % 2 === 0 ? given : over).at(-1 - Math.floor(at / 2));
    if (source === undefined) return;
    for (const part of this.refunds.give(source.id, source.paid, BigInt(amount))) {
      const isCash = part.lot === owner.wallet.cash;
      const isOver = part.lot.expires <= this.model.today();
      const lot = isOver ? this.newLot(LOT_SPECS.length - 1) : part.lot;
      this.fund(
        owner,
        isCash
          ? { kind: 'credit', amount: part.amount }
          : { kind: 'lot', amount: part.amount, lot },
      );
    }
  }

  private expire({ id, wallet }: Owner): void {
    const before = wallet.expired;
    wallet.expire();
    const real = scripts.expireLots.run(this.redis, { ...this.base(), wallets: [id] });
    this.expect(
      'expire',
      wallet.expired === before ? '' : `${id} ${stateOf(wallet)}`,
      real.then((rows) => rows.map((row) => `${row.wallet} ${row.owned} ${row.held}`).join()),
    );
    this.expectWallet({ id, wallet });
  }

  private open(one: Extract<Command, { type: 'open' }>): void {
    const { id: owner, wallet } = this.owner(one.w);
    const room = this.room(one.room);
    const id = newSessionId(this.shard, Number(this.model.now));
    const tariff = TARIFFS[one.tariff] ?? absent(one.tariff);
    const wanted = this.model.open(id, wallet, room, inModel(tariff));
    const real = scripts.openSession.run(this.redis, {
      ...{ ...this.base(), sessionId: id, wallet: owner, room, payee: '99', entryMs: 1_000 },
      ...{ tariff: tariffText(tariff), key: `key-${id}`, fingerprint: FINGERPRINT },
    });
    this.expect(
      `open ${one.tariff}`,
      `${wanted} ${stateOf(wallet)}`,
      real.then((reply) => {
        const { status, isDuplicate, sessionId, wallet: after } = reply;
        const what = status === 'OK' ? `${isDuplicate ? 'joined' : 'opened'} ${sessionId}` : status;
        return `${what} ${after.owned} ${after.held}`;
      }),
    );
  }

  private touch(at: readonly number[]): void {
    const sessions = at.flatMap((one) => this.model.sessions.at(-1 - one) ?? []);
    if (sessions.length === 0) return;
    const wanted = sessions.map((one) => one.touch());
    const items = sessions.map(({ id }) => [id, 'g'] as const);
    this.expect(
      'touch',
      sessions.map(({ wallet }, nth) => `${wanted[nth]} ${stateOf(wallet)}`).join(),
      scripts.touchSessions.run(this.redis, { ...this.base(), items }).then((rows) => {
        return rows.map((row) => `${verdictOf(row)} ${row.owned} ${row.held}`).join();
      }),
    );
  }

  private end(session: Session | undefined): void {
    if (session === undefined) return;
    const { id } = session;
    const wanted = session.prove('left');
    const real = scripts.endSession.run(this.redis, {
      ...{ ...this.base(), sessionId: id, reason: 'left' },
    });
    this.expect(
      'end',
      `${wanted} ${session.charged} ${session.billable}`,
      real.then((reply) => {
        const what = reply.wasEnded ? 'ended' : 'cut';
        return `${what} ${reply.reason} ${reply.charged} ${reply.billMs}`;
      }),
    );
  }

  /** Skipped where two sessions of a wallet are due at once: their order is nobody's promise. */
  private sweep(): void {
    const isDue = ({ ended, limit, gap }: Session): boolean =>
      ended === '' && (limit < FOREVER || gap > rules.MAX_GAP);
    if (this.owners.some(({ wallet }) => wallet.shows.filter(isDue).length > 1)) return;
    const open = this.model.sessions.filter(({ ended }) => ended === '');
    const wanted = open.map((one) => ({ id: one.id, verdict: one.sweep() }));
    const real = scripts.sweepSessions.run(this.redis, {
      ...{ ...this.base(), limit: 100, isSuspended: false },
    });
    this.expect(
      'sweep',
      listOf(wanted),
      real.then(({ notices }) => {
        const cuts = notices.filter((one) => one.kind === 'cut');
        return cuts
          .map((one) => `${one.sessionId} cut ${one.reason}`)
          .sort()
          .join();
      }),
    );
  }

  private tip(one: Extract<Command, { type: 'tip' }>): void {
    const { id, wallet } = this.owner(one.w);
    const key = `tip-${this.number}-${one.w}-${one.key}`;
    const all = wallet.freeForTip();
    const amount = one.allAnd === undefined ? BigInt(one.amount) : all + BigInt(one.allAnd);
    if (amount <= 0n || amount > rules.OWNED_MAX) return;
    const wanted = wallet.tip(key, amount);
    const real = scripts.tipPayee.run(this.redis, {
      ...{ ...this.base(), wallet: id, room: this.room(0), payee: '99', amount, bps: 6_000, key },
      ...{ tipId: '0123456789ABCDEFGHJKMNPQRS', fingerprint: `${amount}`.padStart(16, '0') },
    });
    this.expect(
      `tip ${amount}`,
      `${wanted} ${stateOf(wallet)}`,
      real.then((reply) => `${reply.status} ${reply.wallet.owned} ${reply.wallet.held}`),
    );
  }

  private price(one: Extract<Command, { type: 'price' }>): void {
    const room = this.room(one.room);
    const tariff = TARIFFS[one.tariff] ?? absent(one.tariff);
    const wanted = this.inRoom(room).map((session) => ({
      ...{ id: session.id, verdict: session.reprice(inModel(tariff)) },
    }));
    const real = scripts.setTariff.run(this.redis, {
      ...{ ...this.base(), room, tariff: tariffText(tariff), version: 0, after: '', limit: 100 },
    });
    this.expect(
      `price ${one.tariff}`,
      listOf(wanted),
      real.then(({ changed }) => {
        const rows = changed.map((row) => {
          return `${row.sessionId} ${row.reason ? `cut ${row.reason}` : 'repriced'}`;
        });
        return rows.sort().join();
      }),
    );
    this.owners.forEach((owner) => this.expectWallet(owner));
  }

  private limits({ w, values }: Extract<Command, { type: 'limits' }>): void {
    const { id, wallet } = this.owner(w);
    const [perShow = 0n, perMinute = 0n, perDay = 0n, perTip = 0n] = values.map(BigInt);
    const limits = { perShow, perMinute, perDay, perTip };
    wallet.limits = {
      ...{ perShow: orForever(perShow), perMinute: orForever(perMinute) },
      ...{ perDay: orForever(perDay), perTip: orForever(perTip) },
    };
    this.limitVersion += 1n;
    const real = scripts.setLimits.run(this.redis, {
      ...{ ...this.base(), ...limits, wallet: id, version: this.limitVersion },
    });
    this.expect(
      'limits',
      stateOf(wallet),
      real.then((one) => `${one.owned} ${one.held}`),
    );
  }

  private setRoom(room: string, isLive: boolean): void {
    if (isLive) this.model.live.add(room);
    else this.model.live.delete(room);
    this.expect('room', '', this.tellRoom(room, isLive ? 'live' : 'down'));
  }

  private endShow(room: string): void {
    this.model.live.delete(room);
    const wanted = this.inRoom(room).map((session) => ({
      ...{ id: session.id, verdict: session.prove('show_ended') },
    }));
    this.expect('show ends', listOf(wanted), this.tellRoom(room, 'ended'));
    this.owners.forEach((owner) => this.expectWallet(owner));
  }

  private async tellRoom(room: string, state: 'live' | 'down' | 'ended'): Promise<string> {
    const { ended } = await scripts.setRoom.run(this.redis, {
      ...{ ...this.base(), room, state, sinceMs: 0, reason: 'show_ended', after: '', limit: 100 },
    });
    return ended
      .map((one) => `${one.sessionId} cut ${one.reason}`)
      .sort()
      .join();
  }

  private expectWallet({ id, wallet }: Owner): void {
    const { cash, debt, isFrozen } = wallet;
    const texts = lotsOf(wallet).map((lot) => `${lotText(lot)}:${lot.amount}`);
    this.expect(
      'wallet',
      `${cash.amount} ${debt} ${isFrozen} ${texts.join()}`,
      scripts.readLots.run(this.redis, { shard: this.shard, wallet: id }).then((real) => {
        const found = real.lots.map((lot) => {
          return `${lot.id} ${lot.expiresMs} ${lot.priority} ${lot.scope}:${lot.amount}`;
        });
        return `${real.cash} ${real.debt} ${real.isFrozen} ${found.join()}`;
      }),
    );
  }

  private expect(what: string, wanted: string, real: Promise<string>): void {
    this.checks.push({ what, wanted, real });
    // Seen by compare(); a rejection before that must not end the process.
    real.catch(() => undefined);
  }

  private base() {
    return { shard: this.shard, now: Number(this.server), timing: timingText(TIMING) };
  }

  private inRoom(room: string): Session[] {
    return this.model.sessions.filter((one) => one.room === room);
  }

  private owner(at: number): Owner {
    return this.owners[at] ?? absent(at);
  }

  private room(at: number): string {
    return String(this.number * ROOMS + at + 1);
  }
}

function absent(at: number): never {
  throw new RangeError(`no ${at} in this history`);
}
