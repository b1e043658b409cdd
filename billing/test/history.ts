// Random histories of billing commands: how they are generated, run against the scripts and
// against the reference model, and compared. Used by model.test.ts and, with planted bugs, by
// planted-bugs.test.ts.
import fc from 'fast-check';
import type { ManualClock } from '../../cluster/testing/index.js';
import type { RedisClient } from '../../cluster/index.js';
import type { Engine } from '../engine.js';
import { newSessionId, shardOfWallet } from '../shard.js';
import { setRoom, setTariff } from '../scripts.js';
import { perMinute, type Tariff, tariffText, timingText } from '../tariff.js';
import { auditShard, clearShard } from './auditor.js';
import { Model, type ModelWallet } from './model.js';
import { TIMING } from './stage.js';

export type Command =
  | { readonly type: 'fund'; readonly w: number; readonly kind: FundKind; readonly amount: number }
  | { readonly type: 'open'; readonly w: number; readonly room: number; readonly tariff: number }
  | { readonly type: 'touch'; readonly at: readonly number[] }
  | { readonly type: 'end'; readonly at: number }
  | { readonly type: 'sweep'; readonly w: number }
  | { readonly type: 'tip'; readonly w: number; readonly key: number; readonly amount: number }
  | { readonly type: 'room'; readonly room: number; readonly isLive: boolean }
  | { readonly type: 'price'; readonly room: number; readonly tariff: number }
  | { readonly type: 'limits'; readonly w: number; readonly values: readonly number[] };

type FundKind = 'credit' | 'debit' | 'freeze' | 'unfreeze';

export interface Step {
  /** Time that passes before the command. */
  readonly ms: number;
  readonly command: Command;
}

const TARIFFS: readonly Tariff[] = [
  perMinute(6_000n, 6_000),
  perMinute(1_234_567n, 3_333),
  perMinute(7n, 5_000),
  { ...perMinute(60_000n, 6_000), freeMs: 10_000n, minCharge: 5_000n },
  { ...perMinute(5_000n, 7_500), model: 'u' },
  { ...perMinute(20_000n, 6_000), model: 'u', unitMs: 600_000n, freeMs: 3_000n },
  { ...perMinute(9_000n, 6_000), model: 't', maxMs: 120_000n },
  { ...perMinute(30_000n, 6_000), maxCost: 12_345n },
  { ...perMinute(6_000n, 6_000), maxMs: 45_000n },
  { ...perMinute(0n, 6_000), maxMs: 90_000n },
];

const WALLETS = 3;
const SESSIONS = 5;
const index = (max: number) => fc.nat({ max: max - 1 });
const w = index(WALLETS);
const amount = fc.oneof(fc.nat({ max: 3_000 }), fc.nat({ max: 200_000 }));

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('fund' as const),
      w,
      kind: fc.oneof(
        { weight: 12, arbitrary: fc.constant('credit' as const) },
        { weight: 2, arbitrary: fc.constant('debit' as const) },
        { weight: 1, arbitrary: fc.constant('freeze' as const) },
        { weight: 2, arbitrary: fc.constant('unfreeze' as const) },
      ),
      amount,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('open' as const),
      w,
      room: index(2),
      tariff: index(TARIFFS.length),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('touch' as const),
      at: fc.array(index(SESSIONS), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('end' as const), at: index(SESSIONS) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('sweep' as const), w }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('tip' as const),
      w,
      key: fc.nat({ max: 20 }),
      amount: fc.integer({ min: 1, max: 4_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('price' as const),
      room: index(2),
      tariff: index(TARIFFS.length),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('limits' as const),
      w,
      values: fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat({ max: 60_000 })), {
        ...{ minLength: 4, maxLength: 4 },
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('room' as const),
      room: index(2),
      isLive: fc.oneof(
        { weight: 4, arbitrary: fc.constant(true) },
        { weight: 1, arbitrary: fc.constant(false) },
      ),
    }),
  },
);

