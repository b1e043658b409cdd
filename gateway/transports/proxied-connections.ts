// PROXY headers on a listener of Node's HTTP server: read from trusted balancers before HTTP sees
// the first byte, so that the connection counts under the client's address. Anybody else's bytes
// are left alone: a forged header is a malformed request.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { coerceError, readProxyHeader, type Logger } from '../../cluster/index.js';

export interface ProxiedConnectionsOptions {
  readonly isProxy: (address: string) => boolean;
  readonly log: Logger;
}

/** A balancer that has sent nothing for this long is cut. */
const HEADER_MS = 10_000;

/** To be called before the server listens. A header (version 1 or 2) is taken, not asked for. */
export function takeProxyHeaders(
  server: Server,
  { isProxy, log }: ProxiedConnectionsOptions,
): void {
  const handlers = server.listeners('connection');
  server.removeAllListeners('connection');
  const accept = (socket: Socket): void => {
    for (const handler of handlers) Reflect.apply(handler, server, [socket]);
  };
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: proxy = '' } = socket;
    if (!isProxy(proxy)) {
      accept(socket);
      return;
    }
    socket.on('error', () => socket.destroy());
    readProxyHeader(socket, HEADER_MS, { isOptional: true }).then(
      (source) => {
        if (source !== undefined) {
          Object.defineProperty(socket, 'remoteAddress', { value: source.address });
        }
        accept(socket);
        socket.resume();
      },
      (thrown: unknown) => {
        log.warn({ event: 'proxy.refused', proxy, reason: coerceError(thrown).message });
        socket.destroy();
      },
    );
  });
}
