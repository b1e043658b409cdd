// From the ring to the sockets: flushes within each channel's window, one frame per encoding for
// all listeners, and slow readers, who are taken off the topics and caught up from the ring.
// Invariant: a socket gets a channel either live or from the ring, and each offset of it in order.
import { CatchUp, isModerator, isModeratorOf, isQuiet, type CatchUpOptions } from './catch-up.js';
import { AUDIENCES, type Audience, type Channel, type Extra } from './channel.js';
import { BEFORE_RESET, FlushLog } from './flush-log.js';
import { smoothedRate, type FlushWindow } from './flush-window.js';
import { joinBinary, joinJson } from './frame-joiner.js';
import { packValue, type Control, type Frame } from './protocol/index.js';
import { entryJson, type Entry } from './ring.js';
import type { Membership, Session } from './session.js';
import type { TopicPublisher } from './socket.js';

export { isModeratorOf };

export interface DeliveryOptions extends Omit<CatchUpOptions, 'end'> {
  readonly window: FlushWindow;
  /** The client resumes from where it knows that it is. */
  readonly end: (session: Session, reason: 'slow_reader' | 'state_invalid') => void;
}

/** A socket that has to leave its topics, and what it surely has of each channel. */
interface Parting {
  readonly session: Session;
  readonly positions: ReadonlyMap<Channel, number> | undefined;
}

export class Delivery {
  private readonly catchUp: CatchUp;
  private readonly publishers: TopicPublisher[] = [];
  private readonly log = new FlushLog();
  private soon: Channel[] = [];
  private readonly later = new Map<Channel, number>();
  private timer: NodeJS.Timeout | undefined;
  private timerMs = 0;
  private parting: Parting[] = [];

  constructor(private readonly options: DeliveryOptions) {
    this.catchUp = new CatchUp(options, (session, channel) => this.attach(session, channel));
  }

  get lagging(): ReadonlySet<Session> {
    return this.catchUp.lagging;
  }

  addPublisher(publisher: TopicPublisher): void {
    this.publishers.push(publisher);
  }

  /** Flushes in this tick, or when the channel's window allows. */
  schedule(channel: Channel, isUrgent: boolean): void {
    const now = this.options.nowMs();
    const due = isUrgent
      ? now
      : channel.lastFlushMs +
        this.options.window.windowMs(channel.listeners, channel.messagesPerSec);
    if (due > now) {
      if (!channel.isScheduled && !this.later.has(channel)) this.delay(channel, due, now);
      return;
    }
    if (channel.isScheduled) return;
    channel.isScheduled = true;
    this.later.delete(channel);
    if (this.soon.length === 0) queueMicrotask(() => this.flushSoon());
    this.soon.push(channel);
  }

  /** Makes a session a live listener of a channel. */
  attach(
    session: Session,
    channel: Channel,
    membership: Membership | undefined = channel.members.get(session),
  ): void {
    if (membership?.isQuiet === true) {
      session.socket.subscribe(channel.topic(session.isBinary, 'q'));
      channel.quietListeners += 1;
      return;
    }
    if (!channel.isPersonal) session.socket.subscribe(channel.topic(session.isBinary));
    if (membership !== undefined && isModerator(membership)) {
      session.socket.subscribe(channel.topic(session.isBinary, 'm'));
    }
    if (session.isBinary) channel.binaryListeners += 1;
    else channel.jsonListeners += 1;
  }

  /** Called while the session is still a member. */
  detach(session: Session, channel: Channel): void {
    if (session.lagging?.delete(channel) !== true) this.unlisten(session, channel);
  }

  private unlisten(session: Session, channel: Channel): void {
    if (!session.isEnded && !channel.isPersonal) {
      for (const audience of AUDIENCES) {
        session.socket.unsubscribe(channel.topic(session.isBinary, audience));
      }
    }
    if (isQuiet(session, channel)) {
      channel.quietListeners -= 1;
      return;
    }
    if (session.isBinary) channel.binaryListeners -= 1;
    else channel.jsonListeners -= 1;
  }

  /**
   * From now on the session gets the channel from the ring, after `position`, until it has caught
   * up.
   */
  lag(session: Session, channel: Channel, position: number): void {
    this.catchUp.lag(session, channel, position);
  }

  /**
   * A published frame did not fit: this and all later ones of the tick are missing at that socket.
   * The transport may be in the middle of a topic's listeners, so the socket leaves its topics a
   * moment later: before anything else is published, since by then it may have room again and would
   * get what is later before what is missing.
   */
  dropped(session: Session, frame: Frame): void {
    if (session.isParting) return;
    const before = this.log.positionsBefore(frame);
    let positions: Map<Channel, number> | undefined;
    if (before !== undefined) {
      positions = new Map();
      for (const channel of session.channels.values()) {
        if (session.lagging?.has(channel) === true) continue;
        positions.set(channel, Math.min(before.get(channel) ?? Infinity, channel.flushedTop));
      }
      if (positions.size === 0) return;
    }
    this.options.metrics.slowReaders.inc();
    session.isParting = true;
    if (this.parting.length === 0) setImmediate(() => this.partAll());
    this.parting.push({ session, positions });
  }