export const history = (length: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      ms: fc.oneof(
        ...[fc.nat({ max: 15 }), fc.nat({ max: 12_000 }), fc.nat({ max: 45_000 })],
        // The borders of the rules: interval, quantum, longest gap, settlement.
        fc.constantFrom(10_000, 15_000, 30_000, 60_000),
      ),
      command,
    }),
    { minLength: length, maxLength: length },
  );

let histories = 0;

/**
 * Runs the steps, all pipelined on one connection. @throws Error at the first reply that differs
 */
export async function runHistory(
  steps: readonly Step[],
  { engine, clock, redis }: { engine: Engine; clock: ManualClock; redis: RedisClient },
): Promise<void> {
  histories += 1;
  const run = new HistoryRun(engine, clock, redis, histories);
  for (const step of steps) run.step(step);
  run.finish();
  await run.compare();
}

class HistoryRun {
  private limitVersion = 0n;
  private readonly model: Model;
  private readonly sessions: string[] = [];
  private readonly checks: { what: string; real: Promise<string>; wanted: string }[] = [];

  constructor(
    readonly engine: Engine,
    private readonly clock: ManualClock,
    readonly redis: RedisClient,
    private readonly number: number,
  ) {
    this.model = new Model(clock.nowMs(), {
      quantumMs: BigInt(TIMING.quantumMs),
      maxGapMs: BigInt(TIMING.maxGapMs),
      graceMs: BigInt(TIMING.graceMs),
    });
  }

  step({ ms, command: one }: Step): void {
    this.clock.advance(ms);
    this.model.now = BigInt(this.clock.nowMs());
    this.perform(one);
  }

  finish(): void {
    for (const id of this.sessions) this.end(id);
    for (let at = 0; at < WALLETS; at += 1) this.expectWallet(this.wallet(at));
    for (let at = 0; at < 2; at += 1) this.perform({ type: 'room', room: at, isLive: false });
  }

  async compare(): Promise<void> {
    const seen = await Promise.all(this.checks.map((one) => one.real));
    this.checks.forEach(({ what, wanted }, at) => {
      if (seen[at] !== wanted) {
        throw new Error(`step ${at} ${what}: scripts "${seen[at]}", model "${wanted}"`);
      }
    });
    const { spent, funded, wallets } = this.model;
    const left = [...wallets.values()].reduce((sum, one) => sum + one.cash - one.debt, 0n);
    if (funded - spent !== left) throw new Error('the model itself does not add up');
    const audits = await Promise.all(this.shards().map((shard) => auditShard(shard, this)));
    const audited = audits.reduce((sum, one) => sum + one.spent, 0n);
    if (audited !== spent) throw new Error(`the outbox says ${audited}, the model ${spent}`);
    // What is over would be swept by all histories to come.
    await Promise.all(this.shards().map((shard) => clearShard(shard, this.redis)));
  }

  private perform(one: Command): void {
    switch (one.type) {
      case 'fund': {
        this.fund(one.w, one.kind, BigInt(one.amount));
        return;
      }
      case 'open': {
        this.open(one);
        return;
      }
      case 'touch': {
        this.touch(one.at);
        return;
      }
      case 'end': {
        this.end(this.sessions.at(-1 - one.at));
        return;
      }
      case 'sweep': {
        this.sweep(one.w);
        return;
      }
      case 'tip': {
        this.tip(one);
        return;
      }
      case 'price': {
        this.price(one);
        return;
      }
      case 'limits': {
        this.limits(one);
        return;
      }
      case 'room':
        this.model.setRoom(this.room(one.room), one.isLive);
        {
          this.expect('room', 'set', this.setRoom(this.room(one.room), one.isLive));
          return;
        }
    }
  }

  private fund(at: number, kind: FundKind, value: bigint): void {
    const wallet = this.wallet(at);
    const moved = kind === 'credit' || kind === 'debit' ? value : 0n;
    this.model.fund(wallet, kind, moved);
    const { cmdSeq } = this.model.wallet(wallet);
    const real = this.engine.fund({ wallet, cmdSeq, kind, amount: moved });
    this.expect(
      `${kind} ${moved}`,
      `APPLIED ${this.state(wallet)}`,
      real.then((reply) => `${reply.status} ${reply.wallet.owned} ${reply.wallet.held}`),
    );
  }

