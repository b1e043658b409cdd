// Time as a parameter, so that tests own it. Production code takes a Clock and never calls
// Date.now.

/** Source of time. `nowMs` is wall time (Unix epoch), `monotonicMs` never goes back. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
