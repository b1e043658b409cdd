// The ws package, used as its manual shows: each message is framed once per socket.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { binaryMessage, servePeer } from './peer-server.js';

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
const { version } = createRequire(import.meta.url)('ws/package.json') as { version: string };

servePeer({
  name: 'ws',
  version,
  listen: () =>
    new Promise((resolve) => {
      http.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
        resolve((http.address() as AddressInfo).port),
      );
    }),
  publish(sequence, bytes) {
    const message = binaryMessage(sequence, bytes);
    for (const socket of server.clients) socket.send(message);
  },
});
