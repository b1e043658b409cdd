// From the ring to the sockets: flushes within each channel's window, one frame per encoding for
// all listeners, and slow readers, who are taken off the topics and caught up from the ring.
// Invariant: a socket gets a channel either live or from the ring, and each offset of it in order.
import type { Audience, Channel, Extra } from './channel.js';
import { FlushLog } from './flush-log.js';
import type { FlushWindow } from './flush-window.js';
import { FRAME_BYTES, joinBinary, joinJson } from './frame-joiner.js';
import type { GatewayMetrics } from './metrics.js';
import type { Frame } from './protocol/index.js';
import { entryJson, type Entry } from './ring.js';
import type { Session } from './session.js';
import type { TopicPublisher } from './socket.js';

export interface DeliveryOptions {
  readonly nowMs: () => number;
  readonly window: FlushWindow;
  readonly metrics: GatewayMetrics;
  /** Entries from history for a reader that is behind the ring, after `from`; undefined = gone. */
  readonly older: (channel: Channel, from: number) => Promise<readonly Entry[] | undefined>;
  readonly end: (session: Session, reason: 'slow_reader') => void;
}

/** A lagging socket gets more once it has less than this in its buffer. */
const LOW_WATER_BYTES = 16_384;
/** … and is closed when it has taken nothing for this long. */
const LAG_MAX_MS = 10_000;
const AUDIENCES: readonly Audience[] = ['', 'm', 'q'];

export class Delivery {
  readonly lagging = new Set<Session>();
  private readonly publishers: TopicPublisher[] = [];
  private readonly log = new FlushLog();
  private soon: Channel[] = [];
  private readonly later = new Map<Channel, number>();
  private timer: NodeJS.Timeout | undefined;
  private timerMs = 0;

  constructor(private readonly options: DeliveryOptions) {}

  addPublisher(publisher: TopicPublisher): void {
    this.publishers.push(publisher);
  }

