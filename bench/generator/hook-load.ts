// Hooks over kept-alive connections: raw TCP, one request at a time on each, so that the generator
// costs little. Open-loop when a rate is given: latency counts from the moment a hook was due.
import { connect, type Socket } from 'node:net';
import { serveParent } from '../lib/node-child.js';

export interface HookLoadCalls {
  readonly fire: {
    readonly args: {
      readonly port: number;
      readonly path: string;
      /** Forms; each connection walks its own part of them. */
      readonly bodies: readonly string[];
      readonly connections: number;
      readonly ms: number;
      /** All connections together; absent = as fast as answers come. */
      readonly perSec?: number;
    };
    readonly reply: {
      readonly requests: number;
      readonly ms: number;
      readonly latenciesMs: Float64Array;
      /** Answers other than 200, by status line. */
      readonly refused: Readonly<Record<string, number>>;
    };
  };
}

type Fire = HookLoadCalls['fire'];

class Connection {
  private answered: ((status: string) => void) | undefined;
  private text = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    socket.on('data', (part: string) => this.take(part));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  ask(request: string): Promise<string> {
    return new Promise((resolve) => {
      this.answered = resolve;
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** Every answer has a length and a body: that is promised to nginx-rtmp. */
  private take(part: string): void {
    this.text += part;
    const head = this.text.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.text)?.[1] ?? 0);
    if (this.text.length < head + 4 + length) return;
    const status = this.text.slice(9, 12);
    this.text = '';
    this.answered?.(status);
  }
}

async function fire(args: Fire['args']): Promise<Fire['reply']> {
  const { port, path, bodies, connections, ms, perSec } = args;
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const requests = bodies.map((body) => requestOf(path, body));
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  const started = performance.now();
  const stepMs = perSec === undefined ? 0 : (1_000 * connections) / perSec;
  const walk = async (connection: Connection, at: number): Promise<void> => {
    const offsetMs = (stepMs * at) / connections;
    for (let turn = 0; performance.now() - started < ms; turn += 1) {
      const due = perSec === undefined ? performance.now() : started + offsetMs + turn * stepMs;
      const early = due - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      const request = requests[(at + turn * connections) % requests.length] ?? '';
      const status = await connection.ask(request);
      latencies.push(performance.now() - due);
      if (status !== '200') refused[status] = (refused[status] ?? 0) + 1;
    }
  };
  await Promise.all(open.map(walk));
  const took = performance.now() - started;
  for (const connection of open) connection.close();
  const latenciesMs = Float64Array.from(latencies);
  return { requests: latencies.length, ms: took, latenciesMs, refused };
}

function requestOf(path: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: billing\r\n` +
    'Content-Type: application/x-www-form-urlencoded\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

serveParent<HookLoadCalls>({ fire });
