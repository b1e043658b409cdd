// One server program as a private child of this process: start, wait until it answers, stop. Used
// by redis-server.ts and mariadb-server.ts, so by deploy/local.ts and by every test that needs a
// server. Invariant: the child never outlives its parent, also when the parent is killed with
// SIGKILL.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { createWriteStream, existsSync, type WriteStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { clusterError, type ErrorDetails } from '../errors.js';

/** How a child ended: an exit code, or the signal that ended it. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildServerOptions {
  /** Shown in errors. */
  readonly name: string;
  /**
   * Names or absolute paths of the program; the first that exists is taken, else the first name.
   */
  readonly programs: readonly string[];
  /** Debian package that holds the program, for the error when it is missing. */
  readonly debianPackage: string;
  readonly args: readonly string[];
  readonly port: number;
  /** A line of output that matches means that the port is taken. */
  readonly portBusyPattern: RegExp;
  /**
   * Asked every few milliseconds until it resolves to true; must not reject. Has to make sure that
   * it was this child that answered, not a stranger on the same port.
   */
  readonly isReady: (pid: number) => Promise<boolean>;
  /** Default 60,000 ms; recovery of a large store needs more. */
  readonly readyDeadlineMs?: number;
  /** Ends a child that is not ready yet: the start then fails with CHILD_EXITED. */
  readonly signal?: AbortSignal;
  /** How long a SIGTERM may take before SIGKILL follows; default 8,000 ms. */
  readonly stopDeadlineMs?: number;
  /** Output is appended to this file as well. */
  readonly logFile?: string;
  /** The child's whole environment; default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A running child. All methods may be called in any state; a dead child stays dead. */
