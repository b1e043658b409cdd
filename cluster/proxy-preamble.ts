// Reads the PROXY header of a connection that a trusted balancer opened, before anything else sees
// its bytes.

import type { Socket } from 'node:net';
import { coerceError } from './errors.js';
import { mayBeProxyHeader, parseProxyHeader, type ProxyHeader } from './proxy-header.js';

/**
 * Resolves to the client's address, with the bytes behind the header back in the socket, which is
 * paused. Rejects when the header is missing, broken or late, or the socket closes.
 * @param isOptional bytes that are no header are left alone; resolves to undefined
 */
export function readProxyHeader(
  socket: Socket,
  timeoutMs: number,
  { isOptional = false } = {},
): Promise<ProxyHeader['source']> {
  return new Promise((resolve, reject) => {
    let pending: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => finish(new Error('the PROXY header is late')), timeoutMs);
    const onClose = () => finish(new Error('closed before the PROXY header'));
    const onError = (error: Error) => finish(error);
    function onData(data: Buffer): void {
      pending = Buffer.concat([pending, data]);
      if (isOptional && !mayBeProxyHeader(pending)) {
        finish(undefined, { source: undefined, rest: pending });
        return;
      }
      try {
        const header = parseProxyHeader(pending);
        if (header !== undefined) finish(undefined, header);
      } catch (thrown) {
        finish(coerceError(thrown));
      }
    }
    function finish(error: Error | undefined, header?: ProxyHeader): void {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose).off('error', onError);
      socket.pause();
      if (header === undefined) {
        reject(error ?? new Error('no PROXY header'));
        return;
      }
      if (header.rest.length > 0) socket.unshift(header.rest);
      resolve(header.source);
    }
    socket.on('data', onData).on('close', onClose).on('error', onError);
  });
}
