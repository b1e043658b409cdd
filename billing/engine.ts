// Runs the money scripts: fenced, with retries that are safe because every script is idempotent,
// and with server faults turned into coded errors. Used by all roles of billing; holds no state of
// its own.
import { setTimeout as delay } from 'node:timers/promises';
import {
  coerceError,
  NoScriptError,
  type RedisClient,
  ReplyError,
  type Script,
} from '../cluster/index.js';
import { billingError } from './errors.js';
import type { BillingMetrics } from './metrics.js';
import * as scripts from './scripts.js';
import type { EndReason } from './schema.js';
import { ALL_SHARDS, shardOfSession, shardOfWallet } from './shard.js';
import { type Timing, timingText } from './tariff.js';

/** Lifts the fence: compares every shard with SQL, mends what is behind, then loads the scripts. */
export interface FenceLifter {
  lift(): Promise<void>;
}

export interface EngineOptions {
  readonly redis: RedisClient;
  readonly fence: FenceLifter;
  readonly timing: Timing;
  readonly metrics: BillingMetrics;
  /** Tests pass their own time; production leaves it to the server (0). */
  readonly now?: () => number;
}

const ATTEMPTS = 4;
const RETRY_AFTER_MS = 100;
/** More in a call would keep tips waiting for over 2 ms, where Redis has a slow core to itself. */
export const BATCH_MAX = 40;

type Omitted = 'shard' | 'now' | 'timing';

export class Engine {
  private readonly timing: string;

  constructor(private readonly options: EngineOptions) {
    this.timing = timingText(options.timing);
  }

  open(args: Omit<scripts.OpenArgs, Omitted>) {
    return this.run(scripts.openSession, { ...args, ...this.base(shardOfWallet(args.wallet)) });
  }

  /** At most BATCH_MAX items, all of one shard. */
  touch(shard: number, items: readonly (readonly [string, scripts.TouchSource])[]) {
    return this.run(scripts.touchSessions, { items, ...this.base(shard) });
  }

  /** @throws AppError BILLING_SESSION_UNKNOWN */
  async end(sessionId: string, reason: EndReason) {
    const shard = sessionShard(sessionId);
    const args = { sessionId, reason, ...this.base(shard) };
    const reply = await this.run(scripts.endSession, args);
    if (reply.status !== 'OK')
      throw billingError('BILLING_SESSION_UNKNOWN', { session: sessionId });
    return reply;
  }

  tip(args: Omit<scripts.TipArgs, Omitted>) {
    return this.run(scripts.tipPayee, { ...args, ...this.base(shardOfWallet(args.wallet)) });
  }

  fund(args: {
    wallet: string;
    cmdSeq: bigint;
    kind: scripts.FundKind;
    amount: bigint;
    lot?: string;
  }) {
    return this.run(scripts.fundWallet, { ...args, ...this.base(shardOfWallet(args.wallet)) });
  }

  /** At most BATCH_MAX wallets, all of one shard. @returns those that lost something */
  expireLots(shard: number, wallets: readonly string[]) {
    return this.run(scripts.expireLots, { wallets, ...this.base(shard) });
  }

  sweep(shard: number, options: { limit: number; isSuspended: boolean; isSparing?: boolean }) {
    return this.run(scripts.sweepSessions, { ...options, ...this.base(shard) });
  }

  /** Of the sessions that a sweep would look at, those that are silent. */
  countSilent(shard: number, limit: number) {
    return this.run(scripts.countSilent, { limit, ...this.base(shard) });
  }

  /** Tells all shards; answers the sessions that ended by it. */
  async setRoom(
    args: Pick<scripts.SetRoomArgs, 'room' | 'state' | 'sinceMs' | 'reason'>,
  ): Promise<readonly EndedByRoom[]> {
    const perShard = await Promise.all(ALL_SHARDS.map((shard) => this.setRoomIn(shard, args)));
    return perShard.flat();
  }

  /** Tells all shards the price of a room; answers the sessions that it changed or ended. */
  async setTariff(
    args: Pick<scripts.SetTariffArgs, 'room' | 'tariff' | 'version'>,
  ): Promise<readonly RepricedSession[]> {
    const perShard = await Promise.all(ALL_SHARDS.map((shard) => this.setTariffIn(shard, args)));
    return perShard.flat();
  }

  setLimits(limits: scripts.WalletLimits) {
    const { shard, now } = this.base(shardOfWallet(limits.wallet));
    return this.run(scripts.setLimits, { ...limits, shard, now });
  }

  /** @throws AppError BILLING_SESSION_UNKNOWN */
  async readSession(sessionId: string) {
    const shard = sessionShard(sessionId);
    const session = await this.run(scripts.readSession, { shard, sessionId });
    if (session === undefined)
      throw billingError('BILLING_SESSION_UNKNOWN', { session: sessionId });
    return session;
  }

