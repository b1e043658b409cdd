// WebSocket endpoint `/publish` on the HLS server, sub-protocol `showbill.publish`. Used by
// main.ts. Protocol: the page sends `{ token, mime, width?, height?, title? }` as text, waits for
// `{ state: 'live' }`, then sends MediaRecorder chunks as binary messages. It hears `{ state:
// 'refused' | 'ended', reason }` and every 2 s `{ state: 'health', bitrateKbps, fps, keyFrameSec,
// droppedFrames }`. Closing with 1000 or without a code ends the show.
import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { contains, networks, plainAddress } from '../address-rules.js';
import { type BrowserDeps, BrowserPublisher } from './browser-publisher.js';

export interface PublishEndpointOptions extends BrowserDeps {
  /** Pages of these origins may publish; `*` = all (the token decides). */
  readonly origins: readonly string[];
  /** Networks whose `X-Forwarded-For` is believed. */
  readonly proxies: readonly string[];
}

const PATH = '/publish';
const SUB_PROTOCOL = 'showbill.publish';
/** A second of 1080p is a tenth of this. */
const MESSAGE_BYTES_MAX = 4 << 20;
const SOCKETS_MAX = 500;

export class PublishEndpoint {
  readonly #options: PublishEndpointOptions;
  readonly #proxies: BlockList;
  readonly #server = new WebSocketServer({
    ...{ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false },
    handleProtocols: (offered) => (offered.has(SUB_PROTOCOL) ? SUB_PROTOCOL : false),
  });

  constructor(options: PublishEndpointOptions) {
    this.#options = options;
    this.#proxies = networks(options.proxies);
  }

  get size(): number {
    return this.#server.clients.size;
  }

  /** Takes an `upgrade` of the HTTP server. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A peer may hang up at any time.
    socket.on('error', () => undefined);
    const { origin } = request.headers;
    const { origins } = this.#options;
    const isWelcome = origins.includes('*') || (origin !== undefined && origins.includes(origin));
    const path = (request.url ?? '').split('?', 1)[0];
    const status = path !== PATH ? 404 : !isWelcome ? 403 : this.size >= SOCKETS_MAX ? 503 : 101;
    if (status !== 101) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened: WebSocket) => {
      const agent = (request.headers['user-agent'] ?? '').slice(0, 60);
      const address = this.#addressOf(request);
      const port = request.socket.remotePort ?? 0;
      const peer = { address, port, agent, origin: origin ?? '' };
      // It keeps itself alive by the socket's listeners.
      new BrowserPublisher(opened, peer, this.#options);
    });
  }

  /** Ends what ingest has not ended already. */
  close(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  #addressOf({ socket, headers }: IncomingMessage): string {
    const direct = plainAddress(socket.remoteAddress);
    if (!contains(this.#proxies, direct)) return direct;
    const forwarded = headers['x-forwarded-for'];
    const last = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',');
    return last.at(-1)?.trim() || direct;
  }
}
