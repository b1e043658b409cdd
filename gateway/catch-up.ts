// Readers that fell behind: they get their channels from the ring, or from history when that is
// longer, as fast as they read, and are live again once they have everything. Each has its turn:
// a reader that has to catch up megabytes is served in portions, so that live rooms do not wait.
// Invariant: what a reader gets of a channel is in order; nothing is sent beyond what was flushed.
import type { Channel, Extra } from './channel.js';
import { FRAME_BYTES, joinBinary, joinJson } from './frame-joiner.js';
import type { GatewayMetrics } from './metrics.js';
import { entryJson, type Entry } from './ring.js';
import type { Membership, Session } from './session.js';

export interface CatchUpOptions {
  readonly nowMs: () => number;
  readonly metrics: GatewayMetrics;
  /** At most `max` entries from history after `from`; undefined = gone. */
  readonly older: (
    channel: Channel,
    from: number,
    max: number,
  ) => Promise<readonly Entry[] | undefined>;
  readonly end: (session: Session, reason: 'slow_reader') => void;
}

/** A lagging socket gets more once it has less than this in its buffer. */
const LOW_WATER_BYTES = 16_384;
/** … and is closed when it has taken nothing for this long. */
const LAG_MAX_MS = 10_000;
/** Frames that one reader gets before the next has its turn. */
const TURN_FRAMES = 4;
/** Readers that are served in one turn of the event loop. */
const TURN_READERS = 4;
/** History is read in portions of about this size, since the socket may not take more. */
const OLDER_BYTES = 65_536;
const OLDER_MIN = 16;
const OLDER_MAX = 500;

export class CatchUp {
  readonly lagging = new Set<Session>();
  /** Those that could take more at the end of their turn. */
  private readonly waiting = new Set<Session>();
  /** Values that a reader has got of those that did not fit all at once. */
  private readonly told = new WeakMap<Session, Set<Extra>>();

  constructor(
    private readonly options: CatchUpOptions,
    /** Makes a reader that has everything a live listener again. */
    private readonly attach: (session: Session, channel: Channel) => void,
  ) {}

  /** From now on the session gets the channel from the ring, after `position`. */
  lag(session: Session, channel: Channel, position: number): void {
    session.lagging ??= new Map();
    session.lagging.set(channel, position);
    if (this.lagging.has(session)) return;
    session.lagMs = this.options.nowMs();
    this.lagging.add(session);
  }

  /** Sends what a lagging socket can take in one turn; live again when nothing is left. */
  pump(session: Session): void {
    const { lagging } = session;
    if (lagging === undefined || session.isEnded) return;
    if (session.isPumping || session.isParting) return;
    const turn = { frames: TURN_FRAMES };
    // A snapshot: what falls behind again meanwhile waits for the next drain.
    for (const [channel, position] of [...lagging]) {
      if (session.socket.bufferedBytes() > LOW_WATER_BYTES) return;
      if (!this.pumpChannel(session, channel, position, turn)) return;
      const seesAll = isModeratorOf(session, channel);
      const values = [...channel.latest.values()].filter((one) => seesAll || !one.isForModerators);
      if (!this.sendValues(session, values)) return;
      lagging.delete(channel);
      this.attach(session, channel);
    }
    if (lagging.size > 0) return;
    session.lagging = undefined;
    this.lagging.delete(session);
  }

  /** … in a turn of its own. */
  pumpLater(session: Session): void {
    if (this.waiting.size === 0) setImmediate(() => this.turn());
    this.waiting.add(session);
  }

  /** Once a second: closes those who take nothing; the others go on, should a drain be missed. */
  sweep(): void {
    const now = this.options.nowMs();
    for (const session of [...this.lagging]) {
      if (session.isEnded) this.forget(session);
      else if (now - session.lagMs > LAG_MAX_MS) this.giveUp(session);
      // A turn for each of those who could not take anything would keep the others waiting.
      else if (session.socket.bufferedBytes() <= LOW_WATER_BYTES) this.pumpLater(session);
    }
  }

  forget(session: Session): void {
    this.lagging.delete(session);
    this.waiting.delete(session);
  }

  /** The next ones in the order in which they came. */
  private turn(): void {
    const next: Session[] = [];
    // Not a copy of all: thousands wait, and each would be copied a quarter as many times.
    for (const session of this.waiting) {
      this.waiting.delete(session);
      if (next.push(session) === TURN_READERS) break;
    }
    if (this.waiting.size > 0) setImmediate(() => this.turn());
    for (const session of next) this.pump(session);
  }

  /** True when the socket has all that was flushed. */
  private pumpChannel(
    session: Session,
    channel: Channel,
    position: number,
    turn: { frames: number },
  ): boolean {
    if (isQuiet(session, channel)) return true;
    let from = position;
    while (from < channel.flushedTop) {
      if (turn.frames === 0) {
        this.pumpLater(session);
        return false;
      }
      const entries = channel.ring.range(from, channel.flushedTop);
      if (entries === undefined) {
        void this.pumpOlder(session, channel, from);
        return false;
      }
      const chunk = takeBytes(entries, FRAME_BYTES);
      if (!this.sendChunk(session, channel, chunk)) return false;
      from = chunk.at(-1)?.offset ?? channel.flushedTop;
      turn.frames -= 1;
    }
    return true;
  }

  private async pumpOlder(session: Session, channel: Channel, from: number): Promise<void> {
    session.isPumping = true;
    const max = Math.ceil(OLDER_BYTES / Math.max(1, channel.ring.entryBytes));
    const bounded = Math.min(OLDER_MAX, Math.max(OLDER_MIN, max));
    const entries = await this.options.older(channel, from, bounded).catch(() => undefined);
    session.isPumping = false;
    if (session.isEnded || session.lagging?.get(channel) !== from) return;
    if (entries?.[0]?.offset !== from + 1) {
      this.giveUp(session); // gone from history: the client resumes and is told what it lost
      return;
    }
    let rest: readonly Entry[] = entries;
    while (rest.length > 0) {
      const chunk = takeBytes(rest, FRAME_BYTES);
      if (!this.sendChunk(session, channel, chunk)) return;
      rest = rest.slice(chunk.length);
    }
    this.pumpLater(session);
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

  /** False when the socket took only some of them: the others follow at its next turn. */
  private sendValues(session: Session, values: readonly Extra[]): boolean {
    const told = this.told.get(session) ?? new Set<Extra>();
    for (const value of values) {
      if (told.has(value)) continue;
      const frame = session.isBinary ? value.binary : `[${value.json()}]`;
      if (session.socket.send(frame) === 'dropped') {
        this.told.set(session, told);
        return false;
      }
      told.add(value);
    }
    this.told.delete(session);
    return true;
  }

  private giveUp(session: Session): void {
    this.forget(session);
    this.options.metrics.slowReadersClosed.inc();
    this.options.end(session, 'slow_reader');
  }
}

export function isModeratorOf(session: Session, channel: Channel): boolean {
  const membership = channel.members.get(session);
  return membership !== undefined && isModerator(membership);
}

export function isModerator({ level }: Membership): boolean {
  return level === 'performer' || level === 'moderator' || level === 'admin';
}

/** Whether it gets values only, no messages. */
export function isQuiet(session: Session, channel: Channel): boolean {
  return channel.members.get(session)?.isQuiet === true;
}

function takeBytes(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, at) => (bytes += entry.binary.length) > bytesMax && at > 0);
  return end < 0 ? entries : entries.slice(0, end);
}
