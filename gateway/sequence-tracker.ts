// What a worker has of one channel's sequence: takes packets from the feed, notices holes and has
// them filled from history before anything later is passed on. Pure; the simulator drives it too.
// Invariant: `append` is called with dense offsets, in order, within one epoch.
import { parseEntry, type ReliablePacket, type Tail } from './packet.js';
import type { ChannelState } from './scripts.js';

export interface TrackerSink {
  append(offset: number, ts: number, tail: Tail): void;
  /** Whether this very message was appended at this offset; undefined = not at hand any more. */
  isKnown(offset: number, ts: number, tail: Tail): boolean | undefined;
  /** The sequence continues after `from`, in this epoch; what was before cannot be had. */
  reset(epoch: string, from: number): void;
  /** Ask history for everything after `position()` and answer with `filled` or `failed`. */
  fill(): void;
}

/** Packets kept while a hole is being filled; more are dropped and fetched again. */
const HELD_MAX = 512;

export class SequenceTracker {
  private epoch = '';
  private top = 0;
  private isFilling = false;
  private held: ReliablePacket[] = [];
  /** Of the packets held, those that had come when history was asked. */
  private heldBefore = 0;
  /** Messages that a hole has cost since the start: history did not have them any more. */
  lostCount = 0;

  constructor(private readonly sink: TrackerSink) {}

  position(): { readonly epoch: string; readonly top: number } {
    return { epoch: this.epoch, top: this.top };
  }

  get isWhole(): boolean {
    return this.epoch !== '' && !this.isFilling;
  }

  /** Starts, or looks for what may have been missed while the feed was away. */
  sync(): void {
    if (this.isFilling) return;
    this.isFilling = true;
    this.heldBefore = this.held.length;
    this.sink.fill();
  }

  /** A packet from the feed. Returns false when it revealed a hole. */
  offer(packet: ReliablePacket): boolean {
    if (this.isFilling) {
      if (this.held.length < HELD_MAX) this.held.push(packet);
      return true;
    }
    if (packet.epoch === this.epoch && packet.first <= this.top + 1 && !this.isForeign(packet)) {
      this.take(packet);
      return true;
    }
    // Nor may they pile up when history cannot be read while the feed goes on.
    if (this.held.length < HELD_MAX) this.held.push(packet);
    this.sync();
    return false;
  }

  /** History's answer. Returns how many messages came from it. */
  filled(state: ChannelState): number {
    const before = this.top;
    this.isFilling = false;
    if (state.epoch !== this.epoch) {
      this.restart(state.epoch, this.commonTop(state) ?? state.first - 1);
    }
    let taken = 0;
    state.entries.forEach((entry, at) => {
      const offset = state.first + at;
      if (offset <= this.top || entry === undefined) return;
      if (offset > this.top + 1) this.restart(this.epoch, offset - 1); // trimmed before we could read it
      const { ts, tail } = parseEntry(entry);
      this.top = offset;
      taken += 1;
      this.sink.append(offset, ts, tail);
    });
    // Nothing of the range exists any more: without this step the same question would come again.
    const last = state.first + state.entries.length - 1;
    if (taken === 0 && last > this.top) this.restart(this.epoch, last);
    const held = this.held;
    this.held = [];
    held.forEach((packet, at) => {
      // The server that sent it has lost it since: it was restarted, or a replica took its place.
      const isLost =
        packet.epoch !== state.epoch || packet.first > state.top || this.isForeign(packet);
      if (!isLost || at >= this.heldBefore) this.offer(packet);
    });
    this.heldBefore = this.held.length;
    // More than one answer holds; the state must have moved, or nothing of the rest exists any
    // more.
    if (this.isWhole && state.top > this.top) {
      if (this.top === before && taken === 0) this.restart(this.epoch, state.top);
      else this.sync();
    }
    return taken;
  }

  /** History could not be read; the owner calls `sync` again later. */
  failed(): void {
    this.isFilling = false;
  }

  /** Another message at an offset that is taken: the server has lost the one that was there. */
  private isForeign({ first, ts, tails }: ReliablePacket): boolean {
    const offset = Math.min(this.top, first + tails.length - 1);
    const tail = tails[offset - first];
    return tail !== undefined && this.sink.isKnown(offset, ts, tail) === false;
  }

  /** Up to where a new epoch has the messages of the old one. */
  private commonTop({ first, entries }: ChannelState): number | undefined {
    const common = entries.findLastIndex((entry, at) => {
      if (entry === undefined || first + at > this.top) return false;
      const { ts, tail } = parseEntry(entry);
      return this.sink.isKnown(first + at, ts, tail) === true;
    });
    return common < 0 ? undefined : first + common;
  }

  private restart(epoch: string, from: number): void {
    if (epoch === this.epoch) this.lostCount += from - this.top;
    this.epoch = epoch;
    this.top = from;
    this.sink.reset(epoch, from);
  }

  private take({ first, ts, tails }: ReliablePacket): void {
    tails.forEach((tail, at) => {
      const offset = first + at;
      if (offset <= this.top) return;
      this.top = offset;
      this.sink.append(offset, ts, tail);
    });
  }
}
