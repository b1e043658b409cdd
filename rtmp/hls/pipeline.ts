// One publish on its way into a show: feeder → plan → ffmpeg → segments, with restarts after
// failures and new runs when the source changes. Used by LiveShow, one per publish.
// Invariants: at most one ffmpeg at a time; after `stop` none, within two seconds; runs follow one
// another, so segments reach the show in play order.
import type { Clock, Logger } from '../../cluster/index.js';
import { ffmpegArguments } from '../ffmpeg/command.js';
import type { CpuBudget, Reservation } from '../ffmpeg/cpu-budget.js';
import type { EncoderName } from '../ffmpeg/encoders.js';
import { type FfmpegExit, FfmpegProcess } from '../ffmpeg/ffmpeg-process.js';
import { planRun, type RunPlan, type Source } from '../ffmpeg/plan.js';
import { RestartPolicy } from '../ffmpeg/restart-policy.js';
import { RunFeeder, type SourceChange } from '../ffmpeg/run-feeder.js';
import { type HealthRules, HealthWatch } from '../ffmpeg/health-watch.js';
import type { FinishedSegment } from '../ffmpeg/segment-list.js';
import { DISK_FULL, type LiveStream } from '../live-stream.js';
import type { HlsMetrics } from '../metrics.js';
import type { MediaFiles } from './media-files.js';
import { PartWriter } from './part-writer.js';
import { encryptedRunName } from './segment-cipher.js';
import type { Show, ShowRun } from './show.js';
import type { SoundTracks } from './sound-tracks.js';

export interface PipelineOptions {
  readonly stream: LiveStream;
  readonly show: Show;
  readonly files: MediaFiles;
  readonly budget: CpuBudget;
  readonly segmentSec: number;
  readonly renditionsMax: number;
  readonly hasAudioOnly: boolean;
  readonly isEncrypted: boolean;
  /** Default: libx264, which also takes over when another fails. */
  readonly encoder?: EncoderName;
  /** Default: HEALTH_RULES. */
  readonly health?: HealthRules;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: HlsMetrics;
  /** Further languages follow the runs. */
  readonly sounds: Pick<SoundTracks, 'begin' | 'over'>;
  /** The show has a segment more. */
  readonly onSegment: () => void;
  /** The show has a part more. */
  readonly onPart: () => void;
}

interface Run {
  readonly show: ShowRun;
  readonly process: FfmpegProcess;
  readonly feeder: RunFeeder;
  readonly watch: HealthWatch;
  /** One per rendition of a run with parts. */
  readonly writers: readonly PartWriter[];
  readonly reservation: Reservation;
  readonly startedAtMs: number;
  closed?: Promise<void>;
}

const WATCH_EVERY_MS = 1_000;
/** What ffmpeg says of a full disk, a quota and a limit on file sizes. */
const FULL_DISK = /No space left|quota exceeded|File too large/i;
/** An overloaded node encodes smaller pictures, down to this height. */
const HEIGHT_MIN = 240;

