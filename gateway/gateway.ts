// One gateway worker without its listeners: puts the parts together and owns the life of
// connections. main.ts gives it real stores and transports; so do tests.
import type {
  Bus,
  Clock,
  Logger,
  Metrics,
  RedisClient,
  RedisSubscriber,
  TokenService,
} from '../cluster/index.js';
import { coerceError, observeScripts } from '../cluster/index.js';
import { createAccess, levelRights, type Access } from './access.js';
import type { Channel } from './channel.js';
import { Commands } from './commands.js';
import { CONTROL_TOPIC, EVERY_ROOM, parseControlOrder, type ControlOrder } from './control.js';
import { Coordinators } from './coordinators.js';
import { Delivery } from './delivery.js';
import { FlushWindow } from './flush-window.js';
import { handOver, type HandOverPace } from './hand-over.js';
import type { HeapCare } from './heap-care.js';
import { readHeld } from './held.js';
import { createHistory, type History } from './history.js';
import { Hub } from './hub.js';
import { createInbox } from './inbox.js';
import { createGatewayMetrics, type GatewayMetrics } from './metrics.js';
import { Moderation } from './moderation.js';
import { PaidSessions } from './paid-sessions.js';
import type { ProofOfLife } from './ports.js';
import {
  adviseOnClose,
  channelId,
  closeCodes,
  type CloseReason,
  type Frame,
} from './protocol/index.js';
import { announcePresence } from './presence-scripts.js';
import { Presence } from './presence.js';
import { Replies } from './replies.js';
import { Revocations } from './revocations.js';
import { RoomActs } from './room-acts.js';
import { RoomDoor } from './room-door.js';
import { RoomTips } from './room-tips.js';
import { RoomRules } from './room-rules.js';
import { Sequencer } from './sequencer.js';
import type { Session } from './session.js';
import { Sessions } from './sessions.js';
import type { SessionEvents, TopicPublisher } from './socket.js';
import { Subscriptions } from './subscriptions.js';

export interface GatewaySettings {
  readonly historyMax: number;
  readonly historyTtlSec: number;
  readonly messageLengthMax: number;
  readonly updateIntervalMs: number;
  /** Open connections of one user at this worker; 0 = any number. */
  readonly userConnectionsMax: number;
}

export interface GatewayOptions {
  readonly node: string;
  readonly settings: GatewaySettings;
  readonly redis: RedisClient;
  readonly subscriber: RedisSubscriber;
  readonly bus: Bus;
  readonly tokens: TokenService;
  readonly proofOfLife: ProofOfLife;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The share of its time, 0 … 1, that the event loop was at work since the last call. */
  readonly workedShare?: () => number;
  readonly heapCare?: HeapCare;
}

export interface Gateway {
  /** For transports. */
  readonly events: SessionEvents;
  readonly metrics: GatewayMetrics;
  addPublisher(publisher: TopicPublisher): void;
  connectionCount(): number;
  /** Open connections from a network as networkOf names it. */
  connectionsOf(network: string): number;
  /** All metrics in Prometheus' text form. */
  scrape(): Promise<string>;
  /** What keeps this worker from being useful, in words; empty = ready. */
  troubles(): readonly string[];
  start(): Promise<void>;
  /**
   * Hands all clients over, `perSec` (default 300) each second, faster when `maxMs` is too short
   * for that; then closes those who have not gone with 4200.
   */
  drain(maxMs: number, pace?: Partial<Omit<HandOverPace, 'maxMs'>>): Promise<void>;
  stop(): Promise<void>;
}

const SWEEP_MS = 1_000;
const DRAIN_PER_SEC = 300;
/** What the last clients have just said is answered within this time. */
const LAST_WORDS_MS = 1_000;

export function createGateway(options: GatewayOptions): Gateway {
  const worker = new Worker(options);
  return worker;
}

class Worker implements Gateway, SessionEvents {
  readonly events: SessionEvents = this;
  readonly metrics: GatewayMetrics;
  private readonly sessions: Sessions;
  private readonly replies: Replies;
  private readonly window = new FlushWindow();
  private readonly delivery: Delivery;
  private readonly hub: Hub;
  private readonly sequencer: Sequencer;
  private readonly subscriptions: Subscriptions;
  private readonly commands: Commands;
  private readonly rules: RoomRules;
  private readonly revocations: Revocations;
  private readonly door: RoomDoor;
  private readonly moderation: Moderation;
  private readonly presence: Presence;
  private readonly tips: RoomTips;
  private readonly coordinators: Coordinators<Channel>;
  private readonly paid: PaidSessions;
  private sweeper: NodeJS.Timeout | undefined;
  private unsubscribe: (() => Promise<void>)[] = [];

