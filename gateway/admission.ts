// Whether this worker takes one more connection: how many there are, the rate of arrivals, the same
// two for the address it comes from, and how far the event loop is behind. Refusing costs
// microseconds; taking everybody after an outage would cost everybody's latency.
import { AddressCaps, type AddressCapsOptions } from './address-caps.js';

/** Why no connection is taken now; the text of the 503 and a label of the metrics. */
export type Refusal = 'overloaded' | 'draining' | 'address_connections' | 'address_rate';

export interface AdmissionOptions extends AddressCapsOptions {
  readonly connectionsMax: number;
  readonly connectsPerSecMax: number;
  readonly connectionCount: () => number;
  readonly isDraining: () => boolean;
  /** How late the event loop is now, ms. */
  readonly lagMs: () => number;
}

export interface Admission {
  /** Undefined = welcome, and counted. `address` is the client's own, see client-address.ts. */
  admit(address: string): Refusal | undefined;
}

/** Handshakes wait while a loop turn takes longer than this. */
const LAG_MAX_MS = 250;

export function createAdmission(options: AdmissionOptions): Admission {
  const { connectionsMax, connectsPerSecMax, connectionCount, isDraining, nowMs, lagMs } = options;
  const addresses = new AddressCaps(options);
  let tokens = connectsPerSecMax;
  let filledMs = nowMs();

  return {
    admit(address) {
      if (isDraining()) return 'draining';
      const now = nowMs();
      const refill = (Math.max(0, now - filledMs) * connectsPerSecMax) / 1_000;
      tokens = Math.min(connectsPerSecMax, tokens + refill);
      filledMs = now;
      if (tokens < 1 || lagMs() > LAG_MAX_MS || connectionCount() >= connectionsMax)
        return 'overloaded';
      // Last, so that what an address is refused costs the others nothing, nor the reverse.
      const refusal = addresses.refuse(address);
      if (refusal === undefined) tokens -= 1;
      return refusal;
    },
  };
}

const RETRY_MIN_SEC = 2;
const RETRY_SPREAD_SEC = 4;

/** Retry-After of a 503, whole seconds: spread, so that those refused together come back apart. */
export function retryAfterSec(): number {
  return RETRY_MIN_SEC + Math.floor(Math.random() * RETRY_SPREAD_SEC);
}
