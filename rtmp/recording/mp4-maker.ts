// Turns finished FLV recordings into MP4 files that players can seek in: one at a time, ffmpeg with
// copied tracks, within the node's CPU budget, watched and tried again once. Used by Recordings.
import { rename, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import ffmpeg from 'fluent-ffmpeg';
import type { Logger } from '../../cluster/index.js';
import type { CpuBudget } from '../ffmpeg/cpu-budget.js';
import { PROGRESS_FD } from '../ffmpeg/command.js';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.js';

export interface Mp4MakerOptions {
  readonly budget: CpuBudget;
  readonly log: Logger;
}

export interface Mp4Job {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** @param bytes of the MP4; undefined when it cannot be made */
  readonly onDone: (bytes: number | undefined) => void;
}

/** Copying is reading and writing; this is what it takes of a core while it runs. */
const COST_PERCENT = 20;
const BUDGET_WAIT_MS = 2_000;
const ATTEMPTS = 2;
/** A disk of 5 MB/s is slow; the index is moved to the front in a second pass. */
const TIME_MIN_MS = 60_000;
const BYTES_PER_MS = 5_000;

export class Mp4Maker {
  readonly #options: Mp4MakerOptions;
  readonly #stopping = new AbortController();
  #tail: Promise<void> = Promise.resolve();
  #process: FfmpegProcess | undefined;

  constructor(options: Mp4MakerOptions) {
    this.#options = options;
  }

  push(job: Mp4Job): void {
    this.#tail = this.#tail.then(() => this.#make(job));
  }

  /** Ends what runs; jobs that were not done are found by the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#process?.kill();
    await this.#tail;
  }

  async #make(job: Mp4Job): Promise<void> {
    const { log } = this.#options;
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#isStopping(); attempt += 1) {
      try {
        const bytes = await this.#run(job);
        if (this.#isStopping()) return;
        if (bytes !== undefined) {
          job.onDone(bytes);
          return;
        }
      } catch (thrown) {
        log.warn({ event: 'recording.mp4_failed', id: job.id, err: thrown });
      }
    }
    if (!this.#isStopping()) job.onDone(undefined);
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run({ id, source, target }: Mp4Job): Promise<number | undefined> {
    const { budget, log } = this.#options;
    const { signal } = this.#stopping;
    // Live shows come first. A budget too small for this at all must not keep it for ever.
    while (!signal.aborted && budget.freePercent < COST_PERCENT && budget.usedPercent > 0) {
      await delay(BUDGET_WAIT_MS, undefined, { signal }).catch(() => undefined);
    }
    if (this.#isStopping()) return undefined;
    const part = `${target}.part`;
    const { size } = await stat(source);
    const reservation = budget.reserve(COST_PERCENT);
    const child = new FfmpegProcess({
      ...{ args: mp4Arguments(source, part), outputs: 0 },
      onSegment: () => undefined,
      onProgress: () => undefined,
    });
    this.#process = child;
    child.stdin.end();
    const timer = setTimeout(() => child.kill(), Math.max(TIME_MIN_MS, size / BYTES_PER_MS));
    try {
      const { code } = await child.exited;
      if (code !== 0) {
        log.warn({ event: 'recording.mp4_failed', id, code, tail: child.log.tail(5) });
        return undefined;
      }
      await rename(part, target);
      return (await stat(target)).size;
    } finally {
      clearTimeout(timer);
      reservation.release();
      this.#process = undefined;
      await rm(part, { force: true });
    }
  }
}

function mp4Arguments(source: string, target: string): readonly string[] {
  return ffmpeg()
    .input(source)
    .inputOptions([
      ...['-hide_banner', '-loglevel', 'error', '-y'],
      ...['-progress', `pipe:${PROGRESS_FD}`, '-stats_period', '1', '-nostats', '-f', 'flv'],
    ])
    .output(target)
    .outputOptions([...['-map', '0', '-c', 'copy', '-movflags', '+faststart', '-f', 'mp4']])
    ._getArguments();
}