  constructor(private readonly options: GatewayOptions) {
    const { redis, tokens, log, clock, node, settings } = options;
    const nowMs = (): number => clock.nowMs();
    const end = (session: Session, reason: CloseReason): void => this.end(session, reason);
    const metrics = createGatewayMetrics(options.metrics);
    this.metrics = metrics;
    observeScripts(redis, (script, seconds) => metrics.scripts.observe({ script }, seconds));
    const { historyMax, historyTtlSec } = settings;
    const history = createHistory({ redis, historyTtlSec });
    const access = createAccess(tokens, redis, nowMs);
    this.sessions = new Sessions({ nowMs, end });
    this.replies = new Replies((session) => this.end(session, 'slow_reader'));
    this.delivery = new Delivery({
      nowMs,
      window: this.window,
      metrics,
      end,
      older: (channel, from, max) => this.hub.older(channel, from, max),
    });
    this.sequencer = new Sequencer({ redis, metrics, log, nowMs, historyMax, historyTtlSec });
    this.hub = this.newHub(history);
    this.rules = new RoomRules(redis, nowMs);
    this.revocations = new Revocations({ redis, log, nowMs });
    this.door = new RoomDoor({
      rules: this.rules,
      log,
      expel: (session, channel, reason) =>
        this.expel(session, channel, reason === 'banned' ? 'banned' : 'kicked', reason),
      readmit: (session, channel) => this.subscriptions.evict(session, channel, 'flags', true),
    });
    this.moderation = new Moderation({
      acts: new RoomActs({ redis, log, nowMs, historyMax, historyTtlSec }),
      rules: this.rules,
      metrics,
      log,
      expel: (session, channel, reason) => this.expel(session, channel, 'banned', reason),
    });
    this.presence = new Presence({ redis, log, nowMs, worker: node });
    this.tips = new RoomTips({ redis, log });
    this.coordinators = new Coordinators<Channel>({
      redis,
      log,
      worker: node,
      nowMs: () => clock.monotonicMs(),
      rooms: () => this.presence.channels(),
      workersOf: (channel) => this.presence.workersOf(channel),
      duty: (channel, token, leaseMs) =>
        announcePresence(redis, { channel, worker: node, token, leaseMs }),
    });
    this.paid = new PaidSessions({
      proofOfLife: options.proofOfLife,
      intervalMs: settings.updateIntervalMs,
      node,
      log,
      cutOff: (session, channel, reason) => this.expel(session, channel, 'cutoff', reason),
      onCut: (bill) => this.revocations.add({ bill }),
    });
    this.subscriptions = new Subscriptions({
      hub: this.hub,
      delivery: this.delivery,
      access,
      metrics,
      log,
      rules: this.rules,
      revocations: this.revocations,
      onRefused: (session) => this.end(session, 'slow_reader'),
      onJoined: (session, channel, membership) => {
        this.presence.joined(session, channel, membership);
        this.paid.joined(session, channel, membership);
      },
      onLeft: (session, channel, membership, isFinal) => {
        this.presence.left(session, channel, membership, isFinal);
        this.paid.left(session, membership);
      },
    });
    this.commands = this.newCommands(access, history);
    this.watch();
  }

  private newHub(history: History): Hub {
    const { subscriber, log, clock } = this.options;
    return new Hub(
      {
        subscriber,
        history,
        metrics: this.metrics,
        log,
        nowMs: () => clock.nowMs(),
        end: (session, reason) => this.end(session, reason),
        onMessage: (channel, entry, tail) => {
          if (entry.kind === 't') this.tips.noted(channel);
          this.moderation.observe(channel, entry, tail);
        },
        onValue: (channel, key) => {
          if (key === 'flags') this.door.changed(channel);
        },
        load: (channel) => {
          if (channel.namespace !== 'room') return undefined;
          this.tips.noted(channel);
          return this.door.load(channel);
        },
        onClosed: (channel) => {
          this.sequencer.forget(channel);
          this.rules.forget(channel);
          this.tips.forget(channel);
        },
      },
      this.delivery,
    );
  }

