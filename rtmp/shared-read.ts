// Reads an accepted TCP socket into one buffer that all sockets of the process share. Otherwise
// Node allocates 64 KB for every read, whatever arrives: of an ingest node's CPU more than a third
// went into collecting them. Used by RtmpServer for plain TCP.
// Invariant: the bytes of a `data` event are gone when its listeners have returned.
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** What net.Socket keeps of libuv; without `useUserBuffer` it cannot be read this way. */
interface TcpHandle {
  readonly useUserBuffer?: (buffer: Uint8Array) => void;
}

/** Whole key frames of a few Mbit/s in one read; by itself Node reads 64 KB. */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

/**
 * The connection of a socket that was just accepted, as a socket that reads into the shared buffer.
 * It must be used instead of the given one, which is over then, and listened to at once.
 */
export function readShared(accepted: Socket): Socket {
  const holder = accepted as unknown as { _handle: TcpHandle | null };
  const handle = holder._handle;
  if (handle?.useUserBuffer === undefined) return accepted;
  holder._handle = null;
  const onread: OnReadOpts = {
    buffer: shared,
    callback: (bytes) => {
      socket.emit('data', shared.subarray(0, bytes));
      return true;
    },
  };
  const options: SocketConstructorOpts & { handle: TcpHandle; onread: OnReadOpts } = {
    handle,
    onread,
  };
  const socket = new Socket(options);
  // The server no longer counts it; its new owner ends it.
  accepted.destroy();
  return socket;
}
