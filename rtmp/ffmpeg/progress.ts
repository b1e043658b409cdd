// Reads ffmpeg's `-progress` report: `key=value` lines, a block ends with `progress=continue|end`.

export interface Progress {
  /** Media time written so far, ms; 0 before the first packet. */
  readonly outTimeMs: number;
  readonly fps: number;
  /** Media time per wall time since the start, 1 = real time. */
  readonly speed: number;
  readonly droppedFrames: number;
  readonly isLast: boolean;
}

export class ProgressReader {
  #block = new Map<string, string>();

  constructor(private readonly onProgress: (progress: Progress) => void) {}

  line(line: string): void {
    const at = line.indexOf('=');
    if (at < 1) return;
    const key = line.slice(0, at).trim();
    const value = line.slice(at + 1).trim();
    this.#block.set(key, value);
    if (key !== 'progress') return;
    this.onProgress({
      outTimeMs: Math.max(0, this.#number('out_time_us') / 1_000),
      fps: this.#number('fps'),
      speed: this.#number('speed'),
      droppedFrames: this.#number('drop_frames'),
      isLast: value === 'end',
    });
    this.#block = new Map();
  }

  /** `N/A` and `1.01x` occur. */
  #number(key: string): number {
    const value = Number.parseFloat(this.#block.get(key) ?? '');
    return Number.isFinite(value) ? value : 0;
  }
}
