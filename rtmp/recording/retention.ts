// Which recordings have to go: those that are too old, then the oldest until the rest fits. Pure.
import type { RecordingEntry } from './recording.js';

export interface RetentionRules {
  /** Age after which a recording is removed; 0 = never. */
  readonly keepMs: number;
  /** Of all files together; 0 = no limit. */
  readonly totalMaxBytes: number;
}

/** @param entries oldest first; open ones are never given */
export function surplus(
  entries: readonly RecordingEntry[],
  { keepMs, totalMaxBytes }: RetentionRules,
  nowMs: number,
): readonly RecordingEntry[] {
  const closed = entries.filter((one) => one.state === 'ready' || one.state === 'flv');
  let total = closed.reduce((sum, one) => sum + sizeOf(one), 0);
  return closed.filter((one) => {
    const isOld = keepMs > 0 && nowMs - (one.startedAtMs + one.durationMs) > keepMs;
    const isTooMuch = totalMaxBytes > 0 && total > totalMaxBytes;
    if (isOld || isTooMuch) total -= sizeOf(one);
    return isOld || isTooMuch;
  });
}

function sizeOf({ bytes, mp4Bytes }: RecordingEntry): number {
  return bytes + mp4Bytes;
}
