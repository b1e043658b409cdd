// The ceiling of every fan-out: uWebSockets.js with one native publish per message and nothing
// else. No accounts, no offsets, no history; a slow reader loses messages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import uWS from 'uWebSockets.js';
import { binaryMessage, servePeer } from './peer-server.js';

const TOPIC = 'all';
/**
 * Roomy, so that nothing is lost when readers keep up; `--default-backpressure` takes the library's
 * own.
 */
const BACKPRESSURE_MAX = process.argv.includes('--default-backpressure') ? 65_536 : 4_194_304;

const app = uWS.App().ws('/*', {
  idleTimeout: 0,
  maxBackpressure: BACKPRESSURE_MAX,
  open: (socket) => void socket.subscribe(TOPIC),
});

servePeer({
  name: 'raw uWS publish',
  version: packageVersion('uWebSockets.js'),
  listen: () =>
    new Promise((resolve, reject) => {
      app.listen('127.0.0.1', 0, (token) => {
        if (token === false) reject(new Error('no port'));
        else resolve(uWS.us_socket_local_port(token));
      });
    }),
  publish: (sequence, bytes) => void app.publish(TOPIC, binaryMessage(sequence, bytes), true),
});

function packageVersion(name: string): string {
  const file = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
