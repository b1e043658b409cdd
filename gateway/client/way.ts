// Which way the next connection takes: WebSocket, or SockJS after WebSocket could not be opened
// several times in a row, and the other way round. Pure.
import type { WebSocketConstructor, WebSocketLike } from './web-socket.js';

export type Way = 'websocket' | 'sockjs';

/** The default export of sockjs-client 1.x. */
export type SockJsConstructor = new (
  url: string,
  reserved: undefined,
  options: { transports: string[] },
) => WebSocketLike;

/** Those of sockjs-client that no content policy forbids: without iframe, without script. */
const TRANSPORTS = ['xhr-streaming', 'eventsource', 'xhr-polling'];

export class WayChooser {
  private failures = 0;
  private way: Way = 'websocket';

  /** @param failuresMax attempts that fail in a row before the other way is tried */
  constructor(private readonly failuresMax: number) {}

  get next(): Way {
    return this.way;
  }

  /** @param hasOther whether there is another way at all */
  failed(way: Way, hasOther: boolean): void {
    if (way !== this.way) return; // only a try
    this.failures += 1;
    if (this.failures < this.failuresMax) return;
    this.failures = 0;
    if (hasOther || way === 'sockjs') this.way = way === 'sockjs' ? 'websocket' : 'sockjs';
  }

  connected(way: Way): void {
    this.way = way;
    this.failures = 0;
  }
}

/** SockJS in the form of a WebSocket. */
export function asWebSocket(SockJs: SockJsConstructor): WebSocketConstructor {
  return class extends SockJs {
    constructor(url: string) {
      super(url, undefined, { transports: TRANSPORTS });
    }
  };
}
