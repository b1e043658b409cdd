// Socket.IO as its manual shows, on ws or, with `--uws`, attached to uWebSockets.js, where a
// broadcast becomes a native publish. Only the WebSocket transport; no compression; pings longer
// than any run. With `--rooms` a client is in the room that its address names and talks to it.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import uWS from 'uWebSockets.js';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { redisUrl, servePeer, textMessage } from './peer-server.js';

const isUws = process.argv.includes('--uws');
const { version } = createRequire(import.meta.url)('socket.io/package.json') as { version: string };
const io = new Server({
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  pingInterval: 3_600_000,
});

if (redisUrl !== undefined) io.adapter(createAdapter(new Redis(redisUrl), new Redis(redisUrl)));

if (process.argv.includes('--rooms')) {
  io.on('connection', (socket) => {
    const room = String(socket.handshake.query['room']);
    void socket.join(room);
    socket.on('say', (text: string) => void io.to(room).emit('m', text));
  });
}

function listenOnHttp(): Promise<number> {
  const http = createServer();
  io.attach(http);
  return new Promise((resolve) => {
    http.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
      resolve((http.address() as AddressInfo).port),
    );
  });
}

function listenOnUws(): Promise<number> {
  const app = uWS.App();
  io.attachApp(app as Parameters<typeof io.attachApp>[0]);
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', 0, (token) => {
      if (token === false) reject(new Error('no port'));
      else resolve(uWS.us_socket_local_port(token));
    });
  });
}

servePeer({
  name: isUws ? 'Socket.IO on uWS' : 'Socket.IO on ws',
  version,
  listen: isUws ? listenOnUws : listenOnHttp,
  hasAdapter: true,
  publish: (sequence, bytes) => void io.emit('m', textMessage(sequence, bytes)),
});
