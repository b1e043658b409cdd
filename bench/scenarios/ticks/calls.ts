// What the run asks of the driver, the process that plays the billing engine.

/** `engine`: real scripts, full calls · `single`: real, one a call · `bare`: the ceiling. */
export type TickMode = 'engine' | 'single' | 'bare';

export interface TickRun {
  readonly ticks: number;
  readonly calls: number;
  readonly ms: number;
  /** Time from sending a call to its answer, µs, in the driver. */
  readonly callMicros: Float64Array;
  readonly driverMicros: number;
}

export interface DriverCalls {
  /** Funds wallets, opens one session each, and sets the rooms live. */
  readonly prepare: {
    args: { readonly redisUrl: string; readonly sessions: number };
    reply: { readonly ms: number };
  };
  readonly run: {
    args: { readonly mode: TickMode; readonly ms: number; readonly inFlight: number };
    reply: TickRun;
  };
  /** Compares every wallet with what it must have; answers sentences about those that differ. */
  readonly verify: {
    args: null;
    reply: { readonly wallets: number; readonly mismatches: string[] };
  };
}
