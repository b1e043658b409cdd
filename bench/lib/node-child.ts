// A Node program as a child of the run, with typed calls over its IPC channel. Used for generators
// and peers. Invariant: a child ends when its parent does, and no process but our own children is
// ever ended.
import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunScope } from './teardown.js';

interface Call {
  readonly args: unknown;
  readonly reply: unknown;
}
export type CallTable<M> = { readonly [K in keyof M]: Call };
export type Handlers<M extends CallTable<M>> = {
  readonly [K in keyof M]: (args: M[K]['args']) => M[K]['reply'] | Promise<M[K]['reply']>;
};

interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
}
interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly problem?: string;
}
interface Event {
  readonly event: unknown;
}

export interface NodeChild<M extends CallTable<M>> {
  readonly pid: number;
  /** @throws Error with the child's own message; rejects when the child ends. */
  call<K extends keyof M & string>(name: K, args: M[K]['args']): Promise<M[K]['reply']>;
  /** What the child says by itself with `tellParent`. */
  onEvent(listener: (event: unknown) => void): void;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly entry: string;
  readonly args?: readonly string[];
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const STOP_MS = 5_000;

export function startNodeChild<M extends CallTable<M>>(
  scope: RunScope,
  options: ChildOptions,
): NodeChild<M> {
  const child = fork(options.entry, [...(options.args ?? [])], {
    execArgv: [...(options.execArgv ?? [])],
    env: { ...process.env, ...options.env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (v: unknown) => void; reject: (e: Error) => void }>();
  const listeners: ((event: unknown) => void)[] = [];
  let lastId = 0;
  child.on('message', (message: Reply | Event) => {
    if ('event' in message) {
      for (const listener of listeners) listener(message.event);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.problem === undefined) call?.resolve(message.value);
    else call?.reject(new Error(message.problem));
  });
  const fail = (why: string): void => {
    for (const { reject } of waiting.values()) reject(new Error(`${options.entry}: ${why}`));
    waiting.clear();
  };
  child.once('error', (error) => fail(error.message));
  child.once('exit', (code, signal) => fail(`ended with ${signal ?? String(code)}`));
  const stop = (): Promise<void> => stopChild(child);
  scope.teardown(stop);
  return {
    pid: child.pid ?? 0,
    onEvent: (listener) => void listeners.push(listener),
    stop,
    call<K extends keyof M & string>(name: K, args: M[K]['args']): Promise<M[K]['reply']> {
      lastId += 1;
      const request: Request = { id: lastId, name, args };
      return new Promise((resolve, reject) => {
        if (!child.connected) {
          reject(new Error(`${options.entry}: has ended`));
          return;
        }
        waiting.set(request.id, { resolve: resolve, reject });
        child.send(request);
      });
    },
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const isOut = await Promise.race([
    exited.then(() => true),
    delay(STOP_MS, false, { ref: false }),
  ]);
  if (isOut) return;
  child.kill('SIGKILL');
  await exited;
}

/** In the child: answers the parent's calls until the parent goes away. */
export function serveParent<M extends CallTable<M>>(handlers: Handlers<M>): void {
  process.on('message', (request: Request) => void answer(handlers, request));
  process.once('disconnect', () => process.exit(0));
  // Leaves by process.exit so that a CPU profile asked for by flag is written.
  process.once('SIGTERM', () => process.exit(0));
}

async function answer<M extends CallTable<M>>(
  handlers: Handlers<M>,
  request: Request,
): Promise<void> {
  const { id, name, args } = request;
  try {
    const handler = handlers[name as keyof M] as ((args: unknown) => unknown) | undefined;
    if (handler === undefined) throw new Error(`no call ${name}`);
    process.send?.({ id, value: await handler(args) } satisfies Reply);
  } catch (thrown) {
    const problem = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    process.send?.({ id, problem } satisfies Reply);
  }
}

export function tellParent(event: unknown): void {
  process.send?.({ event } satisfies Event);
}
