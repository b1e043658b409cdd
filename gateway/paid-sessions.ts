// Paid sessions with a live socket here: proves to billing, once per interval and in batches, that
// they are alive, and takes viewers out of the room when billing says so. Invariant: silence of
// billing evicts nobody; only a verdict or a cut notice does.
import { coerceError, type Logger } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { LifeItem, ProofOfLife } from './ports.js';
import type { Membership, Session } from './session.js';

export interface PaidSessionsOptions {
  readonly proofOfLife: ProofOfLife;
  readonly intervalMs: number;
  readonly node: string;
  readonly log: Logger;
  /** Tells the viewer and ends the subscription. */
  readonly cutOff: (session: Session, channel: Channel, reason: string) => void;
  /** Its viewers here are about to be cut off: what they hold for it opens nothing any more. */
  readonly onCut: (bill: string) => void;
}

const BATCH_MAX = 500;
const RETRIES = 2;

export class PaidSessions {
  private readonly bills = new Map<string, Map<Session, Channel>>();
  private timer: NodeJS.Timeout | undefined;
  private isTouching = false;
  private failures = 0;

  constructor(private readonly options: PaidSessionsOptions) {}

  start(): void {
    this.timer = setInterval(() => void this.touch(), this.options.intervalMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  get size(): number {
    return this.bills.size;
  }

  joined(session: Session, channel: Channel, { bill }: Membership): void {
    if (bill === undefined) return;
    const sockets = this.bills.get(bill) ?? new Map<Session, Channel>();
    this.bills.set(bill, sockets);
    sockets.set(session, channel);
  }

  left(session: Session, { bill }: Membership): void {
    const sockets = bill === undefined ? undefined : this.bills.get(bill);
    if (sockets === undefined || bill === undefined) return;
    sockets.delete(session);
    if (sockets.size === 0) this.bills.delete(bill);
  }

  /** Ends a paid session's viewing at this worker. */
  cut(bill: string, reason: string): void {
    const sockets = this.bills.get(bill);
    if (sockets === undefined) return;
    this.options.onCut(bill);
    for (const [session, channel] of [...sockets]) this.options.cutOff(session, channel, reason);
  }

  /** One proof of life for every paid session; what fails is tried again within the interval. */
  async touch(): Promise<void> {
    if (this.isTouching || this.bills.size === 0) return;
    this.isTouching = true;
    const { node } = this.options;
    const items = [...this.bills.keys()].map((sessionId): LifeItem => ({
      sessionId,
      source: 'gateway',
      node,
    }));
    for (let at = 0; at < items.length; at += BATCH_MAX) {
      await this.touchBatch(items.slice(at, at + BATCH_MAX));
    }
    this.isTouching = false;
  }

  private async touchBatch(items: readonly LifeItem[]): Promise<void> {
    const { proofOfLife, log, intervalMs } = this.options;
    for (let attempt = 0; attempt <= RETRIES; attempt += 1) {
      try {
        const verdicts = await proofOfLife.touch(items);
        if (this.failures > 0) log.info({ event: 'billing.back', failures: this.failures });
        this.failures = 0;
        for (const { sessionId, verdict, reason } of verdicts) {
          if (verdict === 'cut' || verdict === 'ended') this.cut(sessionId, reason ?? verdict);
        }
        return;
      } catch (thrown) {
        this.failures += 1;
        if (this.failures === 1) log.warn({ event: 'billing.away', err: coerceError(thrown) });
        await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, intervalMs / 5)));
      }
    }
  }
}
