// The requests of one connection that have to wait for Redis: first the feeds, then, in one write
// with all others of the turn, tickets and channels. The answers are given together, at once when
// the last one has come; who is let in is decided by those who get them. By callbacks: a promise
// for each step was a third of the garbage of a connect.
import { coerceError, type Logger } from '../cluster/index.js';
import type { Access, Admittance } from './access.js';
import type { Channel } from './channel.js';
import type { Hub, OpenListener } from './hub.js';
import type { GatewayMetrics } from './metrics.js';
import type { ErrorCode, SubscribeRequest } from './protocol/index.js';
import type { Asker } from './turn-calls.js';

export interface EntranceOptions {
  readonly hub: Pick<Hub, 'whenOpen' | 'onceFollowed' | 'older'>;
  readonly access: Pick<Access, 'claim'>;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
}

/** A request and what its ticket says. */
export interface Asked {
  readonly request: SubscribeRequest;
  readonly verdict: ReturnType<Access['join']>;
}

/** A request that Redis has nothing against. */
export interface Admission {
  readonly request: SubscribeRequest;
  readonly channel: Channel;
  readonly ticket: Admittance;
  /**
   * Whether the position can be continued from; looked up in history when the ring is too short.
   */
  readonly canResume: boolean;
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly waitMs?: number;
}

export type Admitted = Admission | ({ readonly request: SubscribeRequest } & Refusal);

export class Entrance {
  private readonly entries: readonly Entry[];
  private left: number;
  private unfollowed = 0;

  /** @param done is told once what Redis says, in the order of `asked` */
  constructor(
    readonly options: EntranceOptions,
    asked: readonly Asked[],
    private readonly done: (admitted: readonly Admitted[]) => void,
  ) {
    this.entries = asked.map((one) => new Entry(this, one));
    this.left = asked.length;
  }

  begin(): void {
    const { hub } = this.options;
    for (const entry of this.entries) entry.begin();
    const followed = (): void => {
      this.unfollowed -= 1;
      if (this.unfollowed === 0) this.claimAll();
    };
    for (const { asked } of this.entries) {
      if (asked.verdict.ok && hub.onceFollowed(asked.request.ch, followed)) this.unfollowed += 1;
    }
    if (this.unfollowed === 0) this.claimAll();
  }

  settled(): void {
    this.left -= 1;
    if (this.left === 0) this.done(this.entries.map(({ answer }) => answer));
  }

  private claimAll(): void {
    for (const entry of this.entries) entry.claim();
  }
}

/** One of them. */
class Entry implements OpenListener, Asker<boolean> {
  answer: Admitted;
  private isSettled = false;
  private isClaimed: boolean;
  private channel: Channel | undefined;

  constructor(
    private readonly entrance: Entrance,
    readonly asked: Asked,
  ) {
    const { request, verdict } = asked;
    this.isClaimed = !(verdict.ok && verdict.isFirstUse);
    this.answer = { request, code: verdict.ok ? 'temporary' : verdict.code };
  }

  begin(): void {
    const { request, verdict } = this.asked;
    if (verdict.ok) this.entrance.options.hub.whenOpen(request.ch, this);
    else this.settle(this.answer);
  }

  /** The ticket of a request that has failed already stays good. */
  claim(): void {
    if (this.isClaimed || this.isSettled) return;
    const { ch, ticket = '' } = this.asked.request;
    this.entrance.options.access.claim(ch, ticket, this);
  }

  opened(channel: Channel): void {
    this.channel = channel;
    this.proceed();
  }

  failed(thrown: unknown): void {
    const { metrics, log } = this.entrance.options;
    metrics.redisErrors.inc({ operation: 'subscribe' });
    log.debug({ event: 'subscribe.failed', err: coerceError(thrown) });
    this.settle({ request: this.asked.request, code: 'temporary' });
  }

  /** Whether the ticket was not used before. */
  answered(isFirst: boolean): void {
    this.isClaimed = true;
    if (isFirst) this.proceed();
    else this.settle({ request: this.asked.request, code: 'ticket_used' });
  }

  private proceed(): void {
    const { channel, asked, isClaimed } = this;
    const { request, verdict } = asked;
    if (channel === undefined || !isClaimed || !verdict.ok) return;
    const admit = (canResume: boolean): void =>
      this.settle({ request, channel, ticket: verdict, canResume });
    if (isAtHand(channel, request)) admit(true);
    else this.isInHistory(channel).then(admit, (thrown: unknown) => this.failed(thrown));
  }

  /**
   * A position that the ring does not reach back to must be found in history before it is promised.
   */
  private async isInHistory(channel: Channel): Promise<boolean> {
    const [, offset = 0] = this.asked.request.pos ?? [];
    const entries = await this.entrance.options.hub.older(channel, offset, 1);
    return entries?.[0]?.offset === offset + 1;
  }

  private settle(answer: Admitted): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.answer = answer;
    this.entrance.settled();
  }
}

/** Whether the ring is enough to say where the reader starts. */
export function isAtHand(channel: Channel, { pos }: SubscribeRequest): boolean {
  return pos === undefined || pos[0] !== channel.epoch || pos[1] >= channel.ring.floor;
}
