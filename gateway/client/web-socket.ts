// The little that the client needs of a WebSocket: the browser's own, Node 22's, or the `ws`
// package.

export interface SocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
}

export interface WebSocketLike {
  binaryType: string;
  /** The sub-protocol that the server chose, once open. */
  readonly protocol?: string;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/**
 * Payload of a message event as a frame; undefined when it is of a kind that we never asked for.
 */
export function frameOf(data: unknown): Uint8Array | string | undefined {
  if (typeof data === 'string') return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : undefined;
}
