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

export class FlushLog {
  private readonly flushes: (Flush | undefined)[] = Array.from({ length: SIZE }, () => undefined);
  private next = 0;

  add(channel: Channel, frame: Frame, before: number): void {
    this.flushes[this.next % SIZE] = { channel, frame, before };
    this.next += 1;
  }

  /**
   * Offsets that a socket surely has, per channel, when `dropped` is the first frame that it did
   * not get. Channels that are not in the answer have lost nothing. An unknown frame counts as the
   * oldest.
   */
  positionsBefore(dropped: Frame): Map<Channel, number> {
    const oldest = Math.max(0, this.next - SIZE);
    let at = oldest;
    for (let i = oldest; i < this.next; i += 1) {
      const frame = this.flushes[i % SIZE]?.frame;
      if (frame === undefined || !isSameFrame(frame, dropped)) continue;
      at = i;
      break;
    }
    const positions = new Map<Channel, number>();
    for (let i = at; i < this.next; i += 1) {
      const flush = this.flushes[i % SIZE];
      if (flush !== undefined && !positions.has(flush.channel)) {
        positions.set(flush.channel, flush.before);
      }
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

export function isSameFrame(one: Frame, other: Frame): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return one.length === other.length && Buffer.compare(one, other) === 0;
}
