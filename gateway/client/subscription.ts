// One channel that the application wants, over all connections: its ticket, its reader, its
// handlers.
import type { ResetControl, SubscribeRequest, SubscribeResult } from '../protocol/index.js';
import { ChannelReader, type ReceivedMessage } from './channel-reader.js';
import type { RealtimeError } from './errors.js';

/** A ticket, or how to get one; asked again when the server refuses the one it had. */
export type TicketSource = string | (() => string | Promise<string>);

export interface SubscribeOptions {
  /** Rooms need one; `lobby` and the user's own channel do not. */
  readonly ticket?: TicketSource;
}

export interface SubscriptionHandlers {
  /** Every message: reliable ones once and in order, latest values only when newer. */
  readonly onMessage?: (message: ReceivedMessage) => void;
  /** Subscribed (again). `recovered` = nothing is missing since the last time. */
  readonly onReady?: (answer: SubscribeResult) => void;
  /** Messages between the last one shown and the next one are lost for good. */
  readonly onLost?: () => void;
  /** Over: refused, evicted or unsubscribed by the server. `reason` is machine-readable. */
  readonly onEnd?: (reason: string) => void;
}

export class Subscription {
  readonly reader: ChannelReader;
  private resumeTicket: string | undefined;
  private ticket: string | undefined;
  private isEnded = false;

  constructor(
    readonly channel: string,
    private readonly options: SubscribeOptions,
    private readonly handlers: SubscriptionHandlers,
    private readonly onUnsubscribe: (subscription: Subscription) => void,
  ) {
    this.reader = new ChannelReader(channel);
    if (typeof options.ticket === 'string') this.ticket = options.ticket;
  }

  get isActive(): boolean {
    return !this.isEnded;
  }

  /** Leaves the channel; handlers are not called any more. */
  unsubscribe(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.onUnsubscribe(this);
  }

  /** Whether a ticket must be fetched before `request` can be made. */
  needsTicket(): boolean {
    return (
      typeof this.options.ticket === 'function' &&
      this.ticket === undefined &&
      this.resumeTicket === undefined
    );
  }

  /** @throws what the application's own function throws. */
  async fetchTicket(): Promise<void> {
    if (typeof this.options.ticket === 'function') this.ticket = await this.options.ticket();
  }

  request(): SubscribeRequest {
    const ticket = this.resumeTicket ?? this.ticket;
    const pos = this.reader.position();
    return {
      ch: this.channel,
      ...(ticket === undefined ? {} : { ticket }),
      ...(pos === undefined ? {} : { pos }),
    };
  }

  ready(answer: SubscribeResult): void {
    if (this.isEnded) return;
    this.resumeTicket = answer.resume ?? this.resumeTicket;
    const { isLossy } = this.reader.restart(answer);
    // Who gets no messages has lost none.
    if (isLossy && answer.chat !== false) this.handlers.onLost?.();
    this.handlers.onReady?.(answer);
  }

  reset(control: ResetControl): void {
    if (this.isEnded) return;
    const { isLossy } = this.reader.restart({ ...control, top: control.from });
    if (isLossy) this.handlers.onLost?.();
  }

  /** True when it is worth trying again with another ticket. */
  refused(error: RealtimeError): boolean {
    if (this.isEnded) return false;
    const isTicket = ['bad_ticket', 'ticket_expired', 'ticket_used'].includes(error.code);
    const hadResume = this.resumeTicket !== undefined;
    this.resumeTicket = undefined;
    if (isTicket && (hadResume || typeof this.options.ticket === 'function')) {
      if (typeof this.options.ticket === 'function') this.ticket = undefined;
      return true;
    }
    return ['temporary', 'internal', 'timeout', 'rate_limited'].includes(error.code);
  }

  end(reason: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.handlers.onEnd?.(reason);
  }

  show(message: ReceivedMessage): void {
    if (!this.isEnded) this.handlers.onMessage?.(message);
  }
}
