// A TCP proxy in this process that misbehaves on command: between ioredis and Redis, mysql2 and
// MariaDB, a client and a gateway. Invariant: bytes are delayed or lost with their connection,
// never altered.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestScope } from './scope.js';

export type Direction = 'toServer' | 'toClient';

export interface TcpProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Open pairs of connections. */
  connectionCount(): number;
  /** Bytes passed on so far. */
  passedBytes(direction: Direction): number;
  /** Resets all open connections; new ones are served as before. */
  cut(): void;
  /**
   * Keeps connections open and passes nothing on, in one direction or both; new ones are stalled
   * too.
   */
  stall(direction?: Direction | 'both'): void;
  /** Passes at most `bytesPerSec` each way, per connection. */
  slow(bytesPerSec: number): void;
  /** Resets all open connections and refuses new ones until healed. */
  refuse(): Promise<void>;
  /** Ends every fault; what was stalled flows on. */
  heal(): Promise<void>;
}

export interface TcpProxyOptions {
  readonly targetPort: number;
  /** Default 127.0.0.1. */
  readonly targetHost?: string;
}

/** Listens on a free port of 127.0.0.1 and passes everything on until told otherwise. */
export async function startTcpProxy(t: TestScope, options: TcpProxyOptions): Promise<TcpProxy> {
  const faults = new Faults();
  const pairs = new Set<readonly [Socket, Socket]>();
  const passed: Record<Direction, number> = { toServer: 0, toClient: 0 };

  function accept(client: Socket): void {
    const server = connect({
      host: options.targetHost ?? '127.0.0.1',
      port: options.targetPort,
      noDelay: true,
    });
    client.setNoDelay(true);
    const pair = [client, server] as const;
    pairs.add(pair);
    const drop = (): void => {
      pairs.delete(pair);
      reset(client);
      reset(server);
    };
    client.on('error', drop);
    server.on('error', drop);
    server.on('close', () => pairs.delete(pair));
    void pump(client, server, 'toServer').catch(drop);
    void pump(server, client, 'toClient').catch(drop);
  }

  async function pump(from: Socket, to: Socket, direction: Direction): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (const slice of faults.slices(chunk)) {
        await faults.pass(direction, slice.length);
        passed[direction] += slice.length;
        if (!to.write(slice)) await drained(to);
      }
    }
    await faults.pass(direction, 0);
    to.end();
  }

  function cut(): void {
    for (const [client, server] of pairs) {
      reset(client);
      reset(server);
    }
    pairs.clear();
  }

  let listener = await listen(accept, 0);
  const { port } = listener.address() as AddressInfo;

  async function refuse(): Promise<void> {
    const closed = closeServer(listener);
    cut();
    await closed;
  }
  async function heal(): Promise<void> {
    faults.end();
    if (!listener.listening) listener = await listen(accept, port);
  }
  t.teardown(async () => {
    faults.end();
    await refuse();
  });

  return {
    host: '127.0.0.1',
    port,
    connectionCount: () => pairs.size,
    passedBytes: (direction) => passed[direction],
    cut,
    stall: (direction = 'both') => faults.stall(direction),
    slow: (bytesPerSec) => faults.slow(bytesPerSec),
    refuse,
    heal,
  };
}

/** The faults in force. */
class Faults {
  private readonly stalled = new Set<Direction>();
  private bytesPerSec = Infinity;
  private waiting: (() => void)[] = [];

  stall(direction: Direction | 'both'): void {
    for (const one of ['toServer', 'toClient'] as const) {
      if (direction === one || direction === 'both') this.stalled.add(one);
    }
  }

  slow(bytesPerSec: number): void {
    this.bytesPerSec = bytesPerSec;
  }

  end(): void {
    this.stalled.clear();
    this.bytesPerSec = Infinity;
    for (const go of this.waiting.splice(0)) go();
  }

  /** A slow link passes a chunk in pieces of a tenth of a second. */
  slices(chunk: Buffer): Buffer[] {
    if (this.bytesPerSec === Infinity) return [chunk];
    const size = Math.max(1, Math.floor(this.bytesPerSec / 10));
    const slices: Buffer[] = [];
    for (let at = 0; at < chunk.length; at += size) slices.push(chunk.subarray(at, at + size));
    return slices;
  }

  /** Resolves when `bytes` may be passed on. */
  async pass(direction: Direction, bytes: number): Promise<void> {
    while (this.stalled.has(direction)) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    if (this.bytesPerSec !== Infinity) await delay((bytes / this.bytesPerSec) * 1_000);
  }
}

function listen(accept: (client: Socket) => void, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, accept);
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}

/** Resolves when more may be written; rejects when nothing ever may. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      if (socket.destroyed) reject(new Error('closed while writing'));
      else resolve();
    };
    if (socket.destroyed) settle();
    else socket.on('drain', settle).on('close', settle);
  });
}

/** RST rather than FIN: the other side sees an error, as when a host dies. */
function reset(socket: Socket): void {
  // While a FIN is under way libuv refuses to reset (EINVAL), and Node then leaks the handle.
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
