// One ffmpeg child: started with its pipes, watched, stopped within two seconds whatever it does.
// Invariants: `exited` resolves exactly once; after it no segment and no progress is reported; the
// child never outlives this process (kernel death signal, and stdin ends).
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LIST_FD, PROGRESS_FD } from './command.js';
import { LogRing } from './log-ring.js';
import { type Progress, ProgressReader } from './progress.js';
import { type FinishedSegment, LineReader, parseSegmentLine } from './segment-list.js';

export interface FfmpegExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The stop was ours: not a failure, whatever the code. */
  readonly wasStopped: boolean;
}

export interface FfmpegOptions {
  readonly args: readonly string[];
  /** Renditions; output n is the n-th list pipe. */
  readonly outputs: number;
  /** Something is to be read from `stdout`. */
  readonly hasOutput?: boolean;
  readonly onSegment: (output: number, segment: FinishedSegment) => void;
  readonly onProgress: (progress: Progress) => void;
  /** For outputs that write to their pipe instead of announcing segments on it. */
  readonly onBytes?: (output: number, bytes: Buffer) => void;
}

/** How long each step of a stop may take; together below the two seconds that are promised. */
export const STOP_STEPS = { flushMs: 1_200, termMs: 400 } as const;

const SETPRIV = '/usr/bin/setpriv';
/** Ingest and playlists come before encoders. */
const NICE = 5;

export class FfmpegProcess {
  readonly exited: Promise<FfmpegExit>;
  readonly log = new LogRing();
  readonly #child: ChildProcess;
  #isStopping = false;
  #isGone = false;

  constructor(options: FfmpegOptions) {
    const lists = Array.from({ length: options.outputs }, () => 'pipe' as const);
    const output = options.hasOutput === true ? ('pipe' as const) : ('ignore' as const);
    const stdio = ['pipe' as const, output, 'pipe' as const, 'pipe' as const, ...lists];
    // Its own process group: Ctrl-C in a terminal reaches us only, and we stop it in order.
    const settings = { stdio, detached: true };
    const canDieWithUs = process.platform === 'linux' && existsSync(SETPRIV);
    this.#child = canDieWithUs
      ? spawn(SETPRIV, ['--pdeathsig', 'KILL', '--', 'ffmpeg', ...options.args], settings)
      : spawn('ffmpeg', options.args, settings);
    this.#readPipes(options);
    this.exited = this.#watchExit();
    if (this.pid !== undefined) lowerPriority(this.pid);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Where the FLV goes. Never emits `error`: a broken pipe shows as an exit. */
  get stdin(): Writable {
    const { stdin } = this.#child;
    if (stdin === null) throw new Error('ffmpeg was started without stdin');
    return stdin;
  }

  /** What it writes to its output, for `hasOutput`. */
  get stdout(): Readable {
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('ffmpeg was started without hasOutput');
    return stdout;
  }

  /** End of input, then SIGTERM, then SIGKILL. Segments finished on the way are still reported. */
  async stop(): Promise<FfmpegExit> {
    this.#isStopping = true;
    this.stdin.end();
    if (await this.#exitsWithin(STOP_STEPS.flushMs)) return this.exited;
    // ffmpeg that waits for input is deaf to one SIGTERM; one that is frozen to all of them.
    this.#child.kill('SIGTERM');
    if (await this.#exitsWithin(STOP_STEPS.termMs)) return this.exited;
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** SIGKILL: for a child that hangs. Counts as a failure unless a stop is under way. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #exitsWithin(ms: number): Promise<boolean> {
    const patience = new AbortController();
    const late = delay(ms, false, { signal: patience.signal }).catch(() => false);
    const isGone = await Promise.race([this.exited.then(() => true), late]);
    patience.abort();
    return isGone;
  }

  #readPipes({ outputs, onSegment, onProgress, onBytes }: FfmpegOptions): void {
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.on('error', () => undefined);
    const log = new LineReader((line) => this.log.add(line));
    this.#child.stderr?.on('data', (bytes: Buffer) => log.push(bytes));
    const progress = new ProgressReader(onProgress);
    this.#readLines(PROGRESS_FD, (line) => progress.line(line));
    for (let output = 0; output < outputs; output += 1) {
      if (onBytes !== undefined) {
        const pipe = this.#child.stdio[LIST_FD + output] as Readable;
        pipe.on('data', (bytes: Buffer) => onBytes(output, bytes));
        pipe.on('error', () => undefined);
        continue;
      }
      this.#readLines(LIST_FD + output, (line) => {
        const segment = parseSegmentLine(line);
        if (segment !== undefined) onSegment(output, segment);
      });
    }
  }

  #readLines(fd: number, onLine: (line: string) => void): void {
    const pipe = this.#child.stdio[fd] as Readable;
    const reader = new LineReader(onLine);
    pipe.on('data', (bytes: Buffer) => reader.push(bytes));
    pipe.on('error', () => undefined);
  }

  #watchExit(): Promise<FfmpegExit> {
    return new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#isGone = true;
        resolve({ code, signal, wasStopped: this.#isStopping });
      };
      this.#child.once('error', (error) => {
        this.log.add(error.message);
        if (this.#child.pid === undefined) end(127, null);
      });
      // `close`, not `exit`: the last segment lines are read before.
      this.#child.once('close', end);
    });
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICE);
  } catch {
    // Gone already, or not allowed: it runs at our own priority then.
  }
}
