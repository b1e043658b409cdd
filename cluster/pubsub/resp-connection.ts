// One TCP or TLS connection that speaks RESP2 to one Redis node: handshake, commands out, values
// in, and a heartbeat that ends a connection whose peer has gone silent. Used by subscriber links
// and the slot map.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { clusterError, coerceError } from '../errors.js';
import type { RedisNode, RedisTarget } from '../redis-url.js';
import { joinWrites } from '../turn-writes.js';
import { encodeCommand, RespError, RespParser, type RespValue } from './resp-parser.js';

export interface RespConnectionOptions {
  readonly node: RedisNode;
  readonly target: RedisTarget;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** A connection that has received nothing for twice this long is ended. */
  readonly heartbeatMs: number;
  readonly onValue: (value: RespValue) => void;
  /** Called once, after the connection had opened. */
  readonly onClose: (reason: Error) => void;
}

export interface RespConnection {
  /** Queues one command; nothing happens on a closed connection. */
  send(...parts: readonly string[]): void;
  /** Ends the connection; onClose follows. */
  destroy(reason: Error): void;
}

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Connects, authenticates and names the connection.
 * @throws AppError REDIS_AWAY with the server's or the socket's reason; nothing stays open.
 */
export function openRespConnection(options: RespConnectionOptions): Promise<RespConnection> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(options);
    const greetings = greetingsOf(options);
    let awaited = greetings.length;
    let isOpen = false;
    let heartbeat: NodeJS.Timeout | undefined;
    let reason = new Error('the server closed the connection');

    const destroy = (why: Error): void => {
      reason = why;
      socket.destroy();
    };
    const parser = new RespParser((value) => {
      if (isOpen) {
        options.onValue(value);
        return;
      }
      if (value instanceof RespError) destroy(new Error(value.message));
      awaited -= 1;
      if (awaited > 0 || socket.destroyed) return;
      isOpen = true;
      joinWrites(socket);
      socket.setTimeout(0);
      heartbeat = startHeartbeat(socket, options.heartbeatMs, destroy);
      resolve({
        destroy,
        send: (...parts) => {
          if (!socket.destroyed) socket.write(encodeCommand(parts));
        },
      });
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        parser.push(chunk);
      } catch (thrown) {
        destroy(coerceError(thrown));
      }
    });
    socket.on('error', (error) => (reason = error));
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => destroy(new Error('no answer')));
    socket.on('close', () => {
      clearInterval(heartbeat);
      const { host, port } = options.node;
      if (isOpen) options.onClose(reason);
      else reject(clusterError('REDIS_AWAY', { host, port, reason: reason.message }, reason));
    });
    socket.write(greetings.map(encodeCommand).join(''));
  });
}

function openSocket({ node, target }: RespConnectionOptions): Socket {
  const { host, port } = node;
  const socket = target.isTls
    ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
    : connectTcp({ host, port });
  return socket.setNoDelay(true).setKeepAlive(true, 10_000);
}

function greetingsOf({ target, name }: RespConnectionOptions): string[][] {
  const { username, password } = target;
  const auth =
    password === undefined
      ? []
      : [['AUTH', ...(username === undefined ? [] : [username]), password]];
  return [...auth, ['CLIENT', 'SETNAME', name.replace(/[^!-~]/g, '-')]];
}

/** TCP notices a vanished peer after minutes; a subscriber would be deaf all that time. */
function startHeartbeat(
  socket: Socket,
  everyMs: number,
  destroy: (reason: Error) => void,
): NodeJS.Timeout {
  let seen = socket.bytesRead;
  let isAsked = false;
  return setInterval(() => {
    if (socket.bytesRead !== seen) {
      seen = socket.bytesRead;
      isAsked = false;
    } else if (isAsked) {
      destroy(new Error(`silent for ${2 * everyMs} ms`));
    } else {
      isAsked = true;
      socket.write(encodeCommand(['PING']));
    }
  }, everyMs).unref();
}
