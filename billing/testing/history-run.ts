// Runs one history against the scripts and against the reference model, and compares: every reply,
// every wallet and lot, and at the end what the auditor finds. The commands go out pipelined, the
// answers are compared afterwards. Each history has a shard and a time of its own.
import type { RedisClient } from '../../cluster/index.js';
import * as scripts from '../scripts.js';
import { newSessionId, SHARD_COUNT, shardOfWallet } from '../shard.js';
import { tariffText, type Timing, timingText } from '../tariff.js';
import { auditShard, clearShard } from './auditor.js';
import { type Command, type FundKind, LOT_SPECS, ROOMS, type Step, TARIFFS } from './history.js';
import { WALLETS } from './history.js';
import { Model, type ModelSession } from './model.js';
import type { Funding, ModelLot } from './model-wallet.js';

/** Proofs of life every 10 s. */
const TIMING: Timing = { quantumMs: 15_000, maxGapMs: 30_000, graceMs: 5_000, settleMs: 60_000 };
/** Twenty minutes before midnight UTC, so that histories see a day end. */
const START_MS = 1_700_006_400_000 - 1_200_000;
/** More is refused before a script is asked. */
const AMOUNT_MAX = 9_000_000_000_000n;
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

class HistoryRun {
  readonly shard: number;
  private readonly wallets: readonly string[];
  private readonly model: Model;
  private readonly sessions: string[] = [];
  private readonly lots: ModelLot[] = [];
  private readonly checks: { what: string; real: Promise<string>; wanted: string }[] = [];
  private readonly lastFundings = new Map<string, { cmdSeq: bigint; funding: Funding }>();
  private limitVersion = 0n;
  /** What the server's clock shows. */
  private server = BigInt(START_MS);

  constructor(
    private readonly redis: RedisClient,
    private readonly number: number,
  ) {
    this.shard = number % SHARD_COUNT;
    this.wallets = walletsOf(this.shard);
    this.model = new Model(START_MS, {
      quantumMs: BigInt(TIMING.quantumMs),
      maxGapMs: BigInt(TIMING.maxGapMs),
      graceMs: BigInt(TIMING.graceMs),
    });
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
    for (const id of this.sessions) this.end(id);
    for (let at = 0; at < WALLETS; at += 1) this.expectWallet(this.wallet(at));
  }

  async compare(): Promise<void> {
    const seen = await Promise.all(this.checks.map((one) => one.real));
    this.checks.forEach(({ what, wanted }, at) => {
      if (seen[at] === wanted) return;
      throw new Error(`step ${at} ${what}: scripts "${seen[at]}", model "${wanted}"`);
    });
    const wallets = [...this.model.wallets.values()];
    const sum = (of: (one: (typeof wallets)[number]) => bigint): bigint =>
      wallets.reduce((total, one) => total + of(one), 0n);
    const [spent, broken] = [sum((one) => one.spent), sum((one) => one.broken)];
    if (sum((one) => one.funded - one.owned + one.debt) !== spent + broken) {
      throw new Error('the model itself does not add up');
    }
    const audit = await auditShard(this.shard, this.redis);
    const wanted = new Map(wallets.flatMap((one) => [...one.used]));
    compareAudit(audit, { spent, broken, used: wanted });
  }

