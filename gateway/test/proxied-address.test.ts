// Under which address a connection counts, on both listeners: PROXY headers and X-Forwarded-For are
// believed from a trusted proxy and from nobody else.
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { captureLog, startRedis, until, type TestScope } from '../../cluster/testing/index.js';
import { createAddressOf, createProxyCheck } from '../client-address.js';
import { addressOf, forwarded, listeners, shake } from './handshakes.js';
import { startWorker } from './worker-harness.js';

const { url: redisUrl } = await startRedis(t);
const LOCAL = '127.0.0.1';
const SIGNATURE = '0d0a0d0a000d0a515549540a';
/** From 192.0.2.99 and from 2001:db8::1, version 2; the first as version 1. */
const V2 = Buffer.from(`${SIGNATURE}2111000cc0000263c6336401d431078f`, 'hex');
const V2_IPV6 = Buffer.from(
  `${SIGNATURE}21210024${'20010db8000000000000000000000001'.repeat(2)}1f90078f`,
  'hex',
);
const V2_LOCAL = Buffer.from(`${SIGNATURE}20000000`, 'hex');
const V1 = Buffer.from('PROXY TCP4 192.0.2.99 198.51.100.1 54321 443\r\n');

/** Status line of a handshake that follows `preamble` in the same connection, '' = cut. */
async function knock(
  scope: TestScope,
  url: string,
  preamble: Buffer,
  headers: readonly string[] = [],
): Promise<string> {
  const { port, pathname } = new URL(url);
  const socket = connect(Number(port), LOCAL);
  scope.teardown(() => socket.destroy());
  const lines = [
    `GET ${pathname} HTTP/1.1`,
    'Host: gateway.test',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(pathname === '/' ? ['Sec-WebSocket-Protocol: rt1.json'] : []),
    ...headers,
  ];
  // In two pieces: a header need not come in one packet.
  socket.write(preamble.subarray(0, 7));
  socket.write(Buffer.concat([preamble.subarray(7), Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)]));
  const answer = await Promise.race([
    once(socket, 'data').then(([data]) => String(data)),
    once(socket, 'close').then(() => ''),
  ]).catch(() => '');
  socket.destroy();
  return answer.split('\r\n')[0] ?? '';
}

async function start(t: TestScope, trustedProxies: readonly string[]) {
  const { log, lines } = captureLog();
  const worker = await startWorker(t, redisUrl, { trustedProxies, log });
  let seen = 0;
  /** The address of the connection that has ended since the last call. */
  const address = async (): Promise<unknown> => {
    const ended = () => lines.filter(({ event }) => event === 'connection.closed');
    await until(() => ended().length > seen, { what: 'a connection has ended' });
    seen += 1;
    return ended()[seen - 1]?.['address'];
  };
  return { worker, address };
}

for (const listener of listeners) {
  t.test(`${listener}: a trusted proxy says for whom it speaks`, async (t) => {
    const { worker, address } = await start(t, [LOCAL]);
    const url = addressOf(worker, listener);
    t.match(await knock(t, url, V2), / 101 /);
    t.equal(await address(), '192.0.2.99', 'version 2');
    t.match(await knock(t, addressOf(worker, listener), V2_IPV6), / 101 /);
    t.match(await address(), /^2001:0?db8(:0+)*:(:|0)*1$/, 'version 2, IPv6');
    t.match(await knock(t, addressOf(worker, listener), V2_LOCAL), / 101 /);
    t.equal(await address(), LOCAL, 'its own check');
    t.match(await knock(t, addressOf(worker, listener), Buffer.alloc(0)), / 101 /);
    t.equal(await address(), LOCAL, 'no header');
    const lie = ['X-Forwarded-For: 203.0.113.5'];
    t.match(await knock(t, addressOf(worker, listener), V2, lie), / 101 /);
    t.equal(await address(), '192.0.2.99', 'the client behind it is no proxy');
    const { socket } = await shake(t, addressOf(worker, listener), forwarded('203.0.113.5'));
    socket?.close();
    t.equal(await address(), '203.0.113.5', 'X-Forwarded-For');
    const lines = ['X-Forwarded-For: 198.51.100.66', 'X-Forwarded-For: 203.0.113.7'];
    t.match(await knock(t, addressOf(worker, listener), Buffer.alloc(0), lines), / 101 /);
    t.equal(await address(), '203.0.113.7', 'a line of its own, after that of the client');
  });

  t.test(`${listener}: whoever else says so is not believed`, async (t) => {
    const { worker, address } = await start(t, ['10.0.0.0/8']);
    const { socket } = await shake(t, addressOf(worker, listener), forwarded('203.0.113.5'));
    socket?.close();
    t.equal(await address(), LOCAL, 'a forged X-Forwarded-For');
    const answer = await knock(t, addressOf(worker, listener), V2);
    if (listener === 'websocket') {
      t.match(answer, / 101 /, 'uWebSockets reads the header of any peer …');
      t.equal(await address(), LOCAL, '… but it counts for nothing');
    } else {
      t.notMatch(answer, / 101 /);
    }
    t.notMatch(await knock(t, addressOf(worker, listener), V1), / 101 /, 'version 1');
  });
}

t.test(
  'the SockJS listener reads version 1 too, and cuts a proxy that sends a broken one',
  async (t) => {
    const { worker, address } = await start(t, [LOCAL]);
    t.match(await knock(t, addressOf(worker, 'sockjs'), V1), / 101 /);
    t.equal(await address(), '192.0.2.99');
    const broken = Buffer.from('PROXY TCP4 nonsense\r\n');
    t.equal(await knock(t, addressOf(worker, 'sockjs'), broken), '');
    t.match(await knock(t, addressOf(worker, 'sockjs'), V1), / 101 /, 'others are served');
  },
);

t.test('a chain of proxies is followed from the right, up to the first stranger', (t) => {
  const of = createAddressOf(createProxyCheck(['10.0.0.0/8', '::1']));
  t.equal(of('10.0.0.1', '1.1.1.1, 203.0.113.5, 10.0.0.2'), '203.0.113.5');
  t.equal(of('::ffff:10.0.0.1', '203.0.113.5'), '203.0.113.5');
  t.equal(of('10.0.0.1', 'rubbish, 10.0.0.2'), '10.0.0.1');
  t.equal(
    of('10.0.0.1', '203.0.113.5', () => '10.0.0.7'),
    '203.0.113.5',
    'PROXY from one to the next',
  );
  t.equal(
    of('10.0.0.1', '203.0.113.5', () => '192.0.2.99'),
    '192.0.2.99',
  );
  t.equal(
    of('192.0.2.1', '203.0.113.5', () => '192.0.2.99'),
    '192.0.2.1',
    'a stranger',
  );
  t.end();
});