  private newCommands(access: Access, history: History): Commands {
    const { redis, log, clock, node, settings } = this.options;
    return new Commands({
      node,
      access,
      subscriptions: this.subscriptions,
      sessions: this.sessions,
      sequencer: this.sequencer,
      rules: this.rules,
      revocations: this.revocations,
      moderation: this.moderation,
      inbox: createInbox(redis, settings.historyTtlSec),
      history,
      present: (channel) => this.presence.read(channel),
      held: (channel) => readHeld(redis, channel.keys, clock.nowMs()),
      replies: this.replies,
      metrics: this.metrics,
      log,
      nowMs: () => clock.nowMs(),
      textLengthMax: settings.messageLengthMax,
      userConnectionsMax: settings.userConnectionsMax,
      end: (session, reason) => this.end(session, reason),
    });
  }

  addPublisher(publisher: TopicPublisher): void {
    this.delivery.addPublisher(publisher);
  }

  connectionCount(): number {
    return this.sessions.size;
  }

  connectionsOf(network: string): number {
    return this.sessions.countOf(network);
  }

  scrape(): Promise<string> {
    return this.options.metrics.registry.metrics();
  }

  troubles(): readonly string[] {
    const { redis, subscriber } = this.options;
    return [
      ...(redis.status === 'ready' ? [] : ['realtime Redis is not connected']),
      ...(subscriber.isWhole() ? [] : ['a pub/sub link to the realtime Redis is down']),
    ];
  }

  async start(): Promise<void> {
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    this.paid.start();
    await this.revocations.start();
    const { bus } = this.options;
    this.unsubscribe = [
      await bus.subscribe('billing.cut', (payload) => {
        const notice = parseCutNotice(payload);
        if (notice !== undefined) this.paid.cut(notice.sessionId, notice.reason);
      }),
      await bus.subscribe(CONTROL_TOPIC, (payload) => {
        const order = parseControlOrder(payload);
        if (order !== undefined) this.obey(order);
      }),
    ];
  }

  async drain(maxMs: number, pace: Partial<Omit<HandOverPace, 'maxMs'>> = {}): Promise<void> {
    const { clock, log } = this.options;
    const startMs = clock.monotonicMs();
    const outcome = await handOver(
      {
        sessions: this.sessions,
        tell: (session, ms) => this.replies.send(session, { p: 'bye', ms }),
        nowMs: () => clock.monotonicMs(),
        pause,
      },
      { perSec: DRAIN_PER_SEC, ...pace, maxMs },
    );
    await Promise.race([this.sequencer.drain(), pause(LAST_WORDS_MS)]);
    this.delivery.flushAll();
    for (const session of [...this.sessions]) this.end(session, 'draining');
    log.info({ event: 'gateway.drained', ms: clock.monotonicMs() - startMs, ...outcome });
    await this.presence.leave();
    await this.coordinators.leave();
  }

  async stop(): Promise<void> {
    clearInterval(this.sweeper);
    this.paid.stop();
    for (const session of [...this.sessions]) this.end(session, 'draining');
    this.delivery.stop();
    this.hub.stop();
    await Promise.all(this.unsubscribe.map((stop) => stop()));
    this.unsubscribe = [];
  }

  onOpen(session: Session): void {
    this.sessions.add(session);
  }

  onFrame(session: Session, frame: Frame): void {
    if (!session.isEnded) this.commands.frame(session, frame);
  }

  onDropped(session: Session, frame: Frame): void {
    this.metrics.droppedFrames.inc({ transport: session.transport });
    if (!session.isEnded) this.delivery.dropped(session, frame);
  }

  onDrain(session: Session): void {
    if (session.lagging !== undefined) this.delivery.pump(session);
  }

  onClose(session: Session, code: number, reason: string): void {
    session.isEnded = true;
    this.subscriptions.leaveAll(session);
    this.delivery.forgetSession(session);
    this.sessions.remove(session);
    this.metrics.closes.inc({ code: closeLabel(code) });
    this.options.log.info({
      event: 'connection.closed',
      session: session.id,
      user: session.user?.id,
      transport: session.transport,
      address: session.address,
      code,
      reason: session.endReason === '' ? reason : session.endReason,
      durationMs: this.options.clock.nowMs() - session.openedAtMs,
      commands: session.commands,
    });
  }

