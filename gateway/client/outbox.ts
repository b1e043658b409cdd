// Messages that were given to `publish` and are not acknowledged: kept in order over lost links and
// sent again with the same mid, which the server takes for the same message. Bounded in number and
// age.
import type { PublishResult } from '../protocol/index.js';
import { RealtimeError } from './errors.js';

export interface Draft {
  readonly channel: string;
  readonly text: string;
  /** Offset of the message that this one answers. */
  readonly reply?: number | undefined;
  readonly mid: string;
}

export interface OutboxOptions {
  readonly queueMax: number;
  /** A message that is not acknowledged by then is given up. */
  readonly deadlineMs: number;
}

interface Entry extends Draft {
  readonly deadline: number;
  /** Not before this time (ms); from a server's request to wait. */
  notBefore: number;
  isSent: boolean;
  readonly resolve: (result: PublishResult) => void;
  readonly reject: (error: RealtimeError) => void;
}

const RETRY_MS = 500;
/** The fate of the message is open, or it only came too early. */
const OPEN_CODES = new Set(['closed', 'timeout', 'temporary', 'internal', 'rate_limited']);

export class Outbox {
  private entries: Entry[] = [];

  constructor(private readonly options: OutboxOptions) {}

  get size(): number {
    return this.entries.length;
  }

  /** Resolves when the server has given the message its place. */
  add(draft: Draft, now: number): Promise<PublishResult> {
    if (this.entries.length >= this.options.queueMax) {
      return Promise.reject(new RealtimeError('queue_full', 'Too many unsent messages.'));
    }
    const deadline = now + this.options.deadlineMs;
    return new Promise((resolve, reject) => {
      this.entries.push({ ...draft, deadline, notBefore: 0, isSent: false, resolve, reject });
    });
  }

  /** Everything unacknowledged is to be sent again: the link is a new one. */
  rewind(): void {
    for (const entry of this.entries) entry.isSent = false;
  }

  /** What is to be sent now, in order; it counts as sent. */
  take(now: number): readonly Draft[] {
    const ready: Entry[] = [];
    const waiting = new Set<string>();
    for (const entry of this.entries) {
      if (entry.isSent) continue;
      // Later messages of a channel do not overtake one that waits.
      if (entry.notBefore > now || waiting.has(entry.channel)) waiting.add(entry.channel);
      else ready.push(entry);
    }
    for (const entry of ready) entry.isSent = true;
    return ready;
  }

  accept(mid: string, result: PublishResult): void {
    this.remove(mid)?.resolve(result);
  }

  /**
   * Keeps a message whose fate is open (link lost, no answer, `temporary`) or that came too early
   * (`rate_limited`), gives up any other.
   * Returns the ms after which to look again, if it is kept.
   */
  fail(mid: string, error: RealtimeError, now: number): number | undefined {
    const entry = this.entries.find((one) => one.mid === mid);
    if (entry === undefined) return undefined;
    const isOpen = OPEN_CODES.has(error.code);
    if (!isOpen || entry.deadline <= now) {
      this.remove(mid)?.reject(error);
      return undefined;
    }
    const pauseMs = error.code === 'closed' ? 0 : (error.retryMs ?? RETRY_MS);
    entry.notBefore = now + pauseMs;
    entry.isSent = false;
    return pauseMs;
  }

  /** Gives up what is past its deadline. */
  expire(now: number): void {
    const isLate = (entry: Entry): boolean => entry.deadline <= now;
    const late = this.entries.filter(isLate);
    if (late.length === 0) return;
    this.entries = this.entries.filter((entry) => !isLate(entry));
    for (const entry of late) {
      entry.reject(new RealtimeError('timeout', 'The message could not be delivered in time.'));
    }
  }

  /** Ends all waiting. */
  clear(error: RealtimeError): void {
    const entries = this.entries;
    this.entries = [];
    for (const entry of entries) entry.reject(error);
  }

  private remove(mid: string): Entry | undefined {
    const at = this.entries.findIndex((entry) => entry.mid === mid);
    return at < 0 ? undefined : this.entries.splice(at, 1)[0];
  }
}
