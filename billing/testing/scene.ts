// A scene: viewers who open, prove life, tip and leave at given instants, played with the scripts
// on one shard of a real Redis. What comes of it is a ledger without times and ids, so that scenes
// that must end alike can be compared. Used by metamorphic.test.ts.
import type { RedisClient } from '../../cluster/index.js';
import * as scripts from '../scripts.js';
import { newSessionId } from '../shard.js';
import { type Tariff, tariffText, type Timing, timingText } from '../tariff.js';
import { auditShard, clearShard, type Spending } from './auditor.js';
import { walletsOf } from './wallet-ids.js';

/** Proofs of life every 10 s. */
const TIMING: Timing = { quantumMs: 15_000, maxGapMs: 30_000, graceMs: 5_000, settleMs: 60_000 };
const ROOM = '7';

/** Instants are ms from the beginning of the scene. */
export interface Viewer {
  readonly tariff: Tariff;
  readonly cash: bigint;
  /** Bonus lots that never expire, in the order of spending. */
  readonly lots: readonly bigint[];
  readonly proofs: readonly number[];
  readonly tips: readonly { readonly atMs: number; readonly amount: bigint }[];
  readonly leavesMs: number;
}

export interface Scene {
  readonly viewers: readonly Viewer[];
  /** The stream is down from the first to the second. */
  readonly down: readonly [number, number];
}

/** How a scene is played: none of it may change what comes of it. */
export interface Staging {
  readonly shard: number;
  readonly startMs: number;
  /** How often each command is given. */
  readonly copies: number;
  /** When the sweeper looks. */
  readonly sweeps: readonly number[];
  /** Of viewers who act at the same instant the last comes first. */
  readonly isReversed: boolean;
  /** Proofs of life of the same instant come in one call. */
  readonly isGathered: boolean;
}

/** Of one viewer, milli-credits. */
export interface Outcome {
  readonly owned: bigint;
  readonly billMs: number;
  /** What the show has cost, then each tip. */
  readonly paid: readonly bigint[];
  /** What each lot has paid; of which show or tip depends on when time is charged. */
  readonly lots: readonly bigint[];
}

interface Act {
  readonly atMs: number;
  /** Sessions whose life it proves; none of other acts. */
  readonly proofs: readonly string[];
  readonly run: (proofs: readonly string[]) => Promise<unknown>;
}

const act = (atMs: number, run: () => Promise<unknown>): Act => ({ atMs, proofs: [], run });

/** @throws Error of the auditor when the shard's own records do not fit */
export async function play(
  redis: RedisClient,
  { viewers, down }: Scene,
  { shard, startMs, copies, sweeps, isReversed, isGathered }: Staging,
): Promise<readonly Outcome[]> {
  await clearShard(shard, redis, startMs);
  const base = (atMs: number) => ({
    ...{ shard, now: startMs + atMs, timing: timingText(TIMING), limit: 100 },
  });
  const setRoom = (state: 'live' | 'down', atMs: number): Promise<unknown> =>
    scripts.setRoom.run(redis, {
      ...{ ...base(atMs), room: ROOM, state, sinceMs: 0, reason: 'show_ended', after: '' },
    });
  const ids = walletsOf(shard, viewers.length);
  const seats = viewers.map((viewer, at) => new Seat(redis, viewer, ids[at] ?? '', base));
  const sweep = (atMs: number): Promise<unknown> =>
    scripts.sweepSessions.run(redis, { ...base(atMs), isSuspended: false });
  const acts: readonly Act[] = [
    act(0, () => setRoom('live', 0)),
    act(down[0], () => setRoom('down', down[0])),
    act(down[1], () => setRoom('live', down[1])),
    ...seats.flatMap((seat) => seat.funds()),
    ...(isReversed ? seats.toReversed() : seats).flatMap((seat) => seat.acts()),
    ...sweeps.map((atMs) => act(atMs, () => sweep(atMs))),
  ];
  // Sorting is stable; the stream comes first. One connection keeps the order of the commands.
  const sorted = acts.toSorted((a, b) => a.atMs - b.atMs);
  const sent = isGathered ? gather(sorted) : sorted;
  const calls = sent.flatMap(({ run, proofs }) => {
    return Array.from({ length: copies }, () => run(proofs));
  });
  await Promise.all(calls);
  const { spendings } = await auditShard(shard, redis);
  return Promise.all(seats.map((seat) => seat.outcome(spendings)));
}