  private end(session: Session, reason: CloseReason): void {
    if (session.isEnded) return;
    this.replies.flush(session);
    session.endReason = reason;
    this.subscriptions.leaveAll(session, adviseOnClose(closeCodes[reason].code) === 'stop');
    session.isEnded = true;
    const { code } = closeCodes[reason];
    session.socket.end(code, reason);
  }

  private obey(order: ControlOrder): void {
    if (order.do === 'disconnect') {
      this.revocations.add({ account: order.user });
      for (const session of this.sessions.ofUser(order.user)) this.end(session, 'banned');
      return;
    }
    const { room, user, keep = [], reason, redirect } = order;
    if (room === EVERY_ROOM) {
      if (user === undefined) return;
      this.revocations.add({ user });
      this.expelFromAll(user, reason);
      return;
    }
    this.revocations.add(user === undefined ? { room, keep } : { room, user });
    const channel = this.hub.peek(`room:${room}`);
    if (channel === undefined) return;
    const stays = new Set(keep);
    for (const [session, { level }] of [...channel.members]) {
      const id = session.user?.id ?? '';
      const isMeant =
        user === undefined ? !stays.has(id) && !levelRights[level].mayModerate : id === user;
      if (!isMeant) continue;
      const kind = redirect === undefined ? 'kicked' : 'redirect';
      this.expel(session, channel, kind, reason, redirect);
    }
  }

  private expelFromAll(user: string, reason: string): void {
    for (const session of this.sessions.ofUser(user)) {
      for (const channel of [...session.channels.values()]) {
        if (channel.name.startsWith('room:')) this.expel(session, channel, 'kicked', reason);
      }
    }
  }

  /** Says why, then ends the subscription. */
  private expel(
    session: Session,
    channel: Channel,
    kind: 'cutoff' | 'banned' | 'kicked' | 'redirect',
    reason: string,
    room = channelId(channel.name),
  ): void {
    const body = { kind, reason, room };
    this.replies.send(session, [channel.alias, 0, this.options.clock.nowMs(), 'x', body]);
    this.replies.flush(session);
    this.subscriptions.evict(session, channel, kind);
  }

  private sweep(): void {
    const share = this.options.workedShare?.();
    if (share !== undefined) {
      this.window.worked(share, this.options.clock.nowMs());
      this.options.heapCare?.sweep(share);
    }
    this.sessions.sweep();
    this.revocations.sweep();
    this.hub.sweep();
    this.delivery.sweep();
    this.presence.sweep();
    this.tips.sweep();
    void this.coordinators.sweep();
  }

  private watch(): void {
    this.metrics.watch({
      connections: () => this.sessions.size,
      channels: () => this.hub.size,
      subscriptions: () => sum(this.hub.channels, (channel) => channel.members.size),
      laggingReaders: () => this.delivery.lagging.size,
      flushWindowMs: () => {
        const listeners = [...this.hub.channels].map((channel) => channel.listeners);
        return this.window.windowMs(Math.max(0, ...listeners));
      },
      pendingPublishes: () => this.sequencer.pending,
      coordinatedRooms: () => this.coordinators.size,
      sessions: () => this.sessions,
      feeds: () => this.options.subscriber.stats(),
    });
  }
}

function sum(channels: Iterable<Channel>, of: (channel: Channel) => number): number {
  let total = 0;
  for (const channel of channels) total += of(channel);
  return total;
}

/** Clients choose close codes freely; a label must not. */
function closeLabel(code: number): string {
  const isKnown = (code >= 1000 && code <= 1015) || (code >= 4000 && code < 4300);
  return isKnown ? String(code) : 'other';
}

function parseCutNotice(payload: Buffer): { sessionId: string; reason: string } | undefined {
  try {
    const value = JSON.parse(payload.toString('utf8')) as { sessionId?: unknown; reason?: unknown };
    const { sessionId, reason } = value;
    if (typeof sessionId !== 'string') return undefined;
    return { sessionId, reason: typeof reason === 'string' ? reason : 'cut' };
  } catch (thrown) {
    coerceError(thrown);
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
