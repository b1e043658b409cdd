// Joining and leaving channels: access, backlog or resume, and the moment at which a listener
// becomes live. Invariant: reply, backlog and live messages of a channel leave no gap and no
// overlap (everything between the look at the ring and the subscription to the topic happens in one
// synchronous step).
import type { Logger } from '../cluster/index.js';
import { levelRights, type Access, type Admittance } from './access.js';
import { Arrivals } from './arrivals.js';
import type { Channel } from './channel.js';
import type { Delivery } from './delivery.js';
import {
  Entrance,
  isAtHand,
  type Admission,
  type Admitted,
  type Asked,
  type Refusal,
} from './entrance.js';
import type { Hub } from './hub.js';
import { joinForSend } from './frame-joiner.js';
import type { GatewayMetrics } from './metrics.js';
import {
  channelId,
  errorCodes,
  limits,
  packValue,
  type Position,
  type ServerMessage,
  type SubscribeOutcome,
  type SubscribeRequest,
  type SubscribeResult,
} from './protocol/index.js';
import type { Revocations } from './revocations.js';
import { entryJson, type Entry } from './ring.js';
import type { RoomRules } from './room-rules.js';
import type { Membership, Session, User } from './session.js';

export interface SubscriptionsOptions {
  readonly hub: Hub;
  readonly delivery: Delivery;
  readonly access: Access;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** What the room itself says to a user: refused, for example by a ban; without its messages. */
  readonly rules: Pick<RoomRules, 'refuse' | 'isQuiet'>;
  readonly revocations: Pick<Revocations, 'count' | 'refuses'>;
  readonly onJoined: (session: Session, channel: Channel, membership: Membership) => void;
  /** `isFinal`: the user or the server has ended it, not the network. */
  readonly onLeft: (
    session: Session,
    channel: Channel,
    membership: Membership,
    isFinal: boolean,
  ) => void;
  /** The socket's buffer is full: what was to be said, such as an eviction, was lost. */
  readonly onRefused: (session: Session) => void;
}

/** How the outcomes of requests are told, in the order of the requests. */
export interface Reply {
  readonly message: (outcomes: readonly SubscribeOutcome[]) => ServerMessage;
  /** The message in MessagePack, for replies of which crowds get thousands. */
  readonly pack?: (outcomes: readonly SubscribeOutcome[]) => Uint8Array;
}

/** What a connection asked for at once. */
interface Wish {
  readonly session: Session;
  readonly user: User;
  /** Channels that it has left meanwhile. */
  left: Set<string> | undefined;
  /** Orders to this worker before it asked. */
  readonly ordersBefore: number;
}

/** What goes with a reply, encoded. */
interface Parts {
  readonly binary: Buffer[];
  readonly json: string[];
}

/** Replays of more messages than this go in portions that the socket can take. */
const INLINE_MAX = 64;

export class Subscriptions {
  private readonly arrivals = new Arrivals();
  /** Those that wait for Redis; most connections ask once. */
  private readonly waiting = new Map<Session, readonly Wish[]>();

  constructor(private readonly options: SubscriptionsOptions) {}

  /**
   * Subscribes to all of `requests`, then sends the reply with every backlog in one frame: at once,
   * or when Redis has answered. Requests that cannot be granted fail one by one.
   */
  subscribe(session: Session, requests: readonly SubscribeRequest[], reply: Reply): void {
    const { user } = session;
    if (user === undefined) return;
    const { access, revocations } = this.options;
    const asked = requests.map((request) => {
      return { request, verdict: access.join(user, request.ch, request.ticket) };
    });
    const wish: Wish = { session, user, left: undefined, ordersBefore: revocations.count };
    const admitted = this.admitAtOnce(asked);
    if (admitted !== undefined) {
      this.joinAll(wish, admitted, reply);
      return;
    }
    this.expect(wish);
    const entrance = new Entrance(this.options, asked, (answers) => {
      this.answered(wish);
      this.joinAll(wish, answers, reply);
    });
    this.arrivals.add(() => entrance.begin());
  }

  /** The client leaves a channel, or does not want it any more if that is still on its way. */
  abandon(session: Session, name: string): void {
    for (const wish of this.waiting.get(session) ?? []) (wish.left ??= new Set()).add(name);
    const channel = session.channels.get(name);
    if (channel !== undefined) this.leave(session, channel);
  }

