// What memory of a Node process is, once all garbage has been collected: asked through its
// inspector, which it opens on SIGUSR1, so that the process under test needs nothing of its own for
// this.
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, type RawData } from 'ws';
import { residentBytes } from './process-cpu.js';

export interface Memory {
  readonly residentBytes: number;
  /** Live objects of JavaScript. */
  readonly heapUsedBytes: number;
  /** What JavaScript's heap holds from the kernel, live or not. */
  readonly heapTotalBytes: number;
  /** Buffers and other memory that objects of JavaScript own outside of the heap. */
  readonly externalBytes: number;
}

const OPEN_MS = 10_000;
const READ = `JSON.stringify(process.memoryUsage())`;

/** Opens the inspector of a process that was started with `--inspect-port=<port>`. */
export async function openInspector(pid: number, port: number): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const deadline = performance.now() + OPEN_MS;
  while ((await inspectorUrl(port)) === undefined) {
    if (performance.now() > deadline) throw new Error(`no inspector at port ${port}`);
    await delay(50);
  }
}

/** Collects all garbage, then looks. */
export async function memoryOf(pid: number, port: number): Promise<Memory> {
  const url = await inspectorUrl(port);
  if (url === undefined) throw new Error(`no inspector at port ${port}`);
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  try {
    await ask(socket, 1, 'HeapProfiler.collectGarbage', {});
    await ask(socket, 2, 'HeapProfiler.collectGarbage', {});
    const reply = await ask(socket, 3, 'Runtime.evaluate', { expression: READ });
    const { result } = reply as { result: { value: string } };
    const { heapUsed, heapTotal, external } = JSON.parse(result.value) as NodeJS.MemoryUsage;
    return {
      residentBytes: residentBytes(pid),
      ...{ heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external },
    };
  } finally {
    socket.terminate();
  }
}

async function inspectorUrl(port: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
    return target?.webSocketDebuggerUrl;
  } catch {
    return undefined;
  }
}

function ask(socket: WebSocket, id: number, method: string, params: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const take = (data: RawData): void => {
      const reply = JSON.parse((data as Buffer).toString()) as { id?: number; result?: unknown };
      if (reply.id !== id) return;
      socket.off('message', take);
      resolve(reply.result);
    };
    socket.on('message', take);
    socket.once('close', () => reject(new Error(`the inspector has gone during ${method}`)));
    socket.send(JSON.stringify({ id, method, params }));
  });
}