  readWallet(wallet: string) {
    return this.run(scripts.readWallet, { shard: shardOfWallet(wallet), wallet });
  }

  readLots(wallet: string) {
    return this.run(scripts.readLots, { shard: shardOfWallet(wallet), wallet });
  }

  snapshot(shard: number) {
    return this.run(scripts.snapshotShard, { shard });
  }

  trim(args: { shard: number; epoch: bigint; seq: bigint; tail: number }) {
    return this.run(scripts.trimOutbox, args);
  }

  private base(shard: number) {
    return { shard, now: this.options.now?.() ?? 0, timing: this.timing };
  }

  private async setRoomIn(
    shard: number,
    args: Pick<scripts.SetRoomArgs, 'room' | 'state' | 'sinceMs' | 'reason'>,
  ): Promise<EndedByRoom[]> {
    const ended: EndedByRoom[] = [];
    let after = '';
    do {
      const page = { ...args, after, limit: BATCH_MAX, ...this.base(shard) };
      const reply = await this.run(scripts.setRoom, page);
      ended.push(...reply.ended);
      after = reply.next;
    } while (after !== '');
    return ended;
  }

  private async setTariffIn(
    shard: number,
    args: Pick<scripts.SetTariffArgs, 'room' | 'tariff' | 'version'>,
  ): Promise<RepricedSession[]> {
    const changed: RepricedSession[] = [];
    let after = '';
    do {
      const page = { ...args, after, limit: BATCH_MAX, ...this.base(shard) };
      const reply = await this.run(scripts.setTariff, page);
      changed.push(...reply.changed);
      after = reply.next;
    } while (after !== '');
    return changed;
  }

  private refused(thrown: unknown): unknown {
    const why = refusalOf(thrown);
    this.options.metrics.refusals.inc({ why });
    if (why === 'fenced') return billingError('BILLING_FENCED', {}, thrown);
    return why === 'fault'
      ? thrown
      : billingError('BILLING_UNAVAILABLE', { store: 'Redis' }, thrown);
  }

  private async run<A, R>(script: Script<A, R>, args: A): Promise<R> {
    const { redis, fence, metrics } = this.options;
    const stop = metrics.scriptSeconds.startTimer({ script: script.header.name });
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await script.run(redis, args);
        } catch (thrown) {
          if (attempt >= ATTEMPTS) throw this.refused(thrown);
          if (isFence(thrown)) await fence.lift();
          else if (isLinkFault(thrown)) await delay(RETRY_AFTER_MS * attempt);
          else throw this.refused(thrown);
        }
      }
    } finally {
      stop();
    }
  }
}

export type EndedByRoom = scripts.WalletState & {
  readonly sessionId: string;
  readonly reason: EndReason;
  readonly wallet: string;
};

export type RepricedSession = scripts.WalletState & {
  readonly sessionId: string;
  readonly reason?: EndReason;
  readonly wallet: string;
};

function sessionShard(sessionId: string): number {
  const shard = shardOfSession(sessionId);
  if (shard === undefined) throw billingError('BILLING_SESSION_UNKNOWN', { session: sessionId });
  return shard;
}

/** New server incarnation, or a shard that nobody has compared with the ledger. */
function isFence(thrown: unknown): boolean {
  if (thrown instanceof NoScriptError) return true;
  return ReplyError.isReply(thrown) && coerceError(thrown).message.includes('FENCED');
}

/** The link broke or the slot moves: unknown whether the script ran, and safe to run it again. */
function isLinkFault(thrown: unknown): boolean {
  if (ReplyError.isTryAgain(thrown)) return true;
  return !ReplyError.isReply(thrown) && isIoredisFault(coerceError(thrown));
}

/** What ioredis rejects with when no server has answered. */
const LINK_FAULTS = [
  /Connection is closed|Stream isn't writeable|Command timed out|ECONN|EPIPE|ETIMEDOUT/,
  /MaxRetriesPerRequestError|ClusterAllFailedError|None of startup nodes/,
];

function isIoredisFault({ name, message }: Error): boolean {
  return LINK_FAULTS.some((pattern) => pattern.test(`${name} ${message}`));
}

type Refusal = 'fenced' | 'full' | 'not_ready' | 'away' | 'fault';

/** Why a script did not run, or is not known to have run. */
function refusalOf(thrown: unknown): Refusal {
  if (isFence(thrown)) return 'fenced';
  if (ReplyError.isOutOfMemory(thrown)) return 'full';
  if (ReplyError.isReply(thrown) && NOT_READY.test(coerceError(thrown).message)) return 'not_ready';
  return isLinkFault(thrown) ? 'away' : 'fault';
}

/** A server that starts, follows another one, cannot write its log or is busy with one script. */
const NOT_READY = /^(LOADING|BUSY|MISCONF|CLUSTERDOWN|MASTERDOWN|READONLY|NOREPLICAS)/;
