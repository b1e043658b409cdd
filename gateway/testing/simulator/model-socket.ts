// A socket as uWebSockets' topic tree treats it: frames of a tick wait per socket, the 33rd forces
// a write in the middle of a publish, a frame that does not fit is told once and ends the batch,
// and what comes after may fit again.
import type { Frame } from '../../protocol/index.js';
import type { SendResult, Socket } from '../../socket.js';

const FRAMES_HELD = 32;

export interface ModelSocketEvents {
  /** A published frame did not fit. */
  onDropped(frame: Frame): void;
  /** The frame is in the socket's buffer, in this order. */
  onTaken(frame: Frame): void;
  onEnd(code: number, reason: string): void;
}

export interface ModelSocketLimits {
  /** Nothing more is taken while more than this waits. */
  readonly limitBytes: number;
  /** Larger frames are not held back until the end of the tick. */
  readonly corkBytes: number;
}

export class ModelSocket implements Socket {
  readonly topics = new Set<string>();
  buffered = 0;
  private held: Frame[] = [];
  private isDraining = false;
  private isOver = false;

  constructor(
    private readonly events: ModelSocketEvents,
    private readonly limits: ModelSocketLimits = { limitBytes: 65_536, corkBytes: 16_384 },
  ) {}

  /** A frame published to one of its topics. */
  hold(frame: Frame): void {
    if (this.isOver) return;
    if (frame.length >= this.limits.corkBytes) {
      this.drain();
      this.accept(frame);
      return;
    }
    if (this.held.length === FRAMES_HELD) this.drain();
    this.held.push(frame);
  }

  /** The end of the tick. */
  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    const { held } = this;
    this.held = [];
    for (const frame of held) if (!this.accept(frame)) break;
    this.isDraining = false;
  }

  send(frame: Frame): SendResult {
    if (this.isOver || this.buffered > this.limits.limitBytes) return 'dropped';
    this.drain();
    this.take(typeof frame === 'string' ? frame : new Uint8Array(frame));
    return this.buffered > 0 ? 'queued' : 'sent';
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  end(code: number, reason: string): void {
    if (this.isOver) return;
    this.drain();
    this.isOver = true;
    this.topics.clear();
    this.events.onEnd(code, reason);
  }

  terminate(): void {
    this.end(1006, '');
  }

  private accept(frame: Frame): boolean {
    if (this.isOver) return false;
    if (this.buffered > this.limits.limitBytes) {
      this.events.onDropped(frame);
      return false;
    }
    this.take(frame);
    return true;
  }

  private take(frame: Frame): void {
    this.buffered += frame.length;
    this.events.onTaken(frame);
  }
}