export interface ChildServer {
  readonly pid: number;
  /** Resolves when the child has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<ChildExit>;
  /** The last 60 lines of output. */
  logTail(): string;
  /** SIGTERM, and SIGKILL after the stop deadline. Resolves when the child has ended. */
  stop(): Promise<void>;
  /** SIGKILL: as if the machine had lost the process. Resolves when the child has ended. */
  kill(): Promise<void>;
  /** SIGSTOP: sockets stay open, nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

const LOG_LINES_MAX = 60;
const PROBE_EVERY_MS = 15;
/** What starts slowly is asked more seldom, which makes a start longer by a twentieth at most. */
const PROBE_SHARE = 1 / 20;

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/**
 * Starts the program and resolves when it has answered.
 * @throws AppError CHILD_MISSING, CHILD_PORT_BUSY, CHILD_EXITED or CHILD_NOT_READY, with the log
 * tail in the message; no process is left.
 */
export async function startChildServer(options: ChildServerOptions): Promise<ChildServer> {
  const output = new OutputTail(options.logFile);
  const child = launch(options);
  const exited = watchExit(child, output);
  const pid = child.pid;
  if (pid === undefined) {
    await exited;
    throw fault('CHILD_MISSING', options, output, { package: options.debianPackage });
  }
  const server = controlsOf(child, pid, exited, output, options.stopDeadlineMs ?? 8_000);
  const giveUp = (): void => void server.stop();
  options.signal?.addEventListener('abort', giveUp);
  if (options.signal?.aborted === true) giveUp();
  try {
    await waitUntilReady(server, options, output);
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
  return server;
}

function launch({ programs, args, env }: ChildServerOptions): ChildProcess {
  const program = programs.find((one) => existsSync(one)) ?? programs[0] ?? '';
  // Own process group: Ctrl-C in a terminal reaches the parent only, which then stops in its order.
  const options = env === undefined ? SPAWN_OPTIONS : { ...SPAWN_OPTIONS, env };
  const child = hasDeathSignal()
    ? spawn(SETPRIV, ['--pdeathsig', 'SIGTERM', '--', program, ...args], options)
    : spawn(program, args, options);
  living.add(child);
  return child;
}

const SPAWN_OPTIONS: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'], detached: true };
const SETPRIV = '/usr/bin/setpriv';

/** The kernel ends the child when we die without running exit handlers (util-linux on Linux). */
function hasDeathSignal(): boolean {
  return process.platform === 'linux' && existsSync(SETPRIV);
}

function watchExit(child: ChildProcess, output: OutputTail): Promise<ChildExit> {
  child.stdout?.on('data', (data: Buffer) => output.add(data));
  child.stderr?.on('data', (data: Buffer) => output.add(data));
  return new Promise((resolve) => {
    const end = (exit: ChildExit): void => {
      living.delete(child);
      output.close();
      resolve(exit);
    };
    child.once('error', (error) => {
      output.add(Buffer.from(`${error.message}\n`));
      if (child.pid === undefined) end({ code: 127, signal: null });
    });
    child.once('close', (code, signal) => end({ code, signal }));
  });
}

function controlsOf(
  child: ChildProcess,
  pid: number,
  exited: Promise<ChildExit>,
  output: OutputTail,
  stopDeadlineMs: number,
): ChildServer {
  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await exited;
  }
  return {
    pid,
    exited,
    logTail: () => output.tail(),
    kill,
    async stop() {
      child.kill('SIGTERM');
      // A paused child would never see the signal.
      child.kill('SIGCONT');
      const patience = new AbortController();
      const late = delay(stopDeadlineMs, 'late', { signal: patience.signal, ref: false });
      const first = await Promise.race([exited, late]);
      patience.abort();
      late.catch(() => undefined);
      if (first === 'late') await kill();
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}

async function waitUntilReady(
  server: ChildServer,
  options: ChildServerOptions,
  output: OutputTail,
): Promise<void> {
  const deadlineMs = options.readyDeadlineMs ?? 60_000;
  const startedAt = performance.now();
  let exit: ChildExit | undefined;
  void server.exited.then((how) => (exit = how));
  for (;;) {
    const isReady = await options.isReady(server.pid);
    if (exit !== undefined) throw exitFault(exit, options, output);
    if (isReady) return;
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs > deadlineMs) {
      await server.kill();
      throw fault('CHILD_NOT_READY', options, output, { deadlineMs });
    }
    await delay(Math.max(PROBE_EVERY_MS, elapsedMs * PROBE_SHARE));
  }
}

function exitFault(exit: ChildExit, options: ChildServerOptions, output: OutputTail) {
  if (options.portBusyPattern.test(output.tail())) {
    return fault('CHILD_PORT_BUSY', options, output, { port: options.port });
  }
  // 127: setpriv found no such program.
  if (exit.code === 127) {
    return fault('CHILD_MISSING', options, output, { package: options.debianPackage });
  }
  return fault('CHILD_EXITED', options, output, { how: exit.signal ?? exit.code ?? 'unknown' });
}

function fault(
  code: 'CHILD_MISSING' | 'CHILD_PORT_BUSY' | 'CHILD_EXITED' | 'CHILD_NOT_READY',
  { name, programs }: ChildServerOptions,
  output: OutputTail,
  details: ErrorDetails,
) {
  const tail = output.tail();
  return clusterError(code, { name, program: programs[0] ?? name, tail, ...details });
}

/** The last lines of a child's output, in memory and on request in a file. */
class OutputTail {
  private lines: string[] = [];
  private rest = '';
  private readonly file: WriteStream | undefined;

  constructor(logFile: string | undefined) {
    if (logFile === undefined) return;
    this.file = createWriteStream(logFile, { flags: 'a' });
    // A full disk must not end the parent; the tail in memory remains.
    this.file.on('error', () => undefined);
  }

  add(data: Buffer): void {
    this.file?.write(data);
    const lines = (this.rest + data.toString('utf8')).split('\n');
    this.rest = lines.pop() ?? '';
    this.lines = [...this.lines, ...lines].slice(-LOG_LINES_MAX);
  }

  tail(): string {
    return [...this.lines, this.rest].join('\n').trim();
  }

  close(): void {
    this.file?.end();
  }
}
