// The sockjs package over its WebSocket transport: it has no broadcast, so each message is written
// once per connection.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import sockjs, { type Connection } from 'sockjs';
import { servePeer, textMessage } from './peer-server.js';

const { version } = createRequire(import.meta.url)('sockjs/package.json') as { version: string };
const connections = new Set<Connection>();
const server = sockjs.createServer({ prefix: '/live', log: () => undefined });
server.on('connection', (connection) => {
  connections.add(connection);
  connection.on('close', () => connections.delete(connection));
});

servePeer({
  name: 'sockjs',
  version,
  listen: () =>
    new Promise((resolve) => {
      const http = createServer();
      server.installHandlers(http);
      http.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
        resolve((http.address() as AddressInfo).port),
      );
    }),
  publish(sequence, bytes) {
    const message = textMessage(sequence, bytes);
    for (const connection of connections) connection.write(message);
  },
});
