// How late the event loop is, by a timer that should have fired: cheaper and quicker than a
// histogram, as admission asks at every handshake. And how much of its time it is at work.

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

/** Gives the share of its time, 0 … 1, that the event loop was at work since the last call. */
export function watchWork(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
