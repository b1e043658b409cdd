// What the run asks of a generator process, and what the generator says by itself.
import type { DialectSetup } from './dialects.js';

export interface OpenArgs {
  readonly host: string;
  readonly port: number;
  /** Further nodes: readers are shared out, the first part to `port`, each part with a witness. */
  readonly morePorts?: readonly number[];
  readonly count: number;
  readonly setup: DialectSetup;
  /** Connections being opened at any time. */
  readonly inFlight: number;
  /** Readers that decode all they get, spread over the group; default 1, the first. */
  readonly witnesses?: number;
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
  /** Readers that do not have what the witness has: messages if they decode, else bytes. */
  readonly behind: number;
  /** Messages that decoding readers have less than the witness, together. */
  readonly missingMessages: number;
  /** Messages that decoding readers got more than once, where the protocol allows it. */
  readonly repeats: number;
  /** Bytes that they have less than the witness, together. */
  readonly missingBytes: number;
  readonly lost: number;
  readonly faults: readonly string[];
  /** CPU of the generator since the mark, µs. */
  readonly cpuMicros: number;
}

export interface GeneratorCalls {
  /** `refused`: handshakes that were answered 503 and tried again. */
  readonly open: { args: OpenArgs; reply: { readonly ms: number; readonly refused: number } };
  /** All counters start from here. */
  readonly mark: { args: null; reply: null };
  readonly totals: { args: null; reply: Totals };
  /**
   * Message by message, readers say something to their rooms, open-loop: each text begins with the
   * moment when it was due. Resolves when all is sent.
   */
  readonly say: {
    args: { readonly perSec: number; readonly speakers: readonly number[] };
    reply: null;
  };
  /**
   * Ms from sending to receipt of every message at every witness since the mark, one witness after
   * the other.
   */
  readonly latencies: { args: null; reply: Float64Array };
  /** Stops the last `count` readers from reading. */
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
