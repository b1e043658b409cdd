// Keeps one child running: starts it, waits until it is ready, starts it again with back-off when
// it dies, stops it. Used by local.ts for roles, private servers and the demo broadcast.
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildServer } from '../cluster/index.js';

export interface SupervisorOptions {
  readonly name: string;
  /** Gives up, and leaves no process, when the signal is aborted. */
  readonly start: (signal: AbortSignal) => Promise<ChildServer>;
  /** Told of each death and restart, in words. */
  readonly report: (line: string) => void;
}

const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** A child that lived this long starts again without delay growth. */
const HEALTHY_AFTER_MS = 30_000;

/**
 * One supervised child. `start` rejects when the first start fails; later failures are retried for
 * ever.
 */
export class Supervisor {
  private child: ChildServer | undefined;
  private readonly ending = new AbortController();
  private watching: Promise<void> = Promise.resolve();

  constructor(private readonly options: SupervisorOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** Pid of the living child; undefined between a death and the restart. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  async start(): Promise<void> {
    this.child = await this.options.start(this.ending.signal);
    this.watching = this.watch(this.child);
  }

  /** No more restarts; SIGTERM, then SIGKILL after the child's own stop deadline. Idempotent. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.child?.stop();
    await this.watching;
    // A start that was under way when we were told to stop.
    await this.child?.stop();
  }

  private async watch(first: ChildServer): Promise<void> {
    let child: ChildServer | undefined = first;
    let backoffMs = BACKOFF_MIN_MS;
    while (!this.ending.signal.aborted) {
      const startedAt = performance.now();
      if (child !== undefined) {
        const exit = await child.exited;
        this.child = undefined;
        if (this.isEnding()) return;
        this.options.report(
          `${this.name} ended (${exit.signal ?? `exit ${exit.code ?? '?'}`}), starting it again`,
        );
      }
      if (performance.now() - startedAt > HEALTHY_AFTER_MS) backoffMs = BACKOFF_MIN_MS;
      await this.pause(backoffMs);
      backoffMs = Math.min(BACKOFF_MAX_MS, backoffMs * 2);
      child = await this.tryStart();
    }
  }

  private async tryStart(): Promise<ChildServer | undefined> {
    if (this.isEnding()) return undefined;
    try {
      this.child = await this.options.start(this.ending.signal);
      this.options.report(`${this.name} is back`);
      return this.child;
    } catch (thrown) {
      if (this.isEnding()) return undefined;
      const [line = ''] = String(thrown instanceof Error ? thrown.message : thrown).split('\n');
      this.options.report(`${this.name} did not start: ${line}`);
      return undefined;
    }
  }

  private isEnding(): boolean {
    return this.ending.signal.aborted;
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.ending.signal }).catch(() => undefined);
  }
}