  /** Flushes in this tick, or when the channel's window allows. */
  schedule(channel: Channel, isUrgent: boolean): void {
    const now = this.options.nowMs();
    const due = isUrgent
      ? now
      : channel.lastFlushMs + this.options.window.windowMs(channel.listeners);
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
  attach(session: Session, channel: Channel): void {
    if (isQuiet(session, channel)) {
      session.socket.subscribe(channel.topic(session.isBinary, 'q'));
      channel.quietListeners += 1;
      return;
    }
    session.socket.subscribe(channel.topic(session.isBinary));
    if (isModeratorOf(session, channel)) {
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
    if (!session.isEnded) {
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
    session.lagging ??= new Map();
    session.lagging.set(channel, position);
    if (this.lagging.has(session)) return;
    session.lagMs = this.options.nowMs();
    this.lagging.add(session);
  }

  /**
   * A published frame did not fit: this and all later ones are missing at that socket. The
   * transport may be in the middle of a topic's listeners, so the socket leaves its topics a moment
   * later.
   */
  dropped(session: Session, frame: Frame): void {
    if (session.isParting) return;
    const live = [...session.channels.values()].filter(
      (channel) => session.lagging?.has(channel) !== true,
    );
    if (live.length === 0) return;
    this.options.metrics.slowReaders.inc();
    const before = this.log.positionsBefore(frame);
    const positions = live.map((one) => Math.min(before.get(one) ?? Infinity, one.flushedTop));
    session.isParting = true;
    setImmediate(() => {
      session.isParting = false;
      for (const [at, channel] of live.entries()) {
        // Left, or joined anew from a position of its own, in the meantime.
        if (!channel.members.has(session) || session.lagging?.has(channel) === true) continue;
        this.unlisten(session, channel);
        this.lag(session, channel, Math.min(positions[at] ?? 0, channel.flushedTop));
      }
      this.pump(session);
    });
  }

  /** Sends what a lagging socket can take; live again when nothing is left. */
  pump(session: Session): void {
    const { lagging } = session;
    if (lagging === undefined || session.isEnded) return;
    if (session.isPumping || session.isParting) return;
    // A snapshot: what falls behind again meanwhile waits for the next drain.
    for (const [channel, position] of [...lagging]) {
      if (session.socket.bufferedBytes() > LOW_WATER_BYTES) return;
      if (this.pumpChannel(session, channel, position) === undefined) return;
      lagging.delete(channel);
      const isModerator = isModeratorOf(session, channel);
      this.attach(session, channel);
      const values = [...channel.latest.values()].filter(
        (one) => isModerator || !one.isForModerators,
      );
      if (values.length > 0) this.sendExtras(session, values);
    }
    if (lagging.size > 0) return;
    session.lagging = undefined;
    this.lagging.delete(session);
  }

  /** Closes those who take nothing; pumps the others, in case a drain event was missed. */
  sweep(): void {
    const now = this.options.nowMs();
    for (const session of [...this.lagging]) {
      if (session.isEnded) {
        this.lagging.delete(session);
      } else if (now - session.lagMs > LAG_MAX_MS) {
        this.giveUp(session);
      } else {
        this.pump(session);
      }
    }
  }

  forgetSession(session: Session): void {
    this.lagging.delete(session);
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
    const extras = [...channel.extras.values()];
    channel.extras.clear();
    channel.flushedTop = channel.ring.top;
    if (entries.length === 0 && extras.length === 0) return;
    const now = this.options.nowMs();
    channel.lastFlushMs = now;
    const open = extras.filter((extra) => !extra.isForModerators);
    this.publish(channel, before, entries, open, '');
    if (open.length > 0) this.publish(channel, channel.flushedTop, [], open, 'q');
    const closed = extras.filter((extra) => extra.isForModerators);
    if (closed.length > 0) this.publish(channel, channel.flushedTop, [], closed, 'm');
    this.options.window.spent(channel.listeners, now);
    this.options.metrics.flushed(channel, entries.length + extras.length);
  }

  /** A control message to all live listeners, in order with what was flushed. */
  announce(channel: Channel, binary: Buffer, json: () => string): void {
    this.flush(channel);
    const extra: Extra = { binary, json, isForModerators: false };
    this.publish(channel, channel.flushedTop, [], [extra], '');
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
      const topic = channel.topic(typeof frame !== 'string', audience);
      this.log.add(channel, frame, before);
      for (const publisher of this.publishers) publisher.publish(topic, frame);
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

  /** Returns the offset reached when the socket has all that was flushed; undefined = later. */
  private pumpChannel(session: Session, channel: Channel, position: number): number | undefined {
    if (isQuiet(session, channel)) return channel.flushedTop;
    let from = position;
    while (from < channel.flushedTop) {
      const entries = channel.ring.range(from, channel.flushedTop);
      if (entries === undefined) {
        void this.pumpOlder(session, channel, from);
        return undefined;
      }
      const chunk = takeBytes(entries, FRAME_BYTES);
      if (!this.sendChunk(session, channel, chunk)) return undefined;
      from = chunk.at(-1)?.offset ?? channel.flushedTop;
    }
    return from;
  }

  private async pumpOlder(session: Session, channel: Channel, from: number): Promise<void> {
    session.isPumping = true;
    const entries = await this.options.older(channel, from).catch(() => undefined);
    session.isPumping = false;
    if (session.isEnded || session.lagging?.get(channel) !== from) return;
    const first = entries?.[0];
    if (entries === undefined || first?.offset !== from + 1) {
      this.giveUp(session); // gone from history: the client resumes and is told what it lost
      return;
    }
    let rest = entries;
    while (rest.length > 0) {
      const chunk = takeBytes(rest, FRAME_BYTES);
      if (!this.sendChunk(session, channel, chunk)) return;
      rest = rest.slice(chunk.length);
    }
    this.pump(session);
  }

  /**
   * False when the socket takes no more for now; the position has moved unless the chunk was
   * refused.
   */
  private sendChunk(session: Session, channel: Channel, chunk: readonly Entry[]): boolean {
    const frames = session.isBinary
      ? joinBinary(chunk.map((entry) => entry.binary))
      : joinJson(chunk.map(entryJson));
    for (const frame of frames) {
      const result = session.socket.send(frame);
      if (result === 'dropped') return false;
      session.lagMs = this.options.nowMs();
      if (result === 'queued' && frames.length === 1) {
        session.lagging?.set(channel, chunk.at(-1)?.offset ?? 0);
        return false;
      }
    }
    session.lagging?.set(channel, chunk.at(-1)?.offset ?? 0);
    return true;
  }

  private sendExtras(session: Session, extras: readonly Extra[]): void {
    const frames = session.isBinary
      ? joinBinary(extras.map((extra) => extra.binary))
      : joinJson(extras.map((extra) => extra.json()));
    for (const frame of frames) session.socket.send(frame);
  }

  private giveUp(session: Session): void {
    this.lagging.delete(session);
    this.options.metrics.slowReadersClosed.inc();
    this.options.end(session, 'slow_reader');
  }
}

export function isModeratorOf(session: Session, channel: Channel): boolean {
  const level = channel.members.get(session)?.level;
  return level === 'performer' || level === 'moderator' || level === 'admin';
}

function isQuiet(session: Session, channel: Channel): boolean {
  return channel.members.get(session)?.isQuiet === true;
}

function takeBytes(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, at) => (bytes += entry.binary.length) > bytesMax && at > 0);
  return end < 0 ? entries : entries.slice(0, end);
}