export class StreamPipeline {
  readonly #options: PipelineOptions;
  readonly #restarts = new RestartPolicy();
  #feeder: RunFeeder | undefined;
  #run: Run | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #hasWideKeyFrames = false;
  #heightMax = Infinity;
  #renditionsMax: number;
  #encoder: EncoderName;
  #stopping: Promise<void> | undefined;
  #switching: SourceChange | 'overload' | undefined;
  #notes: readonly string[] = [];
  #isDiskFull = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#renditionsMax = options.renditionsMax;
    this.#encoder = options.encoder ?? 'libx264';
  }

  /** Name of the run whose last file is still being written. */
  get openRun(): string | undefined {
    return this.#run?.show.name;
  }

  /** Why the source is not passed on as it is. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Size of the dearest encoding that the run can do without, pixels per second; 0 = none. */
  get spareWork(): number {
    const pictures = this.#run?.show.plan.renditions.filter((one) => one.video !== undefined) ?? [];
    const dearest = pictures.find(({ video }) => typeof video === 'object')?.video;
    const isBusy = this.#switching !== undefined || this.#stopping !== undefined;
    if (pictures.length < 2 || isBusy || typeof dearest !== 'object') return 0;
    return dearest.width * dearest.height * dearest.fps;
  }

  /** Goes on without the dearest encoding; viewers of it get the next smaller picture. */
  async shed(): Promise<void> {
    const run = this.#run;
    if (run === undefined || this.spareWork === 0) return;
    this.#switching = 'overload';
    this.#shed(run.show.plan);
    this.#options.log.warn({ event: 'hls.shed', run: run.show.name });
    await run.process.stop();
  }

  get pid(): number | undefined {
    return this.#run?.process.pid;
  }

  start(): void {
    this.#ticker = setInterval(() => this.#watch(), WATCH_EVERY_MS);
    this.#probe();
  }

  /**
   * Ends the run; its last segment is still listed. Resolves when no process is left. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#ticker);
    clearTimeout(this.#timer);
    this.#feeder?.close();
    const run = this.#run;
    if (run === undefined) return;
    await run.process.stop();
    await this.#closed(run);
  }

  #probe(): void {
    this.#switching = undefined;
    const feeder = new RunFeeder({
      stream: this.#options.stream,
      nowMs: () => this.#options.clock.nowMs(),
      events: {
        ready: (source, startMs) => this.#begin(feeder, source, startMs),
        changed: (change) => void this.#change(change),
        // The stream's end reaches us as `stop`.
        ended: () => undefined,
      },
    });
    this.#feeder = feeder;
    feeder.start();
  }

  #begin(feeder: RunFeeder, source: Source, startMs: number): void {
    const { show, budget, stream, log, segmentSec, hasAudioOnly } = this.#options;
    const keyFrameIntervalMs = this.#hasWideKeyFrames ? Infinity : source.keyFrameIntervalMs;
    const plan = planRun(
      { ...source, keyFrameIntervalMs },
      {
        ...{ segmentSec, hasAudioOnly, targetSec: show.targetSec, partMs: show.partMs },
        ...{ renditionsMax: this.#renditionsMax, encoder: this.#encoder },
        ...{ budgetPercent: budget.freePercent, heightMax: this.#heightMax },
      },
    );
    if (plan === undefined) {
      feeder.close();
      log.error({ event: 'hls.no_capacity', freePercent: budget.freePercent });
      this.#options.metrics.refusals.inc({ reason: 'capacity' });
      // Not from within the stream's own call.
      const reason = 'no capacity to transcode: send H.264 and AAC with a key frame every 2 s';
      queueMicrotask(() => stream.kick(reason));
      return;
    }
    this.#notes = plan.reasons;
    try {
      this.#launch(feeder, plan, startMs);
    } catch (thrown) {
      // The disk is full or the folder is not ours: as bad as an ffmpeg that ends at once.
      log.error({ event: 'hls.run_failed', err: thrown });
      this.#isDiskFull = isDiskError(thrown);
      feeder.close();
      this.#restartLater(0);
    }
  }

  #launch(feeder: RunFeeder, plan: RunPlan, startMs: number): void {
    const { show, files, stream, clock, metrics, log, isEncrypted } = this.#options;
    const plain = runName(clock.nowMs());
    const name = isEncrypted ? encryptedRunName(plain) : plain;
    const folders = files.makeFolders(
      stream.streamId,
      name,
      plan.renditions.map((rendition) => rendition.name),
    );
    const showRun = show.openRun(name, plan, startMs);
    const watch = new HealthWatch(clock.monotonicMs(), this.#options.health);
    const writers = plan.parts === undefined ? [] : this.#writersFor(showRun, folders);
    const child = new FfmpegProcess({
      args: ffmpegArguments(plan, folders),
      outputs: folders.length,
      onSegment: (output, segment) => this.#listed(showRun, output, segment, folders[output] ?? ''),
      onProgress: (progress) => watch.progressed(progress, clock.monotonicMs()),
      ...(writers.length === 0
        ? {}
        : { onBytes: (output: number, bytes: Buffer) => writers[output]?.push(bytes) }),
    });
    const reservation = this.#options.budget.reserve(plan.costPercent);
    const startedAtMs = clock.monotonicMs();
    const parts = { show: showRun, process: child, feeder, watch, writers };
    const run: Run = { ...parts, reservation, startedAtMs };
    this.#run = run;
    metrics.processes.inc();
    metrics.runs.inc({ kind: plan.reasons.length === 0 ? 'copy' : 'encode' });
    log.info({
      event: 'hls.run_started',
      ...{ run: name, pid: child.pid, costPercent: plan.costPercent, reasons: plan.reasons },
      renditions: plan.renditions.map(({ size }) => `${size?.width ?? 0}x${size?.height ?? 0}`),
    });
    void child.exited.then((exit) => this.#exited(run, exit));
    feeder.attach(child.stdin, plan.keyFrameGapMaxMs);
    this.#options.sounds.begin({ run: showRun, feeder });
  }

  #writersFor(run: ShowRun, folders: readonly string[]): readonly PartWriter[] {
    const { show, segmentSec, log, onPart } = this.#options;
    return folders.map(
      (folder, output) =>
        new PartWriter({
          ...{ folder, segmentSec },
          onPart: (part) => {
            show.appendPart(run, output, part);
            onPart();
          },
          onSegment: (segment) => this.#listed(run, output, segment, folder),
          onFailed: (err) => {
            log.error({ event: 'hls.write_failed', err });
            // As bad as an ffmpeg that ends by itself.
            this.#run?.process.kill();
          },
        }),
    );
  }

  #listed(run: ShowRun, output: number, segment: FinishedSegment, folder: string): void {
    const { show, files, stream, metrics, onSegment } = this.#options;
    const bytes = files.wholeSizeOf(folder, segment.file);
    const before = show.refusedSegments;
    const removable = show.append(run, output, { ...segment, bytes });
    if (show.refusedSegments > before) metrics.segments.inc({ outcome: 'refused' });
    else metrics.segments.inc({ outcome: 'listed' });
    void files.removeSegments(stream.streamId, removable);
    if (bytes === 0 && files.isFull(folder)) this.#diskFull();
    onSegment();
  }

  /** Segments that lose their end help nobody: ended like any failure, with its own reason. */
  #diskFull(): void {
    this.#isDiskFull = true;
    const { process } = this.#run ?? {};
    if (process?.isGone === false) process.kill();
  }

  /** The source no longer fits the run: end it and look again. */
  async #change(change: SourceChange): Promise<void> {
    const run = this.#run;
    if (this.#stopping !== undefined || run === undefined) return;
    this.#options.log.info({ event: 'hls.source_changed', change });
    this.#switching = change;
    if (change === 'key-frames') {
      // Its unfinished segment is too long already; the next run begins with the same key frame.
      this.#hasWideKeyFrames = true;
      run.process.kill();
    } else {
      await run.process.stop();
    }
  }

  async #exited(run: Run, exit: FfmpegExit): Promise<void> {
    if (this.#stopping !== undefined) return;
    const { log, clock, metrics } = this.#options;
    run.feeder.close();
    await this.#closed(run);
    if (this.#isStopped()) return;
    if (this.#switching !== undefined) {
      this.#probe();
      return;
    }
    const { code, signal } = exit;
    const ranMs = Math.round(clock.monotonicMs() - run.startedAtMs);
    log.warn({ event: 'ffmpeg.failed', code, signal, ranMs, tail: run.process.log.tail(5) });
    metrics.failures.inc({ reason: run.watch.verdict ?? (signal === null ? 'exit' : 'signal') });
    this.#leaveHardware(run.show.plan);
    const isFull = FULL_DISK.test(run.process.log.tail(5).join(' '));
    this.#isDiskFull = isFull || this.#isDiskFull;
    this.#restartLater(ranMs);
  }

  /** Hardware may be out of sessions, or gone: this publish goes on without it. */
  #leaveHardware({ renditions }: RunPlan): void {
    const hasEncoded = renditions.some(({ video }) => typeof video === 'object');
    if (!hasEncoded || this.#encoder === 'libx264') return;
    this.#options.log.warn({ event: 'encoder.left', encoder: this.#encoder });
    this.#encoder = 'libx264';
  }

  #isStopped(): boolean {
    return this.#stopping !== undefined;
  }

  #restartLater(ranMs: number): void {
    const { clock, log, stream, metrics } = this.#options;
    const delayMs = this.#restarts.failed(clock.monotonicMs(), ranMs);
    const isDiskFull = this.#isDiskFull;
    this.#isDiskFull = false;
    if (isDiskFull) {
      log.error({ event: 'hls.disk_full', code: 'RTMP_DISK_FULL', retryMs: delayMs });
      metrics.failures.inc({ reason: 'disk-full' });
    }
    if (delayMs === undefined && isDiskFull) {
      metrics.refusals.inc({ reason: 'disk-full' });
      stream.kick(DISK_FULL);
      return;
    }
    if (delayMs === undefined) {
      log.error({ event: 'ffmpeg.circuit_open' });
      metrics.refusals.inc({ reason: 'circuit' });
      stream.kick('the stream cannot be processed: ffmpeg failed again and again');
      return;
    }
    this.#timer = setTimeout(() => this.#probe(), delayMs);
  }

  /** After the exit of a run: gives back what it held and removes what was never listed. */
  #closed(run: Run): Promise<void> {
    run.closed ??= this.#close(run);
    return run.closed;
  }

  async #close(run: Run): Promise<void> {
    for (const writer of run.writers) await writer.close();
    this.#run = undefined;
    run.reservation.release();
    const { show, files, stream, metrics, sounds } = this.#options;
    metrics.processes.dec();
    await sounds.over();
    await files.tidyRun(stream.streamId, run.show.name, (folder, file) =>
      show.has(run.show.name, folder, file),
    );
  }

  #watch(): void {
    const run = this.#run;
    if (run === undefined || run.process.isGone) return;
    const { clock, log, metrics } = this.#options;
    const { fedMs, backlogBytes, isDropping } = run.feeder;
    const verdict = run.watch.check({ fedMs, backlogBytes, isDropping }, clock.monotonicMs());
    if (verdict === undefined) return;
    log.warn({ event: `ffmpeg.${verdict}`, pid: run.process.pid, backlogBytes });
    metrics.overloads.inc();
    if (verdict === 'overloaded') this.#shed(run.show.plan);
    run.process.kill();
  }

  /** The next run does without the dearest encoding. */
  #shed({ renditions }: RunPlan): void {
    const encoded = renditions.flatMap(({ video }) => (typeof video === 'object' ? video : []));
    const dearest = encoded[0];
    if (dearest === undefined) return;
    this.#heightMax = Math.max(HEIGHT_MIN, dearest.height - 1);
    this.#renditionsMax = Math.max(1, this.#renditionsMax - 1);
  }
}

function isDiskError(thrown: unknown): boolean {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

/** Grows with time and is never used twice, on any node: caches know a segment by its address. */
function runName(nowMs: number): string {
  return `${nowMs.toString(36)}-${Math.random().toString(36).slice(2, 8).padEnd(6, '0')}`;
}