  private perform(one: Command): void {
    switch (one.type) {
      case 'fund':
        this.fundAs(this.wallet(one.w), one.kind, BigInt(one.amount));
        return;
      case 'lot':
        this.fund(this.wallet(one.w), this.newLot(one.spec, BigInt(one.amount)));
        return;
      case 'end-lot':
        this.endLot(this.wallet(one.w), one.at);
        return;
      case 'expire':
        this.expire(this.wallet(one.w));
        return;
      case 'refund':
        this.refund(this.wallet(one.w));
        return;
      case 'open':
        this.open(one);
        return;
      case 'touch':
        this.touch(one.at);
        return;
      case 'end':
        this.end(this.sessions.at(-1 - one.at));
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

  private fundAs(wallet: string, kind: FundKind, amount: bigint): void {
    const next = this.model.wallet(wallet).cmdSeq + 1n;
    if (kind === 'again') {
      const last = this.lastFundings.get(wallet);
      if (last !== undefined) this.fund(wallet, last.funding, last.cmdSeq);
    } else if (kind === 'ahead') this.fund(wallet, { kind: 'credit', amount }, next + 1n);
    else if (kind === 'too-much') this.fund(wallet, { kind: 'credit', amount: AMOUNT_MAX });
    else if (kind === 'credit' || kind === 'debit') this.fund(wallet, { kind, amount });
    else this.fund(wallet, { kind });
  }

  private fund(
    wallet: string,
    funding: Funding,
    cmdSeq = this.model.wallet(wallet).cmdSeq + 1n,
  ): void {
    const status = this.model.wallet(wallet).fund(this.model.today, cmdSeq, funding);
    if (status === 'APPLIED') this.lastFundings.set(wallet, { cmdSeq, funding });
    const { kind } = funding;
    const amount = 'amount' in funding ? funding.amount : 0n;
    const lot = 'lot' in funding ? { lot: lotText(funding.lot) } : {};
    const real = scripts.fundWallet.run(this.redis, {
      ...{ ...this.base(), wallet, cmdSeq, kind, amount, ...lot },
    });
    this.expect(
      `${kind} ${amount}`,
      `${status} ${this.state(wallet)}`,
      real.then((reply) => `${reply.status} ${reply.wallet.owned} ${reply.wallet.held}`),
    );
    if ('lot' in funding) this.expectWallet(wallet);
  }

  private newLot(spec: number, amount: bigint): Funding {
    const [lifeMs, priority, scope] = LOT_SPECS[spec] ?? [0, 5n, 'any'];
    const expires = lifeMs === 0 ? 0n : this.model.today + BigInt(lifeMs);
    const lot = { id: String(this.number * 1_000 + this.lots.length), expires, priority, scope };
    this.lots.push({ ...lot, amount });
    return { kind: 'lot', amount, lot: { ...lot, amount } };
  }

  private endLot(wallet: string, at: number): void {
    const lot = this.model.wallet(wallet).lots.at(at);
    if (lot !== undefined) this.fund(wallet, { kind: 'end-lot', lot: { ...lot } });
  }

  /** What a lot paid of the last tip goes back to it; an equal one takes its place once expired. */
  private refund(wallet: string): void {
    const { lastTip } = this.model.wallet(wallet);
    this.model.wallet(wallet).lastTip = [];
    for (const { lot, part } of lastTip.toReversed()) {
      const isOver = lot.expires !== 0n && lot.expires <= this.model.today;
      const fresh = isOver ? this.newLot(LOT_SPECS.length - 1, part) : undefined;
      this.fund(wallet, fresh ?? { kind: 'lot', amount: part, lot: { ...lot, amount: part } });
    }
  }

  private expire(wallet: string): void {
    const model = this.model.wallet(wallet);
    const before = model.broken;
    model.expire(this.model.today);
    const real = scripts.expireLots.run(this.redis, { ...this.base(), wallets: [wallet] });
    this.expect(
      'expire',
      model.broken === before ? '' : `${wallet} ${this.state(wallet)}`,
      real.then((rows) => rows.map((row) => `${row.wallet} ${row.owned} ${row.held}`).join()),
    );
    this.expectWallet(wallet);
  }

  private open(one: Extract<Command, { type: 'open' }>): void {
    const wallet = this.wallet(one.w);
    const room = this.room(one.room);
    const id = newSessionId(this.shard, Number(this.model.now));
    const tariff = TARIFFS[one.tariff] ?? this.noTariff(one.tariff);
    const wanted = this.model.openSession(id, wallet, room, tariff);
    if (wanted.startsWith('opened')) this.sessions.push(id);
    const real = scripts.openSession.run(this.redis, {
      ...{ ...this.base(), sessionId: id, wallet, room, payee: '99', entryMs: 1_000 },
      ...{ tariff: tariffText(tariff), key: `key-${id}`, fingerprint: FINGERPRINT },
    });
    this.expect(
      `open ${one.tariff}`,
      `${wanted} ${this.state(wallet)}`,
      real.then((reply) => {
        const { status, isDuplicate, sessionId, wallet: after } = reply;
        const what = status === 'OK' ? `${isDuplicate ? 'joined' : 'opened'} ${sessionId}` : status;
        return `${what} ${after.owned} ${after.held}`;
      }),
    );
  }

  private touch(at: readonly number[]): void {
    const ids = at.flatMap((one) => this.sessions.at(-1 - one) ?? []);
    if (ids.length === 0) return;
    const wanted = ids.map((id) => this.model.touch(id));
    const walletOf = (id: string): string => this.model.sessions.get(id)?.wallet ?? '';
    const items = ids.map((id) => [id, 'g'] as const);
    this.expect(
      'touch',
      ids.map((id, nth) => `${wanted[nth]} ${this.state(walletOf(id))}`).join(),
      scripts.touchSessions.run(this.redis, { ...this.base(), items }).then((rows) => {
        return rows.map((row) => `${verdictOf(row)} ${row.owned} ${row.held}`).join();
      }),
    );
  }

  private end(id: string | undefined): void {
    if (id === undefined) return;
    const wanted = this.model.end(id, 'left');
    const session = this.model.sessions.get(id);
    const real = scripts.endSession.run(this.redis, {
      ...{ ...this.base(), sessionId: id, reason: 'left' },
    });
    this.expect(
      'end',
      `${wanted} ${session?.charged} ${session?.billable}`,
      real.then((reply) => {
        const what = reply.wasEnded ? 'ended' : 'cut';
        return `${what} ${reply.reason} ${reply.charged} ${reply.billMs}`;
      }),
    );
  }

  /** Skipped where two sessions of a wallet are due at once: their order is nobody's promise. */
  private sweep(): void {
    const isDue = ({ limit, lastProof }: ModelSession): boolean =>
      limit !== undefined || this.model.now - lastProof > BigInt(TIMING.maxGapMs);
    if (this.wallets.some((one) => this.model.open(one).filter(isDue).length > 1)) return;
    const wanted = this.sessions.flatMap((id) => {
      const verdict = this.model.sweep(id);
      return verdict === undefined ? [] : [`${id} ${verdict}`];
    });
    const real = scripts.sweepSessions.run(this.redis, {
      ...{ ...this.base(), limit: 100, isSuspended: false },
    });
    this.expect(
      'sweep',
      wanted.sort().join(),
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
    const wallet = this.wallet(one.w);
    const key = `tip-${this.number}-${one.w}-${one.key}`;
    const all = this.model.wallet(wallet).leftForTip(this.model.today);
    const amount = one.allAnd === undefined ? BigInt(one.amount) : all + BigInt(one.allAnd);
    if (amount <= 0n || amount > AMOUNT_MAX) return;
    const wanted = this.model.tip(key, wallet, amount);
    const real = scripts.tipPayee.run(this.redis, {
      ...{ ...this.base(), wallet, room: this.room(0), payee: '99', amount, bps: 6_000, key },
      ...{ tipId: '0123456789ABCDEFGHJKMNPQRS', fingerprint: `${amount}`.padStart(16, '0') },
    });
    this.expect(
      `tip ${amount}`,
      `${wanted} ${this.state(wallet)}`,
      real.then((reply) => `${reply.status} ${reply.wallet.owned} ${reply.wallet.held}`),
    );
  }

  private price(one: Extract<Command, { type: 'price' }>): void {
    const room = this.room(one.room);
    const tariff = TARIFFS[one.tariff] ?? this.noTariff(one.tariff);
    const wanted = this.model.setTariff(room, tariff);
    const real = scripts.setTariff.run(this.redis, {
      ...{ ...this.base(), room, tariff: tariffText(tariff), version: 0, after: '', limit: 100 },
    });
    this.expect(
      `price ${one.tariff}`,
      wanted.sort().join(),
      real.then(({ changed }) => {
        const rows = changed.map((row) => {
          return `${row.sessionId} ${row.reason ? `cut ${row.reason}` : 'repriced'}`;
        });
        return rows.sort().join();
      }),
    );
    for (const wallet of this.wallets) this.expectWallet(wallet);
  }

  private limits({ w, values }: Extract<Command, { type: 'limits' }>): void {
    const wallet = this.wallet(w);
    const [perShow = 0n, perMinute = 0n, perDay = 0n, perTip = 0n] = values.map(BigInt);
    const limits = { perShow, perMinute, perDay, perTip };
    this.model.wallet(wallet).setLimits(limits);
    this.limitVersion += 1n;
    const real = scripts.setLimits.run(this.redis, {
      ...{ ...this.base(), ...limits, wallet, version: this.limitVersion },
    });
    this.expect(
      'limits',
      this.state(wallet),
      real.then((one) => `${one.owned} ${one.held}`),
    );
  }

  private setRoom(room: string, isLive: boolean): void {
    this.model.setRoom(room, isLive);
    this.expect('room', '', this.tellRoom(room, isLive ? 'live' : 'down'));
  }

  private endShow(room: string): void {
    const wanted = this.model.endShow(room);
    this.expect('show ends', wanted.sort().join(), this.tellRoom(room, 'ended'));
    for (const wallet of this.wallets) this.expectWallet(wallet);
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

  private expectWallet(wallet: string): void {
    const { lots, cash, debt, isFrozen } = this.model.wallet(wallet);
    const texts = lots.map((lot) => `${lotText(lot)}:${lot.amount}`);
    this.expect(
      'wallet',
      `${cash} ${debt} ${isFrozen} ${texts.join()}`,
      scripts.readLots.run(this.redis, { shard: this.shard, wallet }).then((real) => {
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

  private state(wallet: string): string {
    return `${this.model.wallet(wallet).owned} ${this.model.held(wallet)}`;
  }

  private wallet(at: number): string {
    return this.wallets[at] ?? this.noTariff(at);
  }

  private noTariff(at: number): never {
    throw new RangeError(`no ${at} in this history`);
  }

  private room(at: number): string {
    return String(this.number * ROOMS + at + 1);
  }
}

function compareAudit(
  real: { spent: bigint; broken: bigint; used: ReadonlyMap<string, bigint> },
  wanted: typeof real,
): void {
  const text = ({ spent, broken, used }: typeof real): string => {
    const lots = [...used].filter(([, part]) => part > 0n).map(([lot, part]) => `${lot}:${part}`);
    return `spent ${spent}, expired ${broken}, lots ${lots.sort().join()}`;
  };
  if (text(real) === text(wanted)) return;
  throw new Error(`the outbox says ${text(real)}, the model ${text(wanted)}`);
}

const SCOPE_CODES = { any: 0, shows: 1 } as const;

function lotText({ id, expires, priority, scope }: ModelLot): string {
  return `${id} ${expires} ${priority} ${SCOPE_CODES[scope]}`;
}

const walletsByShard = new Map<number, string[]>();

/** The same three wallets in each history of a shard. */
function walletsOf(shard: number): readonly string[] {
  if (walletsByShard.size === 0) {
    for (let id = 1; id < SHARD_COUNT * 40; id += 1) {
      const at = shardOfWallet(String(id));
      walletsByShard.set(at, [...(walletsByShard.get(at) ?? []), String(id)]);
    }
  }
  return (walletsByShard.get(shard) ?? []).slice(0, WALLETS);
}

function verdictOf(row: { verdict: string; reason?: string }): string {
  if (row.verdict === 'cut' || row.verdict === 'ended') return `${row.verdict} ${row.reason}`;
  return row.verdict === 'unknown' ? 'unknown' : 'goes on';
}
