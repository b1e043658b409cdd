// Starts the parts of a role in order and stops them in reverse under one deadline.
// Used by every main.ts; stopping twice is the same stop, a failed start stops what had started.
import { coerceError } from './errors.js';
import { endLog, type Logger } from './log.js';

/** A part of a role. `stop` must be safe to call once after a successful start. */
export interface Part {
  start?(): Promise<void> | void;
  stop?(): Promise<void> | void;
  /** Time that its stop may take in addition to the role's deadline, ms. */
  readonly stopMs?: number;
}

export interface Lifecycle {
  /** Adds a part; parts start in the order in which they were added. */
  add(name: string, part: Part): void;
  /** Starts all parts; on failure the started ones are stopped and the error is thrown. */
  start(): Promise<void>;
  /**
   * Stops started parts in reverse order. Idempotent; resolves to false when the deadline cut it
   * short.
   */
  stop(reason: string): Promise<boolean>;
  /** True from the first call of stop on. */
  isStopping(): boolean;
  /**
   * Starts, waits for SIGTERM or SIGINT, stops and ends the process: with 0, or with 1 after a
   * failed start, an uncaught fault or a stop that was cut short. Does not return.
   */
  runUntilSignal(): Promise<void>;
}

export function createLifecycle(log: Logger, options: { stopDeadlineMs: number }): Lifecycle {
  const parts: { name: string; part: Part }[] = [];
  const started: { name: string; part: Part }[] = [];
  let stopping: Promise<boolean> | undefined;

  function isStopping(): boolean {
    return stopping !== undefined;
  }

  async function start(): Promise<void> {
    for (const entry of parts) {
      if (isStopping()) return;
      try {
        await entry.part.start?.();
      } catch (thrown) {
        log.error({ event: 'lifecycle.start_failed', part: entry.name, err: coerceError(thrown) });
        await stop(`${entry.name} failed to start`);
        throw thrown;
      }
      // A stop that came meanwhile did not know of this part.
      if (isStopping()) await stopPart(entry.name, entry.part);
      else started.push(entry);
    }
    if (!isStopping()) {
      log.info({ event: 'lifecycle.started', parts: parts.map((one) => one.name) });
    }
  }

  async function stopAll(reason: string): Promise<boolean> {
    log.info({ event: 'lifecycle.stopping', reason });
    const extraMs = started.reduce((sum, { part }) => sum + (part.stopMs ?? 0), 0);
    const deadline = deadlineAfter(options.stopDeadlineMs + extraMs);
    let isInTime = true;
    for (let entry = started.pop(); entry !== undefined; entry = started.pop()) {
      const { name, part } = entry;
      const outcome = await Promise.race([stopPart(name, part), deadline.expired]);
      if (outcome === 'late') {
        log.error({ event: 'lifecycle.stop_late', part: name });
        isInTime = false;
        break;
      }
    }
    deadline.clear();
    log.info({ event: 'lifecycle.stopped', reason });
    return isInTime;
  }

  async function stopPart(name: string, part: Part): Promise<'done'> {
    try {
      await part.stop?.();
    } catch (thrown) {
      log.error({ event: 'lifecycle.stop_failed', part: name, err: coerceError(thrown) });
    }
    return 'done';
  }

  function stop(reason: string): Promise<boolean> {
    stopping ??= stopAll(reason);
    return stopping;
  }

  async function runUntilSignal(): Promise<void> {
    const ended = new Promise<{ reason: string; code: number }>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.on(signal, () => resolve({ reason: signal, code: 0 }));
      }
      const fault = (thrown: unknown): void => {
        log.fatal({ event: 'process.fault', err: coerceError(thrown) });
        resolve({ reason: 'fault', code: 1 });
      };
      process.on('uncaughtException', fault);
      process.on('unhandledRejection', fault);
    });
    // A signal ends the process also while it is still starting.
    const startUp = start().then(
      () => ended,
      () => ({ reason: 'a part failed to start', code: 1 }),
    );
    const { reason, code } = await Promise.race([ended, startUp]);
    const isInTime = await stop(reason);
    await endLog(log);
    process.exit(isInTime ? code : 1);
  }

  return {
    add: (name, part) => void parts.push({ name, part }),
    start,
    stop,
    isStopping,
    runUntilSignal,
  };
}

function deadlineAfter(ms: number): { expired: Promise<'late'>; clear: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  return { expired, clear: () => clearTimeout(timer) };
}
