// What the run asks of a generator process, and what the generator says by itself.
import type { DialectSetup } from './dialects.js';

export interface OpenArgs {
  readonly host: string;
  readonly port: number;
  readonly count: number;
  readonly setup: DialectSetup;
  /** Connections being opened at any time. */
  readonly inFlight: number;
}

export interface Totals {
  /** Messages that the witness has decoded since the mark. */
  readonly messages: number;
  /** Payload bytes of the witness since the mark. */
  readonly witnessBytes: number;
  /** Frames of the witness since the mark. */
  readonly witnessFrames: number;
  /** Payload bytes of all readers since the mark. */
  readonly bytes: number;
  /** Readers whose bytes differ from the witness's. */
  readonly behind: number;
  readonly lost: number;
  readonly faults: readonly string[];
  /** CPU of the generator since the mark, µs. */
  readonly cpuMicros: number;
}

export interface GeneratorCalls {
  readonly open: { args: OpenArgs; reply: { readonly ms: number } };
  /** All counters start from here. */
  readonly mark: { args: null; reply: null };
  readonly totals: { args: null; reply: Totals };
  /** Stops `count` readers (never the witness) from reading. */
  readonly pause: { args: { readonly count: number }; reply: null };
  readonly resume: { args: null; reply: null };
  readonly close: { args: null; reply: null };
}

/** Sent every few milliseconds while something arrives. */
export interface Progress {
  readonly messages: number;
  readonly witnessBytes: number;
  readonly bytes: number;
}

export function isProgress(event: unknown): event is Progress {
  return typeof event === 'object' && event !== null && 'witnessBytes' in event;
}
