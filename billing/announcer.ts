// Says to people and media nodes what the engine has decided: balances, tips, warnings, cut-offs.
// Never on the path of money: a failed push is tried again a few times, logged, and changes
// nothing that was charged.
import { setTimeout as delay } from 'node:timers/promises';
import { coerceError, type Logger } from '../cluster/index.js';
import type { BillingMetrics } from './metrics.js';
import type { BusPort, Notifier, PriceNews, ShowOverNews, TipNews } from './ports.js';
import type { EndReason } from './schema.js';
import type { TouchRow, WalletState } from './scripts.js';
import { type CutMessage, type KickMessage, TOPICS } from './topics.js';

export interface AnnouncerOptions {
  readonly notifier: Notifier;
  readonly bus: BusPort;
  readonly metrics: BillingMetrics;
  readonly log: Logger;
}

export interface CutNotice extends WalletState {
  readonly sessionId: string;
  readonly wallet: string;
  readonly room: string;
  readonly reason: EndReason;
}

const ATTEMPTS = 4;
const RETRY_AFTER_MS = 250;

export class Announcer {
  private readonly pending = new Set<Promise<void>>();
  /** Newest balance of each wallet that is being told. */
  private readonly balances = new Map<string, WalletState>();

  constructor(private readonly options: AnnouncerOptions) {}

  /** At once; what changes while a wallet's balance is being told is told after it, the newest. */
  balance(wallet: string, state: WalletState): void {
    const newest = this.balances.get(wallet);
    if (newest !== undefined && newest.version >= state.version) return;
    this.balances.set(wallet, state);
    if (newest === undefined) this.track(this.tellBalance(wallet, state));
  }

  tip(roomId: string, tip: TipNews): void {
    this.send('tip', () => this.options.notifier.tip(roomId, tip));
  }

  tipNote(performerId: string, note: TipNews & { readonly roomId: string }): void {
    this.send('tip_note', () => this.options.notifier.tipNote(performerId, note));
  }

  priceChanged(wallet: string, news: PriceNews): void {
    this.send('price', () => this.options.notifier.priceChanged(wallet, news));
  }

  showOver(news: ShowOverNews): void {
    this.send('show_over', () => this.options.notifier.showOver(news));
  }

  lowBalance(row: TouchRow): void {
    const { sessionId, room: roomId, leftMs, crossed: level } = row;
    const warning = { sessionId, roomId, secondsLeft: Math.floor(leftMs / 1_000), level };
    this.send('low_balance', () => this.options.notifier.lowBalance(row.wallet, warning));
  }

  /** To all media nodes and gateways, and to the viewer. Called again for each repeat. */
  cut(notice: CutNotice, kind: 'cut' | 'repeat'): void {
    const { sessionId, wallet: viewerId, room: roomId, reason } = notice;
    if (kind === 'cut') this.options.metrics.cuts.inc({ reason });
    const message: CutMessage = { sessionId, viewerId, roomId, reason };
    this.send('cut', () => this.options.bus.publish(TOPICS.cut, JSON.stringify(message)));
    if (kind === 'cut') {
      this.send('cut_reason', () => {
        return this.options.notifier.cut(viewerId, { sessionId, roomId, reason });
      });
      this.balance(viewerId, notice);
    }
  }

  kick(message: KickMessage): void {
    this.send('kick', () => this.options.bus.publish(TOPICS.kick, JSON.stringify(message)));
  }

  termsChanged(): void {
    this.send('terms', () => this.options.bus.publish(TOPICS.terms, '{}'));
  }

  /** Resolves when everything that is under way was said or given up. */
  async flush(): Promise<void> {
    await Promise.all(this.pending);
  }

  private send(what: string, say: () => Promise<void>): void {
    this.track(this.trySend(what, say));
  }

  private track(work: Promise<void>): void {
    this.pending.add(work);
    void work.finally(() => this.pending.delete(work));
  }

  private async tellBalance(wallet: string, first: WalletState): Promise<void> {
    for (let newest = first; ;) {
      const told = newest;
      await this.trySend('balance', () => this.options.notifier.balance(wallet, told));
      newest = this.balances.get(wallet) ?? told;
      if (newest === told) break;
    }
    this.balances.delete(wallet);
  }

  private async trySend(what: string, say: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await say();
        return;
      } catch (thrown) {
        if (attempt === ATTEMPTS) {
          this.options.log.warn({ event: 'announce.failed', what, err: coerceError(thrown) });
          return;
        }
        await delay(RETRY_AFTER_MS * attempt);
      }
    }
  }
}
