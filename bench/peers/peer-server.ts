// What all peers share: they publish numbered messages of a fixed size to all their sockets, k at
// each tick of 10 ms, as long as the run grants ticks. The tick runs inside the server under test,
// so that a peer pays nothing for being told.
import { Redis } from 'ioredis';
import { serveParent } from '../lib/node-child.js';

export interface PeerCalls {
  readonly listen: {
    args: { readonly payloadBytes: number };
    reply: { readonly port: number; readonly name: string; readonly version: string };
  };
  readonly start: {
    args: { readonly perTick: number; readonly tickMs: number; readonly ticks: number };
    reply: null;
  };
  /** Grants more ticks. */
  readonly grant: { args: { readonly ticks: number }; reply: null };
  readonly halt: { args: null; reply: { readonly ticks: number; readonly messages: number } };
}

export interface PeerServer {
  readonly name: string;
  readonly version: string;
  /** Resolves with the port. */
  listen(): Promise<number>;
  /** To all sockets; `sequence` stands first in the message of `bytes` bytes. */
  publish(sequence: number, bytes: number): void;
  /** It reaches the clients of other nodes by an adapter of its own. */
  readonly hasAdapter?: boolean;
}

/** Given as `--redis=URL` when there are several nodes. */
export const redisUrl = process.argv
  .find((word) => word.startsWith('--redis='))
  ?.slice('--redis='.length);
const FEED = 'bench';

export function servePeer(server: PeerServer): void {
  let payloadBytes = 0;
  let sequence = 0;
  let ticksLeft = 0;
  let done = { ticks: 0, messages: 0 };
  let timer: NodeJS.Timeout | undefined;

  const relay =
    redisUrl === undefined || server.hasAdapter === true
      ? undefined
      : createRelay(redisUrl, server);

  function tick(perTick: number): void {
    if (ticksLeft === 0) return;
    ticksLeft -= 1;
    for (let count = 0; count < perTick; count += 1) {
      sequence += 1;
      if (relay === undefined) server.publish(sequence, payloadBytes);
      else relay(sequence, payloadBytes);
    }
    done = { ticks: done.ticks + 1, messages: done.messages + perTick };
  }

  serveParent<PeerCalls>({
    async listen(args) {
      payloadBytes = args.payloadBytes;
      return { port: await server.listen(), name: server.name, version: server.version };
    },
    start({ perTick, tickMs, ticks }) {
      done = { ticks: 0, messages: 0 };
      ticksLeft = ticks;
      timer = setInterval(() => tick(perTick), tickMs);
      return null;
    },
    grant({ ticks }) {
      ticksLeft += ticks;
      return null;
    },
    halt() {
      clearInterval(timer);
      ticksLeft = 0;
      return done;
    },
  });
}

/**
 * Plain Redis pub/sub between nodes: every node publishes what it hears to its own sockets. The
 * message travels with all its bytes.
 */
function createRelay(url: string, server: PeerServer): (sequence: number, bytes: number) => void {
  const subscriber = new Redis(url);
  const publisher = new Redis(url, { enableAutoPipelining: true });
  subscriber.on('message', (_feed, message: string) => {
    server.publish(Number.parseInt(message, 10), message.length);
  });
  void subscriber.subscribe(FEED);
  return (sequence, bytes) => void publisher.publish(FEED, textMessage(sequence, bytes));
}

/** Text messages carry the number in decimal digits. */
export function textMessage(sequence: number, bytes: number): string {
  return `${sequence} `.padEnd(bytes, 'x');
}

/** Binary messages carry it in the first four bytes, big endian. */
export function binaryMessage(sequence: number, bytes: number): Buffer {
  const message = Buffer.alloc(bytes, 0x78);
  message.writeUInt32BE(sequence, 0);
  return message;
}
