// What the run asks of the tip driver, the process that plays the billing engine.

/** `engine`: the real script · `bare`: the ceiling. */
export type TipMode = 'engine' | 'bare';

export interface TipCalls {
  /** Opens so many connections and funds the wallets of one shard. */
  readonly prepare: {
    args: { readonly redisUrl: string; readonly connections: number };
    reply: null;
  };
  /** Tips as fast as answers come, `inFlight` at a time over all connections. */
  readonly run: {
    args: { readonly mode: TipMode; readonly ms: number; readonly inFlight: number };
    reply: {
      readonly tips: number;
      readonly ms: number;
      /** Time from sending a tip to its answer. */
      readonly callMs: Float64Array;
      readonly driverMicros: number;
    };
  };
  /** Sends some keys again and compares every wallet with what its tips have cost. */
  readonly verify: {
    args: null;
    reply: { readonly wallets: number; readonly tips: number; readonly mismatches: string[] };
  };
}