  private open(one: Extract<Command, { type: 'open' }>): void {
    const wallet = this.wallet(one.w);
    const id = newSessionId(shardOfWallet(wallet), this.clock.nowMs());
    const tariff = TARIFFS[one.tariff] as Tariff;
    const wanted = this.model.openSession(id, wallet, this.room(one.room), tariff);
    if (wanted.startsWith('opened')) this.sessions.push(id);
    const real = this.engine.open({
      ...{ sessionId: id, wallet, room: this.room(one.room), payee: '99', entryMs: 1_000 },
      ...{ tariff: tariffText(tariff), key: `key-${id}`, fingerprint: '0123456789abcdef' },
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
    const chosen = at.flatMap((one) => this.sessions.at(-1 - one) ?? []);
    const wallet = this.model.sessions.get(chosen[0] ?? '')?.wallet;
    if (wallet === undefined) return;
    const ids = chosen.filter((id) => this.model.sessions.get(id)?.wallet === wallet);
    const verdicts = ids.map((id) => this.model.touch(id));
    const shard = shardOfWallet(wallet);
    const real = this.engine.touch(
      shard,
      ids.map((id) => [id, 'g'] as const),
    );
    const wanted = verdicts.map((verdict) => `${verdict} ${this.state(wallet)}`).join(', ');
    this.expect(
      'touch',
      wanted,
      real.then((rows) => {
        return rows.map((row) => `${verdictOf(row)} ${row.owned} ${row.held}`).join(', ');
      }),
    );
  }

  private end(id: string | undefined): void {
    if (id === undefined) return;
    const wanted = this.model.end(id, 'left');
    const session = this.model.sessions.get(id);
    const charged = `${session?.charged ?? 0n} ${session?.billable ?? 0n}`;
    this.expect(
      'end',
      `${wanted} ${charged}`,
      this.engine.end(id, 'left').then((reply) => {
        const what = reply.wasEnded ? 'ended' : 'cut';
        return `${what} ${reply.reason} ${reply.charged} ${reply.billMs}`;
      }),
    );
  }

  /** Skipped where two sessions of a wallet are due at once: their order is nobody's promise. */
  private sweep(at: number): void {
    const shard = shardOfWallet(this.wallet(at));
    const wallets = [0, 1, 2].map((one) => this.wallet(one));
    const here = wallets.filter((one) => shardOfWallet(one) === shard);
    const now = this.model.now;
    const isDue = (one: { lastProof: bigint; limit: bigint | undefined }): boolean =>
      one.limit !== undefined || now - one.lastProof > BigInt(TIMING.maxGapMs);
    if (here.some((one) => this.model.open(one).filter(isDue).length > 1)) return;
    const wanted = this.sessions
      .filter((id) => here.includes(this.model.sessions.get(id)?.wallet ?? ''))
      .flatMap((id) => {
        const verdict = this.model.sweep(id);
        return verdict === undefined ? [] : [`${id} ${verdict}`];
      });
    const ours = new Set(this.sessions);
    const real = this.engine.sweep(shard, { limit: 100, isSuspended: false });
    this.expect(
      'sweep',
      wanted.sort().join(', '),
      real.then(({ notices }) =>
        notices
          .filter((one) => one.kind === 'cut' && ours.has(one.sessionId))
          .map((one) => `${one.sessionId} cut ${one.reason}`)
          .sort()
          .join(', '),
      ),
    );
    this.expectWallet(this.wallet(at));
  }

  private tip(one: Extract<Command, { type: 'tip' }>): void {
    const wallet = this.wallet(one.w);
    const key = `tip-${this.number}-${one.w}-${one.key}`;
    const wanted = this.model.tip(key, wallet, BigInt(one.amount), 6_000);
    const real = this.engine.tip({
      ...{ wallet, room: this.room(0), payee: '99', amount: BigInt(one.amount), bps: 6_000, key },
      ...{ tipId: '0123456789ABCDEFGHJKMNPQRS', fingerprint: `${one.amount}`.padStart(16, '0') },
    });
    this.expect(
      'tip',
      `${wanted} ${this.state(wallet)}`,
      real.then((reply) => `${reply.status} ${reply.wallet.owned} ${reply.wallet.held}`),
    );
  }

  private price({ room: at, tariff }: Extract<Command, { type: 'price' }>): void {
    const room = this.room(at);
    const fresh = TARIFFS[tariff] as Tariff;
    const wanted = this.model.setTariff(room, fresh);
    const args = { room, tariff: tariffText(fresh), version: 0, after: '', limit: 100 };
    const base = { ...args, now: this.clock.nowMs(), timing: timingText(TIMING) };
    const replies = this.shards().map((shard) => setTariff.run(this.redis, { ...base, shard }));
    this.expect(
      `price ${tariff}`,
      wanted.sort().join(', '),
      Promise.all(replies).then((all) =>
        all
          .flatMap(({ changed }) => changed)
          .map((one) => `${one.sessionId} ${one.reason ? `cut ${one.reason}` : 'repriced'}`)
          .sort()
          .join(', '),
      ),
    );
    for (let one = 0; one < WALLETS; one += 1) this.expectWallet(this.wallet(one));
  }

  private limits({ w: at, values }: Extract<Command, { type: 'limits' }>): void {
    const wallet = this.wallet(at);
    const [perShow = 0n, perMinute = 0n, perDay = 0n, perTip = 0n] = values.map(BigInt);
    const limits = { perShow, perMinute, perDay, perTip };
    this.model.setLimits(wallet, limits);
    this.limitVersion += 1n;
    const real = this.engine.setLimits({ ...limits, wallet, version: this.limitVersion });
    this.expect(
      'limits',
      this.state(wallet),
      real.then((one) => `${one.owned} ${one.held}`),
    );
  }

  private expectWallet(wallet: string): void {
    const { debt, cmdSeq }: ModelWallet = this.model.wallet(wallet);
    const wanted = `${this.state(wallet)} ${debt} ${cmdSeq}`;
    this.expect(
      'wallet',
      wanted,
      this.engine
        .readWallet(wallet)
        .then((real) => `${real.owned} ${real.held} ${real.debt} ${real.cmdSeq}`),
    );
  }

  /** Only in the shards of this history: the others have none of its sessions. */
  private async setRoom(room: string, isLive: boolean): Promise<string> {
    const state = isLive ? 'live' : 'down';
    const args = { room, state, sinceMs: 0, reason: 'show_ended', after: '', limit: 100 } as const;
    const now = this.clock.nowMs();
    const timing = timingText(TIMING);
    const calls = this.shards().map((shard) => {
      return setRoom.run(this.redis, { ...args, shard, now, timing });
    });
    await Promise.all(calls);
    return 'set';
  }

  private shards(): number[] {
    return [...new Set([0, 1, 2].map((at) => shardOfWallet(this.wallet(at))))];
  }

  private expect(what: string, wanted: string, real: Promise<string>): void {
    this.checks.push({ what, wanted, real });
    // Seen by compare(); a rejection before that must not end the process.
    real.catch(() => undefined);
  }

  private state(wallet: string): string {
    return `${this.model.wallet(wallet).cash} ${this.model.held(wallet)}`;
  }

  private wallet(at: number): string {
    return String(this.number * 10 + at + 1);
  }

  private room(at: number): string {
    return String(this.number * 10 + at + 1);
  }
}

function verdictOf(row: { verdict: string; reason?: string }): string {
  if (row.verdict === 'cut' || row.verdict === 'ended') return `${row.verdict} ${row.reason}`;
  return row.verdict === 'unknown' ? 'unknown' : 'goes on';
}
