// Whether this worker takes one more connection: its number, the rate of arrivals, and how far the
// event loop is behind. Refusing costs microseconds; taking everybody after an outage would cost
// everybody's latency.

export interface AdmissionOptions {
  readonly connectionsMax: number;
  readonly connectsPerSecMax: number;
  readonly connectionCount: () => number;
  readonly isDraining: () => boolean;
  readonly nowMs: () => number;
}

export interface Admission {
  /** Undefined = welcome, and counted. */
  admit(): 'overloaded' | 'draining' | undefined;
  stop(): void;
}

const LAG_PROBE_MS = 100;
/** Handshakes wait while a loop turn takes longer than this. */
const LAG_MAX_MS = 250;

export function createAdmission(options: AdmissionOptions): Admission {
  const { connectionsMax, connectsPerSecMax, connectionCount, isDraining, nowMs } = options;
  let tokens = connectsPerSecMax;
  let filledMs = nowMs();
  let lagMs = 0;
  let probedMs = nowMs();
  const probe = setInterval(() => {
    const now = nowMs();
    lagMs = now - probedMs - LAG_PROBE_MS;
    probedMs = now;
  }, LAG_PROBE_MS);
  probe.unref();

  return {
    admit() {
      if (isDraining()) return 'draining';
      const now = nowMs();
      const refill = (Math.max(0, now - filledMs) * connectsPerSecMax) / 1_000;
      tokens = Math.min(connectsPerSecMax, tokens + refill);
      filledMs = now;
      if (tokens < 1 || lagMs > LAG_MAX_MS || connectionCount() >= connectionsMax)
        return 'overloaded';
      tokens -= 1;
      return undefined;
    },
    stop: () => clearInterval(probe),
  };
}
