// What billing needs of its siblings; main.ts connects these to the gateway's publisher and the
// bus.
import type { EndReason } from './schema.js';
import type { WalletState } from './scripts.js';

/**
 * Tells people in channels. Each call may be repeated: balances carry a version, the rest a key.
 */
export interface Notifier {
  /** Newest balance to `user:<id>`. */
  balance(userId: string, state: WalletState): Promise<void>;
  /** A tip to `room:<id>`; `key` is its message id, so a repeat is not shown twice. */
  tip(roomId: string, tip: TipNews): Promise<void>;
  /** What the viewer wrote to the model alone, to `user:<model>`. */
  tipNote(userId: string, note: TipNews & { readonly roomId: string }): Promise<void>;
  /** The show that the viewer is in costs another price from now on, to `user:<id>`. */
  priceChanged(userId: string, price: PriceNews): Promise<void>;
  /** Why a paid show ended, to `user:<id>`. */
  cut(userId: string, cut: { sessionId: string; roomId: string; reason: EndReason }): Promise<void>;
  /** The show reached its time limit: why it ends, to `user:<model>` and `room:<id>`. */
  showOver(show: ShowOverNews): Promise<void>;
  /** Credit for less than a minute (level 1) or 20 s (level 2) is left, to `user:<id>`. */
  lowBalance(
    userId: string,
    warning: { sessionId: string; roomId: string; secondsLeft: number; level: number },
  ): Promise<void>;
}

export interface PriceNews {
  readonly sessionId: string;
  readonly roomId: string;
  readonly model: 'm' | 'u' | 't';
  /** Milli-credits per minute, per unit of `unitMs`, or for the ticket. */
  readonly price: bigint;
  readonly unitMs: bigint;
  readonly version: number;
}

export interface ShowOverNews {
  readonly roomId: string;
  readonly performerId: string;
  /** When the show began, ms; with the room it names the show. */
  readonly beganMs: number;
  readonly maxMs: number;
}

export interface TipNews {
  readonly key: string;
  readonly from: { readonly id: string; readonly name: string };
  readonly amount: bigint;
  readonly text?: string;
}

/** The part of cluster's Bus that billing uses. */
export interface BusPort {
  publish(topic: string, payload: string): Promise<void>;
  subscribe(topic: string, handler: (payload: Uint8Array) => void): Promise<unknown>;
}
