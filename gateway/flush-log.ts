// The last flushes in the order in which they went to the topics. When a transport says that a
// frame did not fit into a socket's buffer, everything from that frame on is missing there, in all
// channels: this log says how far the socket had got in each. Asked rarely, written once per flush.
import type { Channel } from './channel.js';
import type { Frame } from './protocol/index.js';

interface Flush {
  readonly channel: Channel;
  readonly frame: Frame;
  /** Top offset that had been flushed before. */
  readonly before: number;
}

const SIZE = 512;
/** In place of an offset: the socket was not told that the sequence begins anew. */
export const BEFORE_RESET = -1;

export class FlushLog {
  private readonly flushes: (Flush | undefined)[] = Array.from({ length: SIZE }, () => undefined);
  private next = 0;

  add(channel: Channel, frame: Frame, before: number): void {
    this.flushes[this.next % SIZE] = { channel, frame, before };
    this.next += 1;
  }

  /**
   * Offsets that a socket surely has, per channel, when `dropped` is the first frame that it did
   * not get. Channels that are not in the answer have lost nothing. Undefined = the frame is too
   * long ago to say.
   */
  positionsBefore(dropped: Frame): Map<Channel, number> | undefined {
    let at = Math.max(0, this.next - SIZE);
    while (at < this.next && !isSameFrame(this.flushes[at % SIZE]?.frame, dropped)) at += 1;
    if (at === this.next) return undefined;
    const positions = new Map<Channel, number>();
    for (; at < this.next; at += 1) {
      const flush = this.flushes[at % SIZE];
      if (flush === undefined) continue;
      const { channel, before } = flush;
      if (before === BEFORE_RESET || !positions.has(channel)) positions.set(channel, before);
    }
    return positions;
  }

  /** Drops references to a channel that is closed. */
  forget(channel: Channel): void {
    for (let at = 0; at < SIZE; at += 1) {
      if (this.flushes[at]?.channel === channel) this.flushes[at] = undefined;
    }
  }
}

export function isSameFrame(one: Frame | undefined, other: Frame): boolean {
  if (one === undefined) return false;
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return one.length === other.length && Buffer.compare(one, other) === 0;
}
