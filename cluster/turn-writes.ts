// Everything that is written to a socket within one turn of the event loop leaves in one system
// call. A gateway sends three small commands for each new connection, billing one script for each
// shard that hooks have asked for, and a write costs far more than the command. Used by connections
// of the roles `command` and `money` and by pub/sub connections.
import type { Writable } from 'node:stream';

/** The order of writes stays; nothing waits longer than until the end of the turn. */
export function joinWrites(socket: Writable): void {
  const write = socket.write.bind(socket);
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    socket.uncork();
  };
  const joined = (...args: Parameters<typeof write>): boolean => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      setImmediate(uncork);
    }
    return write(...args);
  };
  Object.assign(socket, { write: joined });
}