  /** Those who overflowed leave their topics. Never within a callback of a transport. */
  private partAll(): void {
    const { parting } = this;
    if (parting.length === 0) return;
    this.parting = [];
    for (const { session, positions } of parting) {
      session.isParting = false;
      if (positions === undefined || [...positions.values()].includes(BEFORE_RESET)) {
        this.options.end(session, 'state_invalid');
        continue;
      }
      for (const [channel, position] of positions) {
        // Left, or joined anew from a position of its own, in the meantime.
        if (!channel.members.has(session) || session.lagging?.has(channel) === true) continue;
        this.unlisten(session, channel);
        this.lag(session, channel, Math.min(position, channel.flushedTop));
      }
      this.catchUp.pumpLater(session);
    }
  }

  /** Sends what a lagging socket can take; live again when nothing is left. */
  pump(session: Session): void {
    this.catchUp.pump(session);
  }

  /** Closes those who take nothing; the others go on. */
  sweep(): void {
    this.catchUp.sweep();
  }

  forgetSession(session: Session): void {
    this.catchUp.forget(session);
  }

  forgetChannel(channel: Channel): void {
    this.later.delete(channel);
    this.log.forget(channel);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** Everything that waits goes out now. */
  flushAll(): void {
    for (const channel of [...this.soon, ...this.later.keys()]) this.flush(channel);
  }

  /** One frame (or more, by size) per encoding, to all live listeners. */
  flush(channel: Channel): void {
    channel.isScheduled = false;
    this.later.delete(channel);
    const before = channel.flushedTop;
    const entries = channel.unflushed();
    const extras = channel.takeExtras();
    channel.flushedTop = channel.ring.top;
    if (entries.length === 0 && extras.length === 0) return;
    const now = this.options.nowMs();
    channel.messagesPerSec = smoothedRate(
      channel.messagesPerSec,
      Math.max(0, now - channel.lastFlushMs),
      entries.length,
    );
    channel.lastFlushMs = now;
    const open = extras.filter((extra) => !extra.isForModerators);
    this.publish(channel, before, entries, open, '');
    if (open.length > 0) this.publish(channel, channel.flushedTop, [], open, 'q');
    const closed = extras.filter((extra) => extra.isForModerators);
    if (closed.length > 0) this.publish(channel, channel.flushedTop, [], closed, 'm');
    this.options.window.spent(channel.listeners, now);
    this.options.metrics.flushed(channel, entries.length + extras.length, {
      oldestMs: entries[0]?.ts ?? now,
      nowMs: now,
    });
  }

  /**
   * A control message to all live listeners, in order with what was flushed; whoever cannot take
   * the one that announces a new sequence is sent away, since offsets mean nothing to it any more.
   */
  announce(channel: Channel, control: Control): void {
    this.flush(channel);
    const binary = Buffer.from(packValue(control));
    const extra: Extra = { binary, json: () => JSON.stringify(control), isForModerators: false };
    const before = control.p === 'reset' ? BEFORE_RESET : channel.flushedTop;
    this.publish(channel, before, [], [extra], '');
  }

  private publish(
    channel: Channel,
    before: number,
    entries: readonly Entry[],
    extras: readonly Extra[],
    audience: Audience,
  ): void {
    const isForQuiet = audience === 'q' && channel.quietListeners > 0;
    if (isForQuiet || (audience !== 'q' && channel.binaryListeners > 0)) {
      const values = entries.map((entry) => entry.binary);
      for (const extra of extras) values.push(extra.binary);
      this.publishFrames(channel, before, joinBinary(values), audience);
    }
    if (isForQuiet || (audience !== 'q' && channel.jsonListeners > 0)) {
      const values = entries.map(entryJson);
      for (const extra of extras) values.push(extra.json());
      this.publishFrames(channel, before, joinJson(values), audience);
    }
  }

  private publishFrames(
    channel: Channel,
    before: number,
    frames: readonly Frame[],
    audience: Audience,
  ): void {
    for (const frame of frames) {
      this.partAll();
      this.log.add(channel, frame, before);
      if (channel.isPersonal) {
        if (audience === '') this.sendToEach(channel, frame);
        continue;
      }
      const topic = channel.topic(typeof frame !== 'string', audience);
      for (const publisher of this.publishers) publisher.publish(topic, frame);
    }
  }

  /**
   * A user's own channel has a listener or two, and there are as many as connections: no topics,
   * which take half a kilobyte each. What waits in the topics of a socket goes before what is sent
   * to it, so the order is the same.
   */
  private sendToEach(channel: Channel, frame: Frame): void {
    const isBinary = typeof frame !== 'string';
    for (const session of channel.members.keys()) {
      const isLive = !session.isEnded && session.lagging?.has(channel) !== true;
      if (!isLive || session.isBinary !== isBinary) continue;
      if (session.socket.send(frame) === 'dropped') this.dropped(session, frame);
    }
  }

  private flushSoon(): void {
    const channels = this.soon;
    this.soon = [];
    for (const channel of channels) this.flush(channel);
  }

  private delay(channel: Channel, due: number, now: number): void {
    this.later.set(channel, due);
    if (this.timer !== undefined && this.timerMs <= due) return;
    clearTimeout(this.timer);
    this.timerMs = due;
    this.timer = setTimeout(() => this.flushDue(), Math.max(1, Math.ceil(due - now)));
  }

  private flushDue(): void {
    this.timer = undefined;
    const now = this.options.nowMs();
    let next = Infinity;
    for (const [channel, due] of this.later) {
      if (due <= now + 0.5) this.flush(channel);
      else next = Math.min(next, due);
    }
    if (next === Infinity) return;
    this.timerMs = next;
    this.timer = setTimeout(() => this.flushDue(), Math.max(1, Math.ceil(next - now)));
  }
}
