// Takes the garbage that a crowd has left once the worker has time. V8 looks for it when the heap
// has grown again by as much, which in an idle worker may take an hour: until then it is half of
// what a connection seems to hold. A collection stops the event loop for a millisecond or two
// for each megabyte that lives, so it waits until little goes on, and is not made for little.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface HeapCareOptions {
  /** Of the heap, garbage and all. */
  readonly usedBytes: () => number;
  /**
   * Collects all garbage before it returns. `isCompacting` = and moves what lives together, so that
   * memory goes back to the kernel, which takes two or three times as long.
   */
  readonly collect: (isCompacting: boolean) => void;
}

/** Up to this share of its time at work, a worker is calm. */
const CALM_SHARE = 0.2;
/**
 * Seconds, one after the other. V8 gives the room for new objects back when little was allocated in
 * the five seconds before a collection.
 */
const CALM_SWEEPS = 8;
/** What may be garbage, at least: in bytes, and as a share of what was alive. */
const GROWTH_MIN_BYTES = 8 * 1_024 * 1_024;
const GROWTH_MIN_SHARE = 0.5;
/** More would stop the worker for longer than a conversation bears: V8 takes it bit by bit. */
const ALIVE_MAX_BYTES = 64 * 1_024 * 1_024;

export class HeapCare {
  /** After the last collection. */
  private aliveBytes: number;
  private calmSweeps = 0;
  /** Since the last collection: then garbage is spread over pages that nobody needs any more. */
  private wasBusy = false;

  constructor(private readonly options: HeapCareOptions) {
    this.aliveBytes = options.usedBytes();
  }

  /** Once a second. @param workedShare of that second, 0 … 1 */
  sweep(workedShare: number): void {
    const { usedBytes, collect } = this.options;
    const isCalm = workedShare <= CALM_SHARE;
    this.calmSweeps = isCalm ? this.calmSweeps + 1 : 0;
    this.wasBusy ||= !isCalm;
    if (this.calmSweeps < CALM_SWEEPS) return;
    const grownBytes = usedBytes() - this.aliveBytes;
    if (grownBytes < Math.max(GROWTH_MIN_BYTES, this.aliveBytes * GROWTH_MIN_SHARE)) return;
    if (this.aliveBytes > ALIVE_MAX_BYTES) return;
    collect(this.wasBusy);
    this.aliveBytes = usedBytes();
    this.calmSweeps = 0;
    this.wasBusy = false;
  }
}

/** Of this process. */
export function createHeapCare(): HeapCare {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  return new HeapCare({
    usedBytes: () => getHeapStatistics().used_heap_size,
    collect(isCompacting) {
      if (isCompacting) setFlagsFromString('--compact-on-every-full-gc');
      gc();
      setFlagsFromString('--no-compact-on-every-full-gc');
    },
  });
}
