// A server that sends the same messages to all its clients: the gateway or a peer, as scenarios see
// it.
import type { DialectSetup } from '../generator/dialects.js';

/** Messages come in bursts, one burst per tick. */
export const TICK_MS = 10;
/** Size of what each message says, without any framing. */
export const PAYLOAD_BYTES = 100;

export interface BroadcastServer {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly port: number;
  /** Further nodes that have a share of the clients. */
  readonly otherNodes?: readonly { readonly pid: number; readonly port: number }[];
  readonly setup: DialectSetup;
  /** A store that works for the server, measured beside it. */
  readonly storePid?: number;
  /** Begins to send `perTick` messages every TICK_MS, while ticks are granted. */
  start(perTick: number, ticks: number): Promise<void>;
  grant(ticks: number): void;
  /** Resolves when no more messages will come, with how many there were. */
  halt(): Promise<{ readonly ticks: number; readonly messages: number }>;
  /** Ends the process; the run's scope would do so later. */
  stop(): Promise<void>;
}