/** Proofs of life that follow one another at the same instant become one act. */
function gather(acts: readonly Act[]): readonly Act[] {
  const gathered: Act[] = [];
  for (const one of acts) {
    const last = gathered.at(-1);
    if (last?.atMs === one.atMs && last.proofs.length > 0 && one.proofs.length > 0) {
      gathered.splice(-1, 1, { ...last, proofs: [...last.proofs, ...one.proofs] });
    } else gathered.push(one);
  }
  return gathered;
}

/** A viewer of a scene at one shard. */
class Seat {
  private readonly sessionId: string;

  constructor(
    private readonly redis: RedisClient,
    private readonly viewer: Viewer,
    private readonly wallet: string,
    private readonly base: (atMs: number) => {
      shard: number;
      now: number;
      timing: ReturnType<typeof timingText>;
      limit: number;
    },
  ) {
    const { shard, now } = base(0);
    this.sessionId = newSessionId(shard, now);
  }

  funds(): Act[] {
    const { wallet, viewer } = this;
    const all = [
      ...viewer.lots.map((amount, at) => ({ amount, lot: this.lotId(at) })),
      viewer.cash,
    ];
    return all.map((one, at) =>
      act(0, () =>
        scripts.fundWallet.run(this.redis, {
          ...{ ...this.base(0), wallet, cmdSeq: BigInt(at + 1) },
          ...(typeof one === 'bigint'
            ? { kind: 'credit', amount: one }
            : { kind: 'lot', amount: one.amount, lot: `${one.lot} 0 5 0` }),
        }),
      ),
    );
  }

  /** Its own in the order of time; whoever proves life at the end leaves afterwards. */
  acts(): Act[] {
    const { redis, wallet, sessionId, viewer } = this;
    const { tariff, proofs, tips, leavesMs } = viewer;
    const opens = {
      ...{ sessionId, wallet, room: ROOM, payee: '99', entryMs: 0, key: `scene-open-${wallet}` },
      ...{ tariff: tariffText(tariff), fingerprint: '0123456789abcdef' },
    };
    return [
      act(0, () => scripts.openSession.run(redis, { ...this.base(0), ...opens })),
      ...proofs.map((atMs) => ({
        ...{ atMs, proofs: [sessionId] },
        run: (all: readonly string[]) => this.prove(atMs, all),
      })),
      ...tips.map(({ atMs, amount }, at) => act(atMs, () => this.tip(atMs, at, amount))),
      act(leavesMs, () => this.leave(leavesMs)),
    ];
  }

  private prove(atMs: number, sessions: readonly string[]): Promise<unknown> {
    const items = sessions.map((one) => [one, 'g'] as const);
    return scripts.touchSessions.run(this.redis, { ...this.base(atMs), items });
  }

  private tip(atMs: number, at: number, amount: bigint): Promise<unknown> {
    return scripts.tipPayee.run(this.redis, {
      ...{ ...this.base(atMs), wallet: this.wallet, room: ROOM, payee: '99', amount, bps: 6_000 },
      ...{ tipId: this.sessionId, key: `scene-tip-${this.wallet}-${at}` },
      fingerprint: String(amount).padStart(16, '0'),
    });
  }

  private leave(atMs: number) {
    const { redis, sessionId } = this;
    return scripts.endSession.run(redis, { ...this.base(atMs), sessionId, reason: 'left' });
  }

  async outcome(spendings: ReadonlyMap<string, Spending>): Promise<Outcome> {
    const { shard } = this.base(0);
    const { billMs } = await this.leave(this.viewer.leavesMs);
    const { cash, lots } = await scripts.readLots.run(this.redis, {
      ...{ shard, wallet: this.wallet },
    });
    const keys = this.viewer.tips.map((_, at) => `scene-tip-${this.wallet}-${at}`);
    const mine = [this.sessionId, ...keys].map((source) => spendings.get(source));
    const used = this.viewer.lots.map((_, at) => {
      return mine.reduce((sum, one) => sum + (one?.lots.get(this.lotId(at)) ?? 0n), 0n);
    });
    const paid = mine.map((one) => one?.amount ?? 0n);
    const owned = lots.reduce((sum, lot) => sum + lot.amount, cash);
    return { owned, billMs, paid, lots: used };
  }

  private lotId(at: number): string {
    return String(Number(this.wallet) * 100 + at);
  }
}