  leave(session: Session, channel: Channel, isFinal = true): void {
    const membership = channel.members.get(session);
    if (membership === undefined) return;
    this.options.delivery.detach(session, channel);
    channel.members.delete(session);
    session.channels.delete(channel.name);
    this.options.onLeft(session, channel, membership, isFinal);
  }

  /** The connection has ended; `isFinal` = it may not come back. */
  leaveAll(session: Session, isFinal = false): void {
    for (const channel of [...session.channels.values()]) this.leave(session, channel, isFinal);
  }

  /** Ends one subscription from the server's side and says so. */
  evict(session: Session, channel: Channel, reason: string, retry = false): void {
    if (!channel.members.has(session)) return;
    this.options.metrics.evictions.inc({ reason });
    this.leave(session, channel);
    this.send(session, [{ p: 'unsub', a: channel.alias, ch: channel.name, reason, retry }]);
  }

  send(session: Session, messages: readonly ServerMessage[]): void {
    if (session.isEnded) return;
    const frame = session.isBinary
      ? joinForSend(messages.map(packValue))
      : JSON.stringify(messages);
    if (session.socket.send(frame) === 'dropped') this.options.onRefused(session);
  }

  /** What can be said without Redis; undefined = one of the requests has to wait for it. */
  private admitAtOnce(asked: readonly Asked[]): readonly Admitted[] | undefined {
    const admitted: Admitted[] = [];
    for (const { request, verdict } of asked) {
      if (!verdict.ok) {
        admitted.push({ request, code: verdict.code });
        continue;
      }
      const channel = verdict.isFirstUse ? undefined : this.options.hub.peek(request.ch);
      if (channel === undefined || !isAtHand(channel, request)) return undefined;
      admitted.push({ request, channel, ticket: verdict, canResume: true });
    }
    return admitted;
  }

  private expect(wish: Wish): void {
    this.waiting.set(wish.session, [...(this.waiting.get(wish.session) ?? []), wish]);
  }

  private answered(wish: Wish): void {
    const { session } = wish;
    const others = this.waiting.get(session)?.filter((one) => one !== wish) ?? [];
    if (others.length > 0) this.waiting.set(session, others);
    else this.waiting.delete(session);
  }

  /**
   * Membership at the moment of joining: bans, flags and orders that came while the request waited
   * hold for it, since those who are not inside yet do not hear of them.
   */
  private welcome(wish: Wish, { channel, ticket }: Admission): Membership | Refusal {
    const { hub, rules } = this.options;
    const { session, user, left } = wish;
    // Nobody listened to it, and its time was over just now: nothing would ever come.
    if (hub.peek(channel.name) !== channel) return { code: 'temporary' };
    if (left?.has(channel.name) === true) return { code: 'not_subscribed' };
    const isFull = session.channels.size >= limits.subscriptionsMax;
    if (isFull && !session.channels.has(channel.name)) return { code: 'too_many_channels' };
    if (this.isRevoked(wish, channel, ticket)) return { code: 'bad_ticket' };
    const { membership } = ticket;
    const refusal = rules.refuse(user, channel, membership);
    if (refusal !== undefined) return refusal;
    const isQuiet = rules.isQuiet(user, channel, membership);
    return isQuiet ? { isQuiet, ...membership } : membership;
  }

  private isRevoked(
    { user, ordersBefore }: Wish,
    { name }: Channel,
    { membership, isFirstUse, issuedMs }: Admittance,
  ): boolean {
    if (issuedMs === undefined) return false;
    const { level, bill } = membership;
    return this.options.revocations.refuses({
      user: user.id,
      room: channelId(name),
      bill,
      issuedMs,
      isStaff: levelRights[level].mayModerate,
      isRenewable: !isFirstUse,
      shownAt: ordersBefore,
    });
  }

