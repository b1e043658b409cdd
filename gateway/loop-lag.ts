// How late the event loop is, by a timer that should have fired. Cheaper and quicker than a
// histogram: admission asks at every handshake.

export interface LoopLag {
  /** Lateness of the newest probe, or of the one that is overdue, ms. */
  readonly lagMs: () => number;
  readonly stop: () => void;
}

const PROBE_MS = 100;

export function watchLoopLag(nowMs: () => number): LoopLag {
  let probedMs = nowMs();
  let lastMs = 0;
  const overdueMs = (): number => Math.max(0, nowMs() - probedMs - PROBE_MS);
  const probe = setInterval(() => {
    lastMs = overdueMs();
    probedMs = nowMs();
  }, PROBE_MS);
  probe.unref();
  return { lagMs: () => Math.max(lastMs, overdueMs()), stop: () => clearInterval(probe) };
}
