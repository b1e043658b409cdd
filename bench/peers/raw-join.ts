// The floor of every connect: uWebSockets.js that upgrades, takes one message with the handshake,
// subscribes two topics and sends one reply of as many bytes as the gateway's. No token, no ticket,
// no state.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import uWS from 'uWebSockets.js';
import { servePeer } from './peer-server.js';

const REPLY = Buffer.alloc(Number(process.argv[2] ?? '0'), 0x78);

const app = uWS.App().ws('/*', {
  idleTimeout: 60,
  maxBackpressure: 65_536,
  upgrade(res, req, context) {
    const key = req.getHeader('sec-websocket-key');
    const [protocol = ''] = req.getHeader('sec-websocket-protocol').split(',', 1);
    res.upgrade({}, key, protocol, '', context);
  },
  open(socket) {
    socket.subscribe('room');
    socket.subscribe('user');
    socket.send(REPLY, true);
  },
});

servePeer({
  name: 'raw uWS upgrade + one message',
  version: packageVersion('uWebSockets.js'),
  listen: () =>
    new Promise((resolve, reject) => {
      app.listen('127.0.0.1', 0, (token) => {
        if (token === false) reject(new Error('no port'));
        else resolve(uWS.us_socket_local_port(token));
      });
    }),
  publish: (_sequence, bytes) => void app.publish('room', Buffer.alloc(bytes), true),
});

function packageVersion(name: string): string {
  const file = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