  private joinAll(wish: Wish, admitted: readonly Admitted[], reply: Reply): void {
    const { session } = wish;
    if (session.isEnded) return;
    const outcomes: SubscribeOutcome[] = [];
    const parts: Parts = { binary: [], json: [] };
    for (const one of admitted) {
      const decision = 'code' in one ? one : this.welcome(wish, one);
      if ('code' in one || 'code' in decision) {
        outcomes.push(refused(one.request, decision as Refusal));
        continue;
      }
      const result = this.join(session, one, decision, parts);
      outcomes.push(result);
    }
    const { message, pack = (all: readonly SubscribeOutcome[]) => packValue(message(all)) } = reply;
    const frame = session.isBinary
      ? joinForSend([pack(outcomes), ...parts.binary])
      : `[${[JSON.stringify(message(outcomes)), ...parts.json].join(',')}]`;
    if (session.socket.send(frame) === 'dropped') this.options.onRefused(session);
    else if (session.lagging !== undefined) this.options.delivery.pump(session);
  }

  private join(
    session: Session,
    { request, channel, ticket, canResume }: Admission,
    membership: Membership,
    parts: Parts,
  ): SubscribeResult {
    const { delivery, access, metrics } = this.options;
    const before = session.channels.has(channel.name) ? channel.members.get(session) : undefined;
    if (before !== undefined) {
      // The new ticket may have another level, and another paid session to keep alive.
      delivery.detach(session, channel);
      this.options.onLeft(session, channel, before, false);
    }
    channel.members.set(session, membership);
    session.channels.set(channel.name, channel);
    this.options.onJoined(session, channel, membership);
    const { epoch } = channel;
    const top = channel.flushedTop;
    const isQuiet = membership.isQuiet === true;
    const start = isQuiet
      ? { from: top, recovered: false }
      : startOf(channel, canResume ? request.pos : undefined);
    const replay = start.recovered ? channel.ring.range(start.from, top) : isQuiet ? [] : undefined;
    const isLagging = start.recovered && (replay === undefined || replay.length > INLINE_MAX);
    if (isLagging) {
      delivery.lag(session, channel, start.from);
      metrics.resumes.inc({ source: replay === undefined ? 'history' : 'ring' });
    } else {
      this.addBacklog(session, channel, replay, parts);
      delivery.attach(session, channel, membership);
      if (start.recovered) metrics.resumes.inc({ source: 'ring' });
    }
    if (request.pos !== undefined && !start.recovered && !isQuiet)
      metrics.resumes.inc({ source: 'failed' });
    const { user } = session;
    const resume = user === undefined ? undefined : access.resumeTicket(user, channel.name, ticket);
    const { level } = membership;
    const { from, recovered } = start;
    const result: { -readonly [K in keyof SubscribeResult]: SubscribeResult[K] } = {
      ch: channel.name,
      a: channel.alias,
      epoch,
      from,
      top,
      level,
      recovered,
    };
    if (isQuiet) result.chat = false;
    if (resume !== undefined) result.resume = resume;
    return result;
  }

  private addBacklog(
    session: Session,
    channel: Channel,
    replay: readonly Entry[] | undefined,
    { binary, json }: Parts,
  ): void {
    const { backlog } = channel;
    if (session.isBinary) {
      if (replay !== undefined) for (const entry of replay) binary.push(entry.binary);
      else if (backlog !== undefined) binary.push(backlog.binary);
    } else {
      if (replay !== undefined) json.push(...replay.map(entryJson));
      else if (backlog !== undefined) json.push(backlog.json);
    }
    for (const value of channel.latest.values()) {
      if (value.isForModerators) continue;
      if (session.isBinary) binary.push(value.binary);
      else json.push(value.json());
    }
  }
}

function refused({ ch }: SubscribeRequest, { code, waitMs }: Refusal): SubscribeOutcome {
  const { message } = errorCodes[code];
  return { ch, e: waitMs === undefined ? [code, message] : [code, message, waitMs] };
}

/** Where the reader starts: at its position if that can be continued, else at the backlog. */
function startOf(
  channel: Channel,
  pos: Position | undefined,
): { from: number; recovered: boolean } {
  // A position in the future is of a sequence that this server does not know: fail closed.
  const isKnown = pos?.[0] === channel.epoch && pos[1] <= channel.ring.top;
  if (!isKnown) return { from: channel.backlog?.from ?? channel.flushedTop, recovered: false };
  const [, offset] = pos;
  return { from: Math.min(offset, channel.flushedTop), recovered: true };
}
